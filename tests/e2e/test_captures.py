"""Payloads at a running gateway, in both eras: kept as rules say, in clear nowhere, opened by auditors, and erased."""

import json
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.client import people
from tests.e2e.doubles.house import House, config, house, over_http, until
from tests.e2e.doubles.upstream import Upstream, tool, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
RULES: list[Json] = [
    {"name": "all", "allow": ["crm.*"], "subjects": ["*"]},
    {"name": "kept", "allow": ["crm.export"], "subjects": ["*"], "capture": "legal"},
    {"name": "half", "allow": ["crm.note"], "subjects": ["*"], "capture": {"class": "legal", "what": ["arguments"]}},
]
GUARDS: list[Json] = [{"name": "secrets", "use": "secrets", "in": ["request", "answer"], "then": "redact"}]
KEY = f"ghp_{secrets.token_hex(18)}"


def keygen(path: Path) -> str:
    """Make a key of auditors, and return its public half."""
    words = (sys.executable, "-m", "ostiary", "audit", "keygen", "--out", str(path))
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def settings(url: str, public: str, **more: Any) -> Json:
    section = {"to": public, "spare": "1MiB", "classes": {"legal": {"keep": "30d"}}, **more}
    return {**config({"crm": over_http(url)}, *RULES), "guards": GUARDS, "capture": section}


def outcomes(gateway: House, tool: str) -> list[Json]:
    """Return what the ledger says of calls of a tool: intent and outcome as one."""
    found: dict[str, Json] = {}
    for each in gateway.records():
        if each["type"] == "intent" and each.get("tool") == tool:
            found[each["reference"]] = {**each, "capture": each.get("capture", [])}
        elif each["type"] == "outcome" and each["reference"] in found:
            whole = found[each["reference"]]
            whole |= {"outcome": each["outcome"], "capture": whole["capture"] + each.get("capture", [])}
    return [each for each in found.values() if "outcome" in each]


def everything(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def opened(gateway: House, reference: str, half: str, key: Path) -> str:
    done = await gateway.attempt("audit", "payload", reference, "--half", half, "--key", str(key))
    return done.stdout if done.returncode == 0 else done.stderr


async def test_what_rules_want_kept_is_kept_for_auditors_and_erased_for_good(tmp_path: Path) -> None:
    double, folder = Upstream(), tmp_path / "gateway"
    folder.mkdir()
    double.tools = [tool("export", key="string"), tool("note", key="string"), tool("read", key="string")]
    words = [f"planted-{secrets.token_hex(12)}" for _ in range(5)]
    async with upstream(double):
        public, _ = keygen(tmp_path / "auditors.pem"), keygen(tmp_path / "other.pem")
        async with house(folder, settings(double.url, public)) as gateway:
            ana, bob = [await gateway.token(subject, "dev") for subject in ("ana", "bob")]
            async with people(gateway.url, ana, bob) as (first, second):
                second = await second.shake_hands()
                said = [
                    await first.call("crm__export", key=f"{words[0]} {KEY}"),
                    await second.call("crm__export", key=words[1]),
                    await first.call("crm__note", key=words[2]),
                    await first.call("crm__read", key=words[3]),
                    await second.call("crm__read", key=words[4]),
                ]
            assert [each.result.get("isError", False) for each in said] == [False] * 5
            await until(lambda: len(outcomes(gateway, "crm.read")) == 2, "an outcome is not in the ledger")
            await _kept(gateway, tmp_path, words)
            await _erased(gateway, tmp_path)
        clear = everything(folder)
        assert not [word for word in (*words, KEY) if word.encode() in clear]


async def _kept(gateway: House, folder: Path, words: list[str]) -> None:
    own, other = folder / "auditors.pem", folder / "other.pem"
    mine, theirs = sorted(outcomes(gateway, "crm.export"), key=lambda each: each["principal"]["subject"])
    (noted,) = outcomes(gateway, "crm.note")
    assert [each["half"] for each in mine["capture"]] == ["arguments", "result"]
    assert [each["half"] for each in noted["capture"]] == ["arguments"]
    assert [each["capture"] for each in outcomes(gateway, "crm.read")] == [[], []]
    assert (mine["decision"]["rule"], mine["era"], theirs["era"]) == ("kept", "modern", "handshake")
    for half in ("arguments", "result"):
        text = await opened(gateway, mine["reference"], half, own)
        assert words[0] in text
        assert KEY not in text, "what a guard redacts is not kept"
        assert words[1] in await opened(gateway, theirs["reference"], half, own)
    assert "was sealed for the key" in await opened(gateway, mine["reference"], "result", other)
    assert "not a private key" in await opened(gateway, mine["reference"], "result", gateway.data / "keys/ledger.pub")
    assert "knows of no result" in await opened(gateway, noted["reference"], "result", own)
    proof = json.loads(await gateway.command("audit", "verify", "--json"))
    assert (proof["ok"], proof["payloads"]["whole"]) == (True, 5)


async def _erased(gateway: House, folder: Path) -> None:
    (mine,) = (each for each in outcomes(gateway, "crm.export") if each["principal"]["subject"] == "ana")
    backup = shutil.copytree(gateway.data / "captures" / "sealed", folder / "backup")
    told = json.loads(await gateway.command("audit", "erase", "ana", "--yes", "--json"))
    assert told["payloads"] == 3
    await until(lambda: [each for each in gateway.records() if each.get("kind") == "payloads_erased"], "no event")
    shutil.copytree(backup, gateway.data / "captures" / "sealed", dirs_exist_ok=True)
    said = await opened(gateway, mine["reference"], "arguments", folder / "auditors.pem")
    assert "it was erased" in said
    proof = json.loads(await gateway.command("audit", "verify", "--json"))
    assert (proof["ok"], proof["payloads"]["whole"], proof["payloads"]["erased"]) == (True, 2, 3)
    again = await gateway.attempt("audit", "erase", "ana", "--yes")
    assert again.returncode == 1
    assert "Nothing was kept of ana" in again.stderr
    for path in (gateway.data / "captures" / "sealed").glob("*/*/*.result"):
        path.write_bytes(path.read_bytes()[:-3])
    broken = await gateway.attempt("audit", "verify")
    assert broken.returncode == 1
    assert "not the one that the ledger vouches for" in broken.stdout


async def test_a_full_disk_stops_the_calls_that_have_to_be_kept_and_no_others(tmp_path: Path) -> None:
    double = Upstream()
    double.tools = [tool("export", key="string"), tool("read", key="string")]
    async with upstream(double):
        async with house(tmp_path, settings(double.url, keygen(tmp_path / "a.pem"), spare="100000GiB")) as gateway:
            token = await gateway.token("ana", "dev")
            async with people(gateway.url, token) as (ana,):
                refused, fine = await ana.call("crm__export", key="a"), await ana.call("crm__read", key="b")
            assert (refused.status, refused.refusal["code"]) == (503, "not_captured")
            assert fine.text == "read b"
            _, ready = await gateway.ready(token)
            assert "payloads cannot be kept" in json.dumps(ready)
        assert [each.params["name"] for each in double.asked if each.method == "tools/call"] == ["read"]
