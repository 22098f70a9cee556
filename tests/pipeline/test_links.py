"""What a server handed to a caller can be read by that caller, by nobody else, and by no rule's leave but an allow."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import Answer, Call, Catalogue, Client, Era, Inbound, Json, Kind, Order, Target
from ostiary.core.ports import Back
from ostiary.pipeline.links import Links, resource
from ostiary.pipeline.reach import readable
from tests.pipeline.stage import CALLERS, Stage, call, known, post

CONFIG = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files]}, crm: {command: [crm]}}
views: {both: {include: ["files.*", "crm.*", "files:*", "crm:*"], rename: {files.find: search}}}
rules:
  - {name: tools, allow: ["files.find", "crm.find"], subjects: ["*"]}
  - {name: notes, allow: ["files:note://*", "crm:note://*", "files:wide://*", "crm:wide://*"], roles: [dev]}
  - {name: eve-files, allow: ["files:twice://*"], subjects: [eve]}
  - {name: twice, allow: ["*:twice://*"], roles: [dev]}
  - {name: form, allow: [crm.show], roles: [dev]}
  - {name: never, deny: ["*:note://secret*"], subjects: ["*"]}
"""
TOOL = {"name": "find", "inputSchema": {"type": "object"}}
FORM = "ui://crm/form"
SHOW = {"name": "show", "inputSchema": {"type": "object"}, "_meta": {"ui": {"resourceUri": FORM}}}
TWICE = {"uri": "twice://1", "name": "one"}
WIDE = {"uriTemplate": "wide://{id}", "name": "w"}
FILES = Catalogue(
    "files", "", (TOOL,), resources=(TWICE,), templates=(WIDE, {"uriTemplate": "wide://a{id}", "name": "n"})
)
CRM = Catalogue("crm", "", (TOOL, SHOW), resources=(TWICE,), templates=({"uriTemplate": "wide://ab{id}", "name": "n"},))


def link(uri: str) -> Json:
    return {"type": "resource_link", "uri": uri, "name": "x"}


class Two(Stage):
    """Two servers: their tool `find` links to what a test says, and each says of what is read that it is its own."""

    def __init__(self, *uris: str, files: Catalogue = FILES, crm: Catalogue = CRM) -> None:
        super().__init__(text=CONFIG)
        self.uris = uris
        self.carry = self._carry
        catalogues = {("files", ""): files, ("crm", ""): crm}
        self.snapshot = compiled(parse(CONFIG, "test.yaml"), catalogues, 7, "digest").snapshot

    async def _carry(self, order: Order, _back: Back) -> Json:
        if order.call.method == "tools/call":
            return {"result": {"content": [link(uri) for uri in self.uris], "resultType": "complete"}}
        text = f"{order.target.server} {order.call.params['uri']}"
        return {"result": {"contents": [{"uri": order.call.params["uri"], "text": text}], "resultType": "complete"}}

    def find(self, server: str = "files", token: str = "ana-token") -> None:
        assert "result" in payload(self.play(call(f"{server}__find", token)))

    def read(self, uri: str, token: str = "ana-token", endpoint: str = "/mcp") -> str:
        """Return what is read, or the refusal's words."""
        said = payload(self.play(at(endpoint, post("resources/read", token, uri=uri))))
        return str(said["result"]["contents"][0]["text"]) if "result" in said else str(said["error"]["message"])


def at(endpoint: str, message: Inbound) -> Inbound:
    return msgspec.structs.replace(message, endpoint=endpoint)


def payload(answer: Answer) -> Json:
    assert answer.payload is not None
    return answer.payload


def unknown(uri: str) -> str:
    return f"Unknown or unavailable: {uri}"


# Links


@pytest.mark.parametrize("endpoint", ["/mcp", "/servers/files/mcp", "/views/both/mcp"])
@pytest.mark.requirement("MCP-42")
def test_what_a_tool_linked_to_is_read_from_its_server(endpoint: str) -> None:
    """Checklist line 42: links are not guaranteed to be listed (2025-06-18, server/tools, "Resource Links")."""
    stage = Two("note://1")
    assert stage.read("note://1", endpoint=endpoint) == unknown("note://1")
    stage.find()
    assert stage.read("note://1", endpoint=endpoint) == "files note://1"
    assert stage.sent[-1].target.label == "files:note://1"


