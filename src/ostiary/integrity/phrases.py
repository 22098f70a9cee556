"""The words by which a definition gives orders to a model, in several languages. Pure.

Patterns run in an engine that takes linear time whatever the text is, and gaps in them end with the sentence. The
attacks are those that were published: tool poisoning and shadowing (2025-04), line jumping (2025-04), full-schema
poisoning (2025-05), side-note parameters and preference manipulation (2025-05).
"""

# Patterns are read as one piece or not at all, and they look for typographic quotes.
# ruff: noqa: E501, RUF001

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import re2
from msgspec import Struct

from ostiary.integrity.findings import Rule, Severity

_GAP: Final = r"[^.!?\n]{0,60}?"
_CLAUSE: Final = r"[^.,;!?\n]{0,60}?"
_LONG: Final = r"[^!?\n]{0,120}?"
_USER: Final = r"(?:the|this|your|any|my)?\s*(?:human\s+|end[- ]?)?(?:users?|humans?|people|person|operators?|customers?|anyone|anybody)"
_NOT: Final = r"(?:do\s+not|don['’]?t|never|must\s+not|mustn['’]?t|should\s+not|shouldn['’]?t|cannot|refrain\s+from|avoid|without|no\s+need\s+to|not\s+to)"
_TELL: Final = r"(?:tell|telling|mention|mentioning|inform|informing|reveal|revealing|disclose|disclosing|alert|alerting|explain|explaining|show|showing|let|report|reporting|say|saying|display|displaying)"
_CONTEXT: Final = r"(?:(?:conversation|chat|message|dialogue|session)(?:s|'s)?\s+(?:history|log|context|transcript|so\s+far)|(?:entire|full|complete|whole|previous|prior|all)\s+(?:(?:user|chat|previous|prior|of\s+the|the)\s+){0,2}(?:conversation|chat|context|dialogue|messages|prompts?)|system\s+prompt|(?:your|the\s+model['’]?s)\s+(?:initial\s+|hidden\s+)?(?:instructions|reasoning|chain\s+of\s+thought)|(?:list|names)\s+of\s+(?:all\s+)?(?:the\s+)?(?:other\s+|available\s+)?tools\s+(?:you|available\s+to\s+you))"
_PATH: Final = r"(?:~?/?\.ssh\b|\bid_(?:rsa|ed25519|ecdsa)\b|\.aws/credentials|\.config/gcloud|\.kube/config|\.netrc\b|\.npmrc\b|\.pypirc\b|\.git-credentials|\.docker/config\.json|/etc/(?:passwd|shadow|sudoers)|\.cursor/mcp\.json|mcp\.json\b|claude_desktop_config|\.bash_history|\.zsh_history|\.gnupg\b|wallet\.dat|\blogin\s+data\b|cookies\.sqlite|\.env\b)"
_KEYS: Final = r"(?:api[\s_-]?keys?|passwords?|passphrases?|credentials?|private\s+keys?|access\s+tokens?|auth(?:entication)?\s+tokens?|session\s+(?:tokens?|cookies?)|ssh\s+keys?|seed\s+phrases?|mnemonics?|environment\s+variables|env\s+vars|secrets)"
_READ: Final = r"(?:read|open|cat|load|fetch|retrieve|access|get|grab|copy|locate|find|look\s+up|extract|collect|lis|lies|lire|lisez|leer|lee|lea|öffne|ouvre|ouvrez|abre|abra)"
_SEND: Final = r"(?:pass|passing|send|sending|include|including|provide|providing|put|putting|append|appending|attach|attaching|insert|inserting|submit|upload|uploading|post|forward|supply|return|paste|transmit|embed|encode|fill|add|übergib|sende|schicke|füge|envoie|envoyez|transmets|inclus|incluez|envía|envíe|incluye|incluya|pasa|pase)"
_OPENER: Final = r"(?:^|[.!?:;,>\n(]|\band|\bthen|\bplease|\byou\s+(?:must|should|need\s+to|have\s+to|shall|can)|\balways|\bfirst|\bto)\s*(?:(?:first|please|also|always|then|now|silently|quietly|instead|use\s+\w+\s+to)[,:]?\s+){0,3}"


