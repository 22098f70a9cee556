"""The tour: ten things the gateway promises, each played with real clients, and checked before it is told."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mcp import Client
from mcp_types import Tool

from ostiary.adapters.store.ledger_read import Placed, ledger_directory, records, segments
from ostiary.demo.acting import HANDSHAKE, STATELESS, connected, done, hold, names, posted, reachable, refused
from ostiary.demo.crm import APPROVED, CHANGED, REFUNDS, TRIGGER
from ostiary.demo.setting import ANA, BEN, EVE
from ostiary.demo.stage import Stage, command

_SECRET: Final = "the vault code is 4711-0815"  # noqa: S105 - a text to look for in the ledger, where it must not be
_PATIENCE: Final = 20.0
_TICK: Final = 0.2


@dataclass(frozen=True, slots=True)
class Step:
    """One claim of the tour."""

    word: str
    """What it is about, in one word."""
    expected: str
    play: Callable[[Stage], Awaitable[str]]
    """Does it and returns what was seen; raises if that is not what was expected."""


async def _allowed(stage: Stage) -> str:
    async with connected(stage, ANA) as ana:
        hold(ana.protocol_version == STATELESS, f"the client speaks {ana.protocol_version}")
        added = await done(ana, "notes__add_note", title="Safe", text=_SECRET)
        found = (await done(ana, "notes__search_notes", query="vault"))["result"]
    hold(found == [added], f"searching found {found}")
    return f"note {added['id']} was added, and searching for its words found it"


async def _both_eras(stage: Stage) -> str:
    async with connected(stage, ANA, HANDSHAKE) as ana:
        version = ana.protocol_version
        hold(version < STATELESS, f"the client speaks {version}")
        note = (await done(ana, "notes__search_notes", query="vault"))["result"][0]
        person = (await done(ana, "crm__search_people", query="lindqvist"))["result"][0]
    hold(note["text"] == _SECRET and person["id"] == "p1", f"it found {note['title']} and {person}")
    return f"a client of {version} found the same note, and {person['name']} in the CRM"


async def _hidden(stage: Stage) -> str:
    async with connected(stage, EVE) as eve, connected(stage, EVE, HANDSHAKE) as older:
        shown, earlier = await names(eve), await names(older)
    hold(shown == earlier == {"notes__search_notes"}, f"she is shown {sorted(shown | earlier)}")
    hidden, missing = "notes__delete_note", "notes__no_such_tool"
    real, none = [await posted(stage, EVE, tool, {"note_id": 1}) for tool in (hidden, missing)]
    same = (real.status_code, real.text.replace(hidden, missing)) == (none.status_code, none.text)
    hold(same and "error" in real.json(), f"hidden: {real.text} missing: {none.text}")
    return f"only notes__search_notes is listed; both names get error {real.json()['error']['code']}, word for word"


async def _arguments(stage: Stage) -> str:
    async with connected(stage, ANA) as ana:
        wrong, first = await refused(ana, "notes__read_note", note_id="first")
        unknown, second = await refused(ana, "notes__search_notes", query="vault", force=True)
    hold(first["code"] == second["code"] == "bad_arguments", f"the codes are {first['code']} and {second['code']}")
    hold("note_id" in wrong and "force" in unknown, f"it said: {wrong} / {unknown}")
    return f'"{_brief(wrong)}" and "{_brief(unknown)}"'


async def _schema(stage: Stage) -> str:
    async with connected(stage, BEN) as ben:
        paid = await done(ben, "crm__refund", person_id="p1", amount=40, region="eu")
        said, refusal = await refused(ben, "crm__refund", person_id="p1", amount=5000, region="eu")
    hold(refusal["code"] == "bad_arguments" and "amount" in said, f"it said: {said}")
    amounts = _refunds(stage)
    hold(amounts == [paid["amount"]], f"the CRM paid {amounts}")
    return f'"{_brief(said)}"; the CRM paid {amounts[0]:.0f} and nothing else'


async def _deny_wins(stage: Stage) -> str:
    async with connected(stage, BEN) as ben:
        shown = await names(ben)
        there = await reachable(ben, "crm__refund_large", person_id="p1", amount=5000, region="eu")
    hold(not there and "crm__refund_large" not in shown, f"he is shown {sorted(shown)}")
    hold(len(_refunds(stage)) == 1, f"the CRM paid {_refunds(stage)}")
    last = await _searched(stage, lambda call: call.get("tool") == "crm.refund_large")
    hold(last["decision"] == "deny" and last["rule"] == "no-large-refunds", f"the ledger says {last}")
    return "crm.refund_large does not exist for him; the ledger says deny, by rule no-large-refunds"


async def _limited(stage: Stage) -> str:
    async with connected(stage, BEN) as ben:
        for _ in range(3):
            await done(ben, "crm__export_people", format="csv")
        said, refusal = await refused(ben, "crm__export_people", format="csv")
    again = refusal.get("retry_after", 0)
    hold(refusal["code"] == "limited" and again > 0, f"it said: {said} {refusal}")
    return f'three exports went through, the fourth: "{_brief(said)}", retry_after {again} s'


async def _masked(stage: Stage) -> str:
    adding = await _recorded(stage, lambda record: record.get("tool") == "notes.add_note")
    shape = adding["arguments"]["masked"]
    text = b"".join(path.read_bytes() for _, path in segments(ledger_directory(stage.data)))
    hold(not any(word in text for word in (b"vault", b"indqvist")), "what ana wrote stands in the ledger")
    hold(shape == {"title": "string(4)", "text": f"string({len(_SECRET)})"}, f"the ledger has {shape}")
    return f"ana's arguments are kept as {json.dumps(shape)} and a keyed digest"


async def _held_back(stage: Stage) -> str:
    async with connected(stage, ANA) as ana:
        hold((await _person_tool(ana)) == APPROVED, "it had changed before")
        (stage.crm / TRIGGER).touch()
        await _until(lambda: _gone(ana), "the changed tool stayed callable")
        changed = await _differing(stage)
        hold(changed == {"crm.get_person"}, f"`ostiary tools diff` lists {sorted(changed)}")
        await _command(stage, "tools", "approve", "crm.get_person")
        await _until(lambda: reachable(ana, "crm__get_person", person_id="p1"), "approving did not bring it back")
        hold((await _person_tool(ana)) == CHANGED, "approving did not bring the new description")
    return "crm.get_person disappeared, `ostiary tools diff` listed it, `ostiary tools approve` brought it back"


async def _revoked(stage: Stage) -> str:
    before = await posted(stage, EVE, "notes__search_notes", {})
    await _command(stage, "token", "revoke", stage.tokens[EVE.name].id)
    after = await posted(stage, EVE, "notes__search_notes", {})
    hold((before.status_code, after.status_code) == (200, 401), f"{before.status_code}, then {after.status_code}")
    return "200 before `ostiary token revoke`, 401 on the very next call"


async def _verified(stage: Stage) -> str:
    whole = await asyncio.to_thread(command, stage.config, "audit", "verify")
    hold(whole.returncode == 0, f"verify says: {whole.stdout}{whole.stderr}")
    copy, place = await asyncio.to_thread(_flipped, stage)
    broken = await asyncio.to_thread(command, copy, "audit", "verify")
    said = broken.stdout + broken.stderr
    hold(broken.returncode == 1 and place in said, f"with a flipped byte, verify ends {broken.returncode}: {said}")
    return f"the ledger is whole; in a copy, one flipped bit was found at {place}"


STEPS: Final = (
    Step("allowed", "ana adds a note and finds it again (stateless era, 2026-07-28)", _allowed),
    Step("both eras", "a client of the handshake era uses the same URL and finds the same things", _both_eras),
    Step("hidden", "eve is not shown what she may not use, and cannot tell it from what does not exist", _hidden),
    Step("refused", "a wrong and an unknown argument are refused in words that a model can read", _arguments),
    Step("refused", "ben's refund of 5000 does not fit the approved schema and never reaches the CRM", _schema),
    Step("denied", "crm.refund* is allowed to ben, but a deny rule always wins", _deny_wins),
    Step("limited", "ben may export three times a minute; the fourth is told when to come back", _limited),
    Step("masked", "the ledger knows the shape of arguments, and none of their values", _masked),
    Step("held back", "a tool whose definition changes is not callable until somebody approves it", _held_back),
    Step("revoked", "a revoked token is refused on the next call", _revoked),
    Step("verified", "the ledger verifies, and a copy with one flipped bit does not", _verified),
)


async def play(stage: Stage) -> AsyncIterator[tuple[Step, str, bool]]:
    """Play every step in order; yield it with what was seen, and whether that is what was expected."""
    for step in STEPS:
        try:
            seen = await step.play(stage)
        except Exception as error:  # noqa: BLE001 - a step that crashes did not go as told either, and the tour says so
            yield step, _told(error), False
        else:
            yield step, seen, True


def _told(error: BaseException) -> str:
    """Return an error's own words; a task group wraps them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def _brief(said: str) -> str:
    """Return a refusal without its reference, which differs every time."""
    return said.partition(" (reference")[0]


