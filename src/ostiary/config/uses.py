"""Which keys belong to which `use` of a guard, and which of them it needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ostiary.config.problems import Path, Problem
from ostiary.config.tree import Scalar, Table, child, problem_at, select


class Use(NamedTuple):
    """What one `use` takes besides what all guards take."""

    then: frozenset[str]
    """What may happen; nothing: it does what it does, and `then` is left out."""
    may: frozenset[str] = frozenset()
    needs: tuple[tuple[str, ...], ...] = ()
    """Keys of which one of each group has to be there."""
    sides: frozenset[str] = frozenset({"request", "answer", "catalogue"})


EVERYWHERE: Final = frozenset({"name", "use", "in", "on", "then", "timeout", "shadow"})
_STOP: Final = frozenset({"note", "hold", "block"})
_ASKED: Final = _STOP | {"redact", "fence"}
_ASKING: Final = frozenset({"url", "key", "allow_private", "cache", "canary", "mask_first", "unsafe_open", "skip"})
_KEY: Final = (("key",),)
USES: Final = {
    "secrets": Use(_STOP | {"redact", "mask", "tokenize"}, frozenset({"kinds", "skip", "at", "reveal"})),
    "personal": Use(
        _STOP | {"redact", "mask", "tokenize"}, frozenset({"kinds", "skip", "at", "reveal", "names", "canary"})
    ),
    "injection": Use(_STOP | {"redact", "fence"}, frozenset({"kinds", "skip", "at", "model"})),
    "exact": Use(
        _STOP | {"redact", "mask", "tokenize"}, frozenset({"skip", "reveal", "words", "file"}), (("words", "file"),)
    ),
    "flow": Use(_STOP, frozenset({"skip", "plant"}), sides=frozenset({"request", "answer"})),
    "fence": Use(frozenset(), frozenset({"skip", "marking"}), sides=frozenset({"answer"})),
    "plugin": Use(frozenset(), frozenset({"load", "settings", "skip"}), (("load",),)),
    "webhook": Use(_ASKED, _ASKING, (("url",),)),
    "prisma-airs": Use(_ASKED, _ASKING | {"profile", "region"}, (*_KEY, ("profile",))),
    "lakera-guard": Use(_ASKED, _ASKING | {"profile"}, _KEY),
    "azure-prompt-shields": Use(_STOP | {"fence"}, _ASKING, (*_KEY, ("url",))),
    "azure-content-safety": Use(_STOP | {"fence"}, _ASKING | {"at"}, (*_KEY, ("url",))),
    "bedrock-guardrails": Use(
        _ASKED, _ASKING | {"profile", "region", "version"}, (*_KEY, ("profile",), ("region",), ("version",))
    ),
    "model-armor": Use(_ASKED, _ASKING | {"profile", "region", "version"}, (*_KEY, ("profile",))),
    "openai-moderation": Use(_STOP | {"fence"}, _ASKING | {"profile", "at"}, _KEY),
    "nemo-guardrails": Use(_ASKED, _ASKING | {"profile", "version"}, (("url",), ("profile",))),
}  # fmt: skip


def check(root: Table) -> Iterator[Problem]:
    """Yield what guards lack, and what they have that means nothing to them."""
    for path, guard in select(root, "guards", "*"):
        use = child(guard, "use") if isinstance(guard, Table) else None
        known = USES.get(use.value) if isinstance(use, Scalar) and isinstance(use.value, str) else None
        if isinstance(guard, Table) and isinstance(use, Scalar) and known is not None:
            yield from _of(root, path, guard, str(use.value), known)


def _of(root: Table, path: Path, guard: Table, name: str, use: Use) -> Iterator[Problem]:
    for key in (each for each in guard.items if each not in EVERYWHERE | use.may and each in _ALL):
        others = ", ".join(sorted(other for other, each in USES.items() if key in each.may)[:4])
        yield problem_at(root, (*path, key), f"means nothing to {name}", f"remove it; it is for: {others}")
    for group in use.needs:
        if not any(child(guard, key) is not None for key in group):
            yield problem_at(root, path, f"{name} needs {' or '.join(group)}", f"add {group[0]}: ...")
    yield from _then(root, path, guard, name, use)
    yield from _named(root, path, guard)
    for at, side in select(guard, "in", "*"):
        if isinstance(side, Scalar) and side.value in _SIDES - use.sides:
            said = f"write in: [{', '.join(sorted(use.sides))}]"
            yield problem_at(root, (*path, *at), f"{name} does not read there", said, of_value=True)


def _named(root: Table, path: Path, guard: Table) -> Iterator[Problem]:
    """Yield what needs a model of names, where there is none: it would find nothing, and nobody would know."""
    if child(guard, "names") is not None:
        return
    for at, kind in select(guard, "kinds", "*"):
        if isinstance(kind, Scalar) and str(kind.value).rpartition(".")[2] in _BY_NAME:
            said = "add names: {model: FOLDER}, or remove it"
            yield problem_at(root, (*path, *at), "takes a model that knows names", said, of_value=True)
    use = child(guard, "use")
    if child(guard, "canary") is not None and isinstance(use, Scalar) and use.value == "personal":
        yield problem_at(root, (*path, "canary"), "is for the model of names, and there is none", "remove it")


def _then(root: Table, path: Path, guard: Table, name: str, use: Use) -> Iterator[Problem]:
    then = child(guard, "then")
    if then is None:
        if use.then:
            yield problem_at(root, path, "does not say what happens", f"add then: {_listed(use)}")
    elif not use.then:
        yield problem_at(root, (*path, "then"), f"{name} does what it does", "remove it")
    elif isinstance(then, Scalar) and then.value in _THEN - use.then:
        said = f"cannot {then.value} what {name} finds"
        yield problem_at(root, (*path, "then"), said, f"write {_listed(use)}", of_value=True)


def _listed(use: Use) -> str:
    *others, last = sorted(use.then, key=_ORDER.index)
    return f"{', '.join(others)} or {last}"


_ORDER: Final = ("note", "redact", "mask", "tokenize", "fence", "hold", "block")
_THEN: Final = frozenset(_ORDER)
_SIDES: Final = frozenset({"request", "answer", "catalogue"})
_BY_NAME: Final = frozenset({"name", "place"})
_ALL: Final = EVERYWHERE.union(*(each.may for each in USES.values()))
