"""The search for planted secrets can fail: it finds every spelling, in every place where it says it looks."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import httpx2
import msgspec
import pytest

from ostiary.adapters.identity import tokens
from tests.e2e import overheard
from tests.e2e.planted import PIECE, Secret, Sieve, secret, spellings, text_of
from tests.e2e.rig import rig, upstream
from tests.e2e.searched import ALLOWED, RUN, Run, Written, configured

NOISE = secrets.token_bytes(50_000)
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbmEifQ." + secrets.token_urlsafe(64)
EXAMPLES: dict[str, str | bytes] = {
    "static token": tokens.made()[1],
    "access token": JWT,
    "cookie": secrets.token_urlsafe(32),
    "gateway key": secrets.token_bytes(32),
    "authorization code": secrets.token_urlsafe(16),
    "password": "correct horse & battery \"staple\" 'ü'",
    "client secret": "gateway-client-secret-of-the-tests",
}


def made(kind: str, value: str | bytes) -> Secret:
    found = secret(kind, f"an example of {kind}", value)
    assert found is not None
    return found


def behind(count: int, encode: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda value: encode(b"x" * count + value + b"!")


DISGUISES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda value: value,
    "in the middle of a word": lambda value: b"abc" + value + b"def",
    "hexadecimal": lambda value: value.hex().encode(),
    "HEXADECIMAL": lambda value: value.hex().upper().encode(),
    **{f"base64 after {n} bytes": behind(n, base64.b64encode) for n in range(6)},
    **{f"base64url after {n} bytes": behind(n, base64.urlsafe_b64encode) for n in range(6)},
    "basic credentials": lambda value: base64.b64encode(b"client:" + value),
    "percent-encoded": lambda value: quote(value, safe="").encode(),
    "percent-encoded wholly": lambda value: "".join(f"%{each:02x}" for each in value).encode(),
    "JSON": lambda value: json.dumps({"a": text_of(value)}).encode(),
    "JSON as msgspec writes it": lambda value: msgspec.json.encode({"a": text_of(value)}),
    "JSON in JSON": lambda value: json.dumps(json.dumps({"a": text_of(value)})).encode(),
    "HTML": lambda value: html.escape(text_of(value)).encode(),
    "a traceback": lambda value: f"ValueError: {text_of(value)!r}".encode(),
    "a traceback with bytes": lambda value: f"ValueError: {value!r}".encode(),
}


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_secret_is_found_in_every_disguise_and_at_every_place(kind: str, disguise: str) -> None:
    value = EXAMPLES[kind]
    text = value if isinstance(value, bytes) else value.encode()
    planted = made(kind, value)
    for before in (0, 1, 7, 4093, len(NOISE)):
        data = NOISE[:before] + DISGUISES[disguise](text) + NOISE[before:]
        found = Sieve([planted]).found(data)
        assert {each.secret for each in found} == {planted}
        longest = max(found, key=lambda each: each.length)
        assert before <= longest.offset < before + len(data) - len(NOISE)


@pytest.mark.parametrize("kind", ["static token", "access token", "cookie", "gateway key"])
@pytest.mark.parametrize("name", ["as it is", "hexadecimal", "base64, shifted by 1", "base64url, shifted by 2"])
def test_any_piece_of_sixteen_characters_is_found_and_none_of_fourteen(kind: str, name: str) -> None:
    planted = made(kind, EXAMPLES[kind])
    spelled = spellings(planted.core).get(name) or spellings(planted.core)["base64, shifted by 1"]
    sieve = Sieve([planted])
    for start in range(len(spelled) - PIECE):
        for before in range(8):
            assert sieve.found(b"." * before + spelled[start : start + PIECE] + b"....")
        assert not sieve.found(b"\0" * 3 + spelled[start : start + 14] + b"\0\0\0\0")


def test_of_a_signed_token_the_head_and_the_claims_are_no_secret_and_the_signature_is() -> None:
    sieve, (head, claims, signature) = Sieve([made("access token", JWT)]), JWT.split(".")
    assert not sieve.found(f"{head}.{claims}.".encode() * 9)
    assert sieve.found(signature[-20:].encode())


def test_words_within_a_password_are_none() -> None:
    sieve = Sieve([made("client secret", "gateway-client-secret-of-the-tests")])
    assert not sieve.found(b"the gateway-client-secret-of-the-test-suite")
    assert sieve.found(b"{gateway-client-secret-of-the-tests}")


@pytest.mark.parametrize(
    "value", ["", "rubbish", "A" * 43, "x" * 70_000, "e30.e30.", "eyJhbGciOiJub25lIn0.eyJpc3M.", "0" * 64]
)
def test_what_cannot_be_a_secret_is_not_searched_for(value: str) -> None:
    assert secret("cookie", "an example", value) is None


def test_noise_is_no_secret() -> None:
    many = [made("static token", tokens.made()[1]) for _ in range(200)]
    assert Sieve(many).found(NOISE * 20 + b"".join(base64.b64encode(NOISE[n:]) for n in range(3))) == []


# What a run keeps in mind


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Give a run of its own, with one gateway's folder."""
    (tmp_path / "data" / "ledger").mkdir(parents=True)
    (tmp_path / "data" / "keys").mkdir()
    (tmp_path / "log").touch()
    found = Run()
    found.on = True
    found.opened(Written(tmp_path / "data", tmp_path / "log"))
    yield found
    found.places.clear()


