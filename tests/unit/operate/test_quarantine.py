"""A compiled snapshot with what is shut out put out of reach, whichever way leads to it."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.config.compile import compiled
from ostiary.config.schema import Config
from ostiary.core.model import Allow, Caller, Catalogue, Kind, Snapshot, Surface, Target
from ostiary.integrity.pins import Offering, sighting
from ostiary.operate.quarantine import cut, denied
from ostiary.operate.revise import Revisions
from ostiary.policy.decide import decide
from ostiary.policy.quarantine import NONE, Marks, Quarantine, marks
from ostiary.policy.visible import visible

FORM = "ui://crm/form"
ANA = Caller("ana", "ostiary", "tok_1", "token", 9e9, tags=frozenset({"*", "subject:ana"}))
TEMPLATE = {"uriTemplate": "note://{id}", "name": "notes"}


def shut(kind: str, what: str, ident: str = "q_1") -> Marks:
    return marks([Quarantine(ident, kind, what, "because", "op", 1.0)], 2.0)


def tool(name: str, uri: str = "") -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}, "_meta": {"ui": {"resourceUri": uri}} if uri else {}}


def config(**more: Any) -> Config:
    servers = {"crm": {"command": ("y",)}, "files": {"command": ("x",)}}
    rules = [{"name": "all", "allow": ["*"], "subjects": ["*"]}]
    plain = {"gateway": {"url": "http://localhost:8080"}, "servers": servers, "rules": rules}
    return Config.model_validate({**plain, **more})


def snapshot(**more: Any) -> Snapshot:
    crm = Catalogue(
        "crm", "", (tool("push", FORM), tool("look")), ({"name": "greet"},),
        ({"uri": FORM, "name": "form"}, {"uri": "note://1", "name": "one"}), (TEMPLATE,),
    )  # fmt: skip
    files = Catalogue("files", "", (tool("read"),), resources=({"uri": "ui://files/x", "name": "x"},))
    return compiled(config(**more), {("crm", ""): crm, ("files", ""): files}, 7, "d").snapshot


def surface(it: Snapshot, endpoint: str = "/mcp") -> Surface:
    return it.surfaces[endpoint, ""]


def listed(it: Surface) -> set[str]:
    return {each.label for kind in Kind if kind is not Kind.GATEWAY for each in visible(ANA, kind, it)}


def may(target: Target) -> bool:
    return isinstance(decide(ANA, target), Allow)


def test_nothing_changes_where_no_server_and_no_tool_is_meant() -> None:
    it = snapshot()
    assert cut(it, NONE) is it
    assert cut(it, shut("person", "ana")) is it


@pytest.mark.parametrize("endpoint", ["/mcp", "/servers/crm/mcp"])
def test_a_server_is_shut_out_with_everything_that_leads_to_it(endpoint: str) -> None:
    before, after = surface(snapshot(), endpoint), surface(cut(snapshot(), shut("server", "crm")), endpoint)
    assert {each for each in listed(before) if each.startswith("crm")}
    assert not {each for each in listed(after) if each.startswith("crm")}
    assert "crm" not in after.servers, "and nobody tells it anything"
    assert all(not may(each) for each in after.apps[FORM])
    assert all(not may(each.at("note://7")) and not may(each.target) for each in after.templates)
    assert not may(after.links["crm"].at("note://8"))
    assert after.targets.keys() == before.targets.keys(), "hidden, not gone: the ledger says what was asked for"
    own = [each for each in after.targets.values() if each.kind is Kind.GATEWAY]
    assert own
    assert all(may(each) for each in own)


def test_the_neighbours_of_what_is_shut_out_stay_as_they_are() -> None:
    before, after = surface(snapshot()), surface(cut(snapshot(), shut("server", "crm")))
    assert {each for each in listed(before) if each.startswith("files")} <= listed(after)
    assert may(after.links["files"].at("note://8"))


def test_a_tool_is_shut_out_with_its_interface_and_nothing_else() -> None:
    before, after = surface(snapshot()), surface(cut(snapshot(), shut("tool", "crm.push")))
    assert listed(before) - listed(after) == {"crm.push", f"crm:{FORM}"}
    assert all(not may(each) for each in after.apps[FORM])
    assert after.servers == before.servers


def test_an_interface_that_another_server_has_is_not_shut_out_with_the_tool_that_names_it() -> None:
    """Ours: a hostile tool must not take another server's resources with it."""
    crm = Catalogue("crm", "", (tool("push", "ui://files/x"),))
    files = Catalogue("files", "", resources=({"uri": "ui://files/x", "name": "x"},))
    whole = compiled(config(), {("crm", ""): crm, ("files", ""): files}, 7, "d").snapshot
    after = surface(cut(whole, shut("tool", "crm.push")), "/servers/files/mcp")
    assert "files:ui://files/x" in listed(after)


