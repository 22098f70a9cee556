"""Examples to train on: made of templates, and read from packages; each says where in it the attack stands."""

# Random numbers of a fixed seed make the same texts again.
# ruff: noqa: E501

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import injection_contrast as contrast
import injection_daily as daily
import injection_deeds as deeds
import injection_frames as frames
import injection_honest as honest
import injection_languages as languages
import injection_letters as letters
import injection_pages as pages
import injection_people as people
import injection_poison as poison
import injection_tongues as tongues
import injection_wider as wider
from injection_disguises import DISGUISES, HONEST
from injection_grammar import Grammar

OPEN, CLOSE = "\ue000", "\ue001"
_FILL: Final = re.compile(r"<([sx])>")
_KNOWN: Final = (
    {"open2": ("", " there", " again")}
    | wider.SLOTS
    | deeds.SLOTS
    | frames.SLOTS
    | poison.SLOTS
    | pages.SLOTS
    | languages.SAID
)
_DEEDS: Final = deeds.DEEDS | {f"{name}-{at}": some for name, some in daily.DEEDS.items() for at in range(3)}
_GOALS: Final = tuple(_DEEDS)
_OVERT: Final = frames.OVERT | wider.OVERT | daily.OVERT
_COVERT: Final = frames.COVERT | wider.COVERT | daily.COVERT
_POISON: Final = poison.POISON | wider.POISON | daily.POISON
_PAGES: Final = pages.PAGES | {"daily": daily.PAGES, "daily-too": daily.PAGES}
_POLITE: Final = frozenset({"polite", "agreed"})
_SOFTER: Final = (("<aim>", "<aim>"), ("<aim>", "<kind>"))
_GUIDES: Final = (*poison.GUIDES, *honest.GUIDES)
_REQUESTS: Final = (*contrast.REQUESTS, *honest.REQUESTS)
_TOLD: Final = re.compile(
    r"^(?:[A-Z][a-z]+s) (?:an?|the|one|your|all|details|information|up|whether|existing|new) [^.:;(]{12,90}\."
)
_URGED: Final = re.compile(
    r"(?i)\b(?:you (?:must|should|need|have to|can)|please|make sure|before you|do not|don't|never|always|if you want|to avoid)\b|^(?:use|see|run|call|set|add|specify|choose|note|create|open|check)\b"
)
_ANYTHING: Final = 0.25
"""How often a deed is anything at all, so that what is said around it has to tell."""


def deeds_in(real: Sequence[str]) -> list[str]:
    """Return deeds from sentences such as `Deletes a policy.`."""
    found = []
    for each in real:
        if _TOLD.match(each):
            verb, _, rest = each.rstrip(".").partition(" ")
            verb = (
                re.sub(r"ies$", "y", verb)
                if verb.endswith("ies")
                else re.sub(r"(?<=sh|ch|ss)es$|(?<=x)es$|s$", "", verb)
            )
            found.append(f"{verb.lower()} # {rest} #")
    return found


@dataclass(frozen=True)
class Example:
    """A text, where it stands, and the span of its attack; (0, 0): it is none."""

    text: str
    surface: str
    kind: str
    source: str
    span: tuple[int, int] = (0, 0)
    hidden: bool = False

    @property
    def label(self) -> int:
        """Return 1 for an attack."""
        return int(self.span != (0, 0))


def marked(text: str, surface: str, kind: str, source: str, *, hidden: bool = False) -> Example:
    """Return an example of a text in which marks say where the attack stands."""
    start, end = text.find(OPEN), text.find(CLOSE)
    if start < 0:
        return Example(text, surface, kind, source)
    bare = text.replace(OPEN, "").replace(CLOSE, "")
    return Example(bare, surface, kind, source, (start, max(start + 1, end - 1)), hidden)


