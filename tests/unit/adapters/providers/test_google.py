"""Access tokens of a service account: how they are asked for, kept and renewed."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from ostiary.adapters.providers.formats import Answer, Outgoing, Unreadable
from ostiary.adapters.providers.google import tokens
from tests.unit.adapters.providers.asking_b import NOW, got

PAIR: Final = RSAKey.generate_key(2048)
ACCOUNT: Final = {
    "type": "service_account", "project_id": "ours", "private_key_id": "kid-1",
    "private_key": PAIR.as_pem(private=True).decode(), "client_email": "guard@ours.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}  # fmt: skip
GRANTED: Final = {"access_token": "ya29.one", "expires_in": 3599, "token_type": "Bearer"}


class Endpoint:
    """Answers what it was told to answer, and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked: list[Outgoing] = []

    async def __call__(self, sent: Outgoing, deadline: float, /) -> Answer:
        self.asked.append(sent)
        return self._answers.pop(0)


def made(**changed: Any) -> Any:
    return tokens(json.dumps({**ACCOUNT, **changed}))


async def test_an_assertion_of_the_account_is_exchanged_for_a_token() -> None:
    """RFC 7523 section 2.1, and the claims that Google wants."""
    account, endpoint = made(), Endpoint(got(GRANTED))
    await account.renew(endpoint, NOW, 0.0)
    (sent,) = endpoint.asked
    form = parse_qs(sent.body.decode())
    token = jwt.decode(form["assertion"][0], PAIR, algorithms=["RS256"])
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert (sent.url, sent.headers["content-type"]) == (ACCOUNT["token_uri"], "application/x-www-form-urlencoded")
    assert token.header == {"alg": "RS256", "typ": "JWT", "kid": "kid-1"}
    assert token.claims == {
        "iss": ACCOUNT["client_email"], "aud": ACCOUNT["token_uri"], "iat": int(NOW), "exp": int(NOW) + 3600,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
    }  # fmt: skip
    assert account.bearer(NOW) == "ya29.one"


async def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    account, endpoint = made(), Endpoint(got(GRANTED), got({**GRANTED, "access_token": "ya29.two"}))
    await account.renew(endpoint, NOW, 0.0)
    await account.renew(endpoint, NOW + 3_200, 0.0)
    assert account.bearer(NOW + 3_200) == "ya29.one"
    await account.renew(endpoint, NOW + 3_400, 0.0)
    assert account.bearer(NOW + 3_400) == "ya29.two"


async def test_while_one_call_renews_a_token_others_go_on_with_the_old_one() -> None:
    account = made()
    await account.renew(Endpoint(got(GRANTED)), NOW, 0.0)

    class Meanwhile(Endpoint):
        async def __call__(self, sent: Outgoing, deadline: float, /) -> Answer:
            await account.renew(Endpoint(), NOW + 3_400, 0.0)
            assert account.bearer(NOW + 3_400) == "ya29.one"
            return await super().__call__(sent, deadline)

    await account.renew(Meanwhile(got({**GRANTED, "access_token": "ya29.two"})), NOW + 3_400, 0.0)
    assert account.bearer(NOW + 3_400) == "ya29.two"


async def test_a_token_that_was_not_accepted_is_dropped() -> None:
    account = made()
    await account.renew(Endpoint(got(GRANTED)), NOW, 0.0)
    account.forget()
    with pytest.raises(Unreadable, match="no access token"):
        account.bearer(NOW)


def test_there_is_no_token_before_one_was_granted() -> None:
    with pytest.raises(Unreadable, match="no access token"):
        made().bearer(NOW)


@pytest.mark.parametrize(
    "answer",
    [
        got({"error": "invalid_grant"}, 400),
        got({"error": "unavailable"}, 503, retry_after="7"),
        got({}),
        got([]),
        got({**GRANTED, "token_type": "MAC"}),
        got({**GRANTED, "access_token": "ya29\r\nx: y"}),
        got({**GRANTED, "access_token": ""}),
        got({**GRANTED, "expires_in": "soon"}),
        got({**GRANTED, "expires_in": None}),
    ],
)
async def test_what_is_no_token_is_no_token(answer: Answer) -> None:
    account = made()
    with pytest.raises(Unreadable) as refused:
        await account.renew(Endpoint(answer), NOW, 0.0)
    assert not refused.value.words, "the words that wait are not to blame"
    assert "ya29" not in refused.value.reason
    with pytest.raises(Unreadable):
        account.bearer(NOW)


async def test_a_token_without_life_is_not_used() -> None:
    account = made()
    await account.renew(Endpoint(got({**GRANTED, "expires_in": 0})), NOW, 0.0)
    with pytest.raises(Unreadable):
        account.bearer(NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "authorized_user"},
        {"private_key": "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"},
        {"private_key": None},
        {"token_uri": "http://oauth2.googleapis.com/token"},
        {"token_uri": "ftp://x"},
    ],
)
def test_what_is_no_service_account_is_refused_without_quoting_it(changed: Any) -> None:
    with pytest.raises(ValueError, match="`key`") as refused:
        made(**changed)
    assert "secret" not in str(refused.value)


def test_keys_and_tokens_are_not_shown() -> None:
    account = made()
    assert "PRIVATE" not in repr(account._account)
    assert "ya29" not in repr(account._token)
