"""How an alert is written for each kind of receiver, by the formats that these publish. Pure.

Whatever comes from outside was made plain before it is here: no control characters, no secrets. What stands in a chat
is escaped as well, so that a tool's name neither formats, nor links, nor calls anybody.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.behaviour.alarming import FIRING, TEST, Notice

VERSION: Final = 1
_MOST: Final = 10
_LONG: Final = 300
_TITLE: Final = 200
_SUMMARY: Final = 1_024
"""Characters of a summary at PagerDuty."""
_DONE: Final = range(200, 300)
_AGAIN: Final = frozenset({408, 425, 429})
_FAILED: Final = 500
_LONGEST_WAIT: Final = 300.0


class Told(Struct, frozen=True):
    """What a message says, for every kind of receiver."""

    notice: Notice
    key: str
    """The same for the beginning and the end of one alert, and nothing that could be read back."""
    source: str
    """The gateway's own URL."""
    named: bool = False
    """Callers are named."""


class Outgoing(Struct, frozen=True):
    """A request."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Answer(Struct, frozen=True):
    """What a receiver answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Verdict(Struct, frozen=True):
    """Whether it arrived; and if it did not, whether to try again and after how long at least."""

    arrived: bool
    again: bool = False
    wait: float = 0.0
    why: str = ""


Form = Callable[[Told, str, str, float], Outgoing]
"""What is told, URL, key (or nothing), and the time → the request."""


def judged(answer: Answer) -> Verdict:
    """Say what an answer means; its words may be anything and are not repeated."""
    if answer.status in _DONE:
        return Verdict(arrived=True)
    again = answer.status in _AGAIN or answer.status >= _FAILED
    said = answer.headers.get("retry-after", "")
    wait = min(float(said), _LONGEST_WAIT) if said.isascii() and said.isdigit() else 0.0
    return Verdict(arrived=False, again=again, wait=wait, why=f"it answered {answer.status}")


def title(told: Told) -> str:
    """Return one line that says what it is about."""
    notice = told.notice
    group = f" ({_group(told)})" if notice.group else ""
    if notice.state == TEST:
        return f"[test] {notice.alert}: this is how an alert looks"
    if notice.state != FIRING:
        return f"[over] {notice.alert}{group}"[:_TITLE]
    what = ", ".join(f"{count} {kind}" for kind, count in notice.kinds) or "it goes on"
    return f"[alert] {notice.alert}{group}: {what}"[:_TITLE]


def lines(told: Told) -> tuple[str, ...]:
    """Return what is to be said besides: what lasts, what happened last, and where there is more."""
    notice = told.notice
    found = [f"since {_moment(notice.since)}" if notice.since else f"at {_moment(notice.at)}"]
    if notice.things:
        found.append("it lasts: " + ", ".join(each[:_LONG] for each in notice.things[:_MOST]))
    found += [_happened(each, named=told.named) for each in notice.latest]
    if notice.missed:
        found.append(f"{notice.missed} more began and ended that were too many to be told")
    return (*found, f"gateway: {told.source}", f"more: {command(told)}")


def command(told: Told) -> str:
    """Return the command that shows more of it in the ledger."""
    references = [each.reference for each in told.notice.latest if each.reference]
    if references:
        return f"ostiary audit search --reference {references[-1]}"
    since = told.notice.since or told.notice.at
    return f"ostiary audit search --since {_moment(since - told.notice.within)}"


