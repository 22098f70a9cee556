"""A configuration that needs what is not installed is told before a gateway starts with it."""

from __future__ import annotations

import pytest

from ostiary.config.checking import tried
from ostiary.config.parse import Document
from ostiary.entry.extras import OTEL, installed, lacking

HEAD = b"""gateway: {url: "http://127.0.0.1:8080"}
servers: {crm: {command: [crm]}}
"""
TOLD = (
    HEAD
    + b"""telemetry:
  otlp: {url: "https://collector.example.com"}
"""
)


def read(text: bytes) -> Document:
    document, problems = tried(text, "ostiary.yaml")
    assert document is not None, problems
    return document


def test_what_a_collector_is_told_needs_an_extra_and_is_told_with_its_place_and_what_to_run() -> None:
    (found,) = lacking(read(TOLD), lambda module: module != OTEL)
    assert found.rendered("ostiary.yaml").startswith("ostiary.yaml:4:")
    assert "telemetry.otlp: needs the classes" in found.rendered("ostiary.yaml")
    assert "pip install 'ostiary[otel]'" in found.suggestion


@pytest.mark.parametrize(("text", "there"), [(TOLD, True), (HEAD, False)])
def test_who_has_it_or_does_not_ask_for_it_hears_nothing(text: bytes, there: bool) -> None:
    assert list(lacking(read(text), lambda _module: there)) == []


def test_modules_are_looked_up_below_packages_that_are_not_there_too() -> None:
    assert installed("json.decoder")
    assert not installed("json.nothing")
    assert not installed("no_such_package.within.it")