# Not drawn: where a piece of it is spelled the same in two ways, either name is right, and that hangs on the value.
SECRET = base64.urlsafe_b64encode(hashlib.sha256(b"a planted secret 38").digest()).rstrip(b"=").decode()
PLACES = (
    "log",
    "data/ledger/00000001.jsonl",
    "data/ostiary.sqlite",
    "data/ostiary.sqlite-wal",
    "data/keys/x",
    "data/y",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("planted_first", [True, False])
@pytest.mark.parametrize("name", spellings(SECRET.encode()))
def test_a_leak_is_told_by_name_and_place_and_without_the_value(
    run: Run, tmp_path: Path, place: str, planted_first: bool, name: str
) -> None:
    leak = b"x" * 100 + spellings(SECRET.encode())[name]
    if planted_first:
        run.plant("static token", "the token of ana", SECRET)
    (tmp_path / place).write_bytes(b"x" * 50)
    assert run.findings() == []
    (tmp_path / place).write_bytes(leak)
    if not planted_first:
        assert run.findings() == []
        run.plant("static token", "the token of ana", SECRET)
    (said,) = run.findings()
    assert said.startswith("static token: the token of ana; ")
    assert f"/{Path(place).name} at byte 100" in said
    assert not Sieve([made("static token", SECRET)]).found(said.encode())


def test_what_a_log_grows_by_is_searched_with_what_stood_before_it(run: Run, tmp_path: Path) -> None:
    run.plant("cookie", "a cookie", SECRET)
    with (tmp_path / "log").open("w") as log:
        for part in (SECRET[:14], SECRET[14:]):
            assert run.findings() == []
            log.write(part)
            log.flush()
    assert len(run.findings()) == 1


def test_what_is_allowed_somewhere_is_a_finding_elsewhere(run: Run, tmp_path: Path) -> None:
    key = secrets.token_bytes(32)
    file = tmp_path / "data" / "keys" / "seal.key"
    file.touch(mode=0o600)
    file.write_bytes(key)
    assert run.findings() == []
    (tmp_path / "data" / "ostiary.sqlite").write_bytes(b"SQLite" + key)
    assert [said.partition(";")[0] for said in run.findings()] == ["gateway key: seal.key"]
    file.chmod(0o640)
    assert "seal.key: a key that others may read" in run.findings()


def test_every_exception_has_its_reason() -> None:
    assert all(reason for reason in ALLOWED.values())
    assert not {place for _, place in ALLOWED} & {"log", "ledger", "database", "data"}, "nothing is allowed there"


# What is overheard


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a run that hears what a gateway at port 1 answers."""
    found = Run()
    found.on = True
    found.opened(Written(None, None, frozenset({1})))
    monkeypatch.setattr(overheard, "RUN", found)
    return found


ANSWERS = {
    "Set-Cookie": ("/login", [("Set-Cookie", f"session={SECRET}; Secure")], b""),
    "Mcp-Session-Id": ("/mcp", [("Mcp-Session-Id", SECRET)], b""),
    "Location": ("/authorize", [("Location", f"http://127.0.0.1/cb?code={SECRET}&iss=x")], b""),
    "JSON": ("/oauth/token", [], json.dumps({"access_token": SECRET}).encode()),
}


@pytest.mark.parametrize("how", ANSWERS)
def test_what_an_answer_hands_out_is_a_secret_everywhere_but_there(heard: Run, how: str) -> None:
    overheard.answered(1, *ANSWERS[how])
    assert (heard.total, heard.findings()) == (1, [])
    overheard.answered(1, "/elsewhere", [], f"You are {SECRET}!".encode())
    assert len(heard.findings()) == (0 if how == "Mcp-Session-Id" else 1)


@pytest.mark.parametrize(
    "header",
    [
        ("Authorization", f"Bearer {SECRET}"),
        ("authorization", f"DPoP {SECRET}"),
        ("Authorization", "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()),
        ("DPoP", f"e30.e30.{SECRET}"),
        ("Cookie", f"other=1; __Host-x={SECRET}"),
    ],
)
def test_what_a_client_proves_itself_with_is_a_secret(heard: Run, header: tuple[str, str]) -> None:
    overheard.asked("/mcp", [header])
    overheard.answered(1, "/mcp", [], f"bad: {SECRET}".encode())
    overheard.answered(2, "/elsewhere", [], SECRET.encode())
    (said,) = heard.findings()
    assert "answer to /mcp" in said


@pytest.mark.parametrize("field", ["code", "refresh_token", "client_secret", "code_verifier", "password"])
def test_what_a_form_holds_is_a_secret(heard: Run, field: str) -> None:
    overheard.asked("/token", [("Content-Type", "application/x-www-form-urlencoded")], f"{field}={SECRET}".encode())
    heard.heard("printed", "by a command", SECRET.encode())
    assert len(heard.findings()) == 1


def test_what_a_configuration_refers_to_is_a_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text(SECRET + "\n")
    found = Run()
    found.on = True
    monkeypatch.setattr("tests.e2e.searched.RUN", found)
    configured({"servers": {"crm": {"credential": {"token": f"file:{tmp_path / 'kept'}"}}}})
    found.heard("answer", "to /mcp", SECRET.encode())
    assert "server credential: servers.crm.credential.token" in found.findings()[0]


# The whole of it, with a gateway


@pytest.mark.e2e
def test_the_search_looks_everywhere_a_running_gateway_writes(tmp_path: Path) -> None:
    """What a gateway is known to write is planted, as if it were a secret, and found in each of these places."""
    where = {
        "log": "deliberately-planted-server",
        "ledger": "deliberately-planted-subject",
        "database": "deliberately-planted-subject",
    }
    where |= {"upstream": "deliberately-planted-argument", "answer": "deliberately-planted-argument"}
    where |= {"printed": "deliberately-planted-subject"}
    with ExitStack() as stack:
        behind = stack.enter_context(upstream("tests.security.echo_upstream"))
        running = stack.enter_context(rig(tmp_path, {where["log"]: behind.settings()}))
        token = running.gateway.token("deliberately-planted-subject")
        body = {
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": f"{where['log']}__echo", "arguments": {"secret": where["answer"]}, "_meta": META},
        }  # fmt: skip
        fields = {"authorization": f"Bearer {token}", "mcp-method": "tools/call", "mcp-name": f"{where['log']}__echo"}
        with httpx2.Client(trust_env=False) as client:
            said = client.post(f"{running.gateway.url}/mcp", json=body, headers=fields | HEADERS)
            assert where["answer"] in said.text
        running.gateway.command("token", "list")
        RUN.search()
        assert RUN.findings() == []
        for text in set(where.values()):
            RUN.plant("password", text, text)
        found = RUN.findings()
    # What gateways of other tests said of their metrics may have been found already, and is told once.
    found += RUN.findings()
    for place, text in where.items():
        assert any(f"password: {text}; " in said and f"; in {place} " in said for said in found), (place, found)
    assert any("; in answer to /metrics at " in said for said in found), "the metrics are read at the end"


META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
HEADERS = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28"}


def test_a_packed_answer_is_unpacked(heard: Run) -> None:
    heard.plant("cookie", "a cookie", SECRET)
    url, packed = httpx2.URL("http://127.0.0.1:1/x"), gzip.compress(SECRET.encode())
    response = httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=httpx2.ByteStream(packed))
    body = overheard._Blocking(response, url)
    assert b"".join(body) == packed
    body.close()
    assert len(heard.findings()) == 1
