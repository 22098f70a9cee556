"""Tokens of our own: what they are narrowed to, what they bring, and that their end is told in time."""

from __future__ import annotations

import re

import msgspec
import pytest
from structlog.testing import capture_logs

from ostiary.adapters.identity import tokens
from ostiary.adapters.identity.tokens import Tokens, caller, places
from ostiary.core.errors import Unauthenticated
from ostiary.core.model import Allow, Caller, Inbound, Kind, Rule, Target, Token
from ostiary.policy.decide import decide

DAY = 86_400.0
NOW = 1_000 * DAY
_, GOOD, DIGEST = tokens.made()
TOKEN = Token("tok_2", "bo", "", ("dev",), ("a",), ("crm.write",), (), NOW - 60 * DAY, NOW + 30 * DAY)
EVERYBODY = Rule("all", (frozenset({"*"}),))
PUBLISHED = r"ost_[A-Za-z0-9_-]{43}_[0-9a-f]{8}"
"""What the documentation tells secret scanners to look for."""


class Door:
    """Tokens with a fake clock and a table of one."""

    def __init__(self, token: Token = TOKEN) -> None:
        self.token, self.now, self.generation, self.looks = token, NOW, 1, 0
        self.tokens = Tokens(self.look, lambda: self.generation, lambda: self.now)

    def look(self, digest: str) -> Token | None:
        self.looks += 1
        return self.token if digest == DIGEST else None

    async def __call__(self, endpoint: str = "/mcp", credential: str = GOOD) -> Caller:
        async def body() -> bytes:
            return b""

        return await self.tokens(Inbound("POST", endpoint, {}, frozenset(), credential, "192.0.2.1", body))

    async def refusal(self, endpoint: str = "/mcp", credential: str = GOOD) -> Unauthenticated:
        with pytest.raises(Unauthenticated) as caught:
            await self(endpoint, credential)
        return caught.value

    async def warnings(self) -> list[str]:
        with capture_logs() as logs:
            await self()
        return [f"{each.get('token_id')} {each.get('minutes')} {each.get('successor', '-')}" for each in logs]


def narrowed(**fields: tuple[str, ...]) -> Token:
    return msgspec.structs.replace(TOKEN, **fields)


# What scanners look for


def test_every_token_fits_what_is_published_and_has_its_checksum() -> None:
    """Tokens made before stay valid: the shape is what it always was."""
    for _ in range(100):
        ident, secret, _ = tokens.made()
        assert re.fullmatch(PUBLISHED, secret)
        assert tokens.well_formed(secret)
        assert re.fullmatch(r"tok_[0-9a-f]{12}", ident)
    assert tokens.well_formed("ost_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_0c2b5986")


@pytest.mark.parametrize("at", [4, 20, 46, -1])
def test_a_token_with_one_character_changed_is_refused_without_a_look(at: int) -> None:
    other = "0" if GOOD[at] != "0" else "1"
    assert not tokens.well_formed(GOOD[:at] + other + (GOOD[at + 1 :] if at != -1 else ""))


async def test_what_is_no_token_causes_no_look() -> None:
    door = Door()
    for credential in ("ost_", GOOD[:-1], f"{GOOD}0", GOOD.upper(), f" {GOOD}", f"{GOOD}\n"):
        await door.refusal(credential=credential)
    assert door.looks == 0


# What they are narrowed to


@pytest.mark.parametrize(
    ("token", "reached"),
    [
        (TOKEN, {"crm.search", "crm.drop", "crm:x://1", "files.read", "files.prompt/greet"}),
        (narrowed(servers=("files",)), {"files.read", "files.prompt/greet"}),
        (narrowed(tools=("crm.s*",)), {"crm.search"}),
        (narrowed(tools=("crm.search", "crm:*")), {"crm.search", "crm:x://1"}),
        (narrowed(tools=("files.prompt/*",)), {"files.prompt/greet"}),
        (narrowed(tools=("crm.*", "files.read"), servers=("files",)), {"files.read"}),
        (narrowed(tools=("crm.*",), servers=("files",)), set()),
        # Neither can be made with a command: they must not mean everything if they are in the database all the same.
        (narrowed(tools=("*",)), set()),
        (narrowed(tools=("c*.*",)), set()),
    ],
)
def test_a_narrowed_token_reaches_only_what_it_is_narrowed_to(token: Token, reached: set[str]) -> None:
    """Kinds of narrowing are all needed; nothing that narrows ever widens."""
    found = set()
    for label in ("crm.search", "crm.drop", "crm:x://1", "files.read", "files.prompt/greet"):
        server = re.split(r"[.:]", label)[0]
        target = Target(server, Kind.TOOL, label, label, label, allows=(EVERYBODY,))
        if isinstance(decide(caller(token), target), Allow):
            found.add(label)
    assert found == reached
    own = Target("", Kind.GATEWAY, "tools/list", "tools/list", "tools/list", allows=(EVERYBODY,))
    assert isinstance(decide(caller(token), own), Allow)


