"""What is kept of calls: by rule, of a class that there is, for a key that something can be sealed for."""

from __future__ import annotations

import pytest

from ostiary.config.capture import Wanted, kept
from ostiary.config.parse import parse
from ostiary.config.problems import Invalid
from ostiary.config.schema import Config
from ostiary.core.capturing import Capture, Half
from ostiary.entry.moves import refuse_moves

KEY = "Oth5GSVQecMlmSrf0i02D3trSJvPr5iqLs/H0uGumDk="
HEAD = 'gateway: {url: "http://127.0.0.1:8080"}\nservers: {crm: {url: "https://crm.example.com/mcp"}}\n'
SECTION = f'capture: {{to: "{KEY}", classes: {{legal: {{keep: 30d}}, brief: {{keep: 1h, size: 1KiB}}}}}}'
ALLOW = 'allow: ["crm.*"], subjects: ["*"]'


def read(*rules: str, section: str = SECTION) -> Config:
    lines = "".join(f"  - {{name: r{at}, {rule}}}\n" for at, rule in enumerate(rules))
    return parse(f"{HEAD}{section}\n{'rules:' if rules else ''}\n{lines}", "ostiary.yaml")


def said(*rules: str, section: str = SECTION) -> str:
    with pytest.raises(Invalid) as caught:
        read(*rules, section=section)
    return str(caught.value)


def test_without_a_section_nothing_is_kept() -> None:
    found = read(ALLOW, section="")
    assert (found.capture, found.rules[0].capture) == (None, None)
    assert kept(None) is None


def test_a_class_says_how_long_and_how_much() -> None:
    found = read().capture
    assert found is not None
    assert {name: (each.keep, each.size) for name, each in found.classes.items()} == {
        "legal": (2_592_000.0, 65_536), "brief": (3600.0, 1024),
    }  # fmt: skip
    assert (found.to, found.spare) == (KEY, 256 * 1024 * 1024)


def test_a_rule_names_a_class_and_may_name_a_half() -> None:
    whole, half = read(f"{ALLOW}, capture: legal", f"{ALLOW}, capture: {{class: brief, what: [result]}}").rules
    assert kept(whole.capture) == Capture("legal", frozenset({Half.ARGUMENTS, Half.RESULT}))
    assert kept(half.capture) == Capture("brief", frozenset({Half.RESULT}))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("deny: ['*'], capture: legal", "is only for rules that allow"),
        (f"{ALLOW}, shadow: true, capture: legal", "a rule that is rehearsed decides nothing"),
        (f"{ALLOW}, capture: legl", 'no class of payloads is called "legl"; did you mean "legal"'),
        (f"{ALLOW}, capture: {{class: zz-top}}", "in capture.classes are brief, legal"),
        (f"{ALLOW}, capture: {{class: 7}}", "must be text"),
        (f"{ALLOW}, capture: {{class: legal, what: []}}", "must not be empty"),
        (f"{ALLOW}, capture: {{class: legal, what: [all]}}", "arguments"),
        (f"{ALLOW}, capture: {{what: [result]}}", "is required"),
        (f"{ALLOW}, capture: 7", "must be a mapping"),
        (f"{ALLOW}, capture: null", "is empty; fill it, or remove the key"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_words(rule: str, words: str) -> None:
    assert words in said(rule)


@pytest.mark.parametrize(
    "to", ["", "x", "AAAA", "A" * 43 + "=", "AQ" + "A" * 41 + "=", "7P///////////////////////////////////////38="]
)
def test_a_key_that_seals_for_everybody_or_nobody_is_refused(to: str) -> None:
    """RFC 7748, section 6.1: with a point of low order everybody knows the shared secret."""
    words = said(section=SECTION.replace(KEY, to))
    assert "capture.to: is not a public key of X25519; make one with: ostiary audit keygen" in words


def test_a_rule_without_a_key_says_how_to_make_one() -> None:
    words = said(f"{ALLOW}, capture: legal", section="")
    assert "there is no key that payloads are sealed for" in words
    assert "ostiary audit keygen" in words


def test_classes_that_are_not_there_are_asked_for() -> None:
    assert "add it to capture.classes" in said(f"{ALLOW}, capture: legal", section=f'capture: {{to: "{KEY}"}}')


def test_editors_hear_that_the_name_of_a_class_is_enough() -> None:
    word, whole = Wanted.model_json_schema()["anyOf"]
    assert (word["type"], sorted(whole["properties"])) == ("string", ["class", "what"])


def test_a_running_gateway_does_not_change_whom_it_seals_for() -> None:
    with pytest.raises(ValueError, match="capture changes with a restart only"):
        refuse_moves(read(), read(section=""), ())
