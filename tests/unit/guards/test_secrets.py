"""Secrets are found by shape, by checksum and by the key beside them; what only looks like one is left alone."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from random import Random

import pytest

from ostiary.guards import secrets
from ostiary.guards.found import Found
from ostiary.guards.matching import compiled
from tests.unit.guards.sensitive_secrets import ALNUM, SHAPED, checked, drawn, jwt, pem, segment

RNG = Random(7)


def shown(text: str, key: str = "") -> list[tuple[str, str]]:
    return [(each.rule.removeprefix("secret."), text[each.start : each.end]) for each in secrets.search(text, key)]


def one(text: str, key: str = "") -> Found:
    (found,) = secrets.search(text, key)
    return found


def test_there_are_more_than_sixty_kinds() -> None:
    """Issue 6 asks for 60."""
    assert len(secrets.SLUGS) > 150


@pytest.mark.parametrize("row", range(len(secrets.KINDS)))
def test_every_kinds_patterns_compile_and_its_check_exists(row: int) -> None:
    kind = secrets.KINDS[row]
    assert compiled(kind.pattern).groups >= 1
    assert compiled(kind.hint) is not None
    assert kind.check in secrets.CHECKS
    assert 0 < kind.score <= 1


@pytest.mark.parametrize("family", SHAPED)
def test_a_shape_alone_is_enough(family: str) -> None:
    value = SHAPED[family](RNG)
    heart = value.partition("«")[2].partition("»")[0] or value
    text = f"see é {value.replace('«', '').replace('»', '')} there"
    found = secrets.search(text)
    assert any(heart[1:-1] in text[each.start : each.end] for each in found), found


def test_a_checksum_that_holds_makes_a_find_sure() -> None:
    right = checked("gh" + "p_", 30)(RNG)
    wrong = right[:-1] + ("a" if right[-1] != "a" else "b")
    assert one(right).score > one(wrong).score > 0.5


def test_our_own_tokens_are_known_by_their_checksum() -> None:
    right = SHAPED["ostiary"](RNG)
    wrong = right[:-8] + "00000000"
    assert one(f"x{right}").rule == "secret.ostiary-token"
    assert one(right).score > one(wrong).score


def test_two_tokens_with_one_blank_between_are_two() -> None:
    both = [checked("gh" + "p_", 30)(RNG) for _ in range(2)]
    assert [value for _, value in shown(" ".join(both))] == both


def test_a_private_key_is_found_whole_and_also_when_it_was_cut_off() -> None:
    key = pem(RNG)
    assert shown(f"a {key} b") == [("private-key", key)]
    half = key[: len(key) // 2]
    assert shown(half) == [("private-key", half)]
    assert shown("-----BEGIN PRIVATE " + "KEY-----\n...\n-----END PRIVATE KEY-----") == []
    assert shown(half + "\n-----BEGIN CERTIFICATE-----")[0][1].startswith("-----BEGIN")


def test_a_jwt_has_a_header_that_says_so() -> None:
    token = jwt(RNG)
    assert shown(f"t {token} t") == [("jwt", token)]
    assert shown(f"{segment({'a': 1})}.{segment({'b': 2})}.abc") == []
    assert shown("eyJhbGciOiJIUzI1NiIs!.eyJ.x") == []
    assert shown("eyJhbGciOiJub25lIn0[.eyJhIjoxfQ.") == []


def test_the_jwt_of_every_tutorial_is_no_secret() -> None:
    head, claims = (
        segment({"alg": "HS256", "typ": "JWT"}),
        segment({"sub": "1234567890", "name": "John Doe", "iat": 1516239022}),
    )
    assert shown(f"{head}.{claims}.{'a' * 43}") == []


@pytest.mark.parametrize(
    "text",
    [
        '{"password": "hunter2!x"}',
        "password = 'hunter2!x'",
        "DB_PASSWORD=hunter2!x",
        "export SMTP_PASS=hunter2!x # mail",
        "The password is hunter2!x.",
        "<password>hunter2!x</password>",
        '"name": "DB_PASSWORD", "value": "hunter2!x"',
        "- name: DB_PASSWORD\n  value: hunter2!x",
        '{\\"password\\": \\"hunter2!x\\"}',
        "run --password hunter2!x --fast",
        "run --db-password='hunter2!x'",
        "GET /login?user=bob&password=hunter2!x&next=/",
        "user,password\nbob,hunter2!x\n",
        "| user | password |\n|---|---|\n| bob | hunter2!x |\n",
        "postgres://bob:hunter2!x@db/shop",
        "machine h login bob password hunter2!x",
        "Server=db;User=sa;Pwd=hunter2!x;",
        "(password: hunter2!x)",
        "contraseña: hunter2!x",
        "密码: hunter2!x",
        "ENV DB_PASSWORD hunter2!x",
        "define('DB_PASSWORD', 'hunter2!x');",
        "CREATE USER bob IDENTIFIED BY 'hunter2!x'",
        "docker login -u bob -p hunter2!x registry",
        '"auth": {"pass": "hunter2!x"}',
        "pw: hunter2!x",
    ],
)
def test_a_password_is_found_beside_its_key(text: str) -> None:
    assert "hunter2!x" in [value for _, value in shown(text)]


def test_a_key_of_json_tells_what_its_whole_value_is() -> None:
    assert shown("correct horse", "note") == []
    assert shown("hunter2!x", "userPassword") == [("password", "hunter2!x")]
    assert shown(drawn(RNG, ALNUM, 32), "apiKey")[0][0] == "secret-value"
    assert shown("123456", "password") == [("password", "123456")]
    assert shown("letmein", "pass") == [("password", "letmein")]
    assert shown("see the manual", "password") == []
    assert shown("correct horse battery staple", "passphrase") == [("password", "correct horse battery staple")]
    assert shown("API_TOKEN 9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c")[0][0] == "secret-value"
    assert shown("/un9NqXfrTkXHlG5+aflCyrwQS0hnj45MsQ=", "secretKey")[0][0] == "secret-value"


@pytest.mark.parametrize(
    "text",
    [
        "password: ${DB_PASSWORD}",
        'password = os.environ["X"]',
        "password=getpass()",
        "password: required",
        '"password": "Password"',
        '"password": "********"',
        "password: DB_PASSWORD",
        "api_key: YOUR_API_KEY_HERE",
        "api_key = 'sk-your-key-here-please'",
        "api_key = 'AKIA" + "IOSFODNN7EXAMPLE'",
        "max_tokens: 40960000000000000",
        '"nextPageToken": "CAUQAAbbb1ccc2ddd3eee4"',
        '"token_id": "a8f5f167f44f4964e6c998dee827110c"',
        '"csrf_token": "a8f5f167f44f4964e6c998dee827110c"',
        '"token": "3f2b8a44-1c1d-4b5e-9f0a-0c1d2e3f4a5b"',
        '"secret": "my-app-credentials"',
        '"token": "short"',
        '"token": "aaaabbbbccccdddd"',
        '"access_key": "abcdefghijklmnopqrstuvwxyz"',
        '"token": "1234567890123456"',
        '"secret": "/run/secrets/a/token"',
        "secret: projects/x/secrets/y",
        "password: t_string",
        "password: user._password",
        "token: forceAuth._authToken",
        "commit a8f5f167f44f4964e6c998dee827110c03aa1b2c",
        "sha512-" + "a8F5" * 21 + "ab==",
        "-----BEGIN CERTIFICATE-----",
        "https://user:password@host/",
        "https://host/a:b@c",
        "Authorization: Basic " + base64.b64encode(b"user:password-here").decode(),
        "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Authorization: Basic notbase64atall!",
        "Bearer authentication-required-for-this",
        "password: &ldquo;x1",
        "secret,token\nlines of,code\n",
        "call(secret, token)\nfoo(bar, baz9A8b7C6d5)\n",
        '"password": "1", "passwd": 8',
        "the password resets2 daily",
        "PASSWORD took=12ms",
        "pass --password options here",
        "token: AsyncKeyValueStore",
    ],
)
def test_what_only_looks_like_a_secret_is_left_alone(text: str) -> None:
    assert shown(text) == []


def test_a_uuid_is_a_secret_only_under_a_key_that_leaves_no_doubt() -> None:
    uuid = "3f2b8a44-1c1d-4b5e-9f0a-0c1d2e3f4a5b"
    assert shown(f'"client_secret": "{uuid}"') == [("secret-value", uuid)]


def test_what_ends_a_sentence_or_a_bracket_is_not_the_value() -> None:
    assert shown("(token=Ab3dEf6hIj9kLm2n).")[0][1] == "Ab3dEf6hIj9kLm2n"
    assert shown("password=9Ab(Ef6)x")[0][1] == "9Ab(Ef6)x"
    assert shown("token=...!!!") == []


def test_a_digest_beside_an_access_key_is_not_its_secret() -> None:
    """Forty characters are a secret of AWS, or SHA-1 in hexadecimal digits."""
    access = "AK" + "IA" + drawn(RNG, "ABCDEFGH234567", 16)
    assert [kind for kind, _ in shown(f"{access} a8f5f167f44f4964e6c998dee827110c03aa1b2c")] == ["aws-access-key"]


def test_a_session_cookie_and_a_bearer_token_are_judged_by_disorder() -> None:
    assert shown("Set-Cookie: sid=" + drawn(RNG, ALNUM, 30) + "7; Path=/")
    assert shown("Authorization: Bearer " + jwt(RNG))


def test_places_are_those_of_characters_also_behind_other_scripts() -> None:
    text = "日本語 — password='hunter2!x' 終"
    assert shown(text) == [("password", "hunter2!x")]
    assert shown("\ud800 password='hunter2!x'") == [("password", "hunter2!x")]
    assert shown("hunter2!x", "пароль") == [("password", "hunter2!x")]


def test_a_find_never_quotes_the_secret() -> None:
    found = one('{"password": "hunter2!x"}')
    assert "hunter2" not in repr(found)
    assert found.kind == "secret"


def hostile() -> Iterator[str]:
    yield from (
        "token=",
        'token="',
        "eyJ",
        "eyJabcdefgh.",
        "-----BEGIN PRIVATE " + "KEY-----",
        "curl -u ",
        "cookie: sess=",
    )
    yield from (
        "://",
        "a://b:",
        "secret,token\n",
        "--password ",
        "heroku ",
        "seed phrase is abc ",
        "netrc login a ",
        "xox",
        "a",
    )


@pytest.mark.parametrize("piece", list(hostile()))
def test_hostile_texts_of_a_chunks_size_are_read_to_the_end(piece: str) -> None:
    """The engine is linear; this holds that no loop of ours goes over a text again for each match."""
    found = secrets.search(piece * (65_536 // len(piece)) + " password='hunter2!x'")
    assert isinstance(found, tuple)
