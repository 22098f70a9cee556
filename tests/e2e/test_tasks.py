"""Calls that become tasks, through a real gateway: one credential at the server, and to each person their own tasks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.client import Person, Said, messages, people, request
from tests.e2e.doubles.house import House, config, house, over_http
from tests.e2e.doubles.tasks import TASKS, UI, Workshop
from tests.e2e.doubles.tasks_handshake import OldWorkshop
from tests.e2e.doubles.upstream import META, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.requirement("MCP-43")]

Json = dict[str, Any]
DECLARED: Json = {"extensions": {TASKS: {}}}
ABLE: Json = {**DECLARED, "elicitation": {"form": {}}}


class Tasked(Person):
    """Someone whose program knows tasks: their ids go into the header, too."""

    def headers(self, message: Json) -> dict[str, str]:
        """Return the headers that go with a message."""
        found, ident = super().headers(message), message["params"].get("taskId")
        return found | ({"mcp-name": ident} if ident is not None and not self.session else {})

    async def get(self, ident: str) -> Said:
        """Ask how far a task has come."""
        return await self.ask("tasks/get", taskId=ident)

    async def until(self, ident: str, status: str) -> Json:
        """Return a task once it has come to a status."""
        async with asyncio.timeout(30):
            while (task := (await self.get(ident)).result)["status"] != status:
                await asyncio.sleep(task["pollIntervalMs"] / 1000)
        return task


def like(person: Person, capabilities: Json) -> Tasked:
    """Return the same person with a program that can do this."""
    return Tasked(person.http, person.url, person.token, capabilities)


@asynccontextmanager
async def stage(folder: Path, double: Any, capabilities: Json = ABLE) -> AsyncIterator[tuple[House, Tasked, Tasked]]:
    async with upstream(double) as running:
        # Both people are one and the same to the server.
        settings = config({"crm": over_http(running.url)})
        async with house(folder, settings) as gateway:
            tokens = [await gateway.token("ana"), await gateway.token("bob")]
            async with people(gateway.url, *tokens) as (ana, bob):
                yield gateway, like(ana, capabilities), like(bob, capabilities)


async def begun(person: Tasked, tool: str = "hold", **arguments: Any) -> str:
    """Call a tool and return the id of the task that the call became."""
    said = await person.call(f"crm__{tool}", **arguments)
    assert (said.result["resultType"], said.result["status"]) == ("task", "working")
    return str(said.result["taskId"])


async def test_a_call_becomes_a_task_that_is_awaited_under_an_id_of_ours(tmp_path: Path) -> None:
    double = Workshop()
    double.related = True
    async with stage(tmp_path, double) as (gateway, ana, _):
        ident = await begun(ana, key="one")
        (raw,) = double.tasks
        assert (await ana.get(ident)).result["status"] == "working"
        double.release("one")
        task = await ana.until(ident, "completed")
        assert task["result"] == {"content": [{"type": "text", "text": "hold is done"}]}
        assert (task["taskId"], task["resultType"]) == (ident, "complete")
        assert task["statusMessage"] == f"task {ident} is completed"
        assert raw not in str(task)
        # What a server is told and asked is its own id, in the body and in the header, and what this client declared.
        assert {(params["taskId"], name) for method, params, name in double.asked if method == "tasks/get"} == {
            (raw, raw)
        }
        assert all(each == ABLE for each in double.declared("tools/call") + double.declared("tasks/get"))
        states = [each for each in gateway.records() if each.get("method") == "tasks/get"]
        assert states
        assert raw not in str(gateway.records())


async def test_a_server_s_failure_and_a_tool_s_are_told_apart(tmp_path: Path) -> None:
    async with stage(tmp_path, Workshop()) as (_, ana, _bob):
        failed = await ana.until(ident := await begun(ana, "protocol_error_job"), "failed")
        assert failed["error"] == {"code": -32603, "message": f"{ident} panicked"}
        assert (await ana.until(await begun(ana, "failing_job"), "completed"))["result"]["isError"] is True


async def test_a_task_is_cancelled_once_and_for_all(tmp_path: Path) -> None:
    double = Workshop()
    async with stage(tmp_path, double) as (_, ana, _bob):
        ident = await begun(ana)
        for _again in range(2):
            assert (await ana.ask("tasks/cancel", taskId=ident)).result == {"resultType": "complete"}
        assert (await ana.get(ident)).result["status"] == "cancelled"


async def test_a_task_s_questions_are_answered_one_by_one(tmp_path: Path) -> None:
    async with stage(tmp_path, Workshop()) as (_, ana, _bob):
        ident = await begun(ana, "multi_input")
        task = await ana.until(ident, "input_required")
        assert set(task["inputRequests"]) == {"one", "two"}
        for key in ("one", "two"):
            answer = {key: {"action": "accept", "content": {"name": key}}}
            assert (await ana.ask("tasks/update", taskId=ident, inputResponses=answer)).result[
                "resultType"
            ] == "complete"
        task = await ana.until(ident, "completed")
        assert task["result"]["content"][0]["text"] == "one: accept, two: accept"


async def test_questions_before_a_task_and_the_task_itself_go_together(tmp_path: Path) -> None:
    """SEP-2663: the question is the call's, and its retry becomes the task."""
    async with stage(tmp_path, Workshop()) as (_, ana, _bob):
        first = (await ana.call("crm__test_tool_with_task")).result
        assert first["resultType"] == "input_required"
        params = {"name": "crm__test_tool_with_task", "arguments": {}, "requestState": first["requestState"]}
        answers = {"inputResponses": {"user_name": {"action": "accept", "content": {"name": "Ana"}}}}
        second = (await ana.send(request("tools/call", {**params, **answers}))).result
        assert second["resultType"] == "task"
        assert "requestState" not in second
        task = await ana.until(second["taskId"], "completed")
        assert task["result"]["content"][0]["text"] == "Hello, Ana!"


