"""Sentences from templates: choices, slots, and deeds in each form that English has for them."""

# Random numbers of a fixed seed make the same texts again.
# ruff: noqa: E501

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

_CHOICE: Final = re.compile(r"\[([^\[\]]*)\]")
_SLOT: Final = re.compile(r"<([a-zA-Z_]\w*)(?::(\w+))?>")
_ARTICLE: Final = re.compile(r"\b(an?) (?=(\w))", re.IGNORECASE)
_IRREGULAR: Final = {
    "send": "sent", "read": "read", "put": "put", "write": "written", "give": "given", "tell": "told", "say": "said",
    "show": "shown", "pay": "paid", "buy": "bought", "find": "found", "run": "run", "withdraw": "withdrawn", "set": "set",
    "take": "taken", "keep": "kept", "leave": "left", "hide": "hidden", "get": "gotten", "make": "made", "forget": "forgotten",
    "overwrite": "overwritten", "rewrite": "rewritten", "choose": "chosen", "build": "built", "hold": "held",
}  # fmt: skip


def lines(block: str) -> tuple[str, ...]:
    """Return the lines of a block that say something."""
    return tuple(each.strip() for each in block.strip().splitlines() if each.strip() and not each.startswith("#"))


def slots(block: str) -> dict[str, tuple[str, ...]]:
    """Return slots from lines of `name: one | two`; choices may stand in what fills them."""
    found: dict[str, tuple[str, ...]] = {}
    for line in lines(block):
        name, _, rest = line.partition(":")
        found[name.strip()] = (*found.get(name.strip(), ()), *(each.strip() for each in rest.split(" | ")))
    return found


def _e(verb: str) -> str:
    return verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb


def _double(verb: str) -> str:
    return (
        verb + verb[-1]
        if re.search(r"^(?:[^aeiou]*|sub|com|trans|re|for)[aeiou][bdgmnpt]$", verb) and len(verb) < 7
        else verb
    )


def formed(verb: str, form: str) -> str:
    """Return a verb in a form: imp, ger (sending), third (sends), part (sent)."""
    if form == "ger":
        return f"{_double(_e(verb))}ing"
    if form == "third":
        if verb.endswith(("s", "sh", "ch", "x")):
            return f"{verb}es"
        return f"{verb[:-1]}ies" if re.search(r"[^aeiou]y$", verb) else f"{verb}s"
    if form == "part":
        if verb in _IRREGULAR:
            return _IRREGULAR[verb]
        if re.search(r"[^aeiou]y$", verb):
            return f"{verb[:-1]}ied"
        return f"{_double(_e(verb))}ed"
    return verb


def deed(line: str, form: str) -> str:
    """Return a deed, `verb # object # rest`, in a form; `pass`: the object comes first."""
    verb, what, rest = (each.strip() for each in (*line.split("#"), "", "")[:3])
    head, _, tail = verb.partition(" ")
    if form == "pass":
        return " ".join(each for each in (what, "\x04", formed(head, "part"), tail, rest) if each)
    return " ".join(each for each in (formed(head, form), tail, what, rest) if each)


class Grammar:
    """Templates and what fills their slots; the same seed says the same."""

    def __init__(self, rng: Random, known: Mapping[str, Sequence[str]]) -> None:
        self.rng, self.known = rng, known

    def choose(self, text: str) -> str:
        """Return a text with its choices made; [INST] and the like are written with round brackets of their own."""
        while found := _CHOICE.search(text):
            text = text[: found.start()] + self.rng.choice(found[1].split("|")) + text[found.end() :]
        return text

    def say(self, template: str, given: Mapping[str, str] | None = None) -> str:
        """Return a template with its choices made and its slots filled."""
        return self.tidy(self._filled(template, given or {}, 0))

    def _filled(self, template: str, given: Mapping[str, str], depth: int) -> str:
        text = self.choose(template)

        def put(found: re.Match[str]) -> str:
            name, form = found[1], found[2]
            if name.lower() in given:
                said = self._of(given[name.lower()], form, given, depth)
                return said[:1].upper() + said[1:] if name[0].isupper() else said
            if name not in self.known or depth > 8:
                return found[0]
            return self._of(self.rng.choice(self.known[name]), form, given, depth)

        return _SLOT.sub(put, text)

    def _of(self, line: str, form: str | None, given: Mapping[str, str], depth: int) -> str:
        text = self._filled(line, given, depth + 1)
        if "#" in text and " # " in text:
            text = deed(text, form or "imp")
        if form == "pass" and "\x04" in text:
            text = text.replace(
                "\x04", self.rng.choice(("must be", "should be", "has to be", "is to be", "needs to be", "is"))
            )
        return text

    @staticmethod
    def tidy(text: str) -> str:
        """Return a text as it is printed."""
        text = _ARTICLE.sub(lambda each: f"{each[1][0]}{'n' if each[2] in 'aeioAEIO' else ''} ", text)
        text = re.sub(r" +([.,;?!])(?=\s|$)", r"\1", re.sub(r"  +", " ", text))
        text = re.sub(r"([.!?] )([a-z])", lambda each: each[1] + each[2].upper(), text)
        return text.replace("⟦", "[").replace("⟧", "]").replace("⟨", "<").replace("⟩", ">").replace("¦", "|").strip()