class Phrases(Struct, frozen=True):
    """A rule and the pattern that finds it."""

    rule: Rule
    text: str

    @property
    def pattern(self) -> Any:
        """The compiled pattern: the engine has no types."""
        return _compiled(self.text)


@cache
def _compiled(text: str) -> Any:
    """Return a pattern, compiled when it is wanted first: where no text is suspicious, few of them ever are."""
    return re2.compile(text, _options())


_ORDERS: Final = (
    "A description says what a tool does; this one tells the model what else to do, and the model may obey it."
)
_LOOK: Final = (
    "Read the definition with `ostiary tools diff`. If it is meant, approve it; otherwise reject it and ask its author."
)


def _rule(name: str, severity: Severity, why: str, *patterns: str, todo: str = _LOOK) -> Phrases:
    return Phrases(Rule(name, severity, why, todo), "(?is)(?:" + "|".join(patterns) + ")")


def _options() -> Any:
    options = re2.Options()
    # Enough that no text makes the fast engine give up and use the slow one, which is linear too.
    options.max_mem = 64 << 20
    options.log_errors = False
    return options


LOW, MEDIUM, HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH

PHRASES: Final[Sequence[Phrases]] = (
    _rule(
        "authority-block", HIGH,
        "Tags and role markers make a model take text for the words of its system or its user.",
        r"</?\s*(?:important|critical|urgent|override|mandatory|attention|hidden|instructions?|system[-_ ]?(?:prompt|messages?|instructions?|reminder|note)?|assistant(?:[-_ ]\w{1,20})?|developer(?:[-_ ]\w{1,20})?|admin(?:[-_ ]\w{1,20})?|wichtig|anweisung(?:en)?|sehr[-_ ]wichtig|instrucciones|importante|consignes?|tool_(?:description|result|response|output)|function_(?:results?|calls?))\s*>",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id|begin_of_text)\|?>?",
        r"\[/?(?:INST|SYS|SYSTEM|SYSTEM[ _-]?(?:PROMPT|MESSAGE|NOTE|OVERRIDE)|ASSISTANT|ADMIN|IMPORTANT INSTRUCTIONS?)\]|<</?SYS>>",
        r"(?:^|\n)\s*#{1,6}\s*(?:system|assistant|new|hidden|secret|updated)\s*(?:prompt|message|instructions?)?\s*:",
        r"(?:^|\n)\s*(?:system|assistant|human|developer)\s*(?:prompt|message|override|note|notice|directive)?\s*:\s*\S",
        r"(?:^|[.\n])\s*(?:begin|start|end)\s+(?:of\s+)?(?:system|hidden|secret|admin)\s+(?:prompt|instructions?|message)",
    ),
    _rule(
        "overrides-instructions", HIGH, _ORDERS,
        r"\b(?:ignore|disregard|forget|override|overrule|bypass|discard|supersede|overwrite)s?\b\s+(?:\w+\s+){0,4}?(?:previous|prior|earlier|above|preceding|existing|original|former|system|safety|security|initial|foregoing|other)\s+(?:\w+\s+){0,3}?(?:instructions?|prompts?|rules?|guidelines?|directives?|commands?|constraints?|polic(?:y|ies)|messages?|guardrails?|training)",
        r"\b(?:ignore|disregard|forget)\s+(?:all\s+|everything\s+)(?:you\s+(?:were|have\s+been)\s+told|of\s+the\s+above|above|before)",
        r"\b(?:supersedes?|takes?\s+precedence\s+over|overrides?)\s+(?:\w+\s+){0,4}?(?:instructions?|prompts?|guidelines?|system\s+prompt)",
        r"\b(?:new|updated|revised|real|actual|true)\s+(?:system\s+)?(?:instructions?|directives?|orders)\s*(?::|are\b|follow)",
        r"\b(?:ignoriere|vergiss|missachte|ignorieren\s+sie|vergessen\s+sie|missachten\s+sie)\b" + _GAP + r"(?:anweisung|vorherig|bisherig|vorgabe|regeln|instruktion|obig)\w*",
        r"\b(?:ignore[zr]?|oublie[zr]?|ne\s+(?:tiens|tenez)\s+pas\s+compte)\b" + _GAP + r"(?:instructions|consignes|règles|directives)\b" + _GAP + r"(?:précédent|antérieur|ci-dessus|système|reçu)\w*",
        r"\b(?:ignora|ignore|olvida|olvide|haz\s+caso\s+omiso\s+de|descarta)\b" + _GAP + r"(?:instrucciones|reglas|indicaciones|órdenes)\b" + _GAP + r"(?:anterior|previa|sistema|arriba)\w*",
        r"\b(?:ignora|dimentica)\b" + _GAP + r"istruzioni\b" + _GAP + r"precedenti|\bignore\b" + _GAP + r"instruções\b" + _GAP + r"anteriores",
        r"(?:игнорируй|забудь)\w*" + _GAP + r"(?:инструкци|указани)\w*|忽略[^。\n]{0,20}(?:指令|指示|说明)|(?:以前|これまで|上記)の指示[^。\n]{0,10}無視",
    ),
    _rule(
        "conceals", HIGH,
        "Whatever has to be kept from the user is not in the user's interest.",
        _NOT + r"\s+(?:ever\s+|even\s+|explicitly\s+)?" + _TELL + r"\b\s*(?:of\s+|about\s+|on\s+|it|this|that|these|any(?:thing)?|the|these|to|steps?|details?|instructions?|fact|\s)*\s*" + _USER + r"\b(?:\s+(?:know|see|about|of|that|this|any|what|why|how|you)|\s*(?:[.,;!)]|$))",
        _NOT + r"\s+(?:ever\s+)?(?:mention|mentioning|reveal|revealing|disclose|disclosing|discuss|acknowledge|refer\s+to|talk\s+about)\s+(?:\w+\s+){0,3}?(?:this|these|that|step|steps|instructions?|note|rule|it)\b",
        _NOT + r"\s+(?:ever\s+)?let\s+" + _USER + r"\s+(?:know|see|find|notice|realize)",
        r"\b(?:keep|do)\s+(?:\w+\s+){0,4}?(?:secret|hidden|silent|quiet|confidential|invisible)\s+from\s+" + _USER,
        r"\b(?:hide|conceal)\s+(?:this|that|these|it|the|all|any|your)\b" + _GAP + r"\bfrom\s+" + _USER,
        r"\bwithout\s+(?:" + _USER + r"(?:['’]s)?\s+(?:knowing|noticing|seeing|knowledge|awareness)|the\s+knowledge\s+of\s+" + _USER + r")",
        r"\b(?:user|human)s?\s+(?:must|should|need|shall|can|may|do|does)\s*(?:not|never|n['’]t)\s+(?:need\s+to\s+|have\s+to\s+|ever\s+)?(?:know|see|notice|find\s+out|be\s+(?:told|informed|made\s+aware))",
        r"\b(?:nicht|nichts|kein(?:e|en|em)?|niemals|nie|ohne)\b" + _GAP + r"\b(?:benutzer|nutzer|anwender|user)\w*\b" + _GAP + r"\b(?:sagen|sag|erwähn\w*|mitteil\w*|inform\w*|verrat\w*|erzähl\w*|wissen)",
        r"\b(?:sag|erzähl|verrate|erwähne|sagen\s+sie|erwähnen\s+sie|informiere|informieren\s+sie)\w*\b" + _CLAUSE + r"\b(?:benutzer|nutzer|anwender|user)\w*\b" + _CLAUSE + r"\b(?:nicht|nichts|niemals|nie)\b",
        r"\b(?:ne|n['’]|sans|jamais)\s*" + _GAP + r"\b(?:di[st]|dites|dire|mentionne[zr]?|informe[zr]?|révèle[zr]?|révéler|préviens|prévenir|signale[zr]?)\b" + _GAP + r"\b(?:utilisateurs?|usager)",
        r"\b(?:no|nunca|jamás|sin)\b" + _GAP + r"\b(?:dig[ao]s?|diga|menciones?|mencionar|informes?|informar|informe|reveles?|revelar|decir|avisar|avises?|cuentes?)\w*\b" + _GAP + r"\busuari[oa]s?",
        r"(?:不要|请勿|切勿)[^。\n]{0,10}(?:告诉|告知|提及)[^。\n]{0,6}用户|ユーザーに[^。\n]{0,20}(?:言わ|伝え|知らせ)ない|не\s+(?:говори|сообщай)\w*\s+[^.\n]{0,20}пользовател",
    ),
    _rule(
        "requests-secrets", HIGH,
        "A definition that asks for keys, passwords or credential files makes the model hand them over as arguments.",
        _OPENER + r"(?:read|open|cat|load|fetch|retrieve|access|grab|copy|locate|extract|collect)\s+" + _LONG + _PATH,
        r"\b" + _READ + r"\b" + _LONG + _PATH + _LONG + r"\b" + _SEND + r"\b",
        r"\b" + _SEND + r"\b[^!?\n]{0,50}?\b(?:contents?|value|inhalt|contenu|contenido)\b" + _LONG + _PATH,
        _PATH + _LONG + r"\b" + _SEND + r"\b[^!?\n]{0,40}?\b(?:contents?|it|them|as|inhalt|contenu|contenido|here|this)\b",
        r"\b(?:lies|lis|lisez|lee|lea|leer|öffne|ouvre|ouvrez|abre|abra)\b" + _LONG + _PATH,
        _OPENER + r"(?:send|include|append|attach|put|insert|collect|gather|extract|list|forward|upload|post|embed|dump|copy)\s+(?:\w+\s+){0,3}?(?:the\s+)?(?:user['’]?s?|your|their|all|any|his|environment|stored|saved)\s+(?:\w+\s+){0,3}?" + _KEYS,
        r"\b(?:contents?_(?:of|from)\w{0,40}|read_|path_?of_?)?(?:ssh_id_rsa|id_rsa|id_ed25519|aws_credentials|etc_passwd|dot_?env_?contents?)\b",
        r"\b(?:read|find|look\s+up|extract|search\s+for)\s+(?:\w+\s+){0,3}?" + _KEYS + _LONG + r"\b(?:and|then)\s+" + _SEND + r"\b",
    ),
    _rule(
        "asks-for-context", HIGH,
        "A parameter or an order that collects the conversation or the system prompt carries them to the server.",
        r"\b" + _SEND + r"\s+" + _GAP + _CONTEXT,
        _CONTEXT + _GAP + r"\b(?:must|should|has\s+to|needs\s+to|shall|is\s+to)\s+be\s+(?:passed|sent|included|provided|put|appended|supplied|inserted)",
        r"(?:^|[.!\n]\s*)(?:the\s+|your\s+)?(?:full|entire|complete|whole|verbatim)\s+" + _CONTEXT,
        r"\b(?:sende|übergib|füge|schicke)\w*\b" + _GAP + r"(?:gesprächsverlauf|chatverlauf|gesamte[nrs]?\s+(?:gespräch|unterhaltung)|systemprompt)",
        r"\b(?:envoie|transmets|inclus|fournis|envoyez|incluez)\b" + _GAP + r"(?:historique\s+(?:de\s+la\s+)?conversation|toute\s+la\s+conversation|prompt\s+système)",
        r"\b(?:envía|incluye|pasa|proporciona|envíe|incluya)\b" + _GAP + r"(?:historial\s+(?:de\s+la\s+)?conversación|toda\s+la\s+conversación|conversación\s+completa|prompt\s+del\s+sistema)",
    ),
    _rule(
        "collects-aside", HIGH,
        "A parameter beside the task, for notes or reasoning, is how published attacks carry stolen text out.",
        r"\bside[\s_-]?notes?\b",
        r"\b(?:as|in|into|using|through|via|use|fill)\s+(?:the\s+|this\s+)?[`'\"“]?[\w-]{2,30}[`'\"”]?\s+(?:parameter|field|argument)\b" + _GAP + r"\b(?:contents?|conversation|secret|key|file|password|token|credentials?)\b" + _GAP + r"(?:otherwise|or\s+else|never|hidden|required\s+for)",
        r"\b(?:otherwise|or\s+else|if\s+not)\b,?\s+(?:the|this)\s+(?:tool|app|application|server|function|ide|system)\s+(?:will|would|won['’]?t|does|can|cannot)\s*(?:not|n['’]t)?\s*(?:\w+\s+)?(?:work|crash|fail|break|refuse|lock|stop|be\s+(?:lost|deleted|blocked))",
    ),
    _rule(
        "steers-order", HIGH,
        "Text that is read before any tool is called decides over calls of other tools: no approval of a call sees it.",
        r"\b(?:before|after|prior\s+to|when|whenever|each\s+time|every\s+time)\s+(?:you\s+)?(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|execut(?:e|ing)|run(?:ning)?)\s+(?:any|every|all|another|each)\s+(?:of\s+the\s+)?(?:other\s+)?(?:tools?|commands?|functions?|shell)\b",
        r"\b(?:before|prior\s+to)\s+(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|execut(?:e|ing)|run(?:ning)?)\s+(?:this|the)\s+(?:tool|function)\b,?[^!?\n]{0,30}?\b(?:read|open|cat|access|load|send|run|execute|upload|post)\b",
        r"\b(?:prefix|prepend|append|add|insert)\w*\b" + _GAP + r"\b(?:all|any|every|each)\s+(?:shell\s+|terminal\s+|bash\s+|other\s+|subsequent\s+|further\s+|future\s+)?(?:commands?|calls?|tool\s+calls?|requests?|e-?mails?|files?|messages?|outputs?|code)\b",
        r"\b(?:all|any|every|each)\s+(?:shell\s+|terminal\s+|bash\s+|other\s+|subsequent\s+|future\s+)?(?:commands?|tool\s+calls?|e-?mails?|messages|requests?|payments?|transfers?|commits?)\s+(?:must|should|shall|have\s+to|has\s+to|need\s+to|are\s+to|will)\s+(?:always\s+|also\s+|first\s+)?(?:be\s+)?(?:sent|prefixed|prepended|routed|forwarded|include|begin|start|go|contain|redirected|copied|made)",
        r"\b(?:vor|bevor)\b" + _GAP + r"\b(?:jede[mnrs]?|alle[mnrs]?|andere[mnrs]?)\s+(?:\w+\s+)?(?:werkzeug|tool|aufruf|befehl)\w*",
        r"\bavant\s+(?:d['’]utiliser|d['’]appeler|tout|chaque)\b" + _GAP + r"\b(?:outils?|commandes?|appels?)\b",
        r"\bantes\s+de\s+(?:usar|llamar|ejecutar|cada|cualquier)\b" + _GAP + r"\b(?:herramientas?|comandos?|llamadas?)\b",
    ),
    _rule(
        "steers-other-tool", HIGH,
        "A tool that decides how another one is used shadows it: the other tool's approval no longer means anything.",
        r"\b(?:when|if|while|once|as\s+long\s+as)\s+(?:this|the|that)\s+(?:\w+\s+)?(?:tool|server|function)\b[^.!?\n]{0,40}?\b(?:available|present|installed|loaded|connected|enabled|registered|listed)\b",
        r"\b(?:when(?:ever)?|if|each\s+time|every\s+time)\s+(?:you|the\s+(?:user|agent|model|assistant))\s+(?:\w+\s+){0,2}?(?:us(?:e|es|ing)|calls?|invokes?|runs?|execut(?:e|es)|sends?|writes?|transfers?|pays?|commits?)\b" + _LONG + r"\b(?:must|always|also|instead|secretly|silently|as\s+well|bcc|first)\b",
        r"\b(?:change|replace|modify|set|swap|alter|rewrite|redirect)\b\s+(?:\w+\s+){0,3}?(?:recipients?|addressee|destination|payee|receiver|iban|account\s+number|to[\s-]+(?:field|address)|url|amount)s?\b" + _GAP + r"\b(?:to|with|by)\b" + _GAP + r"(?:@|https?://|attacker|0x|\+\d|\b[a-z]{2}\d\d\b)",
        r"\bthe\s+(?:behaviou?r|description|output|parameters?)\s+of\s+(?:the\s+)?[`'\"“]?[\w./-]+[`'\"”]?\s+(?:tool\s+)?(?:is|are|must|has|have|should|changes?)\b" + _GAP + r"\b(?:changed|modified|follow\w*|be|as|superseded|overridden)\b",
        r"\b(?:other|another)\s+(?:mcp\s+)?servers?(?:['’]s?)?\s+(?:tools?|functions?)?\b" + _GAP + r"\b(?:must|should|broken|deprecated|unsafe|malicious|compromised|instead|do\s+not|never|outdated)\b",
        r"\b(?:do\s+not|don['’]?t|never)\s+(?:use|call|trust|invoke)\s+(?:any\s+|all\s+|the\s+)?(?:other|another|any|remaining)\s+(?:\w+\s+)?(?:tools?|servers?|functions?)",
        r"\b(?:is|are|has\s+been|have\s+been)\s+(?:deprecated|disabled|compromised|broken|unsafe|removed)\b,?\s+(?:and\s+|so\s+)?(?:you\s+must\s+|always\s+|please\s+)?(?:use|call|route)\s+(?:this|only\s+this)\s+(?:tool|one|function)",
    ),
    _rule(
        "skips-consent", HIGH,
        "The user's consent is the user's to give; a definition that tells the model not to ask takes it away.",
        r"\b(?:do\s+not|don['’]?t|never|must\s+not|no\s+need\s+to)\s+(?:ever\s+)?(?:ask|prompt|request|wait\s+for|seek|require)\s+(?:\w+\s+){0,3}?(?:for\s+)?(?:\w+\s+){0,2}?(?:confirmation|permission|approval|consent|authori[sz]ation)",
        r"\b(?:automatically|always|silently)\s+(?:approve|accept|confirm|allow)\s+(?:\w+\s+){0,3}?(?:calls?|requests?|prompts?|permissions?|actions?|commands?|confirmations?)",
        r"\b(?:frage?|fragen\s+sie)\b" + _GAP + r"\b(?:nicht|niemals|nie)\b" + _GAP + r"\b(?:erlaubnis|bestätigung|zustimmung)|\bne\s+demande[zr]?\s+(?:pas|jamais)\b" + _GAP + r"\b(?:confirmation|permission|accord)|\bno\s+pid(?:as|a)\b" + _GAP + r"\b(?:confirmación|permiso|autorización)",
    ),
    _rule(
        "exfiltrates", HIGH,
        "An address with a place for data, or an order to send things somewhere, is how they leave.",
        r"!\[[^\]\n]{0,80}\]\(https?://[^)\s]{0,200}[?=/][^)\s]{0,80}(?:\{|\[|<|%7b|\$|=\))",
        r"https?://[^\s)\"'<>]{1,200}[?&][\w-]{1,40}=(?:\{\{?|<|\[|\$\{|%7b)\s*(?:conversation|chat|history|context|secret|data|content|message|prompt|key|token|password|base64|user|env|result|output|everything|all|file)",
        r"https?://(?:[\w-]+\.)*(?:webhook\.site|requestbin\.\w+|pipedream\.net|interact\.sh|oast\.\w+|burpcollaborator\.net|ngrok(?:-free)?\.(?:io|app|dev)|canarytokens\.\w+|requestcatcher\.com|beeceptor\.com|hookbin\.com|dnslog\.\w+|ceye\.io)",
        r"\b(?:always|must|also|silently|secretly|automatically|then|please)\s+(?:\w+\s+){0,2}?(?:bcc|cc|forward|copy|send|post|upload|report|exfiltrate|transmit|mirror)\b" + _LONG + r"(?:https?://|[\w.+-]+@[\w-]+\.\w|\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b)",
        r"\b(?:bcc|cc)\s+(?:a\s+copy\s+)?(?:to\s+)?[\w.+-]+@[\w-]+\.\w",
        r"\b(?:send|post|upload|forward|submit|transmit|exfiltrate)\s+(?:the\s+|all\s+|its\s+|their\s+|any\s+|a\s+copy\s+of\s+)?(?:\w+\s+){0,4}?(?:contents?|conversation|history|credentials?|keys?|secrets?|results?|data|files?|output|messages?)\b" + _GAP + r"\bto\s+(?:https?://|[\w.+-]+@[\w-]+\.\w)",
    ),
    _rule(
        "runs-commands", MEDIUM,
        "A command in a description is one that a model may run elsewhere.",
        r"\b(?:curl|wget)\b[^|\n]{1,200}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b",
        r"\bbase64\s+(?:-d|--decode|-D)\b[^\n]{0,80}\|\s*(?:ba|z)?sh\b",
        r"\bchmod\s+(?:-R\s+)?(?:[0-7]?[67]{3}|a\+rwx|777|0666)\b",
        r"\brm\s+-rf?\s+(?:/|~|\$HOME|\*)",
        r"\bnc\s+(?:-\w+\s+){0,3}(?:\d{1,3}\.){3}\d{1,3}\s+\d+|/dev/tcp/|\bpowershell\b[^\n]{0,40}-e(?:nc|ncodedcommand)?\s",
    ),
    _rule(
        "speaks-to-model", MEDIUM, _ORDERS,
        r"\b(?:you\s+are\s+(?:now\s+)?(?:an?|the)\s+(?:\w+\s+){0,3}?(?:ai|assistant|agent|model|chatbot|llm|system)\b)",
        r"\b(?:note|notice|attention|message|instructions?|reminder|hinweis|anweisung|nota|instrucciones|consigne)\s+(?:to|for|für|an|à|pour|para|al|a)\s+(?:the\s+|all\s+|any\s+|die\s+|l['’]|el\s+|das\s+)?(?:ai|llms?|models?|assistants?|agents?|ki|ia|modell|modèle|modelo|asistente|claude|gpt|copilot|gemini|cursor)s?\s*[:;,—-]",
        r"\b(?:dear|hey|hello|attention)[,:]?\s+(?:ai|llm|model|assistant|agent|claude|gpt|chatgpt|copilot|gemini|cursor)\b",
        r"\b(?:ai|llm|assistant|language\s+model|claude|chatgpt|gpt|copilot|gemini)\s+(?:must|shall|has\s+to|is\s+required\s+to|is\s+instructed\s+to)\b",
        r"\b(?:act|behave|respond|continue|proceed)\s+as\s+(?:if|though)\s+(?:you|nothing|this|the)\b",
        r"\byou\s+(?:must|shall)\s+(?:\w+\s+){0,2}?(?:obey|comply|follow\s+(?:these|this|the\s+following)\s+(?:instructions?|steps|rules?))",
    ),
    _rule(
        "claims-priority", MEDIUM,
        "A tool that praises itself over others is called where another one would do what was asked.",
        r"\b(?:always|must|only)\s+(?:be\s+)?(?:use|used|call|called|prefer|preferred|choose|chosen|select|selected)\s+(?:this\s+(?:tool|one|function)\s+)?(?:first|instead|over|before|above)\b" + _GAP + r"\b(?:any|all|every|other|else)\b",
        r"\b(?:prefer|choose|select|use)\s+this\s+(?:tool|function|one|server)\s+(?:over|instead\s+of|rather\s+than|before)\s+(?:any|all|every|other|the\s+other|similar|competing)\b",
        r"\b(?:highest|top|maximum|absolute)\s+priority\b" + _GAP + r"\b(?:over|tool|than|above)\b",
        r"\bthis\s+(?:tool|function)\s+(?:is|must\s+be)\s+(?:\w+\s+){0,2}?(?:mandatory|required|obligatory)\s+(?:for|before|in)\s+(?:all|any|every)\b",
        r"\b(?:best|only|most\s+\w+)\s+(?:tool|choice|option)\b" + _GAP + r"\b(?:always|must|never\s+use|ignore)\b",
        r"\b(?:should|must)\s+be\s+(?:called|used|invoked)\s+(?:first|before)\s*,?\s*(?:any|all|every)\b",
    ),
    _rule(
        "says-secret", MEDIUM,
        "Keys, credential files and environment variables are named where a model could be led to fetch them.",
        r"\b(?:read|open|cat|load|access|include|provide|paste|enter|give)s?\b" + _GAP + _PATH,
        r"\b(?:provide|enter|paste|include|give|supply)\s+(?:me\s+)?(?:your|the\s+user['’]?s?)\s+(?:\w+\s+){0,2}?(?:password|passphrase|private\s+key|seed\s+phrase|mnemonic|ssh\s+key)",
    ),
    _rule(
        "names-context", MEDIUM,
        "A parameter of this name takes what the model was told, whatever the tool does with it.",
        r"^(?:conversation|chat|full|message|whole)[\s_-]*(?:history|context|log|transcript)$|^system[\s_-]?prompt$|^(?:chain[\s_-]of[\s_-]thought|model[\s_-](?:reasoning|name)|all[\s_-]?tools|tools[\s_-]list|previous[\s_-](?:messages|tool[\s_-]calls?))$",
    ),
    _rule(
        "hidden-markup", MEDIUM,
        "What a page does not show, a model reads.",
        r"<!--\s*\S",
        r"\[//\]:\s*#\s*\(|\[comment\]:\s*[#<]",
        r"<(?:span|div|p|font|details|template|script|style|iframe|img|svg|meta)\b[^>\n]{0,200}(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0|color\s*:\s*(?:white|#fff|transparent)|\bhidden\b|onerror\s*=|onload\s*=)",
        r"\bdata:(?:text|application)/[\w.+-]+[;,]|\bjavascript:\S",
    ),
)  # fmt: skip