def webhook(told: Told, url: str, key: str, now: float) -> Outgoing:
    """Return JSON, signed with HMAC-SHA256 over the time, a dot and the body where there is a key."""
    notice, stamp = told.notice, str(int(now))
    body = msgspec.json.encode({
        "version": VERSION, "id": told.key, "alert": notice.alert, "state": notice.state,
        "title": title(told), "at": _moment(notice.at), "since": _moment(notice.since) if notice.since else None,
        "per": notice.per or None, "group": _group(told) or None, "kinds": dict(notice.kinds),
        "lasting": list(notice.things[:_MOST]), "latest": [_plain(each, named=told.named) for each in notice.latest],
        "missed": notice.missed, "gateway": told.source, "command": command(told),
    })  # fmt: skip
    headers = {"content-type": "application/json", "ostiary-timestamp": stamp, "ostiary-alert": told.key}
    if key:
        headers["ostiary-signature"] = f"v1={signature(key.encode(), stamp, body)}"
    return Outgoing(url, headers, body)


def signature(key: bytes, stamp: str, body: bytes) -> str:
    """Return the HMAC-SHA256, in hexadecimal, of the time, a dot, and the body."""
    return hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def slack(told: Told, url: str, _key: str, _now: float) -> Outgoing:
    """Return a message for an incoming webhook; text is plain, and the three characters of Slack's are escaped."""
    text = "\n".join((title(told), *lines(told)))
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # `plain_text` knows no formatting, and `text` is what notifications show; neither becomes a link or a mention.
    block = {"type": "section", "text": {"type": "plain_text", "text": text[:3000], "emoji": False}}
    content = {"text": escaped.partition("\n")[0], "mrkdwn": False, "blocks": [block], "unfurl_links": False}
    return _json(url, content)


def teams(told: Told, url: str, _key: str, _now: float) -> Outgoing:
    """Return an adaptive card, as the workflow "post to a channel when a webhook request is received" takes it."""
    # A TextBlock reads Markdown, and with it links; a TextRun does not.
    head = _run(title(told), size="Medium", weight="Bolder")
    rest = [_run(each) for each in lines(told)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": [head, *rest],
    }  # fmt: skip
    attached = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return _json(url, {"type": "message", "attachments": [attached]})


def pagerduty(told: Told, url: str, key: str, _now: float) -> Outgoing:
    """Return an event of the Events API v2: `trigger` when it begins, `resolve` with the same key when it is over."""
    notice = told.notice
    over = notice.state not in (FIRING, TEST)
    content: dict[str, Any] = {
        "routing_key": key, "event_action": "resolve" if over else "trigger", "dedup_key": told.key,
    }  # fmt: skip
    if not over:
        content |= {
            "client": "Ostiary", "client_url": told.source,
            "payload": {
                "summary": title(told)[:_SUMMARY], "source": told.source, "timestamp": _moment(notice.at),
                "severity": "info" if notice.state == TEST else "error", "component": notice.alert,
                "custom_details": {"lines": list(lines(told))},
                **({"group": _group(told)} if notice.group else {}),
            },
        }  # fmt: skip
    return _json(url, content)


FORMS: Final[Mapping[str, Form]] = {"webhook": webhook, "slack": slack, "teams": teams, "pagerduty": pagerduty}


def _json(url: str, content: Mapping[str, Any]) -> Outgoing:
    return Outgoing(url, {"content-type": "application/json"}, msgspec.json.encode(content))


def _run(text: str, **more: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **more}]}


def _group(told: Told) -> str:
    if told.notice.per == "caller" and not told.named:
        return "one caller" if told.notice.group else ""
    return told.notice.group


def _happened(each: Any, *, named: bool) -> str:
    who = [("at", each.server), ("with", each.tool), ("by", each.caller if named else "")]
    parts = " ".join(f"{word} {name}" for word, name in who if name)
    words = f": {each.words}" if each.words else ""
    reference = f" [{each.reference}]" if each.reference else ""
    return f"{each.kind} {parts}".rstrip() + words[:_LONG] + reference


def _plain(each: Any, *, named: bool) -> dict[str, Any]:
    return {
        "kind": each.kind, "at": _moment(each.at), "server": each.server or None, "tool": each.tool or None,
        "caller": each.caller or None if named else None, "words": each.words[:_LONG] or None,
        "reference": each.reference or None,
    }  # fmt: skip


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