async def test_a_question_that_this_client_cannot_answer_is_not_put(tmp_path: Path) -> None:
    async with stage(tmp_path, Workshop()) as (_, ana, _bob):
        ident = await begun(ana, "confirm_delete")
        await ana.until(ident, "input_required")
        said = await like(ana, DECLARED).get(ident)
        assert said.error["code"] == -32021
        assert said.error["data"]["requiredCapabilities"] == {"elicitation": {"form": {}}}


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
async def test_a_task_is_its_owner_s_alone(tmp_path: Path, method: str) -> None:
    """The server would answer bob: it sees one credential. A raw id is none, and neither is another endpoint's."""
    double = Workshop()
    async with stage(tmp_path, double) as (gateway, ana, bob):
        ident = await begun(ana)
        seen = len(double.asked)
        elsewhere = Tasked(ana.http, f"{gateway.url}/servers/crm/mcp", ana.token, ABLE)
        for person, name in ((bob, ident), (ana, "raw-task-1"), (ana, ident[:-8] + "AAAAAAAA"), (elsewhere, ident)):
            said = await person.ask(method, taskId=name, inputResponses={})
            assert (said.status, said.error["code"]) == (400, -32602)
            assert said.error["message"].replace(name[:128], "") == "Unknown or unavailable: "
        undeclared = await like(ana, {"elicitation": {}}).ask(method, taskId=ident, inputResponses={})
        assert (undeclared.status, undeclared.error["code"]) == (400, -32021)
        assert undeclared.error["data"] == {"requiredCapabilities": {"extensions": {TASKS: {}}}}
        mismatched = await Person(ana.http, ana.url, ana.token, ABLE).ask(method, taskId=ident, name="raw-task-1")
        assert (mismatched.status, mismatched.error["code"]) == (400, -32020)
        assert len(double.asked) == seen
        assert (await ana.get(ident)).result["status"] == "working"


async def test_a_task_outlives_the_gateway_and_not_the_rule(tmp_path: Path) -> None:
    """What a task is lies in its id, so any process with the keys can tell; what may be done with it lies in the rules."""
    double = Workshop()
    async with stage(tmp_path, double) as (gateway, ana, _):
        ident = await begun(ana)
        await gateway.terminate()
        await gateway.start()
        assert (await ana.get(ident)).result["status"] == "working"
        gateway.write(rules=[{"name": "greeters", "allow": ["crm.greet"], "subjects": ["*"]}])
        async with asyncio.timeout(30):
            while "result" in (said := await ana.get(ident)).message:
                await asyncio.sleep(0.1)
        assert said.error["code"] == -32602


async def test_extensions_are_announced_where_they_can_be_used(tmp_path: Path) -> None:
    double = Workshop({TASKS: {}, UI: {"later": [1]}, "com.example/other": {}})
    async with stage(tmp_path, double) as (_, ana, _bob):
        discovered = (await ana.ask("server/discover")).result["capabilities"]
        assert discovered["extensions"] == {TASKS: {}, UI: {"later": [1]}}
        opened = await ana.send(
            request("initialize", {"protocolVersion": "2025-11-25", "capabilities": ABLE, "clientInfo": {}})
        )
        assert "extensions" not in opened.result["capabilities"]
        assert "tasks" not in opened.result["capabilities"]


async def test_a_server_hears_of_the_extensions_that_this_client_has(tmp_path: Path) -> None:
    double = Workshop()
    app: Json = {"mimeTypes": ["text/html;profile=mcp-app"]}
    async with stage(tmp_path, double) as (_, ana, _bob):
        for extensions in ({}, {UI: app}, {TASKS: {}, UI: {**app, "more": 1}, "com.example/other": {}}):
            double.asked.clear()
            await like(ana, {"extensions": extensions}).call("crm__greet", name="Ana")
            (heard,) = double.declared("tools/call")
            carried = {key: app if key == UI else {} for key in extensions if key in {UI, TASKS}}
            assert heard.get("extensions", {}) == carried