def test_a_link_is_the_caller_s_own() -> None:
    stage = Two("note://1")
    stage.find(token="eve-token")
    assert stage.read("note://1") == unknown("note://1")
    stage.find()
    assert stage.read("note://1", token="eve-token") == unknown("note://1"), "no rule allows it to her"
    assert stage.read("note://1") == "files note://1"


def test_a_link_leads_to_the_server_it_came_from_and_to_no_other_endpoint() -> None:
    stage = Two("note://1")
    stage.find("crm")
    assert stage.read("note://1") == "crm note://1"
    assert stage.read("note://1", endpoint="/servers/files/mcp") == unknown("note://1")


@pytest.mark.parametrize("uri", ["note://secret/1", "other://1", "https://docs.example.com/", "note://a/../secret"])
def test_a_link_opens_nothing_by_itself(uri: str) -> None:
    stage = Two(uri)
    stage.find()
    assert stage.read(uri) == unknown(uri)
    assert len(stage.sent) == 1


@pytest.mark.requirement("MCP-42")
def test_a_link_that_two_servers_gave_is_refused_with_the_way_out() -> None:
    """Checklist line 42: collisions are refused, not guessed."""
    stage = Two("note://1")
    stage.find("files")
    stage.find("crm")
    assert stage.read("note://1").endswith("several servers offer it here; use /servers/crm/mcp or /servers/files/mcp")
    assert stage.read("note://1", endpoint="/servers/crm/mcp") == "crm note://1"
    stage.find("files", "eve-token")
    stage.find("crm", "eve-token")
    assert stage.read("note://1", "eve-token") == unknown("note://1")


def test_a_failed_tool_s_links_and_a_prompt_s_and_those_within_a_resource_are_remembered() -> None:
    links = Links()
    for method, result in (
        ("tools/call", {"isError": True, "content": [link("note://1")]}),
        ("prompts/get", {"messages": [{"role": "user", "content": link("note://2")}]}),
        ("resources/read", {"contents": [{"uri": "note://3", "text": ""}]}),
        ("tasks/get", {"status": "completed", "result": {"content": [link("note://4")]}}),
    ):
        links.remember(order(method), {"result": result})
    links.remember(order("tools/call"), {"error": {"code": 1, "message": "note://5"}})
    links.remember(order("tools/call"), {"result": {"result": {"content": [link("note://6")]}}})
    remembered = [
        number for number in range(1, 7) if links.servers(f"note://{number}", CALLERS["ana-token"], ("files",))
    ]
    assert remembered == [1, 2, 3, 4]


# Clashes


@pytest.mark.requirement("MCP-42")
def test_what_two_servers_list_is_refused_with_the_way_out_to_those_who_may() -> None:
    stage = Two()
    assert stage.read("twice://1").endswith("several servers offer it here; use /servers/crm/mcp or /servers/files/mcp")
    assert stage.read("twice://1", "eve-token").endswith("not reachable at this endpoint; use /servers/files/mcp")
    assert stage.read("twice://1", endpoint="/servers/crm/mcp") == "crm twice://1"
    assert readable("twice://1", stage.snapshot.surfaces["/mcp", ""], CALLERS["ana-token"]) is None


