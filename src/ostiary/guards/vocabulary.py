"""Kinds of words that attacks are made of, whatever the words: who is spoken to, what is wanted, what is hushed. Pure.

That two kinds stand in one sentence says more than which words of them do, and holds for words never seen in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Final

_KINDS: Final = {
    "reader": "ai llm llms gpt chatgpt claude gemini assistant assistants agent agents bot bots chatbot chatbots model "
    "models copilot crawler summarizer summariser parser automation machine machines orchestrator system",
    "people": "user users human humans person people operator owner anyone anybody customer client employee staff team",
    "modal": "must should shall has have need needs required obliged expected supposed will may instructed asked told "
    "ordered going duty task job step action",
    "void": "ignore ignores ignoring disregard forget override overrides bypass discard skip stop drop abandon cancel "
    "cease void obsolete instead rather supersede supersedes replaced replace suspended expired over neglect",
    "past": "previous prior earlier above before preceding original old initial past existing current foregoing written",
    "orders": "instruction instructions prompt prompts rule rules guideline guidelines order orders directive directives "
    "command commands policy policies restriction restrictions objective mission priority question request plan",
    "hush": "silently quietly secretly covertly hide hidden secret tell tells mention reveal inform notify notice know "
    "hear aware confirm confirmation asking ask consent permission approval report say show summary quiet",
    "not": "not don never without no nobody none nothing avoid refrain",
    "send": "send sends forward post upload email mail transmit copy share submit publish tweet leak exfiltrate deliver "
    "relay paste attach append include bcc cc put write pass hand file embed",
    "loot": "password passwords key keys token tokens credential credentials secrets conversation history chat contacts "
    "database records env cookie private ssh wallet seed code codes documents roster draft session data contents content",
    "place": "http https com net io org www url link webhook endpoint server address site",
    "tool": "tool tools function call calls invoke run execute open read fetch shell terminal powershell script curl bash "
    "install download import visit look search use",
    "break": "delete remove wipe disable erase revoke lock unlock turn switch off overwrite destroy shut kill swap change",
    "money": "pay payment transfer wire iban account purchase buy book invoice bank card subscribe premium eur usd",
    "grant": "grant admin administrator access invite permissions public role collaborator root sudo",
    "rank": "approve accept rate rating score recommend best praise reject hire candidate paper merge mark classify",
    "keep": "remember memory store save always future permanently later henceforth every",
    "haste": "urgent immediately now important critical mandatory first once asap emergency attention warning",
    "you": "you your yourself yours",
    "me": "i me my we us our",
    "act": "pretend imagine act roleplay mode unrestricted restrictions limits filter developer persona game obey free",
}  # fmt: skip
_BITS: Final = {name: 1 << at for at, name in enumerate((*_KINDS, "order"))}
_NAMES: Final = {bit: name for name, bit in _BITS.items()}
_WORDS: Final[Mapping[str, int]] = {
    word: reduce(or_, (_BITS[name] for name, some in _KINDS.items() if word in some.split()))
    for word in {word for some in _KINDS.values() for word in some.split()}
}
_DEEDS: Final = _BITS["send"] | _BITS["tool"] | _BITS["break"] | _BITS["money"] | _BITS["grant"] | _BITS["rank"]
_DEEDS_TOO: Final = _BITS["void"] | _BITS["hush"] | _BITS["keep"] | _BITS["act"]
_BEFORE_ORDERS: Final = frozenset(('.', '!', '?', ':', '"', "`", ">", "then", "and", "please", "to", "first", "now"))


def kinds(tokens: Sequence[str]) -> Sequence[int]:
    """Return the kinds of each word, a bit for each; a deed where orders begin is an order."""
    found = []
    before = "."
    for token in tokens:
        here = _WORDS.get(token, 0)
        if here & (_DEEDS | _DEEDS_TOO) and before in _BEFORE_ORDERS:
            here |= _BITS["order"]
        found.append(here)
        before = token
    return found


def together(some: Sequence[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the kinds of some words, and of each two of them."""
    every = reduce(or_, some, 0)
    names = [name for bit, name in _NAMES.items() if bit & every]
    return tuple(names), tuple(f"{one}+{other}" for at, one in enumerate(names) for other in names[at + 1 :])
