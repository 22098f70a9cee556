"""Content flow: what was read in private answers is found again on its way outside, however it is written there."""

from __future__ import annotations

import asyncio
import base64
import string
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.adapters.store.pseudonyms import Pseudonyms
from ostiary.config.guards import GuardEntry
from ostiary.core.screening import Block, Flow, Guard, Hold, Note, Pass, Payload, Redact, Screen, Side, Text, Verdict
from ostiary.entry.guarding import guarding
from ostiary.guards.winnowing import FOUND, normal
from ostiary.pipeline.following import Follow, Followed
from ostiary.pipeline.remembering import Memory, Room
from ostiary.protocol.leaves import words
from tests.pipeline.stage import Stage, call, handshake
from tests.pipeline.test_serve import text_of

TOKENS = Pseudonyms(b"k" * 32)
RECORD = (
    "Ana Weber lives at Hauptstrasse 17 in Köln, customer K-77123, ana.weber@corp-mail.com. "
    "She cancelled the contract because of an illness that nobody is to hear of."
)
SECRET = "cancelled the contract because of an illness"
PRIVATE, OUTSIDE, NONE = frozenset({Flow.PRIVATE}), frozenset({Flow.OUTSIDE}), frozenset[Flow]()
RUN = "issuer\nana\nclient\nsession:1"


def follow(then: str = "block", *, room: Room | None = None, skip: tuple[str, ...] = (), plant: bool = False) -> Follow:
    memory = Memory(b"salt", time.monotonic, room or Room())
    return Follow(memory, Followed(then, frozenset(skip), plant), TOKENS)


def show(
    guard: Guard, side: Side, value: Any, flows: frozenset[Flow], run: str = RUN, label: str = "crm.find"
) -> Verdict:
    texts = tuple(word for word in words(value) if isinstance(word, Text))

    async def shown() -> Verdict:
        return await guard(Payload(side, label.partition(".")[0], label, "tools/call", run, texts, (), flows))

    return asyncio.run(shown())


def answer(guard: Guard, *texts: str, flows: frozenset[Flow] = PRIVATE, run: str = RUN, **more: Any) -> Verdict:
    content = [{"type": "text", "text": text} for text in texts]
    return show(guard, Side.ANSWER, {"result": {"content": content, **more}}, flows, run)


def request(guard: Guard, flows: frozenset[Flow] = OUTSIDE, run: str = RUN, **arguments: Any) -> Verdict:
    return show(guard, Side.REQUEST, {"arguments": arguments}, flows, run, "mail.send")


DISGUISES: dict[str, Callable[[str], Any]] = {
    "plain": str,
    "upper case": str.upper,
    "in JSON": lambda text: f'{{"a": "{text}"}}',
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "in an address": lambda text: f"https://evil.test/?q={quote(text)}",
    "entities": lambda text: "".join(f"&#x{ord(each):x};" for each in text),
    "rotated": lambda text: text.translate(
        str.maketrans(string.ascii_lowercase, string.ascii_lowercase[13:] + string.ascii_lowercase[:13])
    ),
    "backwards": lambda text: text[::-1],
    "spaced out": " ".join,
    "in letters": list,
    "in words": str.split,
    "in halves": lambda text: {"a": text[:20], "b": text[20:]},
    "in blocks": lambda text: [{"type": "text", "text": text[:15]}, {"type": "text", "text": text[15:]}],
    "base64, in parts": lambda text: [
        base64.b64encode(text.encode()).decode()[at : at + 10] for at in range(0, 90, 10)
    ],
    "as a member's name": lambda text: {text: 1},
}


@pytest.mark.parametrize("name", DISGUISES)
def test_private_words_are_found_on_their_way_outside(name: str) -> None:
    guard = follow()
    assert answer(guard, RECORD) == Pass()
    said = request(guard, subject="hello", body=DISGUISES[name](SECRET))
    assert isinstance(said, Block)
    assert "letters first read from crm.find, in " in said.finding
    assert not any(word in said.finding for word in ("illness", "contract", "Ana"))


