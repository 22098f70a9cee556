"""Alerts on their way: each kind of receiver by its own format, tried again while that may help, and nothing leaks."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ostiary.adapters.notify import outbox
from ostiary.adapters.notify.forms import Answer, Told, Verdict, command, judged, lines, signature, title
from ostiary.adapters.notify.outbox import MOST, TRIES, Outbox, attempted
from ostiary.adapters.secrets import resolve
from ostiary.behaviour.alarming import FIRING, OVER, TEST, Notice
from ostiary.behaviour.happenings import Happening
from ostiary.config.alerts import Receiver
from ostiary.core.errors import Unreachable
from ostiary.entry.notifying import Way, keyed
from tests.contract.mailing import Mailing, mailing
from tests.contract.posting import Posted, posted

NEAR = {"allow_private": ["127.0.0.0/8"]}
NOW = 1_800_000_000.0
WHAT = Happening(
    "denied", NOW, "crm", "crm.*drop*", "ana", words="<!channel> [a](http://x)", reference="r-1", call=True
)
BEGUN = Notice("denials", FIRING, "crm", "ops", NOW, NOW, "server", 300.0, (("denied", 12),), (), (WHAT,), 2)
ENDED = Notice("denials", OVER, "crm", "ops", NOW + 60, NOW, "server", 300.0)


def said(notice: Notice = BEGUN, *, named: bool = False) -> Told:
    return Told(notice, keyed(b"k" * 32)(notice), "https://mcp.example.com", named)


def kept(folder: Path, name: str, secret: str) -> str:
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(secret + "\n")
    return f"file:{path}"


@asynccontextmanager
async def way(**section: Any) -> AsyncIterator[Way]:
    made = Way(Receiver.model_validate({**NEAR, **section}), resolve, lambda: NOW)
    try:
        yield made
    finally:
        await made.close()


async def delivered(found: Posted, told: Told, **section: Any) -> tuple[Verdict, Any]:
    async with way(**section) as made:
        verdict = await attempted(made.deliver, told)
    return verdict, json.loads(found.came[-1].body) if found.came else None


async def test_a_webhook_gets_json_that_it_can_check(tmp_path: Path) -> None:
    with posted() as found:
        key = kept(tmp_path, "key", "sign-me")
        verdict, body = await delivered(found, said(), kind="webhook", url=found.url, key=key)
    assert verdict.arrived
    assert (body["alert"], body["state"], body["group"], body["kinds"]) == ("denials", "firing", "crm", {"denied": 12})
    assert (body["missed"], body["command"]) == (2, "ostiary audit search --reference r-1")
    assert body["latest"][0]["caller"] is None
    (request,) = found.came
    assert request.headers["ostiary-signature"] == f"v1={signature(b'sign-me', str(int(NOW)), request.body)}"
    assert request.headers["ostiary-alert"] == body["id"]


async def test_an_unsigned_webhook_names_callers_only_where_that_is_asked_for() -> None:
    with posted() as found:
        verdict, body = await delivered(found, said(named=True), kind="webhook", url=found.url)
    assert (verdict.arrived, body["latest"][0]["caller"]) == (True, "ana")
    assert "ostiary-signature" not in found.came[0].headers


async def test_slack_gets_plain_text_that_calls_nobody(tmp_path: Path) -> None:
    with posted() as found:
        _, body = await delivered(found, said(), kind="slack", url=kept(tmp_path, "url", found.url))
    assert body["text"] == "[alert] denials (crm): 12 denied"
    assert body["blocks"][0]["text"]["type"] == "plain_text"
    assert "ana" not in found.came[0].body.decode()


async def test_teams_gets_an_adaptive_card_in_which_nothing_is_a_link(tmp_path: Path) -> None:
    with posted() as found:
        found.status = 202
        verdict, body = await delivered(found, said(), kind="teams", url=kept(tmp_path, "url", found.url))
    (attached,) = body["attachments"]
    assert (verdict.arrived, body["type"]) == (True, "message")
    assert attached["contentType"] == "application/vnd.microsoft.card.adaptive"
    blocks = attached["content"]["body"]
    assert {(block["type"], run["type"]) for block in blocks for run in block["inlines"]} == {
        ("RichTextBlock", "TextRun")
    }
    assert blocks[0]["inlines"][0]["text"] == "[alert] denials (crm): 12 denied"


async def test_a_pager_is_told_begin_and_end_by_the_same_key(tmp_path: Path) -> None:
    section = {"kind": "pagerduty", "key": kept(tmp_path, "key", "R0UTE")}
    with posted() as found:
        _, begun = await delivered(found, said(), url=found.url, **section)
        _, ended = await delivered(found, said(ENDED), url=found.url, **section)
        _, tried = await delivered(found, said(Notice("x", TEST, "", "ops", NOW, 0.0)), url=found.url, **section)
    assert (begun["event_action"], begun["routing_key"], begun["payload"]["severity"]) == ("trigger", "R0UTE", "error")
    assert (ended["event_action"], "payload" in ended) == ("resolve", False)
    assert begun["dedup_key"] == ended["dedup_key"] != tried["dedup_key"]
    assert (tried["event_action"], tried["payload"]["severity"]) == ("trigger", "info")


@pytest.mark.parametrize(
    ("status", "again", "wait"), [(500, True, 7.0), (429, True, 7.0), (400, False, 7.0), (302, False, 7.0)]
)
async def test_what_a_receiver_answers_decides_what_follows(status: int, again: bool, wait: float) -> None:
    with posted() as found:
        found.status, found.headers = status, {"Retry-After": "7", "Location": "https://elsewhere.example.com"}
        verdict, _ = await delivered(found, said(), kind="webhook", url=found.url)
    assert (verdict.arrived, verdict.again, verdict.wait, verdict.why) == (False, again, wait, f"it answered {status}")
    assert len(found.came) == 1


def test_a_wait_that_is_too_long_or_no_number_is_not_believed() -> None:
    waits = [judged(Answer(503, {"retry-after": each}, b"")).wait for each in ("99999", "tomorrow", "-1")]
    assert waits == [300.0, 0.0, 0.0]


async def test_nobody_in_a_private_network_is_told_anything_unless_permitted() -> None:
    with posted() as found:
        verdict, _ = await delivered(found, said(), kind="webhook", url=found.url, allow_private=[])
    assert (verdict.arrived, verdict.again, found.came) == (False, True, [])


async def test_a_url_that_is_a_secret_is_in_no_reason(tmp_path: Path) -> None:
    url = kept(tmp_path, "url", "http://127.0.0.1:9/services/T0/SECRET")
    async with way(kind="slack", url=url) as made:
        verdict = await attempted(made.deliver, said())
    assert (verdict.arrived, "SECRET" in verdict.why) == (False, False)


async def test_a_secret_that_is_missing_is_noticed_at_the_start_and_one_that_vanished_is_named(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="OSTIARY_NOBODY_SET_THIS"):
        Way(Receiver.model_validate({"kind": "slack", "url": "env:OSTIARY_NOBODY_SET_THIS"}), resolve)
    reference = kept(tmp_path, "url", "http://127.0.0.1:9/x")
    async with way(kind="slack", url=reference) as made:
        (tmp_path / "url").unlink()
        verdict = await attempted(made.deliver, said())
    assert (verdict.arrived, verdict.again, reference in verdict.why) == (False, True, True)


# Mail


def by_mail(found: Mailing, **more: Any) -> dict[str, Any]:
    section = {"kind": "email", "server": f"localhost:{found.port}", "sender": "ostiary@example.com"}
    return {
        **section,
        "recipients": ["ops@example.com", "cto@example.com"],
        **NEAR,
        "allow_private": ["127.0.0.0/8", "::1/128"],
        **more,
    }


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_mail_goes_over_tls_and_signs_in(tmp_path: Path, tls: str) -> None:
    async with mailing(tmp_path, tls) as found:
        signed_in = {"user": "ostiary", "password": kept(tmp_path, "word", "pass-word")}
        async with way(**by_mail(found, tls=tls, ca=f"file:{found.ca}", **signed_in)) as made:
            assert await attempted(made.deliver, said()) == Verdict(arrived=True)
            assert await attempted(made.deliver, said(ENDED)) == Verdict(arrived=True)
    first, second = found.mails
    assert (first["Subject"], first["To"]) == ("[alert] denials (crm): 12 denied", "ops@example.com, cto@example.com")
    assert first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]
    assert found.encrypted == [True, True]
    assert found.users == ["ostiary", "ostiary"]


async def test_mail_is_not_sent_where_the_server_has_no_tls_or_a_strange_certificate(tmp_path: Path) -> None:
    async with mailing(tmp_path, "") as found:
        async with way(**by_mail(found)) as made:
            verdict = await attempted(made.deliver, said())
        assert (verdict.arrived, verdict.again, found.mails) == (False, False, [])
        async with way(**by_mail(found, unsafe_plain=True)) as made:
            assert (await attempted(made.deliver, said())).arrived
        assert found.encrypted == [False]
    async with mailing(tmp_path, "tls") as found, way(**by_mail(found, tls="tls")) as made:
        verdict = await attempted(made.deliver, said())
        assert (verdict.arrived, verdict.again, found.mails) == (False, True, [])


@pytest.mark.parametrize(("reply", "again"), [("451 later", True), ("550 never", False)])
async def test_a_mail_server_says_whether_to_come_again(tmp_path: Path, reply: str, again: bool) -> None:
    async with mailing(tmp_path, "", reply=reply) as found, way(**by_mail(found, unsafe_plain=True)) as made:
        verdict = await attempted(made.deliver, said())
    assert (verdict.arrived, verdict.again) == (False, again)


async def test_a_mail_server_in_a_private_network_is_not_spoken_to_unless_permitted(tmp_path: Path) -> None:
    async with mailing(tmp_path, "") as found, way(**by_mail(found, unsafe_plain=True, allow_private=[])) as made:
        verdict = await attempted(made.deliver, said())
    assert ("not public" in verdict.why, found.mails) == (True, [])


async def test_a_mail_server_that_says_nothing_keeps_nobody_from_ending() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        found = Mailing(Path("/nowhere"), server.sockets[0].getsockname()[1])
        async with way(**by_mail(found, server=f"127.0.0.1:{found.port}", unsafe_plain=True)) as made:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await attempted(made.deliver, said())
    assert [each.daemon for each in threading.enumerate() if each.name == "alert-mail"] == [True]


# What waits


class Receiving:
    """A way that answers as it is told, and remembers what it got."""

    def __init__(self, *answers: Verdict | Exception) -> None:
        self.answers = list(answers)
        self.got: list[Told] = []

    async def __call__(self, told: Told) -> Verdict:
        self.got.append(told)
        answer = self.answers.pop(0) if self.answers else Verdict(arrived=True)
        if isinstance(answer, Exception):
            raise answer
        return answer


AGAIN, NEVER = Verdict(arrived=False, again=True, why="away"), Verdict(arrived=False, why="it answered 404")


async def emptied(box: Outbox) -> None:
    task = asyncio.create_task(box.run())
    async with asyncio.timeout(10):
        while box.waiting:
            await asyncio.sleep(0)
    task.cancel()


async def test_what_fails_is_tried_again_in_order() -> None:
    receiving, failed = Receiving(AGAIN, Unreachable("nobody"), ConnectionResetError()), []
    box = Outbox("ops", receiving, lambda *it: failed.append(it), lambda _: 0.0)
    box.put(said())
    box.put(said(ENDED))
    await emptied(box)
    assert [each.notice.state for each in receiving.got] == [FIRING] * 4 + [OVER]
    assert (box.sent, box.dropped, box.failing, failed) == (2, 0, "", [])


async def test_what_will_never_arrive_is_given_up_and_told() -> None:
    receiving, failed = Receiving(NEVER, *[AGAIN] * TRIES), []
    box = Outbox("ops", receiving, lambda *it: failed.append(it), lambda _: 0.0)
    box.put(said())
    box.put(said(ENDED))
    await emptied(box)
    assert failed == [("ops", "it answered 404"), ("ops", "away")]
    assert (len(receiving.got), box.dropped, box.failing) == (1 + TRIES, 2, "away")


async def test_a_message_that_cannot_be_written_stands_in_the_way_of_no_other() -> None:
    receiving, failed = Receiving(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "odd")), []
    box = Outbox("ops", receiving, lambda *it: failed.append(it), lambda _: 0.0)
    box.put(said())
    box.put(said(ENDED))
    await emptied(box)
    assert (box.sent, box.dropped, failed) == (1, 1, [("ops", "it could not be written; see the log")])


async def test_the_queue_is_bounded_and_the_newest_stay() -> None:
    receiving = Receiving(AGAIN)
    box = Outbox("ops", receiving, lambda *_: None)
    for _ in range(MOST + 5):
        box.put(said())
    assert (box.waiting, box.dropped) == (MOST, 5)
    await box.flush()
    assert (box.waiting, len(receiving.got), box.dropped) == (0, MOST, 6)


def test_pauses_grow_to_a_minute() -> None:
    assert [outbox.pause(tries) for tries in (1, 2, 3, 7, 60)] == [1.0, 2.0, 4.0, 60.0, 60.0]


# What is said


def test_what_is_said_is_short_and_leads_to_more() -> None:
    assert title(said()) == "[alert] denials (crm): 12 denied"
    assert title(said(ENDED)) == "[over] denials (crm)"
    assert "2 more began and ended" in "\n".join(lines(said()))
    assert command(said(ENDED)).startswith("ostiary audit search --since 2027-01-15T")
    whose = Notice("x", FIRING, "ana", "ops", NOW, NOW, "caller")
    assert title(said(whose)) == "[alert] x (one caller): it goes on"
    assert title(said(whose, named=True)) == "[alert] x (ana): it goes on"
    assert "lasts: crm" in "\n".join(lines(said(Notice("x", FIRING, "", "ops", NOW, NOW, things=("crm",)))))


def test_the_key_of_an_alert_says_nothing_without_the_gateways_own() -> None:
    assert keyed(b"a" * 32)(BEGUN) == keyed(b"a" * 32)(ENDED) != keyed(b"b" * 32)(BEGUN)
    assert ssl.HAS_TLSv1_2
