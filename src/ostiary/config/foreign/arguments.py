"""Read the words of a command line, each in the light of the one before it: `--api-key X`, `-e NAME=X`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ostiary.config.foreign import references
from ostiary.config.foreign.clerk import Clerk, Place
from ostiary.config.foreign.secrecy import pieces, suspicious

_ASSIGNED: Final = re.compile(r"(--?[A-Za-z][\w.-]*)=(.*)", re.DOTALL)
_FLAG: Final = re.compile(r"--?[A-Za-z][\w.-]*")
_PAIR: Final = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_HEADER: Final = re.compile(r"([\w-]+)\s*:\s*(.*)", re.DOTALL)
_CONTAINERS: Final = re.compile(r"(?:.*[/\\])?(?:docker|podman|nerdctl)(?:\.exe)?$")
_JOINED: Final = re.compile(r"(--env|--headers?|-H|-e)=(.*)|(-e)([A-Za-z_]\w*=.*)", re.DOTALL)
_SETS_ENV: Final = frozenset({"-e", "--env"})
_SETS_HEADER: Final = frozenset({"--header", "-H", "--headers"})


def exposed(command: tuple[str, ...]) -> frozenset[str]:
    """Return the pieces of every secret in a command line."""
    found: set[str] = set()
    for hint, word in _hinted(command):
        if not references.whole(word) and suspicious(hint, word):
            found |= pieces(word)
    return frozenset(found)


def _hinted(command: tuple[str, ...]) -> Iterator[tuple[str | None, str]]:
    before = ""
    for word in _apart(command):
        if assigned := _ASSIGNED.fullmatch(word):
            yield assigned[1], assigned[2]
            word = assigned[2]  # noqa: PLW2901  # what follows the flag may be a pair of its own
        pair = _HEADER.fullmatch(word) if before in _SETS_HEADER else _PAIR.fullmatch(word)
        yield (pair[1], pair[2]) if pair else (_hint(before), word)
        before = word


def _apart(command: tuple[str, ...]) -> Iterator[str]:
    """Yield `--env=NAME=value` as two words: every program that has such a flag takes both forms."""
    for word in command:
        joined = _JOINED.fullmatch(word)
        yield from ((joined[1] or joined[3], joined[2] or joined[4] or "") if joined else (word,))


def _hint(before: str) -> str | None:
    return before if _FLAG.fullmatch(before) and not before.startswith(("--no-", "--skip-", "--without-")) else None


def written(clerk: Clerk, server: str, command: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the command as it may be written, and what moved from it into the environment."""
    words: list[str] = []
    env: dict[str, str] = {}
    container = bool(command) and bool(_CONTAINERS.match(command[0]))
    before = ""
    for number, word in enumerate(_apart(command)):
        pair = _PAIR.fullmatch(word)
        if not word:
            clerk.note(server, "dropped", f"argument {number} was left out: it is empty")
        elif container and before in _SETS_ENV and pair and not clerk.betrays(pair[1]):
            words.append(_moved(clerk, server, pair, env))
        else:
            words += _word(clerk, server, number, word, before)
        before = word
    return tuple(words), env


def _moved(clerk: Clerk, server: str, pair: re.Match[str], env: dict[str, str]) -> str:
    """`-e NAME=secret` becomes `-e NAME`: the container takes it from the environment, which `ps` does not show."""
    place = Place(server, f"-e {pair[1]}", pair[1], references.variable_name(pair[1]))
    value = clerk.written(place, pair[2])
    if value == pair[2]:
        return pair[0]
    env[pair[1]] = value
    return pair[1]


def _word(clerk: Clerk, server: str, number: int, word: str, before: str) -> list[str]:
    where = f"argument {number}" if number else "the command"
    place = Place(server, where, None, references.variable_name(f"{server}_arg_{number}"))
    assigned = _ASSIGNED.fullmatch(word)
    if assigned and not clerk.betrays(assigned[1]):
        return _assigned(clerk, place, assigned)
    pattern = _HEADER if before in _SETS_HEADER else _PAIR
    pair = pattern.fullmatch(word)
    if pair and not clerk.betrays(pair[1]) and not word.startswith(("http:", "https:")):
        return [_paired(clerk, place, pair)]
    hint = _hint(before) if not word.startswith("-") else None
    if hint and not clerk.betrays(hint):
        place = Place(server, f"the argument of {hint}", hint, references.variable_name(f"{server}_{hint}"))
    return [clerk.written(place, word)]


def _assigned(clerk: Clerk, place: Place, found: re.Match[str]) -> list[str]:
    flag, value = found[1], found[2]
    inner = Place(place.server, f"the argument of {flag}", flag, references.variable_name(f"{place.server}_{flag}"))
    pair = _PAIR.fullmatch(value)
    if pair and not references.embedded(value) and (why := clerk.why(pair[1], pair[2])):
        replaced = clerk.secret(inner, value, why)
    else:
        replaced = clerk.written(inner, value)
    if replaced == value:
        return [found[0]]
    clerk.note(
        place.server,
        "changed",
        f"{flag}=… was split in two words, for a reference is a whole word; check that the server takes it",
    )
    return [flag, replaced]


def _paired(clerk: Clerk, place: Place, found: re.Match[str]) -> str:
    """`NAME=value` and `Name: value` are one word, so the whole word goes where its secret goes."""
    name, value = found[1], found[2]
    if references.embedded(value) and not clerk.betrays(value):
        return clerk.written(Place(place.server, place.where, name, place.variable), found[0])
    if why := clerk.why(name, value):
        whole = Place(place.server, f"{place.where} ({name}, the whole word)", name, place.variable)
        return clerk.secret(whole, found[0], why)
    return clerk.written(place, found[0])
