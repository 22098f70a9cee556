"""Everything that `ostiary check` holds a configuration against: itself, its expectations, what was approved. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from ostiary.config import members
from ostiary.config.expect import failed
from ostiary.config.parse import Document, Examined, examined
from ostiary.config.policy import Fault
from ostiary.config.problems import Invalid, Path, Problem, did_you_mean, ordered
from ostiary.config.schema import Config
from ostiary.config.showing import fixed
from ostiary.config.tree import Scalar, Table, plain, problem_at, select
from ostiary.config.values import covers, server_of
from ostiary.core.model import Json, Kind, Target
from ostiary.protocol.names import label

# What decides whether an expectation holds. Where it is wrong itself, who knows what was meant to be expected of it.
_DECIDING: Final = re.compile(
    r"(rules|expect|views|identity)\b|servers($|\.[^.]+\.(tools|reads|sends|changes)\b)|gateway\.scopes\b|$"
)
_SERVER: Final = {"command": ["-"]}
_LABELS: Final = ("tools", "reads", "sends", "changes")
_NARROW: Final = "narrow the patterns of the rule, or name something else"
_KINDS: Final = ("guards", "*", "kinds", "*")
_NAMED: Final = 3
"""Labels that one problem names; a condition that fits none of a thousand tools is one problem."""


def checked(text: str | bytes, source: str) -> Document:
    """Return the configuration whose expectations hold, too, or raise `Invalid` with everything that is wrong."""
    document, problems = tried(text, source)
    if document is None or problems:
        raise Invalid(source, problems)
    return document


def tried(text: str | bytes, source: str) -> tuple[Document | None, tuple[Problem, ...]]:
    """Return the configuration (None: it has not the right shape) and everything that is wrong with it."""
    try:
        found = examined(text, source)
    except Invalid as error:
        return None, error.problems
    if found.config is None or found.problems:
        return None, ordered((*found.problems, *_expected(found), *_ruleless(found.root)))
    document = Document(source, found.config, found.root)
    expected = tuple(document.problem(*each) for each in failed(found.config))
    return document, (*expected, *_ruleless(found.root))


def _expected(found: Examined) -> Iterator[Problem]:
    """Yield expectations that fail, where what is wrong with the rest has nothing to do with them."""
    if not found.whole or any(_DECIDING.match(each.path) for each in found.problems):
        return
    try:
        config = Config.model_validate(_policy(plain(found.root)))
    except ValidationError:
        return
    yield from (problem_at(found.root, *each, of_value=True) for each in failed(config))


def _policy(data: Any) -> dict[str, Any]:
    """Return what decides on expectations, without the rest."""
    gateway = data.get("gateway") if isinstance(data.get("gateway"), dict) else {}
    servers = data.get("servers") if isinstance(data.get("servers"), dict) else {}
    own = {"url": "https://gateway.invalid", "scopes": gateway.get("scopes", {})}
    listed = {name: _SERVER | _tools(each) for name, each in servers.items()}
    kept = {key: data[key] for key in ("rules", "expect", "views", "identity") if key in data}
    return {"gateway": own, "servers": listed, **kept}


def _tools(server: object) -> dict[str, Any]:
    return {key: server[key] for key in _LABELS if key in server} if isinstance(server, dict) else {}


def names(pattern: str, rule: str) -> bool:
    """Say whether an entry of `kinds` names a rule: by its id, by the last part of it, or by a pattern of either."""
    return fnmatchcase(rule, pattern) or fnmatchcase(rule.rpartition(".")[2], pattern)


def _ruleless(root: Table) -> Iterator[Problem]:
    """Yield the `kinds` that name no rule of what a guard uses: it would look for nothing, and nobody would know."""
    asked = [(path, node.value) for path, node in select(root, *_KINDS) if isinstance(node, Scalar)]
    if not asked:
        return
    # Thousands of patterns are compiled when these are imported: who names no kinds does not pay for them here.
    from ostiary.guards.detecting import KINDS  # noqa: PLC0415

    uses = {path[1]: node.value for path, node in select(root, "guards", "*", "use") if isinstance(node, Scalar)}
    for path, kind in asked:
        use = uses.get(path[1])
        # Of what is no text, and of a `use` that there is not, the schema has said so.
        rules = KINDS.get(use, ()) if isinstance(use, str) else ()
        if rules and isinstance(kind, str) and kind and not any(names(kind, rule) for rule in rules):
            yield problem_at(root, path, f"names no rule of {use}", _meant(kind, str(use), KINDS), of_value=True)


def _meant(kind: str, use: str, kinds: Mapping[str, tuple[str, ...]]) -> str:
    for other, rules in kinds.items():
        if any(names(kind, rule) for rule in rules):
            return f"it is of {other}, which takes a guard of its own"
    # Whether it was written short or whole, that is how the nearest one is said.
    known = kinds[use] if "." in kind else [rule.rpartition(".")[2] for rule in kinds[use]]
    return did_you_mean(kind, known) or f"see: ostiary guards list --use {use}"


# Held against what servers offer


class Seen(NamedTuple):
    """One definition that a server was seen to offer."""

    server: str
    kind: Kind
    name: str
    definition: Json

    @property
    def label(self) -> str:
        """What rules call it."""
        return label(self.server, self.kind, self.name)


def unfit(document: Document, faults: Iterable[Fault]) -> list[Problem]:
    """Return the conditions and checks that do not fit what was approved, each once."""
    places = {rule.name: number for number, rule in enumerate(document.config.rules)}
    found: dict[Fault, list[Fault]] = {}
    for each in faults:
        found.setdefault(each._replace(label="", suggestion=""), []).append(each)
    return [
        document.problem(
            ("rules", places[each.rule], *each.at),
            f"does not fit {_listed(sorted(one.label for one in alike))}: {each.message}",
            _remedy({one.suggestion for one in alike}),
        )
        for each, alike in found.items()
    ]


def _remedy(suggestions: set[str]) -> str:
    # Many tools that lack an argument have each its own arguments, and none of them is what was meant.
    return suggestions.pop() or _NARROW if len(suggestions) == 1 else _NARROW


def _listed(labels: list[str]) -> str:
    more = len(labels) - _NAMED
    return ", ".join(labels[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def strange(document: Document, seen: Iterable[Seen]) -> list[Problem]:
    """Return every name that no server was seen to offer. It is no error: what a server offers may come later."""
    offered = {each.label: each for each in seen}
    servers = {each.server for each in offered.values() if each.kind is Kind.TOOL}
    return [
        *_unoffered(document, servers, offered),
        *_overridden(document, servers, offered),
        *_set(document, offered),
    ]


def _unoffered(document: Document, servers: set[str], offered: Mapping[str, Seen]) -> Iterator[Problem]:
    for path, text in _labels(document.config):
        # Resources may come and go, and templates make any number of them: only tools and prompts are missed.
        if server_of(text) not in servers or ":" in text or any(covers(text, each) for each in offered):
            continue
        said = f"{text} fits nothing that was seen" if "*" in text else f"{text} was not seen"
        hint = did_you_mean(text, offered) or _what("its tools are", server_of(text), offered)
        yield _problem(document, path, said, hint)


def _labels(config: Config) -> Iterator[tuple[Path, str]]:
    """Yield every pattern and label of tools and prompts, and where it stands."""
    for number, rule in enumerate(config.rules):
        for key, patterns in (("allow", rule.allow), ("deny", rule.deny)):
            yield from ((("rules", number, key, at), text) for at, text in enumerate(patterns or ()))
    for number, limit in enumerate(config.limits):
        yield from ((("limits", number, "on", at), text) for at, text in enumerate(limit.on))
    for number, expectation in enumerate(config.expect):
        for key, labels in (("can", expectation.can), ("held", expectation.held), ("cannot", expectation.cannot)):
            yield from ((("expect", number, key, at), text) for at, text in enumerate(labels))
    for name, view in config.views.items():
        yield from ((("views", name, "include", at), text) for at, text in enumerate(view.include))
        for changed, table in (("rename", view.rename), ("describe", view.describe), ("set", view.set)):
            yield from ((("views", name, changed, text), text) for text in table)


def _overridden(document: Document, servers: set[str], offered: Mapping[str, Seen]) -> Iterator[Problem]:
    for name, server in document.config.servers.items():
        known = [each.name for each in offered.values() if each.server == name and each.kind is Kind.TOOL]
        for tool in server.tools if name in servers else ():
            if tool not in known:
                hint = did_you_mean(tool, known) or _what("its tools are", name, offered)
                yield _problem(document, ("servers", name, "tools", tool), "was not seen", hint)


def _set(document: Document, offered: Mapping[str, Seen]) -> Iterator[Problem]:
    """Yield arguments that a view fixes, and that the tool or prompt does not have: the view holds it back."""
    for name, view in document.config.views.items():
        for text, given in view.set.items():
            if text not in offered:
                continue
            known = sorted(members.names(offered[text].definition))
            for argument, value in given.items():
                at = ("views", name, "set", text, argument)
                if argument not in known:
                    hint = did_you_mean(argument, known) or f"it has {', '.join(known) or 'no arguments'}"
                    yield _problem(document, at, "is held back: it has no such argument", hint)
                elif not _fits(offered[text], {argument: value}):
                    hint = f"write a value that the schema of {text} takes"
                    yield _problem(document, at, "is held back: the value does not fit", hint)


def _fits(it: Seen, given: Json) -> bool:
    """Say whether a value can be fixed, as far as the schema says; a schema that cannot be used says nothing."""
    if it.kind is not Kind.TOOL:
        return all(isinstance(value, str) for value in given.values())
    target = Target(it.server, it.kind, it.name, it.label, it.name, it.definition, known=frozenset(given))
    try:
        fixed(target, given)
    except ValueError:
        return False
    return True


def _what(said: str, server: str, offered: Mapping[str, Seen]) -> str:
    names = sorted(each.name for each in offered.values() if each.server == server and each.kind is Kind.TOOL)
    return f"{said} {', '.join(names[:10])}{', ...' if len(names) > len(names[:10]) else ''}"


def _problem(document: Document, path: Path, message: str, suggestion: str) -> Problem:
    """Return the problem at the path's own place: the key of what is written as a key."""
    of_value = isinstance(path[-1], int)
    return problem_at(document.root, path, message, suggestion, of_value=of_value)
