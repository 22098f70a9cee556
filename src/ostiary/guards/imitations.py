"""Text that imitates what only a conversation's own machinery writes: roles, templates, tool calls. Pure; only rules."""

# Patterns are read as one piece or not at all, and they look for typographic quotes.
# ruff: noqa: E501, RUF001

from __future__ import annotations

from typing import Final

from ostiary.guards.sign import ANSWER, INDIRECT, INJECTION, INWARDS, OBFUSCATION, TOOLS, Sign

_AI: Final = r"(?:ai|a\.i\.|llm|(?:large )?language model|assistant|chat ?bot|copilot|claude|chat ?gpt|gpt|gemini|llama|agent|bot|model)"
_SURE: Final = r"(?:ai|a\.i\.|llm|(?:large )?language model|ai (?:assistant|agent|model|system)|assistant|chat ?bot|copilot|claude|chat ?gpt|gemini)"

IMITATIONS: Final = (
    Sign(
        "role.template-token", 0.9, "Imitates a chat template", "Only the program around a model writes these marks; in data they end one role and begin another.", INJECTION,
        (
            r"<\|(?:im_start|im_end|im_sep|system|user|assistant|tool|endoftext|end_of_text|eot_id|eom_id|start_header_id|end_header_id|begin_of_text|end_of_turn|start_of_role|end_of_role|python_tag|channel|message|return|call|prefix|fim_prefix)\|>?",
            r"</?(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]",
            r"<\|(?:begin|end)▁of▁sentence\|>|<\|(?:User|Assistant)\|>|<\|tool▁(?:calls?|outputs?)▁(?:begin|end)\|>",
        ),
    ),
    Sign(
        "role.line", 0.65, "Speaks as the system or the developer", "A line of data that claims a role of the conversation wants its authority.", INJECTION,
        (
            r"\n[\s>*#_\"'(-]*(?:system|developer|admin|assistant|ai) (?:prompt|message|override|note|notice|instructions?|update|alert|directive|command)[*_]*\s{0,2}:",
            r"[\n.\"][\s>*#_\"'(-]*system[*_]*\s{0,2}:\s*[\"'*]{0,2}(?:you |ignore|disregard|the assistant|from now|new |override|do not|always|never|please|forget|execute|call )",
            r"(?:begin|start|end) (?:of )?(?:system|hidden|secret|admin|developer|new) (?:prompt|instructions?|message|override)\b",
        ),
    ),
    Sign(
        "role.dialogue", 0.6, "Imitates turns of a conversation", "Turns that were never taken make a model go on where they end.", INJECTION,
        (
            r"\n[\s>*#_\"']*(?:human|user)[*_]*\s{0,2}:¦[^\x00]+?¦\n[\s>*#_\"']*(?:assistant|ai|claude|chatgpt|gpt)[*_]*\s{0,2}:",
            r"\n[\s>*#_\"']*(?:assistant|ai|claude|chatgpt)[*_]*\s{0,2}:¦[^\x00]+?¦\n[\s>*#_\"']*(?:human|user)[*_]*\s{0,2}:",
            r"\n\s*thought\s{0,2}:¦[^\x00]+?¦\n\s*action\s{0,2}:",
        ),
    ),
    Sign(
        "role.heading", 0.55, "Carries a prompt's headings", "Headings of a prompt inside data begin a prompt of their own.", INJECTION,
        (
            r"\n[\s>]*#+\s*(?:instruction|response|input)\s{0,2}:",
            r"\n[\s>]*(?:#+|={2,}|-{2,}|\*{2,})\s*(?:system|new|hidden|updated|secret|additional|special|assistant|ai|llm|model|agent) (?:instructions?|prompt|directives?|message|override|orders)\b",
        ),
    ),
    Sign(
        "role.tag", 0.6, "Wraps text in a tag with authority", "Models are taught to obey what stands in such tags, whoever wrote them.", INJECTION,
        (
            r"</?(?:system|sys|assistant|admin|developer|important|critical|urgent|override|hidden|secret|priority|mandatory|user_?query|instructions?|wichtig|importante|system[\s_-](?:prompt|messages?|reminder|instructions?|note|override)|(?:hidden|new|secret|agent|assistant|ai|llm)[\s_-](?:instructions?|prompt|note|message|directive))\s*/?>",
            r"\[\s{0,2}/?(?:system|admin|assistant|developer|internal|hidden|urgent|important|ai|llm|agent)(?: (?:prompt|message|note|notice|override|instructions?|directive|update|alert|command|reminder))(?:[:\s][^\]\n]*)?\]",
        ),
    ),
    Sign(
        "role.boundary", 0.6, "Pretends that the data is over", "What follows a forged border is read as no longer data.", INDIRECT,
        (
            r"[-=#*<\[({]{2,8}\s*/?(?:end|begin|start|close) (?:of )?(?:the )?(?:user |untrusted |external |tool )?(?:input|data|document|context|results?|output|content|response|query|email|message|page|file)s?\b\s*[-=#*>\])}]{2,8}",
            r"\bend of (?:the )?(?:tool (?:output|results?|response)|search results|retrieved (?:context|documents?)|untrusted (?:data|content|input))\b",
        ),
        INWARDS,
    ),
    Sign(
        "imitation.tool-call", 0.7, "Imitates a tool call or its result", "Calls and results are made by programs; one that stands in data is a forgery.", TOOLS,
        (
            r"</?(?:\w+:)?(?:function_calls?|function_results?|invoke|tool_calls?|tool_use|tool_results?|tool_responses?|tool_outputs?|tool_code|antArtifact)\b[^<>\n]*>",
            r"[\"']type\\?[\"']\s{0,2}:\s{0,2}\\?[\"'](?:tool_use|tool_result|tool_call|function_call)\\?[\"']",
            r"[\"'](?:tool_calls|function_call)\\?[\"']\s{0,2}:\s{0,2}[\[{]|[\"']tool_(?:use|call)_id\\?[\"']\s{0,2}:",
            r"[\"']method\\?[\"']\s{0,2}:\s{0,2}\\?[\"'](?:tools/call|sampling/createMessage|elicitation/create)\\?[\"']",
            r"\x60{3}tool_code|\bcall:[a-z_]{2,30}\{",
        ),
    ),
    Sign(
        "imitation.approval", 0.5, "Claims that somebody approved already", "Approvals are given where approvals are asked for, not in data.", TOOLS,
        (
            r"\b(?:the |your )(?:user|operator|human|owner) (?:has )?(?:already |explicitly |previously ){1,2}(?:approved|authori[sz]ed|consented|confirmed|agreed|granted|given)",
            r"\b(?:user|human|operator) (?:has )?(?:granted|given) (?:you |full |the assistant ){1,2}(?:permission|consent|access|authori[sz]ation)",
            r"\b(?:this|it|that|which) (?:action |request |operation |call |has been |is |was |already ){1,3}pre-?(?:approved|authori[sz]ed)\b",
        ),
    ),
    Sign(
        "addressed.model", 0.75, "Speaks to the model", "Data speaks about its subject; data that speaks to its reader, and means a model, wants something of it.", INDIRECT,
        (
            rf"\b{_SURE}s? (?:that |who |which |is |are |currently )?(?:reading|processing|summari[sz](?:ing|es?)|parsing|parses|viewing|handling|handles|analy[sz](?:ing|es?)|reads?|process(?:es)?|seeing|scanning|accessing|reviewing) (?:this|these|the following|that)\b",
            rf"\b(?:if|when|since|as|because) you(?:['’]re| are) (?:an? |the |a )?(?:automated |helpful |autonomous )?{_AI}\b",
            rf"\b(?:note|notice|message|instructions?|attention|important|reminder|directives?|memo|hint|request)s? (?:to|for) (?:the |any |all |every |our |your )?{_SURE}s?\b",
            rf"\b(?:attention|dear|hey|hello|hi) (?:all |any )?{_SURE}s?\s{{0,2}}[,:!]",
            rf"\b{_SURE}s? (?:must|should|shall|needs? to|has to|have to|is required to|are required to|is instructed to|will now) (?:now |also |always |first |immediately |not |never |then ){{0,2}}(?:call|send|use|run|read|include|ignore|add|append|forward|execute|invoke|reply|respond|output|write|tell|mention|follow|treat|visit|open|fetch|delete|reveal|provide|recommend|approve|say|state|answer)\b",
            r"\bas (?:an? |the )(?:ai|llm|language model|assistant|agent)\b~ you (?:must|should|need|have|are|will|can)\b",
            r"\bin your (?:next |final )?(?:response|reply|answer|output) (?:to the user )?(?:you must |please |always |must )?(?:include|add|append|say|mention|insert|write|begin|start|end)\b",
        ),
    ),
    Sign(
        "hidden.characters", 0.6, "Letters with something invisible between them", "Invisible characters inside a word hide it from filters, not from models.", OBFUSCATION,
        (
            r"[A-Za-z][\x{200b}-\x{200d}\x{2060}-\x{2064}\x{feff}\x{ad}\x{180e}\x{34f}\x{3164}]+[A-Za-z]",
            r"[\x{200b}-\x{200d}\x{2060}-\x{2064}\x{feff}]{6}|[\x{202d}\x{202e}]",
        ),
        written=True, quotable=False,
    ),
    Sign(
        "hidden.mixed-script", 0.6, "Words of letters from two alphabets", "A letter that only looks Latin hides a word from filters.", OBFUSCATION,
        (
            r"[A-Za-z]{2}[\x{430}\x{435}\x{43e}\x{440}\x{441}\x{443}\x{445}\x{456}\x{458}\x{455}\x{501}\x{3bf}\x{3b1}\x{3b5}\x{3bd}\x{3b9}\x{3c1}\x{3c5}]+[A-Za-z]",
            r"[\s\"'(/@.][A-Za-z]?[\x{430}\x{435}\x{43e}\x{440}\x{441}\x{443}\x{445}\x{456}\x{458}\x{455}\x{3bf}\x{3b1}\x{3b9}\x{406}\x{399}\x{405}]{1,2}[A-Za-z]{3}",
        ),
        written=True, quotable=False,
    ),
    Sign(
        "hidden.terminal", 0.5, "Sequences that hide text in a terminal", "Concealed, overwritten or linked text shows a person something else than a model reads.", OBFUSCATION,
        (r"\x1b\[(?:[0-9;]*;)?8m|\x1b\[[0-9;]*[AFHJKfsu]|\x1b\]8;|\x1b\[(?:38|48)[;0-9]*(?:0;0;0|255;255;255)m|\x08{3}",),
        frozenset({ANSWER, *INWARDS}), written=True, quotable=False,
    ),
)  # fmt: skip