def test_who_may_see_neither_side_of_a_clash_learns_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours: names must not be probed."""
    stage = Two()
    monkeypatch.setitem(CALLERS, "mal-token", known("mal"))
    clash = stage.play(post("resources/read", "mal-token", uri="twice://1"))
    never = stage.play(post("resources/read", "mal-token", uri="twice://9"))
    assert clash.status == never.status
    assert str(payload(clash)).replace("twice://1", "twice://9") == str(payload(never))


def test_a_uri_that_fits_the_templates_of_two_servers_is_refused_and_of_one_is_read() -> None:
    stage = Two()
    assert stage.read("wide://1") == "files wide://1"
    assert stage.read("wide://a1") == "files wide://a1", "two templates of one server are no clash"
    assert "use /servers/crm/mcp or /servers/files/mcp" in stage.read("wide://abc")
    assert stage.read("wide://abc", endpoint="/servers/crm/mcp") == "crm wide://abc"


def test_a_template_that_two_servers_offer_is_refused_also_for_completion() -> None:
    stage = Two(crm=msgspec.structs.replace(CRM, templates=(WIDE,)))
    ref = {"type": "ref/resource", "uri": "wide://{id}"}
    said = payload(stage.play(post("completion/complete", ref=ref, argument={"name": "id", "value": ""})))
    assert "use /servers/crm/mcp or /servers/files/mcp" in said["error"]["message"]
    assert "use /servers/crm/mcp or /servers/files/mcp" in stage.read("wide://1")


def test_tools_that_clash_are_refused_with_the_way_out() -> None:
    text = CONFIG.replace("{files.find: search}", "{crm.find: files__find}")
    stage = Two()
    stage.snapshot = compiled(parse(text, "t"), {("files", ""): FILES, ("crm", ""): CRM}, 8, "d").snapshot
    said = payload(stage.play(at("/views/both/mcp", call("files__find"))))
    assert "use /servers/crm/mcp or /servers/files/mcp" in said["error"]["message"]


# Interfaces


@pytest.mark.parametrize("endpoint", ["/mcp", "/servers/crm/mcp", "/views/both/mcp"])
@pytest.mark.requirement("MCP-42")
def test_whoever_may_call_a_tool_may_read_its_interface(endpoint: str) -> None:
    """SEP-1865."""
    stage = Two()
    assert stage.read(FORM, endpoint=endpoint) == f"crm {FORM}"
    assert stage.read(FORM, "eve-token", endpoint) == unknown(FORM)
    assert stage.sent[-1].target.kind is Kind.RESOURCE
    assert readable(FORM, stage.snapshot.surfaces[endpoint, ""], CALLERS["ana-token"]) is not None


# Nothing is kept


@pytest.mark.requirement("MCP-40")
def test_two_principals_get_their_own_reads_and_nobody_is_answered_from_a_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Checklist line 40: private results never reach another principal; a `public` one is private here, too."""
    stage, count = Two(), iter(range(9))

    async def mine(order: Order, _back: Back) -> Json:
        text = f"{order.caller.subject} {next(count)}"
        contents = [{"uri": "wide://1", "text": text}]
        return {"result": {"contents": contents, "resultType": "complete", "ttlMs": 60_000, "cacheScope": "public"}}

    stage.carry = mine
    monkeypatch.setitem(CALLERS, "bob-token", known("bob", "dev"))
    tokens = ("ana-token", "bob-token", "ana-token")
    heard = [payload(stage.play(post("resources/read", token, uri="wide://1"))) for token in tokens]
    assert [each["result"]["contents"][0]["text"] for each in heard] == ["ana 0", "bob 1", "ana 2"]
    assert {(each["result"]["cacheScope"], each["result"]["ttlMs"]) for each in heard} == {("private", 60_000)}


@pytest.mark.requirement("MCP-16", "MCP-40")
def test_what_asks_and_what_came_of_a_retry_are_not_kept_by_clients() -> None:
    """Checklist lines 16 and 40: `input_required` has no caching, and results of retries must not be cached (MRTR)."""
    stage = Two()
    asks = {
        "resultType": "input_required",
        "inputRequests": {},
        "requestState": "s",
        "ttlMs": 9,
        "cacheScope": "public",
    }
    stage.answer, stage.carry = {"result": asks}, None
    first = payload(stage.play(post("resources/read", uri="wide://1")))["result"]
    assert first["resultType"] == "input_required"
    assert first.keys().isdisjoint({"ttlMs", "cacheScope"})
    stage.answer = {"result": {"contents": [], "resultType": "complete", "ttlMs": 9, "cacheScope": "public"}}
    state = first["requestState"]
    again = payload(stage.play(post("resources/read", uri="wide://1", requestState=state, inputResponses={})))["result"]
    assert (again["ttlMs"], again["cacheScope"]) == (0, "private")