@given(
    same=st.text(string.ascii_lowercase + " ", min_size=50, max_size=120).filter(
        lambda text: len(normal(text)) >= FOUND
    ),
    before=st.text(max_size=60),
    after=st.text(max_size=60),
    name=st.sampled_from([each for each in DISGUISES if each not in {"in halves", "in JSON", "base64, in parts"}]),
)
@settings(max_examples=60, deadline=None)
def test_any_words_that_are_long_enough_are_found_in_any_disguise(
    same: str, before: str, after: str, name: str
) -> None:
    guard = follow()
    answer(guard, f"{before} {same} {after}")
    if not guard._memory.private(RUN) or len(set(normal(same))) < 6:
        return
    assert isinstance(request(guard, body=DISGUISES[name](same)), Block)


@pytest.mark.parametrize(
    "body", ["for customer K77123", "To: ana.weber@corp-mail.com", base64.b64encode(b"id=K-77123").decode(), "anaweber@corp-mail.com anaweber@corpmail.com"]
)  # fmt: skip
def test_private_values_are_found(body: str) -> None:
    guard = follow()
    answer(guard, RECORD)
    said = request(guard, body=body)
    assert isinstance(said, Block)
    assert "first read from crm.find, in body" in said.finding


def test_values_in_structured_content_and_long_numbers_are_private() -> None:
    guard = follow()
    answer(guard, structuredContent={"card": 4111222233334448, "name": "Dr. Ana Weber-Fitzgerald, Köln"})
    assert isinstance(request(guard, body="no 4111 2222 3333 4448"), Block)
    assert isinstance(request(guard, body="ana weber fitzgerald koln"), Pass)
    assert isinstance(request(guard, body="dr ana weber fitzgerald köln"), Block)


def test_ordinary_words_pass() -> None:
    guard = follow()
    answer(guard, RECORD)
    for body in (
        "See you on Tuesday at noon in the office in Berlin.",
        "Please let me know if you have any questions.",
    ):
        assert request(guard, body=body) == Pass()


def test_only_what_goes_outside_and_only_what_is_private_counts() -> None:
    guard = follow()
    answer(guard, RECORD, flows=NONE)
    assert request(guard, body=SECRET) == Pass()
    guard = follow()
    answer(guard, RECORD)
    assert request(guard, flows=PRIVATE, body=SECRET) == Pass()
    assert isinstance(request(guard, body=SECRET), Block)
    assert request(guard, body=SECRET, run="issuer\nana\nclient\nsession:2") == Pass()


@pytest.mark.parametrize("times", [1, 200])
def test_what_the_client_knew_before_is_its_own(times: int) -> None:
    guard = follow()
    said = "\n".join(f"Please look for {SECRET} and for K-77123, number {at}" for at in range(times))
    assert request(guard, flows=NONE, query=said) == Pass()
    answer(guard, f"{SECRET}: K-77123, number 0. And a diagnosis that only the doctor knows of")
    assert request(guard, body=f"{SECRET}, that is about K-77123") == Pass()
    assert isinstance(request(guard, body="a diagnosis that only the doctor knows of"), Block)


def test_what_was_stopped_is_not_taken_for_known_afterwards() -> None:
    guard = follow()
    answer(guard, RECORD)
    for _ in range(2):
        assert isinstance(request(guard, body=SECRET), Block)


@pytest.mark.parametrize(("then", "kind"), [("note", Note), ("hold", Hold), ("block", Block)])
def test_what_happens_is_what_was_asked_for(then: str, kind: type[Verdict]) -> None:
    guard = follow(then)
    answer(guard, RECORD)
    for _ in range(2):
        assert isinstance(request(guard, body=SECRET), kind)


def test_members_that_are_not_to_be_read_are_not() -> None:
    guard = follow(skip=("to",))
    answer(guard, RECORD)
    assert request(guard, to="ana.weber@corp-mail.com", body="hello") == Pass()
    assert isinstance(request(guard, cc="ana.weber@corp-mail.com"), Block)


def test_tokens_of_this_run_are_no_content_and_imitations_are() -> None:
    token = TOKENS.token(RUN, "card", "4111222233334448 and much more of what is private")
    fake = token[:8] + "cancelledthecontractbecauseofanillness" + token[60:]
    guard = follow()
    answer(guard, f"{RECORD} {token}")
    assert request(guard, body=f"pay with {token}") == Pass()
    assert isinstance(request(guard, body=fake), Block)


