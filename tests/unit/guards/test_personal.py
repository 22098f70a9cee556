"""Personal data is found by shape and check digit, and where those are weak, by the words around."""

from __future__ import annotations

from random import Random

import pytest

from ostiary.guards import personal
from ostiary.guards.matching import compiled
from tests.unit.guards.sensitive_people import PEOPLE


def shown(text: str, key: str = "") -> list[tuple[str, str]]:
    return [(each.rule.removeprefix("personal."), text[each.start : each.end]) for each in personal.search(text, key)]


def kinds(text: str, key: str = "") -> list[str]:
    return [kind for kind, _ in shown(text, key)]


@pytest.mark.parametrize("row", range(len(personal.FORMS)))
def test_every_forms_patterns_compile(row: int) -> None:
    assert compiled(personal.FORMS[row].pattern).groups == 1
    assert compiled(personal.FORMS[row].hint) is not None


@pytest.mark.parametrize("family", PEOPLE)
def test_each_kind_is_found_beside_each_of_its_names(family: str) -> None:
    names, makers = PEOPLE[family]
    for name in names:
        for made in makers:
            value = made(Random(3))
            text = f"for the record, {name}: {value} as given"
            assert any(value in covered for _, covered in shown(text)) or value in "".join(v for _, v in shown(text)), (
                text
            )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("paid with 4111 1111 1111 1111 today", "card"),
        ("call (202) 456-1414 now", "phone"),
        ("call +49 30 901820 now", "phone"),
        ("call 0049 30 901820 now", "phone"),
        ("(+49 30 901820)", "phone"),
        ("+1 (555) 010-1234", "phone"),
        ("phone 555-123-4567", "phone"),
        ("(555) 123-4567", "phone"),
        ("DE89 3704 0044 0532 0130 00 BANK", "iban"),
        ("iban de89370400440532013000", "iban"),
        ("on 811218-9876", "se-personnummer"),
        ("219-09-9999", "us-ssn"),
        ("bob.meyer@corp.com", "email"),
        ("bob [at] corp [dot] com", "email"),
        ("mailto:bob@corp.com", "email"),
        ("https://x.com/?mail=bob@corp.com", "email"),
        ("müller@größe.de", "email"),
        ("from 93.184.216.34:8080", "ip"),
        ("2a00:1450:4001:81b::200e", "ip"),
        ("client 4.10.22.7", "ip"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bitcoin-wallet"),
        ("born on 12 March 1987", "date-of-birth"),
        ("12 Baker Street, London, NW1 6XE", "address"),
        ("national id number 12345678", "national-id"),
        ("tax id 52998224725", "br-cpf"),
        ("driver's license no: D123-4567-8901", "driving-licence"),
        ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10", "mrz"),
        ("PPS 1234567T", "ie-pps"),
        ("RFC GODE561231GR8", "mx-rfc"),
        ("HKID A123456(3)", "hk-id"),
        ("hkid A1234563", "hk-id"),
        ("Taiwan national id A123456789", "tw-id"),
        ("MBI 1EG4-TE5-MK73", "us-medicare"),
        ("30.686.957-4 X", "cl-rut"),
        ("rut 30686957-4", "cl-rut"),
        ("DNI 12.345.678-Z", "es-dni"),
        ("key 255082A16802597", "fr-nir"),
        ("wallet rN7n7otQDd6FczFgLdSqtcsAUxDkw6fzRH of ripple", "ripple-wallet"),
        ("solana 7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV1", "solana-wallet"),
        ("cvv: 123", "card-code"),
        ("〒100-0001 東京都", "address"),
        ("postcode SW1A 1AA", "address"),
        ("postal code K1A 0B1", "address"),
        ("11010519491231002X", "cn-id"),
    ],
)
def test_written_like_this_it_is_found(text: str, kind: str) -> None:
    assert kind in kinds(text), shown(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 4111111111111111",
        "SKU-4111111111111111",
        "version 93.184.216.34",
        "Chrome/120.0.0.0 Safari/537.36",
        "section 4.10.22.7",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "at 2025-11-22T10:00:00.123456Z",
        "ISBN 978-3-16-148410-0",
        "phone support since 2004-2005, phone day 2025-11-22, tel 12.11.2025 10:00",
        "x4111111111111111 4111111111111111x 4111111111111111_ _4111111111111111",
        "1.4111111111111111 4111111111111111.5 12-4111111111111111",
        "123456789",
        "postgres://bob:secret@db.corp.com/x",
        "std::vector a::b 12:30:45",
        "ARABIC LETTER ISOLATED",
        "+12 3456",
        "0000000000 phoneless",
        "[redacted:phone] 030 123456",
        "[card:…1111] 9434765919 [redacted:uk-nhs]",
        "1Z9999999999999999",
        "no data here",
    ],
)
def test_what_only_looks_personal_is_left_alone(text: str) -> None:
    assert shown(text) == []


def test_the_head_of_a_column_names_what_is_below() -> None:
    text = "name,nhs_no\nBob,9434765919\nAnn,9434765919\n"
    assert kinds(text) == ["uk-nhs", "uk-nhs"]
    assert shown("name,order_no\nBob,4111111111111111\n") == []
    assert shown("4111111111111111,a\n4111111111111111,b\n")[0][0] == "card"


def test_a_key_names_its_value() -> None:
    assert shown("9434765919", "nhsNumber") == [("uk-nhs", "9434765919")]
    assert shown("1980-04-01", "date_of_birth") == [("date-of-birth", "1980-04-01")]
    assert shown("030 123456", "ünphone") == [("phone", "030 123456")]


def test_context_ends_where_something_was_masked() -> None:
    """A mask names its kind; that must not make a phone of the digits behind it, or masking would never end."""
    assert shown("[redacted:phone] 030 123456 [redacted:phone]") == []


def test_a_phone_is_not_read_out_of_a_card() -> None:
    assert kinds("phone or card 4111 1111 1111 1111 please") == ["card"]


def test_hostile_texts_of_a_chunks_size_are_read_to_the_end() -> None:
    for piece in ("1 ", "4111 ", "1.1.1.", "a@", "born ", "1 Main Street ", "+1 202 456 1414 ", "\t", "|", "DE89", "é"):
        assert isinstance(personal.search(piece * (65_536 // len(piece))), tuple)