_TOGETHER: Final = 4
_ANY: Final = tuple("|".join(f"(?:{each.text})" for each in PHRASES[first::_TOGETHER]) for first in range(_TOGETHER))
"""Find what any of them finds. One pattern of all would take three times the memory while it is compiled."""


def spoken(text: str) -> bool:
    """Say whether any of them is in a text: in almost none is, and asking for all is faster than asking for each."""
    return any(_compiled(each).search(text) is not None for each in _ANY)


_MENTION: Final = r"(?is)\b(?:such\s+as|like|e\.?g\.?|for\s+example|for\s+instance|examples?|phrases?|strings?|patterns?|detects?|detecting|flags?|matches|matching|catches|blocks|blocking|finds?|scans?\s+for|looks?\s+for|attackers?|attempts?|signatures?|known\s+as|called|contain(?:s|ing)?|saying|telling|reject(?:s|ed)?|sanitiz\w+|strips?|removes?|text|literal|keyword|\w*erkennt|wie|comme|como)\b"
"""Words before a quotation that say it is quoted: a scanner's documentation names what it looks for."""


def mentioned(before: str) -> bool:
    """Say whether what stands before a quotation says that it is one."""
    return _compiled(_MENTION).search(before) is not None


def put_away() -> None:
    """Forget what was compiled, some five megabytes: definitions are read when a server offers something new."""
    _compiled.cache_clear()
    # It remembers its own.
    re2.purge()
