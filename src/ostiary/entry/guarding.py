"""Make what looks for each guard of a configuration."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ostiary.adapters.secrets import resolve
from ostiary.config.checking import names
from ostiary.config.guards import GuardEntry, Weights
from ostiary.config.parse import Document
from ostiary.config.problems import Problem
from ostiary.config.schema import Config
from ostiary.config.uses import USES
from ostiary.core.screening import Fence, Guard
from ostiary.pipeline.revealing import Pseudonyms, Reveal

if TYPE_CHECKING:
    from ostiary.adapters.names import Model
    from ostiary.entry.asking import Providers
    from ostiary.guards.detecting import Detect
    from ostiary.guards.exact import Hashed
    from ostiary.pipeline.remembering import Memory

HERE: Final = Path()
LOCAL: Final = frozenset({"secrets", "personal", "injection", "exact", "fence"})
_ASKED: Final = frozenset(name for name, each in USES.items() if "allow_private" in each.may)
"""Guards that ask somebody else."""


def guarding(
    pseudonyms: Pseudonyms, asking: Asking | None = None, beside: Path = HERE
) -> Callable[[Config], Mapping[str, Guard]]:
    """Return what makes the guards of a configuration, by their names; `NAME/reveal` turns the tokens of one back.

    Files that it names lie `beside` it, where they do not begin at the root.
    """
    asking = asking or Asking(pseudonyms)
    following = Following(pseudonyms)

    def made(config: Config) -> Mapping[str, Guard]:
        found = {each.name: local(each, pseudonyms, beside) for each in config.guards if each.use in LOCAL}
        found |= {each.name: asking.guard(each) for each in config.guards if each.use in _ASKED}
        found |= {each.name: following.guard(each) for each in config.guards if each.use == "flow"}
        found |= {
            each.name: fenced(found[each.name]) for each in config.guards if each.then == "fence" and each.name in found
        }
        return found | {f"{each.name}/reveal": Reveal(pseudonyms) for each in config.guards if each.reveal}

    return made


class Asking:
    """The guards that ask providers; what they need is imported for the first of them. Close it at the end."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._providers: Providers | None = None

    def guard(self, entry: GuardEntry) -> Guard:
        """Return the guard of an entry; raise `Unresolved` or `ValueError` where it lacks something."""
        from ostiary.entry.asking import Providers  # noqa: PLC0415 - an HTTP client that few gateways need

        if self._providers is None:
            self._providers = Providers(resolve, self._pseudonyms, lambda _, finding: Fence(finding, {}, {}))
        return self._providers.guard(entry)

    def states(self) -> Mapping[str, str]:
        """Return by guard whether its provider is asked at this moment: `closed`, `half-open` or `open`."""
        return {} if self._providers is None else self._providers.states()

    async def close(self) -> None:
        """Drop every connection."""
        if self._providers is not None:
            await self._providers.close()


