"""What `ostiary simulate` says of yesterday's calls is what the gateway does with them once the file is in force."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.e2e.doubles.client import Person, people
from tests.e2e.doubles.house import House, config, house, over_http, until
from tests.e2e.doubles.upstream import Upstream, tool, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
Decision = tuple[str, str, str, tuple[str, ...]]
TOOLS = [tool("note", key="string", force="boolean"), tool("read", key="string"), tool("pay", key="string")]
BEFORE: list[Json] = [
    {"name": "all-devs", "allow": ["crm.*"], "roles": ["dev"]},
    {"name": "reading", "allow": ["crm.read"], "subjects": ["*"]},
]
AFTER: list[Json] = [
    {"name": "notes", "allow": ["crm.note"], "roles": ["dev", "ops"], "when": "!has(args.force) || !args.force"},
    {"name": "reading", "allow": ["crm.read"], "roles": ["ops"]},
    {"name": "paying", "allow": ["crm.pay"], "roles": ["ops"], "when": "has(args.key) && args.key == 'small'"},
    {"name": "nobody", "deny": ["crm.read"], "subjects": ["eve"]},
    {"name": "trial", "deny": ["crm.note"], "roles": ["dev"], "shadow": True},
]
ARGUMENTS: list[Json] = [{"key": "small"}, {"key": "large", "force": True}, {"key": "", "force": False}]


async def played(gateway: House, callers: tuple[Person, ...], calls: int) -> list[Decision]:
    """Call every tool with every kind of arguments as everyone, in both eras; return what was decided so far."""
    for person, name, given in product(callers, ("note", "read", "pay"), ARGUMENTS):
        allowed = given if name == "note" else {"key": given["key"]}
        await person.call(f"crm__{name}", **allowed)
    await until(lambda: len(decisions(gateway.records())) == calls, "a call is not in the ledger")
    return decisions(gateway.records())


def decisions(records: list[Json]) -> list[Decision]:
    """Return subject, name, effect and what was rehearsed of every call of a tool, in their order."""
    return [
        (it["principal"]["subject"], it["name"], it["decision"]["effect"], tuple(it.get("findings", ())))
        for it in records
        if it.get("method") == "tools/call" and "decision" in it
    ]


def rewritten(file: Path, rules: list[Json]) -> Path:
    """Return a copy of a configuration with other rules."""
    yaml, new = YAML(typ="safe"), file.with_name("new.yaml")
    with new.open("w") as out:
        yaml.dump({**yaml.load(file.read_text()), "rules": rules}, out)
    return new


def simulated(file: Path) -> Json:
    command = [sys.executable, "-m", "ostiary", "simulate", "-c", str(file), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found: Json = json.loads(done.stdout)
    return found


def counted(groups: Json) -> Counter[tuple[str, str]]:
    found = Counter[tuple[str, str]]()
    for each in groups["groups"]:
        found[each["subject"], each["what"].replace(".", "__")] += each["calls"]
    return found


async def test_verdicts_on_the_past_are_what_enforcement_does_next(tmp_path: Path) -> None:
    """Must-show 4, with a real gateway and its ledger."""
    double = Upstream()
    double.tools = TOOLS
    async with upstream(double), house(tmp_path, config({"crm": over_http(double.url)}, *BEFORE)) as gateway:
        tokens = [await gateway.token(name, role) for name, role in (("ann", "dev"), ("bob", "ops"), ("eve", "ops"))]
        async with people(gateway.url, *tokens) as callers:
            everyone = (*callers, await callers[0].shake_hands(), await callers[1].shake_hands())
            then = await played(gateway, everyone, 45)
            new = rewritten(gateway.file, AFTER)
            told = await asyncio.to_thread(simulated, new)
            gateway.write(rules=AFTER)
            await gateway.until_logged("configuration replaced")
            now = (await played(gateway, everyone, 90))[45:]
    assert [each[:2] for each in now] == [each[:2] for each in then]
    pay = {("bob", "crm__pay"), ("eve", "crm__pay")}
    assert set(counted(told["undecided"])) == pay, "only what hangs on a text that the ledger hides"
    pairs = [(before, after) for before, after in zip(then, now, strict=True) if before[:2] not in pay]
    refused = Counter(one[:2] for one, other in pairs if (one[2], other[2]) == ("allow", "deny"))
    allowed = Counter(one[:2] for one, other in pairs if (one[2], other[2]) == ("deny", "allow"))
    assert (counted(told["newly_refused"]), counted(told["newly_allowed"])) == (refused, allowed)
    assert sum(refused.values()) > 3
    assert sum(allowed.values()) > 3
    shadow = Counter((who, what) for who, what, _, said in now for each in said if each.startswith("shadow"))
    assert counted(told["shadow"]) == shadow
    assert sum(shadow.values()) > 3
