"""What can be told apart at an endpoint is reachable there; what cannot is refused, and an operator is told."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.config.compile import AGGREGATE, compiled
from ostiary.config.schema import Config
from ostiary.core.model import Allow, Caller, Catalogue, Kind, Surface
from ostiary.policy.decide import decide

FORM = "ui://crm/form"


def who(name: str) -> Caller:
    return Caller(name, "ostiary", f"tok_{name}", "token", 9e9, tags=frozenset({"*", f"subject:{name}"}))


def config(*rules: dict[str, Any], **more: Any) -> Config:
    return Config.model_validate(
        {
            "gateway": {"url": "http://localhost:8080", "timeouts": {"call": "20s"}},
            "servers": {"crm": {"command": ("y",), "timeout": "5s"}, "files": {"command": ("x",), "timeout": "90s"}},
            "rules": rules,
            **more,
        }
    )


def tool(name: str, uri: str = "", **meta: Any) -> dict[str, Any]:
    meta = meta | ({"ui": {"resourceUri": uri}} if uri else {})
    return {"name": name, "inputSchema": {"type": "object"}, "_meta": meta}


def offer(server: str, *tools: dict[str, Any], **more: Any) -> Catalogue:
    return Catalogue(server, "", tools, **more)


def surfaces(it: Config, *catalogues: Catalogue) -> tuple[dict[str, Surface], tuple[str, ...]]:
    result = compiled(it, {(each.server, ""): each for each in catalogues}, 1, "d")
    return {endpoint: surface for (endpoint, _), surface in result.snapshot.surfaces.items()}, result.notes


def one(it: Config, *catalogues: Catalogue, endpoint: str = AGGREGATE) -> Surface:
    return surfaces(it, *catalogues)[0][endpoint]


def readers(surface: Surface, uri: str) -> set[str]:
    return {
        name
        for name in ("ann", "bob", "eve")
        if any(isinstance(decide(who(name), way), Allow) for way in surface.apps.get(uri, ()))
    }


# Interfaces


CALLERS = {"name": "callers", "allow": ("crm.show",), "subjects": ("ann",)}
READERS = {"name": "readers", "allow": (f"crm:{FORM}",), "subjects": ("bob",)}


@pytest.mark.parametrize("listed", [(), ({"uri": FORM, "name": "f"},)])
def test_an_interface_is_read_with_the_tool_or_with_a_rule_of_its_own(listed: tuple[dict[str, Any], ...]) -> None:
    """SEP-1865; ours: the interface is a part of its tool, so that the tool's rules let it be read, too."""
    surface = one(config(CALLERS, READERS), offer("crm", tool("show", FORM), resources=listed))
    assert readers(surface, FORM) == {"ann", "bob"}
    assert {way.label for way in surface.apps[FORM]} == {f"crm:{FORM}"}
    assert ((Kind.RESOURCE, FORM) in surface.targets) is bool(listed)


def test_a_deny_for_the_tool_or_for_the_resource_wins() -> None:
    crm = offer("crm", tool("show", FORM))
    assert (
        readers(one(config(CALLERS, {"name": "no", "deny": ("crm:ui://*",), "subjects": ("*",)}), crm), FORM) == set()
    )
    assert readers(one(config(CALLERS, {"name": "no", "deny": ("crm.show",), "subjects": ("*",)}), crm), FORM) == set()


def test_any_tool_that_names_an_interface_opens_it() -> None:
    also = {"name": "also", "allow": ("crm.edit",), "subjects": ("eve",)}
    surface = one(config(CALLERS, also), offer("crm", tool("show", FORM), tool("edit", **{"ui/resourceUri": FORM})))
    assert readers(surface, FORM) == {"ann", "eve"}


def test_an_interface_is_there_where_its_tool_is() -> None:
    it = config(CALLERS, views={"with": {"include": ("crm.show",)}, "without": {"include": ("crm.other",)}})
    found, notes = surfaces(it, offer("crm", tool("show", FORM), tool("other")), offer("files"))
    assert {endpoint for endpoint, surface in found.items() if FORM in surface.apps} == {
        "/mcp", "/servers/crm/mcp", "/views/with/mcp",
    }  # fmt: skip
    assert notes == ()


def test_a_disabled_tool_and_a_rejected_interface_open_nothing() -> None:
    assert one(config(CALLERS), offer("crm", tool("show", FORM), rejected=frozenset({FORM}))).apps == {}
    servers = {"crm": {"command": ("y",), "tools": {"show": {"disabled": True}}}}
    assert one(config(servers=servers), offer("crm", tool("show", FORM))).apps == {}