def test_a_run_that_read_too_much_sends_nothing_outside() -> None:
    guard = follow(room=Room(prints=10))
    answer(guard, RECORD)
    said = request(guard, body="nothing of it")
    assert isinstance(said, Block)
    assert "this run read more that is private than the 10 fingerprints" in said.finding
    assert isinstance(request(guard, run="issuer\nana\nclient\nsession:2", body="x"), Pass)


def test_a_run_that_was_forgotten_sends_nothing_outside() -> None:
    guard = follow(room=Room(total=900))
    for number in range(9):
        answer(guard, RECORD, run=f"issuer\nana\nclient\nsession:{number}")
    said = request(guard, run="issuer\nana\nclient\nsession:0", body="nothing of it")
    assert isinstance(said, Block)
    assert "had to make room" in said.finding


def test_layers_that_are_not_read_are_noted() -> None:
    guard = follow()
    answer(guard, RECORD)
    body = "some words that are written down for others"
    for _ in range(7):
        body = base64.b64encode(body.encode()).decode()
    assert request(guard, body=body) == Note("more layers of encoding than are read (depth)")


def test_definitions_are_not_read() -> None:
    assert show(follow(), Side.CATALOGUE, {"description": RECORD}, PRIVATE) == Pass()


def test_a_planted_string_is_found_in_any_disguise_and_planted_once() -> None:
    guard = follow(plant=True)
    said = answer(guard, "short", "second")
    assert isinstance(said, Redact)
    ((path, new),) = said.replace.items()
    assert path == ("result", "content", 0, "text")
    assert new.startswith("short\n(ref ")
    assert answer(guard, new) == Pass()
    assert answer(guard, '{"a": 1}') == Pass()
    assert answer(guard, "public", flows=NONE) == Pass()
    for disguise in (
        str,
        str.lower,
        lambda text: base64.b64encode(text.encode()).decode(),
        " ".join,
        lambda t: t[::-1],
    ):
        said = request(guard, body=disguise(new))
        assert isinstance(said, Block)
        assert "the string that was planted in what this run read" in said.finding
    other = request(guard, run="issuer\neve\nclient\nsession:9", body=new)
    assert other == Block("a string that was planted in what another run read")
    assert request(guard, body="short second") == Pass()
    assert request(follow(), body=new) == Pass()


def test_what_is_remembered_outlives_a_new_configuration() -> None:
    entry = GuardEntry.model_validate({"name": "follow", "use": "flow", "then": "block"})
    config = type("C", (), {"guards": (entry,)})()
    made = guarding(TOKENS)
    answer(made(config)["follow"], RECORD)
    assert isinstance(request(made(config)["follow"], body=SECRET), Block)


def test_other_calls_have_their_turn_while_a_long_answer_is_read() -> None:
    async def both(side: Side, flows: frozenset[Flow]) -> int:
        turns = 0

        async def counting() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(counting())
        text = Text(("arguments", "text"), "some words, and 12 numbers; " * 8_000)
        guard = follow(plant=True)
        await guard(Payload(side, "crm", "crm.find", "tools/call", RUN, (text,), (), flows))
        other.cancel()
        return turns

    assert asyncio.run(both(Side.ANSWER, PRIVATE)) > 50
    assert asyncio.run(both(Side.REQUEST, OUTSIDE)) > 200


@pytest.mark.parametrize("era", ["modern", "handshake"])
def test_content_does_not_flow_through_the_gateway(era: str) -> None:
    screens = (Screen("flow", follow()),)
    stage = Stage({"result": {"content": [{"type": "text", "text": RECORD}], "resultType": "complete"}})
    stage.alter(lambda target: msgspec.structs.replace(target, guards_in=screens, guards_out=screens))
    if era == "modern":
        stage.play(call("files__read", path="/a"))
        said = stage.play(call("files__read", path=SECRET))
    else:
        session = opened(stage)
        stage.play(handshake("tools/call", session, name="files__read", arguments={"path": "/a"}))
        said = stage.play(handshake("tools/call", session, name="files__read", arguments={"path": SECRET}))
    assert "first read from files.read, in path" in text_of(said)
    assert len(stage.sent) == 1
    assert stage.audit.ended[-1].findings[0].startswith("flow: some ")


def opened(stage: Stage) -> str:
    first = handshake(
        "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "c", "version": "1"}
    )
    heard = stage.play(first)
    return next(value for key, value in heard.headers.items() if key.lower() == "mcp-session-id")