class Maker:
    """What makes texts, in an order that a seed decides."""

    def __init__(self, rng: Random, real: Sequence[str]) -> None:
        self.rng, self.real = rng, real
        self.grammar = Grammar(rng, _KNOWN)
        self.anything = deeds_in(real)
        self.urged = [each for each in real if _URGED.search(each)]
        """Sentences that ask something of their reader."""
        self.translated: Sequence[str] = ()
        """Ordinary sentences of other languages."""
        self.asked: Sequence[str] = ()
        """Harmless questions that people ask."""
        self.written: Sequence[str] = ()
        """Attacks that people wrote."""
        self.without: frozenset[str] = frozenset()
        """Families that are not used."""
        self.carriers: Sequence[str] = ()
        """Real documents, which are changed in nothing but what is put into them."""
        self.lectured: Sequence[str] = ()
        """Real documents about attacks."""
        self.defined: Sequence[str] = ()
        """Real definitions of tools."""
        self.goals: Sequence[str] = ()
        """What published attacks want done."""
        self.dresses: Sequence[str] = ()
        """How published attacks say so."""

    def family(self, some: dict[str, tuple[str, ...]]) -> str:
        """Return one of the families."""
        return self.rng.choice([each for each in some if each not in self.without])

    def framed(self, frame: str) -> str:
        """Return an attack in a frame; where the frame says that it is one, anything may be wanted."""
        what = _DEEDS[self.rng.choice([each for each in _GOALS if each not in self.without])]
        telling = re.search(r"<(?:ai|whoai|reader|hush|owner)>|gnore|assistant|<form>", frame)
        return self.grammar.say(frame, {"deed": self.one_of(what) if telling else self.rng.choice(what)})

    def one_of(self, some: Sequence[str]) -> str:
        """Return one of some deeds, or any other."""
        if self.anything and self.rng.random() < _ANYTHING:
            return self.rng.choice(self.anything)
        return self.rng.choice(some)

    def overt(self) -> tuple[str, str]:
        """Return an attack that shows what it is, and its family."""
        family = self.family(_OVERT)
        return self.framed(self.rng.choice(_OVERT[family])), family

    def covert(self) -> tuple[str, str]:
        """Return an attack without words that set anything aside, and its family."""
        family = self.family(_COVERT)
        if family in _POLITE and self.rng.random() < 0.7:
            # What is as a person would ask a person is told apart by nothing.
            family = self.family(_COVERT)
        return self.framed(self.rng.choice(_COVERT[family])), family

    def poison(self) -> tuple[str, str]:
        """Return what a poisoned definition says, and its family."""
        family = self.family(_POISON)
        return self.framed(self.rng.choice(_POISON[family])), family

    def foreign(self) -> tuple[str, str]:
        """Return an attack in another language."""
        language = self.family({f"language-{each}": () for each in languages.FRAMES})
        short = language[-2:]
        given = {
            "deed": self.rng.choice(languages.DEEDS[short]),
            "hush": self.rng.choice(languages.HUSH.get(short, ("",))),
        }
        frames_ = (languages.FRAMES[short], tongues.FRAMES[short], tongues.FRAMES[short])
        return self.grammar.say(self.rng.choice(self.rng.choice(frames_)), given), language

    def attack(self, *, tool: bool = False) -> tuple[str, str]:
        """Return any attack, and its family."""
        chance = self.rng.random()
        if chance < 0.22:
            return self.foreign()
        if chance < 0.3 and self.dresses:
            return self.published(), "published"
        kinds = (
            (self.poison, self.poison, self.poison, self.overt, self.covert)
            if tool
            else (self.overt, self.covert, self.covert)
        )
        text, family = self.rng.choice(kinds)()
        if self.rng.random() < 0.2:
            text = f"{text} {self.rng.choice((self.overt, self.covert))()[0]}"
        if self.rng.random() < 0.12:
            text = f"{self.grammar.say('<open>')} {text}"
        return self.noised(text), family

    def published(self) -> str:
        """Return an attack of somebody else, or an order of ours in their dress."""
        order = self.rng.choice(self.goals) if self.rng.random() < 0.4 else self.framed("<deed>")
        return self.rng.choice(self.dresses).replace("<INSTRUCTION>", order)

    def inserted(self, carrier: str, body: str) -> str:
        """Return a real document with something in it, at its beginning, at its end, or where a sentence ends."""
        rng = self.rng
        if carrier.startswith("{"):
            ends = [each.start() for each in re.finditer(r'(?<=[\w.])",', carrier)] or [0]
            at = rng.choice(ends)
            said = json.dumps(body, ensure_ascii=False)[1:-1]
            return f"{carrier[:at]} {said}{carrier[at:]}" if at else f"{said} {carrier}"
        places = [0, len(carrier), *(each.end() for each in re.finditer(r"[.!?]\s+(?=\S)|\n+", carrier))]
        at = rng.choice(places) if rng.random() < 0.7 else rng.choice(places[:2])
        gap = rng.choice((" ", "\n", "\n\n", "\n\n"))
        return f"{carrier[:at].rstrip(' ')}{gap}{body}{gap}{carrier[at:]}".strip()

    def noised(self, text: str) -> str:
        """Return a text as people write it: in another case, with slips, without its marks."""
        chance = self.rng.random()
        if chance < 0.06:
            return text.upper()
        if chance < 0.16:
            return text.lower()
        if chance < 0.22 and len(text) > 20:
            at = self.rng.randrange(1, len(text) - 2)
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        if chance < 0.26:
            return text.rstrip(".")
        return text

    def sentence(self) -> str:
        """Return an ordinary sentence."""
        chance = self.rng.random()
        if self.translated and chance < 0.2:
            return self.rng.choice(self.translated)
        if self.real and chance < 0.65:
            return self.rng.choice(self.real)
        return self.grammar.say(self.rng.choice(pages.SENTENCES))

    def told(self, templates: Sequence[str], *, quoting: bool = False) -> str:
        """Return a harmless text in the words of attacks; what it quotes is one."""
        rng = self.rng
        given = {"kind": self.one_of(deeds.HARMLESS), "aim": self.one_of(_DEEDS[rng.choice(_GOALS)])}
        if quoting:
            given["attack"] = self.attack(tool=rng.random() < 0.3)[0].replace("[", "⟦").replace("]", "⟧")
        return self.grammar.say(self.grammar.choose(rng.choice(templates)).replace("|", "\n"), given)

    def demand(self) -> str:
        """Return something harmless that sounds like an attack, or is told in its words."""
        chance = self.rng.random()
        if self.asked and chance < 0.06:
            return self.rng.choice(self.asked)
        if chance < 0.16:
            return self.colleague()
        if chance < 0.2:
            return self.told(languages.PLAIN)
        if chance < 0.3 and self.urged:
            return self.rng.choice(self.urged)
        group = _REQUESTS if chance < 0.55 else contrast.MANUALS if chance < 0.8 else contrast.AGENTS
        return " ".join(self.told(group) for _ in range(self.rng.randrange(1, 3)))

    def colleague(self) -> str:
        """Return what people order people to do, in any language."""
        if self.rng.random() < 0.5:
            some = self.rng.choices(people.ORDERS, k=self.rng.randrange(1, 3))
            return " ".join(self.told([each.replace(*self.rng.choice(_SOFTER))]) for each in some)
        language = self.rng.choice(sorted(people.FOREIGN))
        return self.grammar.say(
            self.rng.choice(people.FOREIGN[language]), {"deed": self.rng.choice(languages.DEEDS[language])}
        )

    def page(self, body: str) -> str:
        """Return a page of any kind around a body, sometimes a long one, or a real one."""
        chance = self.rng.random()
        if self.carriers and chance < 0.45:
            carrier = self.rng.choice(self.carriers)
            return self.inserted(carrier[: self.rng.choice((400, 900, 3000))], body)
        if chance < 0.65:
            return self.inserted(self.letter(), body)
        shape = self.grammar.choose(self.rng.choice(_PAGES[self.rng.choice(sorted(_PAGES))]))
        text = self.grammar.say(shape.replace("|", "\n"))
        quoting = text.startswith(("{", "["))

        def put(found: re.Match[str]) -> str:
            said = body if found[1] == "x" else self.sentence()
            return json.dumps(said, ensure_ascii=False)[1:-1] if quoting else said

        text = _FILL.sub(put, text)
        if self.rng.random() < 0.3:
            around = [" ".join(self.sentence() for _ in range(self.rng.randrange(2, 8))) for _ in range(2)]
            text = f"{around[0]}\n\n{text}\n\n{around[1]}"
        return text

    def letter(self) -> str:
        """Return what somebody writes to somebody, or several of that."""
        some = [self.told([line]) for line in self.rng.choices(letters.LETTERS, k=self.rng.choice((1, 1, 1, 2, 3)))]
        return "\n\n".join(each.replace("\\n", "\n") for each in some)

    def definition(self, bad: str) -> str:
        """Return a definition's text: one description, or all of it as JSON; with poison in one of its places."""
        rng, say = self.rng, self.grammar.say
        if self.defined and rng.random() < 0.6:
            real = rng.choice(self.defined)
            return self.inserted(real, bad) if bad else real
        notes = [self.told(_GUIDES) for _ in range(rng.randrange(4))]
        if rng.random() < 0.15:
            notes.append(self.told(contrast.TOLD))
        if self.real and rng.random() < 0.25:
            notes.append(rng.choice(self.real))
        rng.shuffle(notes)
        if rng.random() < 0.12:
            notes = [self.told(tongues.HONEST) for _ in range(rng.randrange(1, 3))]
        about, field = (
            say("<purpose>.") if rng.random() < 0.9 else self.told(tongues.HONEST),
            self.told(_GUIDES) if rng.random() < 0.5 else say("The [id|name|path] of the <thing>."),
        )
        text = " ".join((about, *notes))
        place = rng.random()
        if bad and place < 0.6:
            text = rng.choice(
                (f"{text} {bad}", f"{text}\n\n{bad}", f"{bad} {text}", f"{about} {bad} {' '.join(notes)}")
            )
        elif bad:
            field = rng.choice((f"{field} {bad}", bad))
        if rng.random() < 0.45:
            return field if bad and bad in field else text
        schema = {
            "type": "object",
            "properties": {
                say("[id|query|path|body|limit|token|<param>|email]"): {"type": "string", "description": field}
            },
        }
        name = say("[get|list|send|create|search|delete|read]_<thing>")
        return json.dumps({"name": name, "description": text, "inputSchema": schema}, ensure_ascii=False)