@pytest.mark.parametrize("said", [-1, "soon", True, None, 1.5])
@pytest.mark.requirement("MCP-16")
def test_a_word_on_caching_that_is_none_means_not_to_keep_it(said: Any) -> None:
    """Checklist line 16: `ttlMs` is an integer that is not negative."""
    stage = Two()
    stage.answer, stage.carry = {"result": {"contents": [], "resultType": "complete", "ttlMs": said}}, None
    assert payload(stage.play(post("resources/read", uri="wide://1")))["result"]["ttlMs"] == 0


# What is remembered


def order(method: str, subject: str = "ana", server: str = "files") -> Order:
    client = Client(Era.MODERN, "2026-07-28", {}, "", {})
    target = Target(server, Kind.TOOL, "find", f"{server}.find", "find")
    return Order(Call(1, method, "find", {}, client), target, known(subject, "dev"), 1.0, "ref", "/mcp")


def result(*uris: str) -> Json:
    return {"result": {"content": [link(uri) for uri in uris]}}


def test_the_oldest_links_of_a_server_are_forgotten_first_and_use_keeps_them() -> None:
    links, ana = Links(each=330), known("ana")
    links.remember(order("tools/call"), result("note://1", "note://2", "note://3"))
    assert links.servers("note://1", ana, ("files",)) == ["files"]
    links.remember(order("tools/call"), result("note://4"))
    kept = [uri for uri in ("note://1", "note://2", "note://3", "note://4") if links.servers(uri, ana, ("files",))]
    assert kept == ["note://1", "note://3", "note://4"]


def test_no_server_crowds_out_the_links_of_another() -> None:
    links = Links(each=330)
    links.remember(order("tools/call", server="crm"), result("note://mine"))
    links.remember(order("tools/call"), result(*(f"note://{number}" for number in range(500))))
    assert links.servers("note://mine", known("ana"), ("files", "crm")) == ["crm"]


def test_who_has_not_come_for_longest_is_forgotten_when_there_are_too_many() -> None:
    links = Links(most=330)
    for subject in ("ana", "bob", "cy"):
        links.remember(order("tools/call", subject), result("note://1"))
    assert links.servers("note://1", known("ana"), ("files",)) == ["files"]
    links.remember(order("tools/call", "dee"), result("note://1"))
    assert [who for who in ("ana", "bob", "cy", "dee") if links.servers("note://1", known(who), ("files",))] == [
        "ana",
        "cy",
        "dee",
    ]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("fg"), st.lists(st.text("xyz", max_size=30))), max_size=40
    )
)
def test_it_never_holds_more_than_it_may(said: list[tuple[str, str, list[str]]]) -> None:
    links = Links(each=300, most=700)
    for subject, server, uris in said:
        links.remember(order("tools/call", subject, server), result(*(f"note://{uri}" for uri in uris)))
        assert links.weight == sum(kept.weight for kept in links._kept.values()) <= 700
        for kept in links._kept.values():
            assert kept.weight == sum(len(uri) + 100 for uri in kept.uris) <= 300


@settings(max_examples=50)
@given(st.sets(st.tuples(st.sampled_from(("ana", "bob")), st.sampled_from(("files", "crm")), st.integers(0, 3))))
def test_nobody_is_ever_led_to_what_was_not_handed_to_them(handed: set[tuple[str, str, int]]) -> None:
    """Ours: two users of one shared server never share what it said."""
    stage, links = Two(), Links()
    for subject, server, number in handed:
        links.remember(order("tools/call", subject, server), result(f"note://{number}"))
    for subject in ("ana", "bob"):
        for number in range(4):
            mine = {server for who, server, each in handed if (who, each) == (subject, number)}
            found = resource(f"note://{number}", stage.snapshot.surfaces["/mcp", ""], known(subject, "dev"), links)
            assert (found.server if found else None) == (next(iter(mine)) if len(mine) == 1 else None)


def test_looking_something_up_twice_at_once_is_no_race() -> None:
    stage = Two("note://1")

    async def twice() -> list[str]:
        await stage.serve(call("files__find"))
        heard = await asyncio.gather(*(stage.serve(post("resources/read", uri="note://1")) for _ in range(5)))
        return [str(payload(each.answers[0])["result"]["contents"][0]["text"]) for each in heard]

    assert asyncio.run(twice()) == ["files note://1"] * 5
