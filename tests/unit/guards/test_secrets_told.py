"""Secrets in sentences of several languages, in blocks that name them, in long keys of frameworks; and what only looks like one."""

from __future__ import annotations

from random import Random
from string import ascii_lowercase

import pytest

from ostiary.guards import secrets
from tests.unit.guards.sensitive_secrets import ALNUM, drawn

TOLD = "Mar1sol_83"


def shown(text: str, key: str = "") -> list[tuple[str, str]]:
    return [(each.rule.removeprefix("secret."), text[each.start : each.end]) for each in secrets.search(text, key)]


@pytest.mark.parametrize(
    "sentence",
    [
        "The password for the staging box is now {}, tell nobody.",
        "the admin password was {}",
        "Das Passwort für den Drucker lautet jetzt {}.",
        "Unser Kennwort ist weiterhin {}",
        "Le mot de passe temporaire du compte est {} jusqu'à lundi",
        "le mot de passe du wifi sera {}",
        "Mot de passe : {}",
        "le mot de passe est « {} », merci",
        "La contraseña del servidor de correo es {} desde ayer",
        "la contraseña era {}",
        "A senha do banco é {}",
        "a palavra-passe do portal será {}",
        "la password del router è {}",
        "Het wachtwoord voor de beheerder is {}",
        "Hasło do serwera to {}",
        "hasło administratora brzmi {}",
        "Das Passwort ist „{}“",
        "the password is “{}”",
    ],
)
def test_a_sentence_tells_a_password_in_any_of_these_languages(sentence: str) -> None:
    assert ("password", TOLD) in shown(sentence.format(TOLD))


@pytest.mark.parametrize(
    "sentence",
    [
        "The password is required and was changed by the team on Monday.",
        "the password policy for all users is Str0ng-er",
        "password length for admins is twelve-or-more",
        "the password is 8-character",
        "le mot de passe est obligatoire",
        "la contraseña es incorrecta",
        "das Passwort ist abgelaufen",
        "a senha é obrigatória",
        "the password for the lift is a secret of the house",
    ],
)
def test_what_is_said_of_a_password_is_none(sentence: str) -> None:
    assert shown(sentence) == []


def test_a_mark_of_exclamation_belongs_to_a_password_and_a_full_stop_does_not() -> None:
    assert shown(f"the password is {TOLD}!.") == [("password", f"{TOLD}!")]


@pytest.mark.parametrize(
    "block",
    [
        'variable "db_password" {{\n  type        = string\n  description = "of the shop"\n  default     = "{}"\n}}',
        "variable \"dbPassword\" {{ default = '{}' }}",
        "param adminPassword {{\n value: '{}'\n}}",
    ],
)
def test_a_block_whose_head_names_a_secret_holds_it_as_its_default(block: str) -> None:
    assert ("password", TOLD) in shown(block.format(TOLD))


def test_a_block_that_names_something_else_of_a_secret_holds_none() -> None:
    assert shown('variable "password_length" {\n  default = "at-least-12"\n}') == []
    assert shown('variable "db_password" {\n  default = "var.other"\n}') == []


def test_both_shapes_of_azure_devops_tokens_are_known() -> None:
    dice = Random(5)
    new = drawn(dice, ALNUM, 76) + "AZ" + "DO" + drawn(dice, ALNUM, 4)
    old = drawn(dice, ascii_lowercase + "234567", 52)
    assert shown(f"see {new} there") == [("azure-devops-token", new)]
    for text in (f"AZURE_DEVOPS_EXT_PAT={old}", f"git clone https://{old}@dev.azure.com/x", f"my devops token: {old}"):
        assert any(old in value for _, value in shown(text)), text
    assert shown(f"the digest {old} of the file") == []


def test_a_key_that_a_framework_drew_may_have_brackets_and_signs() -> None:
    key = "django-inse" + "cure-$(x)9#kq2v!pd7@z^&w1m*t5b_h8j+n4r6y0aeuc3g"
    assert any(key in value for _, value in shown(f"SECRET_KEY = '{key}'"))
    assert any(key[16:] in value for _, value in shown(f'SECRET_KEY = "{key[16:]}"'))
    assert shown("SECRET_KEY = '(put-your-own-secret-key-here-before-you-start-1234567)'") == []


def test_a_placeholder_in_a_url_is_no_element_that_holds_a_password() -> None:
    assert shown("mongodb://<user>:<password>@cluster0.corp.net/shop") == []
    assert shown("<user>:<password>:8080/x1") == []
    assert shown("<password>@dm1n!x9</password>") == [("password", "@dm1n!x9")]


@pytest.mark.parametrize("value", ["gh" + "p_abc123def456", "gh" + "p_1a2B3c4D5e6F7g8H", "np" + "m_1a2B3c4D5e6F"])
def test_what_begins_as_a_token_and_has_not_its_length_was_written_for_show(value: str) -> None:
    assert shown(f"token: {value}") == []
    assert shown(value, "token") == []


def test_a_key_is_telling_however_long_it_is() -> None:
    assert shown("kW8#zul9-plum", "x" * 100 + "_password") == [("password", "kW8#zul9-plum")]


@pytest.mark.parametrize(
    "text",
    ["pin: {}", '{{"card_pin": {}}}', "userPin = {}", "Your PIN is {}, tell nobody", "PIN-Nr: {}", "Geheimzahl ist {}"],
)
def test_a_short_number_is_a_secret_where_it_is_called_one(text: str) -> None:
    assert ("pin", "4711") in shown(text.format("4711"))


@pytest.mark.parametrize("value", ["482913", "482-913", "4829 "])
def test_a_code_that_is_good_for_once_is_one(value: str) -> None:
    assert shown(f"Your verification code is {value}.") == [("one-time-code", value.strip())]
    assert ("one-time-code", value.strip()) in shown(f"otp={value} ")


@pytest.mark.parametrize(
    "text", ["spin: 4711", "pin code: 560001", "pin: 13", "see pin 4711", "otp: 123456", "tan(1234)", "zip code: 56000"]
)
def test_other_short_numbers_are_none(text: str) -> None:
    assert shown(text) == []
