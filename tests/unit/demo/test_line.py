"""How a call is told in one line."""

from ostiary.adapters.store.ledger_read import Entry
from ostiary.entry.cli.demo import line

CALL = Entry(
    1, "2026-11-22T10:20:30.123Z", "r1", "call", 1, 0, "ana", "notes", "notes.add_note", "tools/call", "answered",
    "allow", "developers-take-notes", "", 3.14159,
)  # fmt: skip


def changed(**fields: object) -> Entry:
    entry = Entry(*(getattr(CALL, field) for field in Entry.__struct_fields__))
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry


def test_a_line_says_when_who_what_why_how_and_how_long() -> None:
    words = " ".join(line(CALL).plain.split())
    assert words == "10:20:30 ana notes.add_note allow by developers-take-notes answered 3.1 ms"


def test_a_call_without_a_tool_is_told_by_its_method() -> None:
    assert "tools/list" in line(changed(tool="", method="tools/list")).plain


def test_a_call_of_nobody_is_told_as_such() -> None:
    told = line(changed(subject="", tool="", method="", decision="", rule="", outcome="unauthenticated")).plain
    assert told.split()[1:5] == ["nobody", "-", "undecided", "unauthenticated"]


def test_what_a_server_says_cannot_act_on_the_terminal() -> None:
    assert "\x1b" not in line(changed(tool="notes.\x1b[2Jgone")).plain


def test_an_event_of_the_gateway_is_told_too() -> None:
    told = line(changed(type="event", outcome="config_activated")).plain
    assert told == "10:20:30  gateway: config activated"
