"""What rules narrow themselves to must exist, and what views change must be in them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ostiary.config import values
from ostiary.config.problems import Problem, did_you_mean
from ostiary.config.tree import Scalar, Table, child, problem_at, select, tables, texts
from ostiary.policy import conditions
from ostiary.policy.flows import GUARD
from ostiary.policy.syntax import Misread

_OWN: Final = "ostiary"
_PERSONAL: Final = ("subjects", "clients", "agents")
_ENFORCED: Final = "limit"


def check(root: Table) -> Iterator[Problem]:
    """Yield what is wrong between rules and views, identities and views."""
    for law in _LAWS:
        yield from law(root)


def _value(table: Table, key: str) -> object:
    node = table.items.get(key)
    return node.value if isinstance(node, Scalar) else None


def _names(root: Table, section: str) -> tuple[str, ...]:
    found = child(root, section)
    return tuple(found.items) if isinstance(found, Table) else ()


def _views_exist(root: Table) -> Iterator[Problem]:
    known = _names(root, "views")
    named = [*texts(root, "rules", "*", "views", "*"), *texts(root, "expect", "*", "view")]
    for path, name in named:
        if name not in known:
            what = f'no view is called "{name}"'
            yield problem_at(root, path, what, did_you_mean(name, known) or _listed("views", known), of_value=True)


def _issuers_exist(root: Table) -> Iterator[Problem]:
    known = (_OWN, *_names(root, "identity"))
    named = [*texts(root, "rules", "*", "issuers", "*"), *texts(root, "expect", "*", "who", "issuer")]
    for path, name in named:
        if name not in known:
            what = f'no identity is called "{name}"'
            yield problem_at(root, path, what, did_you_mean(name, known) or _listed("identities", known), of_value=True)


def _people_are_told_apart(root: Table) -> Iterator[Problem]:
    """Demand whose word counts where several issuers vouch: one may give out a name that the other gave somebody."""
    issuers = [path[1] for path, _ in select(root, "identity", "*", "issuer")]
    if len(issuers) < 2:  # noqa: PLR2004 - one issuer gives each name once
        return
    for path, rule in tables(root, "rules", "*"):
        for key in _PERSONAL if "issuers" not in rule.items and "deny" not in rule.items else ():
            if any(text != "*" for _, text in texts(rule, key, "*")):
                yield problem_at(
                    root, (*path, key), "may be somebody else's name at another issuer",
                    f"add issuers: [{issuers[0]}] to say whose word counts",
                )  # fmt: skip


def _narrowed_to_something(root: Table) -> Iterator[Problem]:
    for path, rule in tables(root, "rules", "*"):
        if _value(rule, "read_only") is True and _value(rule, "destructive") is True:
            yield problem_at(root, (*path, "destructive"), "nothing is both read-only and destructive", "remove one")
        if "checks" in rule.items and "deny" in rule.items:
            # Denied would be what fits, and a shape that nobody thought of would go through.
            yield problem_at(
                root, (*path, "checks"), "are only for rules that allow", "put them on the rule that allows it"
            )
        if _value(rule, "shadow") is True and _ENFORCED in rule.items:
            yield problem_at(root, (*path, _ENFORCED), "is only for rules that are enforced", "remove it, or shadow")


def _conditions_have_arguments(root: Table) -> Iterator[Problem]:
    """Refuse conditions on arguments where there are none: a rule would deny every resource for ever."""
    for path, rule in tables(root, "rules", "*"):
        when = _value(rule, "when")
        try:
            found = conditions.condition(when) if isinstance(when, str) else None
        except Misread:
            continue
        looking = "when" if found is not None and found.arguments else "checks" if "checks" in rule.items else ""
        for key in ("allow", "deny") if looking else ():
            for at, text in texts(rule, key, "*"):
                if text == "*" or ":" in text:
                    yield problem_at(
                        root, (*path, *at), f"covers resources, which have no arguments for `{looking}` to look at",
                        'write patterns of tools or prompts, such as "*.*"', of_value=True,
                    )  # fmt: skip


def _runs_can_meet_it(root: Table) -> Iterator[Problem]:
    """Demand that what a rule waits for can come: one that waits for ever denies nothing."""
    servers, guards = _names(root, "servers"), _reading(root)
    for path, text in [*texts(root, "rules", "*", "after", "*"), *texts(root, "expect", "*", "after", "*")]:
        guard, server = text.removeprefix(GUARD), values.server_of(text)
        if text.startswith(GUARD):
            if guard not in guards:
                what, hint = f'no guard is called "{guard}"', did_you_mean(guard, guards)
                yield problem_at(root, path, what, hint or _listed("guards", tuple(guards)), of_value=True)
            elif not guards[guard]:
                what = f"the guard {guard} does not read answers, so that no run meets what it finds"
                yield problem_at(root, path, what, "add answer to its `in`, or remove this", of_value=True)
        elif server and not any(values.globbed(server, known) for known in servers):
            what, hint = f'no server is called "{server}"', did_you_mean(server, servers)
            yield problem_at(root, path, what, hint or _listed("servers", servers), of_value=True)


def _reading(root: Table) -> dict[str, bool]:
    """Return the guards by name, and whether each of them reads answers."""
    found = {}
    for _, guard in tables(root, "guards", "*"):
        name, sides = _value(guard, "name"), [text for _, text in texts(guard, "in", "*")]
        if isinstance(name, str):
            found[name] = not sides or "answer" in sides
    return found


def _views_change_what_they_have(root: Table) -> Iterator[Problem]:
    for path, view in tables(root, "views", "*"):
        included = [text for _, text in texts(view, "include", "*")]
        for key in ("describe", "set"):
            table = view.items.get(key)
            for label in table.items if isinstance(table, Table) else ():
                at = (*path, key, label)
                if key == "set" and ":" in label.partition(".")[0]:
                    yield problem_at(root, at, "only tools and prompts have arguments", "remove it")
                elif values.server_of(label) and not any(values.covers(pattern, label) for pattern in included):
                    yield problem_at(root, at, "is not included in the view", "add it to include, or remove it")


def _listed(what: str, known: tuple[str, ...]) -> str:
    return f"the {what} are {', '.join(sorted(known)[:10])}" if known else f"there are no {what}"


_LAWS: Final[tuple[Callable[[Table], Iterator[Problem]], ...]] = (
    _views_exist,
    _issuers_exist,
    _people_are_told_apart,
    _narrowed_to_something,
    _conditions_have_arguments,
    _runs_can_meet_it,
    _views_change_what_they_have,
)
