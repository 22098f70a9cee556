"""Who may do what with the gateway itself: the whole table, written out a second time on purpose."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Final

import pytest

from ostiary.core.errors import Forbidden
from ostiary.policy import permissions as subject
from ostiary.policy.permissions import Entry, Permission, demand, permission, permissions, permitted, table

# Letters: viewer, user, approver, auditor (x), admin (*). A change here is a change of who may do what: say why.
GOLDEN: Final = """
own:profile:read              v u a x *
own:tools:read                v u a x *
own:calls:read                v u a x *
own:sessions:read             v u a x *
own:sessions:end              v u a x *
own:tokens:read               v u a x *
own:tokens:create             . u a . *
own:tokens:rotate             . u a . *
own:tokens:revoke             v u a x *
own:grants:read               v u a x *
own:grants:create             . u a . *
own:grants:revoke             v u a x *
gateway:status:read           v . a x *
gateway:servers:read          v . a x *
gateway:servers:quarantine    . . . . *
gateway:tools:read            v . a x *
gateway:tools:approve         . . a . *
gateway:tools:quarantine      . . . . *
gateway:calls:read            . . a . .
gateway:calls:approve         . . a . .
gateway:policy:read           . . a x *
gateway:policy:simulate       . . . x *
gateway:configuration:read    . . . x *
gateway:configuration:change  . . . . *
gateway:ledger:read           . . . x *
gateway:ledger:verify         . . . x *
gateway:ledger:export         . . . x *
gateway:payloads:read         . . . x .
gateway:payloads:erase        . . . . *
gateway:usage:read            v . . x *
gateway:people:read           . . . x *
gateway:people:quarantine     . . . . *
gateway:sessions:end          . . . . *
gateway:tokens:read           . . . x *
gateway:tokens:create         . . . . *
gateway:tokens:rotate         . . . . *
gateway:tokens:revoke         . . . . *
gateway:grants:read           . . . x *
gateway:grants:revoke         . . . . *
gateway:clients:read          . . . x *
gateway:clients:remove        . . . . *
gateway:keys:rotate           . . . . *
"""
COLUMNS: Final = ("viewer", "user", "approver", "auditor", "admin")
LINES: Final = [line.split() for line in GOLDEN.strip().splitlines()]
HELD: Final = {(name, role) for name, *marks in LINES for role, mark in zip(COLUMNS, marks, strict=True) if mark != "."}
NAMES: Final = [name for name, *_ in LINES]
PAYLOADS: Final = permission("gateway:payloads:read")


def test_the_table_has_these_permissions_and_no_others() -> None:
    assert [name for name, _, _ in table()] == NAMES
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("role", COLUMNS)
@pytest.mark.parametrize("name", NAMES)
def test_each_role_has_exactly_what_the_table_says(name: str, role: str) -> None:
    expected = (name, role) in HELD
    assert permitted(frozenset({role}), permission(name)) is expected
    assert (name in permissions({role})) is expected


@pytest.mark.parametrize("roles", [set(pair) for size in (0, 2, 3, 5) for pair in combinations(COLUMNS, size)], ids=str)
def test_roles_add_up_and_none_takes_away(roles: set[str]) -> None:
    expected = {name for name, role in HELD if role in roles}
    assert permissions(roles) == expected
    assert {name for name in NAMES if permitted(frozenset(roles), permission(name))} == expected


def test_auditors_see_payloads_and_admins_do_not_unless_they_are_auditors_too() -> None:
    """Issue: operator permissions."""
    assert permitted(frozenset({"auditor"}), PAYLOADS)
    assert not permitted(frozenset({"viewer", "user", "approver", "admin"}), PAYLOADS)
    assert permitted(frozenset({"admin", "auditor"}), PAYLOADS)


def test_an_auditor_changes_nothing_of_anybody_else() -> None:
    reading = {"read", "verify", "export", "simulate"}
    changing = {name for name in permissions({"auditor"}) if name.rpartition(":")[2] not in reading}
    assert {name.partition(":")[0] for name in changing} == {"own"}


@pytest.mark.parametrize("role", ["", "Admin", "admin ", "administrator", "root", "*", "role:admin", "developer"])
def test_a_role_that_is_not_in_the_table_gives_nothing(role: str) -> None:
    assert permissions({role}) == frozenset()
    assert not any(permitted(frozenset({role}), permission(name)) for name in NAMES)


def test_nobody_is_permitted_what_does_not_exist() -> None:
    """Ours: a name that slipped past `permission()` opens nothing."""
    assert not permitted(frozenset(COLUMNS), Permission("gateway:payloads:raed"))
    with pytest.raises(Forbidden, match=re.escape("not_permitted: gateway:payloads:raed")) as caught:
        demand(frozenset(COLUMNS), Permission("gateway:payloads:raed"))
    assert caught.value.message.endswith("this needs the permission gateway:payloads:raed, which nobody has")


@pytest.mark.parametrize("name", ["gateway:payloads:raed", "", "gateway:*:read", "own", "OWN:tokens:read"])
def test_a_misspelt_permission_is_an_error_where_it_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="there is no permission"):
        permission(name)


def test_who_lacks_a_permission_is_told_which_and_who_has_it() -> None:
    demand(frozenset({"auditor"}), PAYLOADS)
    with pytest.raises(Forbidden) as caught:
        demand(frozenset({"admin"}), PAYLOADS)
    error = caught.value
    assert error.message == (
        "Refused by policy: this needs the permission gateway:payloads:read, which the role auditor has"
    )
    assert error.detail == "not_permitted: gateway:payloads:read"
    assert error.status == 403
    with pytest.raises(Forbidden, match="not_permitted") as caught:
        demand(frozenset(), permission("gateway:tools:approve"))
    assert caught.value.hint.endswith("which the role approver or admin has")


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("gateway:ledger", ("admin",)),
        ("all:ledger:read", ("admin",)),
        ("gateway:led ger:read", ("admin",)),
        ("gateway::read", ("admin",)),
        ("gateway:ledger:read", ()),
        ("gateway:ledger:read", ("admn",)),
        ("gateway:ledger:read", ("admin", "admin")),
    ],
)
def test_a_table_that_says_what_cannot_be_is_an_error_at_the_start(name: str, roles: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"scope:resource:action|each once"):
        subject._compiled({name: Entry(roles, "x")})


def test_every_permission_says_what_it_means() -> None:
    for _, roles, meaning in table():
        assert meaning[0].isupper()
        assert not meaning.endswith(".")
        assert list(roles) == [role for role in COLUMNS if role in roles]