def _refunds(stage: Stage) -> list[float]:
    file = stage.crm / REFUNDS
    return [json.loads(line)["amount"] for line in file.read_text().splitlines()] if file.exists() else []


async def _command(stage: Stage, *said: str) -> str:
    """Run one of our commands, which must succeed, and return its output."""
    ended = await asyncio.to_thread(command, stage.config, *said)
    hold(ended.returncode == 0, f"`ostiary {' '.join(said)}` ended {ended.returncode}: {ended.stderr.strip()}")
    return ended.stdout


async def _searched(stage: Stage, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the newest call that `ostiary audit search` finds and that fits; the index may need a moment."""
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        calls = json.loads(await _command(stage, "audit", "search", "--json"))
        found[:] = [call for call in calls if fits(call)]
        return bool(found)

    await _until(there, "`ostiary audit search` does not find the call")
    return found[0]


async def _recorded(stage: Stage, fits: Callable[[Any], bool]) -> Any:
    """Return the first record of the ledger that fits."""
    placed: list[Placed] = await asyncio.to_thread(lambda: list(records(ledger_directory(stage.data))))
    found = next((place.record for place in placed if fits(place.record)), None)
    hold(found is not None, "the ledger has no record of it")
    return found


async def _person_tool(client: Client) -> str:
    listed: list[Tool] = (await client.list_tools()).tools
    return next((tool.description or "" for tool in listed if tool.name == "crm__get_person"), "")


async def _gone(client: Client) -> bool:
    return not await reachable(client, "crm__get_person", person_id="p1") and not await _person_tool(client)


async def _differing(stage: Stage) -> set[str]:
    listed = json.loads(await _command(stage, "tools", "diff", "--json"))
    return {entry["label"] for entry in listed}


async def _until(true: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    """Wait until something is true, for as long as patience lasts."""
    try:
        async with asyncio.timeout(_PATIENCE):
            while not await true():  # noqa: ASYNC110 - what changes lives in other processes
                await asyncio.sleep(_TICK)
    except TimeoutError:
        hold(False, f"{otherwise} for {_PATIENCE:.0f} seconds")


def _flipped(stage: Stage) -> tuple[Path, str]:
    """Copy the ledger, flip one bit in the middle of it; return the copy's configuration and where the bit is."""
    # The keys first: a newer seal would speak of records that the copy does not have yet.
    copy = stage.folder / "copy"
    for part in (stage.data / "keys", ledger_directory(stage.data)):
        shutil.copytree(part, copy / part.name)
    number, segment = segments(ledger_directory(copy))[0]
    raw = bytearray(segment.read_bytes())
    at = len(raw) // 2
    raw[at] ^= 1
    segment.write_bytes(raw)
    config = stage.folder / "copy.yaml"
    config.write_text(stage.config.read_text().replace(json.dumps(str(stage.data)), json.dumps(str(copy))))
    return config, f"{number:08d}.jsonl:{raw[:at].count(10) + 1}"