async def test_a_token_for_views_is_good_at_their_endpoints_only() -> None:
    door = Door(narrowed(views=("support", "sales")))
    assert places(door.token) == {"/views/support/mcp", "/views/sales/mcp"}
    for _ in range(2):
        assert (await door("/views/support/mcp")).subject == "bo"
        assert (await door("/views/sales/mcp")).subject == "bo"
        for elsewhere in ("/mcp", "/servers/support/mcp", "/views/other/mcp", "/views/support/mcp/", "/health/ready"):
            refused = await door.refusal(elsewhere)
            assert refused.detail.startswith("token_elsewhere: tok_2")
    assert door.looks == 1
    assert door.tokens.again(DIGEST) is None, "who knows only the credential does not know where it came"


async def test_a_token_in_the_wrong_place_looks_like_an_unknown_one_and_was_not_used() -> None:
    door = Door(narrowed(views=("support",)))
    assert (await door.refusal()).message == (await door.refusal(credential=tokens.made()[1])).message
    assert door.tokens.used() == {}
    await door("/views/support/mcp")
    assert door.tokens.used() == {"tok_2": NOW}


async def test_a_change_ends_what_is_known_of_a_token_for_views() -> None:
    door = Door(narrowed(views=("support",)))
    await door("/views/support/mcp")
    door.token, door.generation = msgspec.structs.replace(door.token, revoked=NOW), 2
    assert (await door.refusal("/views/support/mcp")).detail == "tok_2 was revoked"


# What scopes bring


async def test_scopes_bring_what_the_configuration_says_from_the_next_call_on() -> None:
    door = Door()
    assert (await door()).scopes == {"crm.write"}
    door.tokens.configure({"crm.write": frozenset({"crm.read"})})
    assert (await door()).scopes == {"crm.write", "crm.read"}
    door.tokens.configure({})
    assert (await door()).scopes == {"crm.write"}


# Rotation


def test_what_rules_say_of_a_token_they_say_of_its_successors() -> None:
    """Otherwise a rotation would shake off a deny rule."""
    found = caller(narrowed(replaces=("tok_0", "tok_1")))
    assert {"client:tok_0", "client:tok_1", "client:tok_2"} <= found.tags
    assert found.client == "tok_2"


async def test_a_rotated_token_ends_when_its_overlap_does() -> None:
    door = Door()
    await door()
    door.token = msgspec.structs.replace(TOKEN, rotated=NOW, successor="tok_3", expires=NOW + 30)
    door.generation = 2
    assert (await door()).expires == NOW + 30
    door.now = NOW + 30
    assert (await door.refusal()).detail == "tok_2 expired"


# Warnings


@pytest.mark.parametrize(
    ("made", "left", "told"),
    [(90, 8, False), (90, 6.9, True), (90, 0.01, True), (8, 2.1, False), (8, 1.9, True), (1, 0.3, False)],
)
async def test_the_end_of_a_token_in_use_is_told_in_its_last_days(made: float, left: float, told: bool) -> None:
    """A token that was made for a short time is not told of from its first call on."""
    expires = NOW + left * DAY
    door = Door(msgspec.structs.replace(TOKEN, expires=expires, created=expires - made * DAY))
    assert await door.warnings() == ([f"tok_2 {int(left * 1440)} -"] if told else [])


async def test_it_is_told_once_a_day_however_often_the_token_is_looked_up() -> None:
    door = Door(msgspec.structs.replace(TOKEN, expires=NOW + 5 * DAY))
    told = []
    for hour in range(0, 60, 4):
        door.now = NOW + hour * 3600
        told += await door.warnings()
    assert len(told) == 3


async def test_a_rotated_token_that_is_still_used_is_told_with_its_successor() -> None:
    door = Door(msgspec.structs.replace(TOKEN, rotated=NOW, successor="tok_3", expires=NOW + DAY))
    assert await door.warnings() == ["tok_2 1440 tok_3"]


async def test_what_is_told_is_not_the_token() -> None:
    door = Door(msgspec.structs.replace(TOKEN, expires=NOW + DAY))
    with capture_logs() as logs:
        await door()
    assert GOOD not in str(logs)
    assert DIGEST not in str(logs)
