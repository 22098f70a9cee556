"""Make what looks for each guard of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ostiary.config.checking import names
from ostiary.config.guards import GuardEntry
from ostiary.config.schema import Config
from ostiary.core.screening import Guard
from ostiary.pipeline.revealing import Pseudonyms, Reveal

_LOCAL: Final = frozenset({"secrets", "personal", "injection"})


def guarding(pseudonyms: Pseudonyms) -> Callable[[Config], Mapping[str, Guard]]:
    """Return what makes the guards of a configuration, by their names; `NAME/reveal` turns the tokens of one back."""

    def made(config: Config) -> Mapping[str, Guard]:
        found = {each.name: local(each, pseudonyms) for each in config.guards if each.use in _LOCAL}
        return found | {f"{each.name}/reveal": Reveal(pseudonyms) for each in config.guards if each.reveal}

    return made


def local(entry: GuardEntry, pseudonyms: Pseudonyms) -> Guard:
    """Return the guard of one entry."""
    # Thousands of patterns are compiled when these are imported: a gateway without guards does not pay for them.
    from ostiary.guards.acting import Then  # noqa: PLC0415
    from ostiary.guards.detecting import DETECTORS  # noqa: PLC0415
    from ostiary.pipeline.looking import Local, Wanted  # noqa: PLC0415

    wanted = Wanted(_kinds(entry.kinds), entry.at, frozenset(entry.skip))
    return Local(DETECTORS[entry.use], Then(entry.then or "block"), wanted, pseudonyms)


def _kinds(patterns: tuple[str, ...] | None) -> Callable[[str], bool]:
    if patterns is None:
        return lambda _kind: True
    return lambda rule: any(names(each, rule) for each in patterns)
