"""A gateway whose checkpoints are kept elsewhere: killed at any moment it verifies, and an older folder is refused."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.house import House, config, house, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def anchored(folder: Path, **more: Any) -> tuple[Any, Path]:
    place = folder / "elsewhere" / "checkpoints.jsonl"
    place.parent.mkdir()
    return config({}, ledger={"checkpoints": {"file": str(place)}, **more}), place


async def verified(gateway: House) -> Any:
    return json.loads(await gateway.command("audit", "verify", "--json"))


@pytest.mark.parametrize("durability", ["process", "power"])
async def test_a_gateway_that_is_killed_again_and_again_verifies_against_its_second_place(
    tmp_path: Path, durability: str
) -> None:
    """Issue 7, must show 2: kill -9, with each documented setting."""
    document, place = anchored(tmp_path, durability=durability)
    async with house(tmp_path, document) as gateway:
        for lives in range(1, 4):
            count = lives
            await until(
                lambda: place.exists() and place.read_bytes().count(b"\n") >= count,  # noqa: B023 - waited for here
                "no checkpoint came",
            )
            report = await verified(gateway)
            assert (report["ok"], report["elsewhere"] >= lives) == (True, True)
            await gateway.kill()
            await gateway.start()


async def test_a_gateway_refuses_to_start_on_an_older_copy_of_its_folder(tmp_path: Path) -> None:
    """Issue 7, must show 1: roll-back needs the second place."""
    document, place = anchored(tmp_path)
    async with house(tmp_path, document) as gateway:
        await until(place.exists, "no checkpoint came")
        assert await gateway.terminate() == 0
        shutil.copytree(gateway.data, tmp_path / "older")
        await gateway.start()
        await gateway.terminate()
        newer = tmp_path / "newer"
        gateway.data.rename(newer)
        shutil.copytree(tmp_path / "older", gateway.data)
        gateway.launch()
        assert await asyncio.to_thread(gateway.gateway.process.wait, 30) == 1
        assert "put back to an older state" in gateway.log
        proof = await gateway.attempt("audit", "verify", "--json")
        assert json.loads(proof.stdout)["first"]["kind"] == "rolled-back"
        shutil.rmtree(gateway.data)
        newer.rename(gateway.data)
        await gateway.start()
        assert (await verified(gateway))["ok"]