async def test_a_task_that_nobody_declared_is_never_passed_on(tmp_path: Path) -> None:
    double = Workshop()
    async with stage(tmp_path, double) as (_, ana, _bob):
        plain = like(ana, {})
        honest = await plain.call("crm__failing_job")
        assert (honest.status, honest.error["code"]) == (400, -32021)
        assert honest.error["data"] == {"requiredCapabilities": {"extensions": {TASKS: {}}}}
        double.shameless = True
        session = await plain.shake_hands()
        for person in (plain, session):
            said = await person.call("crm__hold")
            assert said.result["isError"] is True
            assert "raw-task" not in str(said.message)


async def test_a_hint_of_the_other_tasks_makes_no_task(tmp_path: Path) -> None:
    """SEP-2663: tolerated, and without effect."""
    double = Workshop()
    async with stage(tmp_path, double) as (_, ana, _bob):
        params = {"name": "crm__greet", "arguments": {"name": "Ana"}, "task": {"ttl": 1}}
        said = await ana.send(request("tools/call", params))
        assert said.text == "Hello, Ana!"
        assert "task" not in double.asked[-1][1]


async def test_what_becomes_of_a_task_is_told_to_its_owner(tmp_path: Path) -> None:
    double = Workshop()
    async with stage(tmp_path, double) as (_, ana, bob):
        ident = await begun(ana, key="one")
        undeclared = await like(ana, {}).ask("subscriptions/listen", notifications={"taskIds": [ident]})
        assert undeclared.error["code"] == -32021
        listen = request(
            "subscriptions/listen", {"notifications": {"taskIds": [ident, "never"], "toolsListChanged": True}}
        )
        async with bob.posted(listen) as his, ana.posted(listen) as hers:
            deaf, heard = await anext(messages(his)), messages(hers)
            assert deaf["params"]["notifications"] == {"toolsListChanged": True}
            acknowledged = await anext(heard)
            assert acknowledged["params"]["notifications"] == {"taskIds": [ident], "toolsListChanged": True}
            double.release("one")
            async with asyncio.timeout(20):
                news = await anext(heard)
        assert news["method"] == "notifications/tasks"
        assert (news["params"]["taskId"], news["params"]["status"]) == (ident, "completed")
        assert news["params"]["_meta"] == {META + "subscriptionId": listen["id"]}
        assert "raw-task" not in str(news)


# Tasks of 2025-11-25


async def test_a_tool_that_runs_as_an_old_task_only_is_an_ordinary_call(tmp_path: Path) -> None:
    double = OldWorkshop()
    async with stage(tmp_path, double) as (_, ana, _bob):
        session = await like(ana, {}).shake_hands()
        listed = (await session.ask("tools/list")).result["tools"]
        assert all("execution" not in each for each in listed)
        for number, person in enumerate((session, ana)):
            call = asyncio.create_task(person.call("crm__long", key=f"k{number}"))
            await double.until_asked("tasks/get", 1 + double.count("tasks/get"))
            double.release(f"k{number}")
            said = await call
            assert said.text == "long is done"
            assert "old-task" not in str(said.message)
            assert (await person.call("crm__failing")).result["isError"] is True
        assert not any("tasks" in each or TASKS in each.get("extensions", {}) for each in double.opened)


async def test_an_old_task_asks_the_user_as_the_call_would(tmp_path: Path) -> None:
    double = OldWorkshop()
    async with stage(tmp_path, double) as (_, ana, _bob):
        first = (await ana.call("crm__ask")).result
        assert first["resultType"] == "input_required"
        assert "old-task" not in str(first)
        (key,) = first["inputRequests"]
        params = {"name": "crm__ask", "arguments": {}, "requestState": first["requestState"]}
        answers = {"inputResponses": {key: {"action": "accept", "content": {"name": "Ana"}}}}
        assert (await ana.send(request("tools/call", {**params, **answers}))).text == "Hello, Ana!"


async def test_a_client_that_goes_away_cancels_its_old_task(tmp_path: Path) -> None:
    double = OldWorkshop()
    async with stage(tmp_path, double) as (_, ana, _bob):
        call = asyncio.create_task(ana.call("crm__long", key="never"))
        await double.until_asked("tasks/get")
        call.cancel()
        await double.until_status("cancelled")
        assert double.count("tasks/result") == 0


async def test_a_client_makes_no_old_task_of_its_own(tmp_path: Path) -> None:
    double = OldWorkshop()
    async with stage(tmp_path, double) as (_, ana, _bob):
        session = await like(ana, {}).shake_hands()
        params = {"name": "crm__quick", "arguments": {}, "task": {"ttl": 1}}
        for person in (session, ana):
            assert (await person.send(request("tools/call", params))).text == "quick without a task"
        for method in ("tasks/get", "tasks/result", "tasks/list", "tasks/cancel"):
            assert (await session.ask(method, taskId="old-task-1")).error["code"] == -32601
        assert double.tasks == {}


async def test_a_tool_that_runs_as_a_task_only_at_a_server_without_tasks_says_so(tmp_path: Path) -> None:
    double = OldWorkshop(announced=False)
    async with stage(tmp_path, double) as (_, ana, _bob):
        said = await ana.call("crm__long")
        assert said.result["isError"] is True
        assert "does not announce tasks" in said.text
        assert double.count("tools/call") == 0
