"""What reads the words of calls: the guards of a configuration, and where each of them stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec
from pydantic import ConfigDict, Field, Strict

from ostiary.config.fields import (
    Digest,
    Filled,
    Fixed,
    Folder,
    Lasting,
    Pattern,
    Reachable,
    Reference,
    RuleName,
    Seconds,
    Section,
    ServerURL,
    may,
    must,
)
from ostiary.config.values import covers, globbed, server_of
from ostiary.core.model import Kind, Target
from ostiary.core.screening import Block, Guard, Payload, Screen, Side, Verdict

Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1), Strict(strict=False)]
Sides = Annotated[tuple[Literal["request", "answer", "catalogue"], ...], Field(min_length=1), Strict(strict=False)]
Use = Literal[
    "secrets", "personal", "injection", "exact", "flow", "fence", "plugin", "webhook",
    "prisma-airs", "lakera-guard", "azure-prompt-shields", "azure-content-safety",
    "bedrock-guardrails", "model-armor", "openai-moderation", "nemo-guardrails",
]  # fmt: skip
_RESOURCES: Final = frozenset({Kind.RESOURCE, Kind.TEMPLATE})


class Names(Section):
    """A model that finds names of people and places."""

    model: Folder = must("The folder of a spaCy pipeline, with `meta.json` and `config.cfg`; nothing is downloaded.")


class Weights(Section):
    """A model of injections of the operator's own, of the same format as ours."""

    file: Folder = must("Where it is.")
    sha256: Digest = must("What it has to be: the SHA-256 of the file, in hexadecimal.")


class GuardEntry(Section):
    """One guard: what it looks for, where, and what happens then. They look in the order in which they are written."""

    model_config = ConfigDict(serialize_by_alias=True)

    name: RuleName = must("A unique name: what refusals, the ledger and the metrics say.")
    use: Use = must("What it looks for, or who is asked.")
    in_: Sides = may(
        ("request", "answer"),
        "What it reads: what clients say, what servers say, the definitions that servers offer.",
        alias="in",
    )
    on: Patterns = may(("*",), "What it stands at.")
    then: Literal["note", "redact", "mask", "tokenize", "fence", "hold", "block"] | None = may(
        None,
        "What happens to what it finds: it is noted, replaced, shown in part, replaced by a token that only `reveal` "
        "turns back, marked as data, or the call is held for a person, or stopped. "
        "`fence` and `plugin` do what they do.",
    )
    kinds: Annotated[tuple[Filled, ...], Field(min_length=1), Strict(strict=False)] | None = may(
        None, "Only these rules of it, such as `card` or `github-*`; `ostiary guards list` names them all."
    )
    skip: Annotated[tuple[Filled, ...], Strict(strict=False)] = may((), "Members that it does not read, by name.")
    at: Annotated[float, Field(ge=0, le=1)] = may(0.5, "How sure it has to be, between 0 and 1.")
    reveal: Annotated[tuple[Pattern, ...], Strict(strict=False)] = may(
        (), "Where tokens of the same run are turned back into what they stand for, on the way to the server."
    )
    words: Annotated[tuple[Filled, ...], Field(min_length=1, max_length=10_000), Strict(strict=False)] | None = may(
        None, "`exact`: words and phrases to find."
    )
    file: Folder | None = may(None, "`exact`: a set of hashed values, made by `ostiary guards hash`.")
    names: Names | None = may(
        None, "`personal`: names of people and places as well, by a model of yours; needs the extra `ostiary[names]`."
    )
    model: Weights | None = may(None, "`injection`: a model to use instead of ours.")
    plant: bool = may(False, "`flow`: plant a string of its own in private answers, and find it again.")
    marking: bool = may(False, "`fence`: put a mark between all words of what is fenced.")
    load: Filled | None = may(None, "`plugin`: the name under which its package registered it.")
    settings: Mapping[Filled, Fixed] = may({}, "`plugin`: what it is to know.")
    url: ServerURL | None = may(None, "Providers: where to ask, if not at the provider's own address.")
    key: Reference | None = may(None, "Providers: what the gateway proves itself with.")
    profile: Filled | None = may(None, "Providers: the profile, project, guardrail, template or configuration to use.")
    region: Filled | None = may(None, "Providers: where in the world, for those who ask.")
    version: Filled | None = may(None, "Providers: the version of the profile, for those who ask.")
    allow_private: Annotated[tuple[Reachable, ...], Strict(strict=False)] = may(
        (), "Providers: private networks in which they may be asked; without any, only public addresses."
    )
    canary: Filled | None = may(
        None, "Providers, and `personal` with `names`: words that it has to object to; it is shown them to prove it."
    )
    cache: Lasting = may(
        "60s", "Providers: for how long an answer about the same words is remembered; `0s`: not at all."
    )
    mask_first: bool = may(False, "Providers: secrets and personal data are masked before anything is sent.")
    unsafe_open: bool = may(False, "Providers: let through what could not be looked at.")
    timeout: Seconds = may("2s", "How long it may take; a guard that takes longer stops the call.")
    shadow: bool = may(False, "Rehearse it: the ledger says what it would have done, and it does nothing.")


class Guarding:
    """Which guards stand at what: those that a configuration names, with what looks for each."""

    def __init__(self, entries: tuple[GuardEntry, ...], made: Mapping[str, Guard]) -> None:
        """`made` has a guard by each entry's name, and by `NAME/reveal` what turns its tokens back."""
        self._entries, self._made = entries, made

    def at(self, target: Target) -> Target:
        """Return a target with the guards that stand at it."""
        if not self._entries:
            return target
        here = [each for each in self._entries if any(_stands(pattern, target) for pattern in each.on)]
        back = [each for each in self._entries if any(_stands(pattern, target) for pattern in each.reveal)]
        return msgspec.structs.replace(
            target,
            guards_in=(
                *(self._screen(each) for each in here if Side.REQUEST in each.in_),
                # What stands for something is read as what it is, and turned back after all have read it.
                *(self._screen(each, "/reveal") for each in back),
            ),
            guards_out=tuple(self._screen(each) for each in here if Side.ANSWER in each.in_),
        )

    def catalogue(self, kind: Kind, server: str, label: str) -> tuple[Screen, ...]:
        """Return the guards that read a definition; what a server says of itself is read wherever one stands at it."""
        target = Target(server, kind, "", label, "")
        here = (each for each in self._entries if Side.CATALOGUE in each.in_)
        return tuple(self._screen(each) for each in here if any(_reads(pattern, target) for pattern in each.on))

    def _screen(self, entry: GuardEntry, part: str = "") -> Screen:
        look = self._made.get(entry.name + part, _missing)
        return Screen(entry.name + part, look, entry.timeout, entry.shadow and not part)


async def _missing(_payload: Payload) -> Verdict:
    """Stop the call: a guard that is configured and is not there has not looked."""
    return Block("the guard is not running")


def _reads(pattern: str, target: Target) -> bool:
    if target.kind is Kind.GATEWAY:
        return pattern == "*" or globbed(server_of(pattern), target.server)
    return _stands(pattern, target)


def _stands(pattern: str, target: Target) -> bool:
    """Say whether a guard that is put on a pattern stands at a target.

    Which URIs a template will be read at is not known yet: a guard that may be meant for one of them stands at all.
    """
    if target.kind in _RESOURCES and pattern != "*":
        return ":" in pattern and globbed(server_of(pattern), target.server)
    return covers(pattern, target.label)
