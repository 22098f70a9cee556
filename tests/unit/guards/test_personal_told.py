"""Machine-readable zones, versions that are no addresses, and lists of numbers that are too long to judge each."""

from __future__ import annotations

import pytest

from ostiary.guards import personal
from ostiary.guards.personal_checks import mrz_of_book, mrz_of_card

UPPER = "P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<"
LOWER = "C01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4"
CARD = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"


def shown(text: str) -> list[tuple[str, str]]:
    return [(each.rule.removeprefix("personal."), text[each.start : each.end]) for each in personal.search(text)]


@pytest.mark.parametrize("between", ["\n", "\r\n", "\n    ", " ", "\\n", '", "', ""])
def test_both_lines_of_a_passport_are_found_whatever_stands_between(between: str) -> None:
    """ICAO 9303, parts 3 and 4; Germany is `D<<`."""
    text = f"scanned: {UPPER}{between}{LOWER} ok"
    left = text
    for _, value in shown(text):
        left = left.replace(value, "")
    assert "MUSTERMANN" not in left
    assert "C01X00T478" not in left


def test_a_second_line_alone_is_known_by_its_check_digits() -> None:
    assert shown(f"zone {LOWER}.") == [("mrz", LOWER)]
    assert shown(f"zone {LOWER.replace('640812', '640813')}.") == []
    assert mrz_of_book(LOWER)
    assert not mrz_of_book(LOWER.replace("270228", "270229"))


def test_the_three_lines_of_an_identity_card_are_found() -> None:
    """ICAO 9303, part 5, with the specimen of its appendix."""
    assert shown(f"card: {CARD}") == [("mrz", CARD)]
    assert mrz_of_card(CARD.split("\n")[1])
    assert shown("7408123F1204159UTO<<<<<<<<<<<6") == []


@pytest.mark.parametrize(
    "text",
    [
        "upgraded from 83.12.60.6 to 83.12.61.0",
        "the release notes of 93.184.216.34 say so",
        "Firmware: v93.184.216.34",
        "updated from 93.184.216.34 to 93.184.217.1",
        "driver version is 31.0.15.4601, was 31.0.15.36",
    ],
)
def test_four_numbers_of_a_version_are_no_address(text: str) -> None:
    assert shown(text) == []


@pytest.mark.parametrize(
    "text",
    ["login from 93.184.216.34", "the profile was updated from 93.184.216.34 by ana", "host 93.184.216.34 is down"],
)
def test_an_address_stays_one(text: str) -> None:
    assert shown(text) == [("ip", "93.184.216.34")]


def test_in_a_list_of_very_many_numbers_each_is_taken_for_one() -> None:
    """What would take the plans too long is hidden, and not passed."""
    text = ", ".join(f"+49 30 9018{at:03d}" for at in range(200))
    assert len(shown(text)) == 200


def test_no_country_begins_with_nought_and_no_area_with_one() -> None:
    assert shown("code 00100101100, then 000123456789") == []


def test_a_run_of_very_many_digits_holds_no_number() -> None:
    assert shown("1234567890" * 50) == []


@pytest.mark.parametrize(
    "text", ['"cvv": 123', "cardCvv: 123", "card_cvc2=123", "security_code: 123", "the CVV is 123"]
)
def test_the_code_of_a_card_is_found_behind_any_part_of_a_name(text: str) -> None:
    assert shown(text) == [("card-code", "123")]


def test_what_begins_with_the_code_of_no_country_is_no_number() -> None:
    assert shown("code +999 1234 5678, then") == []
