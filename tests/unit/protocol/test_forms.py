"""No form may ask for a secret, however it is spelled; what only speaks of one may be asked."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.core.model import Client, Era
from ostiary.protocol.capabilities import offer
from ostiary.protocol.forms import secret
from ostiary.protocol.questions import objection


def form(name: str = "value", message: str = "Please fill this in", **field: Any) -> dict[str, Any]:
    return {
        "mode": "form",
        "message": message,
        "requestedSchema": {"type": "object", "properties": {name: {"type": "string", **field}}},
    }


@pytest.mark.parametrize(
    "name",
    ["password", "apiKey", "api_key", "github_token", "accessToken", "client-secret", "otp", "cvv", "card_number", "pin",
     "db.password", "private_key", "seedPhrase", "passwort", "contraseña", "senha", "пароль", "密码", "パスワード", "haslo"],
)  # fmt: skip
def test_a_field_that_is_called_for_a_secret_asks_for_one(name: str) -> None:
    assert secret(form(name)) == f"the field {name!r}"


@pytest.mark.parametrize(
    "said",
    ["Your one-time code", "Enter the 2FA code that we sent", "Paste your personal access token", "Kreditkartennummer",
     "le mot de passe de votre compte", "ｐａｓｓｗｏｒｄ", "pass\u200bword", "Bearer token", "recovery phrase of the wallet"],
)  # fmt: skip
def test_a_title_a_description_or_the_message_asks_too(said: str) -> None:
    assert secret(form(title=said)) == "the field 'value'"
    assert secret(form(description=said)) == "the field 'value'"
    assert secret(form(message=said)) == "its message"


def test_what_is_typed_invisibly_is_a_secret() -> None:
    assert secret(form(format="password"))
    assert secret({"requestedSchema": {"properties": {"token type, and the token": "no schema", "password": 7}}})


@pytest.mark.parametrize(
    "asked",
    [
        form("city"), form("page_token_count"), form("password", type="boolean"), form("token", enum=["a", "b"]),
        form(message="Never enter your password here. Which city?"), form(description="Do not type your PIN"),
        form("secret_name"), form(title="Password policy"), form("password", oneOf=[]), form("pinned"), form("tokenizer"),
        form("key"), form("passport_name"), form("opinion"), form("shipping"),
        {"mode": "url", "url": "https://a", "message": "Enter your password"},
        {"message": "Enter your password"},
        {"message": "Enter your password", "requestedSchema": {"type": "object"}},
        {"message": "Your password?", "requestedSchema": {"properties": {"sure": {"type": "boolean"}}}},
        {"message": 7, "requestedSchema": {"properties": {"a": {"type": ["string"]}}}},
    ],
)  # fmt: skip
def test_what_collects_no_secret_is_asked(asked: dict[str, Any]) -> None:
    assert secret(asked) == ""


def test_a_form_that_is_too_long_to_look_at_is_not_asked() -> None:
    fields = {f"f{number}": {"type": "string"} for number in range(300)}
    assert secret({"requestedSchema": {"properties": fields}}) == "more fields than can be looked at"


def test_a_form_that_asks_for_a_secret_is_put_to_nobody() -> None:
    client = Client(Era.MODERN, "2026-07-28", {}, offer({"elicitation": {"form": {}}}, modern=True), {})
    said = objection(client, "elicitation/create", form("password"))
    assert "must not ask for secrets" in said
    assert "the field 'password'" in said
    assert objection(client, "elicitation/create", form("city")) == ""