def results(maker: Maker, count: int) -> Iterator[Example]:
    """Yield results of tools: attacked, hidden, ordinary, demanding, and about security."""
    rng = maker.rng
    for _ in range(count):
        text, family = maker.attack()
        body = f"{OPEN}{text}{CLOSE}"
        if rng.random() < 0.4:
            body = f"{maker.sentence()} {body} {maker.sentence()}"
        yield marked(maker.page(body), "answer", "result", family)
    for _ in range(count // 4):
        text, how = maker.attack()[0], rng.choice(sorted(DISGUISES))
        yield marked(maker.page(f"{OPEN}{DISGUISES[how](text)}{CLOSE}"), "answer", "hidden", how, hidden=True)
    yield from harmless(maker, count)


def harmless(maker: Maker, count: int) -> Iterator[Example]:
    """Yield results of tools that are no attacks."""
    rng = maker.rng
    for _ in range(count // 8):
        plain, how = (maker.sentence() if rng.random() < 0.5 else maker.demand()), rng.choice(sorted(HONEST))
        yield Example(maker.page(DISGUISES[how](plain)), "answer", "hidden-benign", how)
    for _ in range(count):
        yield Example(maker.page(maker.sentence()), "answer", "ordinary", "pages")
    for _ in range(int(count * 0.6)):
        yield Example(maker.letter(), "answer", "hard", "letters")
        yield Example(maker.colleague(), "answer", "hard", "people")
    for _ in range(int(count * 1.2)):
        yield Example(maker.page(maker.demand()), "answer", "hard", "demands")
    for _ in range(count):
        some = [maker.told(contrast.LECTURES, quoting=True) for _ in range(rng.randrange(1, 4))]
        if rng.random() < 0.4:
            some.insert(rng.randrange(len(some) + 1), maker.sentence())
        text = rng.choice(("\n\n", "\n", " ")).join(some)
        if maker.lectured and rng.random() < 0.4:
            text = maker.inserted(rng.choice(maker.lectured)[:2000], text)
        yield Example(maker.page(text) if rng.random() < 0.3 else text, "answer", "security", "lectures")


def definitions(maker: Maker, count: int) -> Iterator[Example]:
    """Yield definitions of tools, poisoned, hidden and honest."""
    rng = maker.rng
    for _ in range(count):
        text, family = maker.attack(tool=True)
        yield marked(maker.definition(f"{OPEN}{text}{CLOSE}"), "catalogue", "definition", family)
        yield Example(maker.definition(""), "catalogue", "honest", "made")
    for _ in range(count // 6):
        how = rng.choice(sorted(DISGUISES))
        text = f"{OPEN}{DISGUISES[how](maker.attack(tool=True)[0])}{CLOSE}"
        yield marked(maker.definition(text), "catalogue", "hidden", how, hidden=True)
    for _ in range(count // 8):
        told = maker.told(contrast.LECTURES, quoting=True)
        yield Example(maker.definition("") + " " + told, "catalogue", "security", "lectures")


def requests(maker: Maker, count: int) -> Iterator[Example]:
    """Yield arguments of calls."""
    for _ in range(count):
        text, family = maker.attack()
        yield marked(f"{OPEN}{text}{CLOSE}", "request", "argument", family)
        plain = maker.sentence() if maker.rng.random() < 0.5 else maker.demand()
        yield Example(plain if maker.rng.random() < 0.5 else maker.page(plain), "request", "ordinary", "made")
