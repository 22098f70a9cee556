"""What rules want approved at a running gateway: four eyes, a quorum, both eras, and the ledger's word for all of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.client import people
from tests.e2e.doubles.house import config, house, over_http, until
from tests.e2e.doubles.upstream import tool, upstream
from tests.e2e.test_guards import given, outcomes, serving

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
RULES: tuple[Json, ...] = (
    {"name": "everyone", "allow": ["*"], "subjects": ["*"]},
    {"name": "none", "deny": ["*.refund"], "unless_approved": {"by": ["lead", "ciso"], "quorum": 2}},
    {"name": "trifecta", "deny": ["*"], "sends": "outside", "after": ["private", "untrusted"],
     "unless_approved": {"by": ["ciso"]}},
)  # fmt: skip


def approve(gateway: Any, ident: str, *files: Path) -> list[int]:
    run = gateway.gateway.attempt
    return [run("approvals", "approve", ident, "--as", f"file:{each}").returncode for each in files]


async def kept(gateway: Any, folder: Path, subject: str, *roles: str) -> Path:
    path = folder / f"{subject}.token"
    path.write_text(await gateway.token(subject, *roles))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_a_call_waits_for_two_people_who_are_not_its_caller(tmp_path: Path, era: str) -> None:
    crm = serving("refund")
    async with upstream(crm), house(tmp_path, config({"crm": over_http(crm.url)}, *RULES[:2])) as gateway:
        ann_, lea, max_ = [
            await kept(gateway, tmp_path, *each) for each in (("ann", "lead"), ("lea", "lead"), ("max", "ciso"))
        ]
        async with people(gateway.url, ann_.read_text()) as (ann,):
            ann = await ann.shake_hands() if era == "handshake" else ann
            assert await ann.tools() == ["crm__refund"], "what takes an approval is listed"
            stopped = await ann.call("crm__refund", key="500")
            assert stopped.refusal["code"] == "held"
            [waits] = json.loads(gateway.gateway.attempt("approvals", "list", "--json").stdout)["approvals"]
            assert waits["id"] in str(stopped.message)
            assert approve(gateway, waits["id"], ann_, lea, lea) == [1, 0, 1]
            assert "it takes 1 more" in (await ann.call("crm__refund", key="500")).text
            assert given(crm) == []
            assert approve(gateway, waits["id"], max_) == [0]
            assert (await ann.call("crm__refund", key="5000")).refusal["code"] == "held"
            assert (await ann.call("crm__refund", key="500")).text == "refund 500"
            assert (await ann.call("crm__refund", key="500")).refusal["code"] == "held"
        await until(lambda: len(outcomes(gateway.records())) == 5, "a call is not in the ledger")
        intents = [each for each in gateway.records() if each["type"] == "intent" and each.get("tool") == "crm.refund"]
        said = {"effect": "allow", "rule": "everyone", "approved": f"lea, max ({waits['id']})"}
        assert [each["decision"] for each in intents] == [said]
    assert given(crm) == ["500"]


async def test_the_trifecta_takes_an_approval(tmp_path: Path) -> None:
    """issue 6: after untrusted text and private data in one run, nothing that sends outside without approval."""
    crm, mail = serving("find"), serving("send")
    mail.tools = [tool("send", key="string")]
    async with upstream(crm), upstream(mail):
        servers = {
            "crm": over_http(crm.url, reads=["private", "untrusted"], sends="nothing", changes=False),
            "mail": over_http(mail.url, reads="nothing", sends="outside", changes=True),
        }
        async with house(tmp_path, config(servers, *RULES)) as gateway:
            ciso = await kept(gateway, tmp_path, "max", "ciso")
            async with people(gateway.url, await gateway.token("ann")) as (ann,):
                assert (await ann.call("mail__send", key="hello")).text == "send hello"
                await ann.call("crm__find", key="secret")
                stopped = await ann.call("mail__send", key="secret")
                assert "the rule trifecta wants the approval of a person with the role ciso" in stopped.text
                [waits] = json.loads(gateway.gateway.attempt("approvals", "list", "--json").stdout)["approvals"]
                assert approve(gateway, waits["id"], ciso) == [0]
                assert (await ann.call("mail__send", key="secret")).text == "send secret"
    assert given(mail) == ["hello", "secret"]
