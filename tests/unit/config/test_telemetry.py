"""The section `telemetry`: what it takes, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ostiary.config.telemetry import OTLP, Telemetry

URL = "https://collector.example.com"


def read(**section: Any) -> Telemetry:
    return Telemetry.model_validate(section)


def test_nothing_is_told_unless_somebody_says_so() -> None:
    section = read()
    assert (section.otlp, section.traces, section.told("files")) == (None, None, "trace")


def test_one_server_may_be_told_more_or_less_than_the_others() -> None:
    section = read(propagate="none", propagate_to={"crm": "all"})
    assert (section.told("crm"), section.told("files")) == ("all", "none")


def test_a_path_is_appended_to_the_collectors_address() -> None:
    assert OTLP.model_validate({"url": f"{URL}/otlp/"}).url == f"{URL}/otlp"
    with pytest.raises(ValidationError, match="no address"):
        OTLP.model_validate({"url": f"{URL}/?key=1"})


def test_traces_need_somewhere_to_go() -> None:
    assert read(otlp={"url": URL}, traces={"sample": 0.5}).traces is not None
    with pytest.raises(ValidationError, match="go nowhere"):
        read(traces={})


def test_one_mistake_does_not_make_another() -> None:
    """A bad `otlp` is told as such, and not as missing."""
    with pytest.raises(ValidationError) as caught:
        read(otlp={"url": 7}, traces={})
    assert [each["loc"] for each in caught.value.errors()] == [("otlp", "url")]


@pytest.mark.parametrize(
    "section",
    [
        {"propagate": "some"},
        {"otlp": {"url": URL, "headers": {"authorization": "Bearer written-here"}}},
        {"otlp": {"url": URL, "headers": {"host": "env:X"}}},
        {"otlp": {"url": URL, "queue": 1}},
        {"otlp": {"url": URL}, "traces": {"sample": 1.5}},
        {"otlp": {"url": URL}, "traces": {"principal": "email"}},
    ],
)
def test_what_is_unsafe_or_unbounded_is_refused(section: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(**section)
