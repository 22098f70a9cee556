"""Alerts and their receivers: every name leads somewhere, every kind has what it needs, and no secret is in the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ostiary.behaviour.happenings import CALLS, EVENTS, LASTING, OVER, SERVER_DOWN
from ostiary.config.parse import parse
from ostiary.config.problems import Invalid
from ostiary.config.schema import Config, weakened

HEAD = 'gateway: {url: "http://127.0.0.1:8080"}\nservers: {crm: {url: "https://crm.example.com/mcp"}}\n'
OPS = 'ops: {kind: webhook, url: "https://hooks.example.com/x", key: env:KEY}'
MAIL = 'm: {kind: email, server: "smtp.example.com:587", sender: a@example.com, recipients: [b@example.com]'
SOURCE = Path(__file__).resolve().parents[3] / "src" / "ostiary"


def read(*alerts: str, notify: str = OPS) -> Config:
    lines = "".join(f"  - {{{entry}}}\n" for entry in alerts)
    return parse(f"{HEAD}{'alerts:' if alerts else ''}\n{lines}notify:\n  {notify}\n", "ostiary.yaml")


def test_an_alert_says_what_when_and_to_whom() -> None:
    where = "where: {server: [c*], tool: ['crm.*'], caller: ['*']}"
    found = read(f"name: a, on: [denied, limited], {where}, above: 20, share: 5%, within: 10m, per: caller, to: [ops]")
    (alert,) = found.alerts
    assert (alert.on, alert.above, alert.share, alert.within) == (("denied", "limited"), 20, 5, 600.0)
    assert (alert.per, alert.to, alert.ends) == ("caller", ("ops",), True)
    assert found.notify["ops"].callers == "none"


@pytest.mark.parametrize(
    "entry",
    [
        'a: {kind: slack, url: "env:URL"}',
        'a: {kind: teams, url: "file:/run/teams"}',
        "a: {kind: pagerduty, key: env:KEY}",
        'a: {kind: pagerduty, key: env:KEY, url: "https://events.eu.pagerduty.com/v2/enqueue"}',
        'a: {kind: webhook, url: "http://10.1.2.3/x", allow_private: [10.1.2.3/32]}',
        'a: {kind: webhook, url: "http://127.0.0.1/x", allow_private: [127.0.0.0/8]}',
        MAIL + ", user: u, password: env:WORD, tls: tls}",
    ],
)
def test_each_kind_of_receiver_has_what_it_needs(entry: str) -> None:
    assert len(read(notify=entry).notify) == 1


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("name: a, on: [denyed], to: [ops]", 'did you mean "denied"'),
        ("name: a, on: [zzz], to: [ops]", "they are denied, unauthenticated"),
        ("name: a, on: [denied], to: [opps]", 'nobody in notify is called "opps"; did you mean "ops"'),
        ("name: a, on: [denied], to: [zz-top]", "in notify are ops"),
        ("name: a, on: [], to: [ops]", "must not be empty"),
        ("name: a, on: [denied], to: [3]", "must be text"),
        ("name: a, on: [denied], to: [ops], where: {server: [crn]}", 'no server fits "crn"'),
        ("name: a, on: [denied], to: [ops], where: {tool: [crn.find]}", 'no server is called "crn"'),
        ('name: a, on: [denied], to: [ops], where: {caller: [""]}', "a pattern of names"),
        ("name: a, on: [anomaly], share: 5%, to: [ops]", "for kinds that are calls only"),
        ("name: a, on: [denied], to: [ops]}\n  - {name: a, on: [held], to: [ops]", "this name is taken"),
    ],
)
def test_an_alert_that_could_never_be_told_is_a_problem(entry: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(entry)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("a: {kind: pigeon}", "must be one of webhook, slack, teams, pagerduty, email"),
        ("a: {kind: slack}", "kind: slack needs url"),
        ("a: {kind: pagerduty}", "kind: pagerduty needs key"),
        ('a: {kind: slack, url: "https://hooks.slack.com/services/T0/SECRET"}', "this URL is a secret"),
        ('a: {kind: slack, url: "env:U", recipients: [a@b.c]}', "recipients: is not for kind: slack"),
        ('a: {kind: webhook, url: "ftp://x"}', "is not an http or https URL"),
        ('a: {kind: webhook, url: "http://hooks.example.com/x"}', "is not encrypted"),
        ('a: {kind: webhook, url: "https://10.1.2.3/x"}', "add allow_private: [10.1.2.3/32]"),
        (MAIL + ", user: u}", "user and password go together"),
        (MAIL.replace("b@example.com", "Bob <b@example.com>") + "}", "is not an e-mail address"),
        ("[]", "must be a mapping"),
    ],
)
def test_a_receiver_that_cannot_be_reached_safely_is_a_problem(entry: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(notify=entry)
    assert said in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_an_alert_without_any_receiver_says_where_to_add_one() -> None:
    with pytest.raises(Invalid, match="add it to notify"):
        parse(HEAD + "alerts: [{name: a, on: [denied], to: [ops]}, 3]\n", "ostiary.yaml")


def test_mail_in_plain_is_told_as_weakening() -> None:
    assert weakened(read(notify=MAIL + ", unsafe_plain: true}")) == ("notify.m.unsafe_plain",)


def test_events_that_alerts_are_about_are_written_somewhere() -> None:
    """Ours: an alert about something that is never written would be silent for ever."""
    text = "\n".join(path.read_text() for path in SOURCE.rglob("*.py") if "behaviour" not in path.parts)
    written = set(re.findall(r'"([a-z_]+)"', text))
    assert {*EVENTS, *LASTING, *OVER} - {SERVER_DOWN} <= written | {"ledger_stopped"}


def test_the_page_about_alerts_shows_what_the_gateway_takes() -> None:
    page = (SOURCE.parents[1] / "docs" / "alerts.md").read_text("utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(parse(HEAD + block, "alerts.md").alerts) == 5
    assert [kind for kind in (*CALLS, *LASTING) if f"`{kind}`" not in page] == []