class Following:
    """The guards that follow what is private; what they remember outlives a new snapshot."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._memories: dict[str, Memory] = {}

    def guard(self, entry: GuardEntry) -> Guard:
        """Return the guard of an entry, with what the guard of this name remembers."""
        from ostiary.pipeline.following import Follow, Followed  # noqa: PLC0415 - few gateways need its patterns
        from ostiary.pipeline.remembering import Memory  # noqa: PLC0415

        if entry.name not in self._memories:
            self._memories[entry.name] = Memory(secrets.token_bytes(32), time.monotonic)
        followed = Followed(entry.then or "block", frozenset(entry.skip), entry.plant)
        return Follow(self._memories[entry.name], followed, self._pseudonyms)


def fences(entry: GuardEntry) -> Guard:
    """Return the guard that fences what anybody may have written."""
    from ostiary.guards.fencing import Fences  # noqa: PLC0415
    from ostiary.pipeline.fencing import Fencing  # noqa: PLC0415

    return Fencing(Fences(_boundary, entry.marking), frozenset(entry.skip))


def fenced(guard: Guard) -> Guard:
    """Return a guard whose finds are fenced."""
    from ostiary.guards.fencing import Fences  # noqa: PLC0415
    from ostiary.pipeline.fencing import Fenced  # noqa: PLC0415

    return Fenced(guard, Fences(_boundary))


def _boundary() -> str:
    """Return what nobody can know: eighty bits."""
    return secrets.token_hex(10)


def local(entry: GuardEntry, pseudonyms: Pseudonyms, beside: Path = HERE) -> Guard:
    """Return the guard of one entry, which asks for fences where it does not put them itself."""
    if entry.use == "fence":
        return fences(entry)
    # Thousands of patterns are compiled when these are imported: a gateway without guards does not pay for them.
    from ostiary.guards.acting import Then  # noqa: PLC0415
    from ostiary.guards.detecting import DETECTORS, listed  # noqa: PLC0415
    from ostiary.pipeline.looking import Local, Wanted  # noqa: PLC0415

    wanted = Wanted(_kinds(entry.kinds), entry.at, frozenset(entry.skip))
    detect = listed(entry.words or (), _set(entry, beside)) if entry.use == "exact" else DETECTORS[entry.use]
    if entry.model is not None:
        detect = _weighing(entry.name, entry.model, beside)
    then = Then(entry.then or "block")
    if entry.names is None:
        return Local(detect, then, wanted, pseudonyms)
    from ostiary.guards.naming import naming  # noqa: PLC0415
    from ostiary.pipeline.aside import Aside, soon  # noqa: PLC0415

    model = _model(entry, beside)
    soon(model.ready)
    return Aside(Local(naming(detect, model), then, wanted, pseudonyms))


def _weighing(name: str, own: Weights, beside: Path) -> Detect:
    """Return what looks for injections with a model of the operator's; raise `ValueError` where it cannot be used."""
    from ostiary.guards.classifier import Altered, loaded  # noqa: PLC0415
    from ostiary.guards.detecting import injection  # noqa: PLC0415

    try:
        model = loaded((beside / own.file).read_bytes(), own.sha256)
    except OSError as error:
        raise ValueError(f"guards.{name}.model: {own.file} cannot be read: {error.strerror}") from None
    except Altered as error:
        raise ValueError(f"guards.{name}.model: {error}") from None
    return injection(lambda: model)


def _model(entry: GuardEntry, beside: Path) -> Model:
    """Return what finds the names that an entry asks for; raise `ValueError` where it cannot be used."""
    from ostiary.adapters import names  # noqa: PLC0415

    try:
        return names.model((beside / (entry.names.model if entry.names else "")).resolve())
    except names.Unusable as error:
        raise ValueError(f"guards.{entry.name}.names: {error}") from None


def unnamed(document: Document) -> Iterator[Problem]:
    """Yield the guards that ask for names, and have nothing to find them with; no model is read."""
    beside = Path(document.source).parent
    for at, each in enumerate(document.config.guards):
        try:
            _ = _model(each, beside) if each.names is not None else None
        except ValueError as error:
            said, _, remedy = str(error).partition(": ")[2].partition("; ")
            yield document.problem(("guards", at, "names"), said, remedy)


def _set(entry: GuardEntry, beside: Path) -> Hashed | None:
    """Return the set that an entry names; raise `ValueError` where it cannot be used."""
    from ostiary.guards.sets import Unfit, unpacked  # noqa: PLC0415

    if entry.file is None:
        return None
    try:
        return unpacked((beside / entry.file).read_bytes())
    except OSError as error:
        raise ValueError(f"guards.{entry.name}.file: {entry.file} cannot be read: {error.strerror}") from None
    except Unfit as error:
        raise ValueError(f"guards.{entry.name}.file: {entry.file} {error}") from None


def _kinds(patterns: tuple[str, ...] | None) -> Callable[[str], bool]:
    if patterns is None:
        return lambda _kind: True
    return lambda rule: any(names(each, rule) for each in patterns)