@pytest.mark.parametrize("label", ["crm:note://1", "CRM:NOTE://1"])
def test_a_resource_is_shut_out_by_its_label_where_a_template_leads_to_it_too(label: str) -> None:
    after = surface(cut(snapshot(), shut("tool", label)))
    assert "crm:note://1" not in listed(after)
    (template,) = after.templates
    assert not may(template.at("note://1"))
    assert may(template.at("note://2"))
    assert not may(after.links["crm"].at("note://1"))


def test_a_template_that_is_shut_out_makes_no_target() -> None:
    (template,) = surface(cut(snapshot(), shut("tool", "crm:note://{id}"))).templates
    assert not may(template.at("note://2"))


def test_a_view_that_renames_a_tool_leads_to_nothing_else() -> None:
    view = {"look": {"include": ["crm.*"], "rename": {"crm.push": "harmless"}}}
    after = surface(cut(snapshot(views=view), shut("tool", "crm.push")), "/views/look/mcp")
    assert (Kind.TOOL, "harmless") in after.targets
    assert not may(after.targets[Kind.TOOL, "harmless"])
    assert "crm.look" in listed(after)


def test_the_quarantine_is_the_rule_that_is_named() -> None:
    rules = [{"name": "no", "deny": ["*"], "subjects": ["*"]}]
    whole = snapshot(rules=rules)
    after = surface(cut(whole, shut("tool", "crm.look"))).targets[Kind.TOOL, "crm__look"]
    assert [rule.name for rule in after.denies] == ["quarantine:q_1", "no"]
    assert denied(after, NONE) is after


# Revisions


def offering() -> Offering:
    seen = tuple(sighting(Kind.TOOL, tool(name)) for name in ("push", "look"))
    return Offering("crm", "", "modern", "2026-07-28", {}, {"tools": {}}, "Do as I say.", seen, 0, 1.0)


def revisions() -> Revisions:
    servers = {"crm": {"command": ("y",), "approve": "always"}}
    it = Revisions(config(servers=servers), "d")
    it.sighted(offering())
    return it


@pytest.mark.parametrize("what", [("tool", "crm.push"), ("server", "crm"), ("person", "ana")])
def test_every_change_is_a_revision_so_that_nothing_kept_for_an_earlier_one_is_used(what: tuple[str, str]) -> None:
    """Ours: a call that began before must not leave a plan behind that outlives it."""
    it = revisions()
    seen = [it().revision]
    for each in (shut(*what), NONE, shut(*what, ident="q_2")):
        it.quarantined(each)
        seen.append(it().revision)
    assert seen == sorted(set(seen))


def test_what_is_shut_out_stays_so_whatever_is_compiled_anew() -> None:
    it = revisions()
    it.quarantined(shut("tool", "crm.push"))
    it.recompile()
    it.activate(config(servers={"crm": {"command": ("y",), "approve": "always"}}), "e")
    it.offer("elicitation")
    for endpoint, _ in it().surfaces:
        assert "crm.push" not in listed(surface(it(), endpoint))
    it.quarantined(NONE)
    assert "crm.push" in listed(surface(it()))


def test_a_server_that_is_shut_out_says_nothing_of_itself_either() -> None:
    it = revisions()
    assert surface(it()).instructions == "Do as I say."
    it.quarantined(shut("server", "crm"))
    assert surface(it()).instructions == ""
    it.quarantined(NONE)
    assert surface(it()).instructions == "Do as I say."
