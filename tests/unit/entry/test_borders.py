"""When a rule's time begins or ends, those who listen are told, once, by a clock that may jump."""

from __future__ import annotations

from datetime import UTC, datetime

from ostiary.config.parse import parse
from ostiary.config.policy import windows
from ostiary.config.schema import Config
from ostiary.entry.borders import Borders

TEXT = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files]}}
rules:
  - {name: office, allow: [files.read], subjects: ["*"], during: {days: [mon-fri], hours: "08:00-18:00", zone: UTC}}
  - {name: nights, deny: [files.read], during: {days: [mon-sun], hours: "22:00-06:00", zone: UTC}}
  - {name: tried, shadow: true, deny: [files.read], during: {days: [mon], hours: "12:00-13:00", zone: UTC}}
  - {name: ever, allow: [files.list], subjects: ["*"]}
"""
MONDAY = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
HOUR = 3600.0


class Wall:
    """A clock on a wall, and a configuration in force."""

    def __init__(self, text: str = TEXT, hour: float = 7) -> None:
        self.time, self.config = MONDAY + hour * HOUR, parse(text, "test.yaml")
        self.borders = Borders(lambda: self.config, lambda: self.time)
        assert not self.borders.crossed()

    def at(self, hour: float) -> bool:
        """Say whether anybody is told of anything when it is so late."""
        self.time = MONDAY + hour * HOUR
        return self.borders.crossed()


def test_a_border_is_told_of_once_and_nothing_between_two_of_them() -> None:
    wall = Wall()
    assert [wall.at(hour) for hour in (7.5, 7.999, 8, 8.0003, 12, 17.999, 18, 18.1, 22, 22.1, 30)] == [
        False, False, True, False, False, False, True, False, True, False, True,
    ]  # fmt: skip


def test_the_rule_that_is_only_tried_changes_nothing() -> None:
    assert len(windows(parse(TEXT, "test.yaml"))) == 2
    wall = Wall(hour=11)
    assert not wall.at(12.5)
    assert wall.borders.until == MONDAY + 18 * HOUR


def test_a_machine_that_slept_over_a_border_is_told_when_it_wakes() -> None:
    wall = Wall()
    assert wall.at(9)
    assert wall.at(46.5)
    assert not wall.at(46.6)


def test_one_that_slept_over_two_that_cancel_out_has_nothing_to_tell() -> None:
    wall = Wall(hour=9)
    assert not wall.at(24 + 9)


def test_a_clock_that_is_set_back_opens_what_it_closed() -> None:
    wall = Wall(hour=17)
    assert wall.at(18)
    assert wall.at(17)
    assert wall.at(18)


def test_other_rules_have_other_borders_and_what_happened_meanwhile_is_told() -> None:
    wall = Wall(hour=7)
    wall.config = parse(TEXT.replace("08:00", "07:30"), "test.yaml")
    assert not wall.at(7.1)
    assert wall.at(7.5)
    wall.config = parse(TEXT.replace("08:00-18:00", "07:40-18:00"), "test.yaml")
    assert wall.at(7.7)
    assert not wall.at(7.8)


def test_without_windows_there_is_nothing_to_tell_and_a_look_now_and_then() -> None:
    bare: Config = parse("gateway: {url: 'http://127.0.0.1:8080'}", "test.yaml")
    wall = Wall()
    wall.config = bare
    assert not wall.at(8)
    assert wall.borders.until == MONDAY + 32 * HOUR
