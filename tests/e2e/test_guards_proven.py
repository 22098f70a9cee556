"""A running gateway proves its guards: it is ready when they find what they should, and stops calls where they do not."""

from pathlib import Path
from typing import Any

import pytest

from tests.contract.plugging import installed
from tests.e2e.doubles.client import people
from tests.e2e.doubles.house import House, config, house, over_http, until
from tests.e2e.doubles.upstream import Upstream, tool, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
KEY = "AKIA" + "QYLPMN5HFIQR7XYA"
GUARDS: list[Json] = [
    {"name": "keys", "use": "secrets", "then": "redact"},
    {"name": "own", "use": "plugin", "load": "acme-words", "settings": {"words": ["bluebird"], "level": 2}},
]
# What a program loads before anything else: here, a way to take a guard's eyes at any time.
BLINDING = """
from pathlib import Path
from ostiary.guards.detecting import DETECTORS
whole = DETECTORS["secrets"]
DETECTORS["secrets"] = lambda *asked: () if Path({flag!r}).exists() else whole(*asked)
"""


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    return tmp_path / "blind"


@pytest.fixture
def site(tmp_path: Path, flag: Path) -> Path:
    """Return a folder with a package that brings a guard, and with what can blind one of ours."""
    folder = installed(tmp_path / "site")
    (folder / "sitecustomize.py").write_text(BLINDING.format(flag=str(flag)))
    return folder


async def again(gateway: House, guards: list[Json], times: int) -> None:
    """Have the gateway read another configuration, with the same guards but for their time."""
    gateway.write(guards=[{**each, "timeout": f"{times + 2}s"} for each in guards])
    await gateway.until_logged("configuration replaced", times)


async def test_a_guard_that_went_blind_stops_calls_until_it_sees(tmp_path: Path, site: Path, flag: Path) -> None:
    double = Upstream()
    double.tools = [tool("find", key="string")]
    async with upstream(double):
        wanted = config({"crm": over_http(double.url)}, guards=GUARDS)
        async with house(tmp_path, wanted, ("env", f"PYTHONPATH={site}")) as gateway:
            token = await gateway.token("ann", "dev")
            async with people(gateway.url, token) as (ann,):
                assert (await ann.call("crm__find", key=f"{KEY} of a bluebird")).text == (
                    "find [redacted:aws-access-key] of a [acme]"
                )
                asked = len(double.asked)
                flag.touch()
                await again(gateway, GUARDS, 1)
                await gateway.until_logged("a guard does not do what it should")
                status, said = await gateway.ready(token)
                assert (status, said["reasons"][0]["what"]) == (503, "guard_broken")
                assert said["reasons"][0]["why"].startswith("keys: it does not find secret.")
                stopped = await ann.call("crm__find", key=KEY)
                assert stopped.refusal["code"] == "blocked"
                assert "keys: the guard does not find what it should" in stopped.text
                assert len(double.asked) == asked, "it did not leave the house"
                flag.unlink()
                await again(gateway, GUARDS, 2)
                await gateway.until_logged("a guard does what it should again")
                assert (await gateway.ready())[0] == 200
                assert (await ann.call("crm__find", key="a bluebird")).text == "find a [acme]"
            await until(lambda: len(kinds(gateway)) > 3, "not everything is in the ledger")
            told = {each["kind"]: each for each in gateway.records() if each.get("type") == "event"}
    assert told["start"]["plugins"] == [
        {"guard": "own", "load": "acme-words", "package": "acme-words", "version": "1.2.0"}
    ]
    assert told["guard_failed"]["guard"] == told["guard_recovered"]["guard"] == "keys"


def kinds(gateway: House) -> set[str]:
    return {each["kind"] for each in gateway.records() if each.get("type") == "event"}


async def test_a_package_that_is_not_installed_refuses_the_configuration(tmp_path: Path) -> None:
    made = House(tmp_path, config({}, guards=[GUARDS[1]]))
    made.write()
    made.launch()
    try:
        await made.until_logged("no package registered a guard as 'acme-words'")
    finally:
        made.stop()