@pytest.mark.requirement("MCP-42")
def test_an_interface_of_two_servers_is_refused_and_told() -> None:
    """Checklist line 42: collisions are refused, not guessed."""
    for theirs in (offer("files", tool("mine", FORM)), offer("files", resources=({"uri": FORM, "name": "f"},))):
        found, notes = surfaces(config(CALLERS), offer("crm", tool("show", FORM)), theirs)
        assert FORM not in found["/mcp"].apps
        assert (Kind.RESOURCE, FORM) not in found["/mcp"].targets
        assert {each.server for each in found["/mcp"].clashes[Kind.RESOURCE, FORM]} == {"crm", "files"}
        assert FORM in found["/servers/crm/mcp"].apps
        assert any(f"crm:{FORM}" in note and f"files:{FORM}" in note for note in notes)


def test_a_tool_that_shares_its_name_opens_no_interface() -> None:
    it = config(CALLERS, views={"v": {"include": ("crm.*",), "rename": {"crm.show": "x", "crm.other": "x"}}})
    surface = one(it, offer("crm", tool("show", FORM), tool("other")), endpoint="/views/v/mcp")
    assert surface.apps == {}
    assert len(surface.clashes[Kind.TOOL, "x"]) == 2


# Templates and links


def test_templates_that_clash_are_not_listed_and_still_known_to_clash() -> None:
    same = ({"uriTemplate": "note://{id}", "name": "n"},)
    surface = one(config(), offer("crm", templates=same), offer("files", templates=same))
    assert (Kind.TEMPLATE, "note://{id}") not in surface.targets
    assert {each.target.server for each in surface.templates if each.fits("note://1")} == {"crm", "files"}


def test_a_uri_has_the_rules_limits_and_time_of_its_server() -> None:
    rule = {"name": "notes", "allow": ("crm:note://*",), "subjects": ("ann",)}
    deny = {"name": "not-that", "deny": ("crm:note://secret",), "subjects": ("*",)}
    limits = ({"name": "few", "per": "caller", "on": ("crm:note://1*",), "concurrent": 2},)
    surface = one(config(rule, deny, limits=limits), offer("crm"), offer("files"))
    note = surface.links["crm"].at("note://1")
    assert (note.server, note.kind, note.name, note.label, note.timeout) == (
        "crm",
        Kind.RESOURCE,
        "note://1",
        "crm:note://1",
        5.0,
    )
    assert surface.links["files"].at("x:y").timeout == 20.0
    assert [charge.bucket for charge in note.charges] == ["few"]
    assert surface.links["crm"].at("note://2").charges == ()
    assert isinstance(decide(who("ann"), note), Allow)
    assert not isinstance(decide(who("ann"), surface.links["crm"].at("note://secret")), Allow)
    assert not isinstance(decide(who("ann"), surface.links["files"].at("note://1")), Allow)


def test_a_rejected_resource_is_opened_by_no_template_and_no_link() -> None:
    """Ours: what somebody rejected is gone, whichever way leads to it."""
    crm = offer("crm", templates=({"uriTemplate": "note://{id}", "name": "n"},), rejected=frozenset({"note://bad"}))
    surface = one(config(), crm)
    (template,) = surface.templates
    for way in (template, surface.links["crm"]):
        assert way.fits("note://good")
        assert not way.fits("note://bad")
        assert not way.fits("note://a/../b")


# Caching


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ({"ttl_ms": 500}, {"ttl_ms": 900}, 500), ({"ttl_ms": 500}, {"ttl_ms": 0}, 0), ({"ttl_ms": 500}, {"ttl_ms": -1}, 0),
        ({"ttl_ms": 500}, {"ttl_ms": 900, "stale": "gone"}, 0),
    ],
)  # fmt: skip
@pytest.mark.requirement("MCP-40")
def test_an_aggregate_is_fresh_for_as_long_as_its_least_lasting_part(
    mine: dict[str, Any], theirs: dict[str, Any], expected: int
) -> None:
    """Checklist line 40."""
    found, _ = surfaces(config(), offer("crm", **mine), offer("files", **theirs))
    assert found["/mcp"].ttl_ms == expected
    assert found["/servers/crm/mcp"].ttl_ms == 500
    assert one(config()).ttl_ms == 0
