"""A configuration and what its servers offer become one snapshot, and nothing a server offers can spoil it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.config.compile import AGGREGATE, announced, compiled, endpoints
from ostiary.config.policy import Policy
from ostiary.config.schema import Config
from ostiary.core.errors import BadArguments
from ostiary.core.model import Allow, Caller, Catalogue, Deny, Kind, Surface, Target
from ostiary.core.rules import Ask
from ostiary.policy.decide import decide
from ostiary.policy.visible import visible
from ostiary.protocol.methods import METHODS, NOTIFIED, OWN

EVERYONE = {"subjects": ("*",)}
ANN = Caller("ann", "ostiary", "tok_1", "token", 9e9, tags=frozenset({"*", "subject:ann", "role:dev"}))


def config(**sections: Any) -> Config:
    return Config.model_validate(
        {
            "gateway": {"url": "http://localhost:8080"},
            "servers": {"files": {"command": ("x",)}, "crm": {"command": ("y",)}},
            **sections,
        }
    )


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}}}, **more}


FILES = Catalogue(
    "files", "", (tool("read"), tool("drop")), ({"name": "greet", "arguments": [{"name": "who"}]},), ({"uri": "file:///a", "name": "a"},),
    ({"uriTemplate": "file:///pub/{+path}", "name": "t"},), {"tools": {}, "resources": {"subscribe": True}, "logging": {}}, "Files.", 500,
)  # fmt: skip
CRM = Catalogue("crm", "", (tool("find"), tool("read")), instructions="People.", ttl_ms=900)
ALL = {("files", ""): FILES, ("crm", ""): CRM}


def surface(
    it: Config, endpoint: str = AGGREGATE, catalogues: dict[tuple[str, str], Catalogue] | None = None, offer: str = ""
) -> Surface:
    return compiled(it, ALL if catalogues is None else catalogues, 1, "d").snapshot.surfaces[endpoint, offer]


def notes(it: Config, *catalogues: Catalogue) -> tuple[str, ...]:
    return compiled(it, {(each.server, each.offer): each for each in catalogues}, 1, "d").notes


def one(it: Config, name: str, kind: Kind = Kind.TOOL, endpoint: str = AGGREGATE) -> Target:
    return surface(it, endpoint).targets[kind, name]


def may(it: Config, label: str, who: Caller = ANN) -> bool:
    target = Target("", Kind.TOOL, label, label, label, {}, **Policy(it).rules(label)._asdict())
    return isinstance(decide(who, target), Allow)


# Endpoints and names


def test_everything_is_behind_one_door_and_each_server_behind_its_own() -> None:
    it = config(
        views={
            "team": {"include": ("crm.*",)},
            "all": {"include": ("*",)},
            "docs": {"include": ("files:file:///*", "f*.x.y")},
        }
    )
    assert endpoints(it) == {
        "/mcp": ("files", "crm"), "/servers/files/mcp": ("files",), "/servers/crm/mcp": ("crm",), "/views/team/mcp": ("crm",),
        "/views/all/mcp": ("files", "crm"), "/views/docs/mcp": ("files",),
    }  # fmt: skip


def test_a_disabled_server_has_no_door_and_nothing_behind_one() -> None:
    it = config(servers={"files": {"command": ("x",), "disabled": True}, "crm": {"command": ("y",)}})
    assert "/servers/files/mcp" not in compiled(it, ALL, 1, "d").snapshot.endpoints
    assert all(target.server != "files" for target in surface(it).targets.values())


def test_no_call_takes_longer_than_the_gateway_lets_any_call_take() -> None:
    slow = {"files": {"command": ("x",), "timeout": "90s"}, "crm": {"command": ("y",), "timeout": "5s"}}
    it = config(gateway={"url": "http://localhost:8080", "timeouts": {"call": "20s"}}, servers=slow)
    assert one(it, "files__read").timeout == 20.0
    assert one(it, "crm__find").timeout == 5.0


@pytest.mark.requirement("MCP-36")
def test_the_aggregate_prefixes_and_a_server_of_its_own_does_not() -> None:
    """Checklist lines 36, 37 and 41."""
    assert {name for kind, name in surface(config()).targets if kind is Kind.TOOL} == {
        "files__read", "files__drop", "crm__find", "crm__read",
    }  # fmt: skip
    assert one(config(), "read", endpoint="/servers/files/mcp").label == "files.read"
    assert one(config(), "files__greet", Kind.PROMPT).label == "files.prompt/greet"
    assert one(config(), "file:///a", Kind.RESOURCE).exposed == "file:///a"


def test_a_view_chooses_and_renames() -> None:
    it = config(
        views={
            "v": {
                "description": "Chosen.",
                "include": ("crm.*", "files.prompt/*"),
                "rename": {"crm.find": "find_person"},
            }
        }
    )
    found = surface(it, "/views/v/mcp")
    assert {(kind, name) for kind, name in found.targets if kind is not Kind.GATEWAY} == {
        (Kind.TOOL, "find_person"), (Kind.TOOL, "crm__read"), (Kind.PROMPT, "files__greet"),
    }  # fmt: skip
    assert found.instructions == "Chosen."
    assert surface(config(views={"v": {"include": ("crm.*",)}}), "/views/v/mcp").instructions == "People."


@pytest.mark.requirement("MCP-37", "MCP-42")
def test_names_that_meet_are_refused_and_not_guessed() -> None:
    """Checklist line 42."""
    twice = Catalogue("crm", "", resources=({"uri": "file:///a", "name": "mine"},))
    result = compiled(config(), {("files", ""): FILES, ("crm", ""): twice}, 1, "d")
    assert (Kind.RESOURCE, "file:///a") not in result.snapshot.surfaces[AGGREGATE, ""].targets
    assert (Kind.RESOURCE, "file:///a") in result.snapshot.surfaces["/servers/files/mcp", ""].targets
    assert any("files:file:///a, crm:file:///a" in note for note in result.notes)


def test_the_gateway_answers_for_itself_everywhere() -> None:
    found = surface(config(), "/servers/crm/mcp")
    for method in [*(name for name, spec in METHODS.items() if spec.key is None), *OWN, NOTIFIED]:
        assert isinstance(decide(ANN, found.targets[Kind.GATEWAY, method]), Allow)
        assert not isinstance(decide(Caller("", "", "", "", 0.0), found.targets[Kind.GATEWAY, method]), Allow)


def test_each_set_of_capabilities_has_its_own_surfaces() -> None:
    more = Catalogue("files", "form", (tool("ask"),))
    catalogues = {**ALL, ("files", "form"): more}
    assert (Kind.TOOL, "files__ask") in surface(config(), catalogues=catalogues, offer="form").targets
    assert (Kind.TOOL, "files__ask") not in surface(config(), catalogues=catalogues).targets


def test_without_catalogues_every_endpoint_still_answers() -> None:
    """Checklist line 39."""
    found = surface(config(), catalogues={})
    assert all(kind is Kind.GATEWAY for kind, _ in found.targets)
    assert (found.capabilities, found.instructions, found.ttl_ms, found.templates) == ({}, "", 0, ())


# Policy

KINDS = [
    ("files.*", "files.read", True), ("files.*", "files.a.b", True), ("files.*", "files.prompt/greet", False), ("files.*", "files:file:///a.b", False),
    ("*.read_*", "files.read_x", True), ("*.read_*", "files:file:///etc/x.read_y", False), ("files:file:///pub/*", "files:file:///pub/a", True),
    ("files:file:///pub/*", "files:file:///etc/a", False), ("files.prompt/*", "files.prompt/greet", True), ("files.prompt/*", "files.prompt", False),
    ("f*:*", "files:x", True), ("*", "files:file:///x", True), ("*", "files.prompt/greet", True), ("files.read", "files.reader", False),
    ("files.r*d", "files.read", True), ("crm.*", "files.read", False),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "label", "expected"), KINDS)
def test_a_pattern_covers_its_own_kind_only(pattern: str, label: str, expected: bool) -> None:
    """`*.read_*` is about tools: a resource whose URI happens to hold `.read_` is not one."""
    assert may(config(rules=({"name": "a", "allow": (pattern,), **EVERYONE},)), label) is expected
    denied = config(rules=({"name": "a", "allow": ("*",), **EVERYONE}, {"name": "d", "deny": (pattern,)}))
    assert may(denied, label) is not expected


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ({"subjects": ("ann",)}, True), ({"subjects": ("bob",)}, False), ({"roles": ("dev", "ops")}, True), ({"roles": ("*",)}, None), ({"teams": ("a",)}, False),
        ({"clients": ("tok_1",)}, False), ({"roles": ("dev",), "teams": ("a",)}, False), ({"subjects": ("*",), "roles": ("dev",)}, True), ({}, False),
        ({"subjects": ("*",), "scopes": ("read",)}, False),
    ],
)  # fmt: skip
def test_a_rule_is_for_whom_it_names(who: dict[str, Any], expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="pattern"):
            config(rules=({"name": "a", "allow": ("*",), **who},))
    else:
        assert may(config(rules=({"name": "a", "allow": ("*",), **who},)), "files.read") is expected


def test_the_star_as_a_role_would_be_a_role_called_star() -> None:
    """Only `subjects: ["*"]` means everyone."""
    rule = (
        config(rules=({"name": "a", "allow": ("*",), "roles": ("dev",)},)).rules[0].model_copy(update={"roles": ("*",)})
    )
    it = config().model_copy(update={"rules": (rule,)})
    assert not may(it, "files.read")


def test_of_several_allows_one_without_a_limit_decides() -> None:
    rules = ({"name": "a", "allow": ("*",), "limit": "1/min", **EVERYONE}, {"name": "b", "allow": ("*",), **EVERYONE})
    decision = decide(ANN, one(config(rules=rules), "files__read"))
    assert isinstance(decision, Allow)
    assert decision.rule == "b"
    only = decide(ANN, one(config(rules=rules[:1]), "files__read"))
    assert isinstance(only, Allow)
    assert [(each.bucket, each.per, each.burst) for each in only.charges] == [
        ("rule:a", "caller", 1.0),
        ("default", "caller", 1200.0),
    ]


def test_limits_count_what_their_patterns_cover() -> None:
    it = config(
        limits=(
            {"name": "drops", "per": "all", "on": ("files.drop",), "concurrent": 2},
            {"name": "each", "per": "caller", "calls": "60/min"},
        )
    )
    assert [each.bucket for each in one(it, "files__drop").charges] == ["drops", "each"]
    assert [(each.bucket, each.rate, each.burst, each.concurrent) for each in one(it, "files__read").charges] == [
        ("each", 1.0, 60.0, 0)
    ]
    assert [each.bucket for each in one(it, "tools/list", Kind.GATEWAY).charges] == ["each"]


LABELS = st.sampled_from(["files.read", "files.prompt/greet", "files:file:///a", "crm.find"])
RULE = st.fixed_dictionaries(
    {"allow": st.lists(st.sampled_from(["*", "files.*", "crm.f*", "files:*"]), min_size=1, max_size=2).map(tuple)}
)
DENY = st.fixed_dictionaries(
    {"deny": st.lists(st.sampled_from(["files.read", "crm.*", "*:*"]), min_size=1, max_size=2).map(tuple)}
)


@settings(deadline=None)
@given(st.lists(RULE | DENY, max_size=4), LABELS, st.randoms(use_true_random=False))
def test_the_order_in_the_file_never_matters(rules: list[dict[str, Any]], label: str, random: Any) -> None:
    named = [{"name": f"r{n}", **EVERYONE, **rule} for n, rule in enumerate(rules)]
    before = may(config(rules=tuple(named)), label)
    random.shuffle(named)
    assert may(config(rules=tuple(named)), label) is before


def test_a_remembered_uri_does_not_cost_memory_without_end() -> None:
    policy = Policy(config())
    for number in range(5000):
        policy.rules(f"files:file:///{number}")
    assert policy.rules.cache_info().currsize == 4096


# Templates


def template(*rules: dict[str, Any]) -> tuple[bool, dict[str, bool]]:
    """Whether the template is listed, and which URIs of it may be read."""
    it = surface(config(rules=tuple({"name": f"r{n}", **EVERYONE, **rule} for n, rule in enumerate(rules))))
    listed = bool(visible(ANN, Kind.TEMPLATE, it))
    can = {}
    for uri in ("file:///pub/a", "file:///pub/b/c"):
        can[uri] = isinstance(decide(ANN, it.templates[0].at(uri)), Allow)
    return listed, can


@pytest.mark.parametrize(
    ("rules", "listed", "readable"),
    [
        ([{"allow": ("*",)}], True, 2), ([{"allow": ("files:*",)}], True, 2), ([{"allow": ("files:file:///pub/b*",)}], True, 1),
        ([{"allow": ("f*:file:///*",)}], True, 2), ([{"allow": ("files.*",)}], False, 0), ([{"allow": ("crm:*",)}], False, 0),
        ([{"allow": ("files:file:///etc/*",)}], False, 0), ([{"allow": ("*.pub*",)}], False, 0), ([], False, 0),
        ([{"allow": ("*",)}, {"deny": ("files:file:///pub/a",)}], True, 1), ([{"allow": ("*",)}, {"deny": ("files:*",)}], False, 0),
        ([{"allow": ("files:file:///pub/a",)}], True, 1),
    ],
)  # fmt: skip
def test_a_template_is_listed_where_some_uri_of_it_may_be_read(
    rules: list[dict[str, Any]], listed: bool, readable: int
) -> None:
    shown, can = template(*rules)
    assert shown is listed
    assert sum(can.values()) == readable


def test_a_template_fits_its_uris() -> None:
    found = surface(config()).templates[0]
    assert found.fits("file:///pub/x/y")
    assert not found.fits("file:///pub/../etc/passwd")
    assert found.target.label == "files:file:///pub/{+path}"


# What servers offer must not be able to break the gateway


@pytest.mark.requirement("MCP-18")
@pytest.mark.parametrize(
    "bad",
    [
        {"name": "bad"}, tool("bad", inputSchema={}), tool("bad", inputSchema={"type": "object", "$ref": "http://x.example/"}),
        tool("bad", inputSchema={"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)"}}}),
        tool("bad", inputSchema={"type": "object", "properties": {"a": {"type": ["string"], "x-mcp-header": "A"}}}), tool("prompt/bad"),
    ],
)  # fmt: skip
def test_one_bad_tool_is_held_back_and_the_rest_served(bad: dict[str, Any]) -> None:
    """Checklist lines 18 and 19; and a tool cannot pass for a prompt by its name."""
    catalogue = Catalogue("files", "", (bad, tool("read")))
    found = surface(config(), catalogues={("files", ""): catalogue})
    assert [name for kind, name in found.targets if kind is Kind.TOOL] == ["files__read"]
    assert any("is held back" in note for note in notes(config(), catalogue))


def test_a_template_that_is_too_long_is_held_back() -> None:
    catalogue = Catalogue("files", "", templates=({"uriTemplate": "x" * 3000},), resources=({"uri": "x:y"},))
    found = surface(config(), catalogues={("files", ""): catalogue})
    assert (Kind.RESOURCE, "x:y") in found.targets
    assert found.templates == ()
    assert any("is held back" in note for note in notes(config(), catalogue))


@pytest.mark.parametrize("annotations", [None, 5, [1], "x", {"title": "T", "destructiveHint": False}])
def test_an_operator_knows_better_than_any_annotation(annotations: Any) -> None:
    it = config(
        servers={
            "files": {
                "command": ("x",),
                "tools": {"read": {"destructive": True, "timeout": "5s"}, "drop": {"disabled": True}},
            }
        }
    )
    found = surface(
        it, catalogues={("files", ""): Catalogue("files", "", (tool("read", annotations=annotations), tool("drop")))}
    )
    target = found.targets[Kind.TOOL, "files__read"]
    assert target.definition["annotations"]["destructiveHint"] is True
    assert target.timeout == 5.0
    assert (Kind.TOOL, "files__drop") not in found.targets


def test_what_an_operator_says_nothing_about_stays_as_it_is() -> None:
    definition = tool("read", annotations=None)
    it = config(servers={"files": {"command": ("x",), "tools": {"read": {}}}})
    assert (
        surface(it, catalogues={("files", ""): Catalogue("files", "", (definition,))})
        .targets[Kind.TOOL, "files__read"]
        .definition
        is definition
    )


@pytest.mark.parametrize("listed", [None, 5, "who", {"name": "who"}, [5, None, {}, {"name": "who"}]])
def test_a_prompt_checks_its_arguments_whatever_it_declares(listed: Any) -> None:
    prompt = {"name": "greet", "arguments": listed}
    check = (
        surface(config(), catalogues={("files", ""): Catalogue("files", "", prompts=(prompt,))})
        .targets[Kind.PROMPT, "files__greet"]
        .check
    )
    assert check is not None
    check({})
    with pytest.raises(BadArguments, match="unknown"):
        check({"sneaked": "in"})


def test_a_prompts_arguments_are_text() -> None:
    check = one(config(), "files__greet", Kind.PROMPT).check
    assert check is not None
    check({"who": "ann"})
    with pytest.raises(BadArguments, match="not text"):
        check({"who": 5})


@pytest.mark.parametrize(
    ("unknown", "refused", "drops"), [("refuse", True, False), ("drop", False, True), ("allow", False, False)]
)
def test_unknown_arguments_are_treated_as_the_server_says(unknown: str, refused: bool, drops: bool) -> None:
    it = config(servers={"files": {"command": ("x",), "unknown_arguments": unknown}})
    target = surface(it, catalogues={("files", ""): FILES}).targets[Kind.TOOL, "files__read"]
    assert (target.drops is not None, target.known) == (drops, {"path"})
    assert target.check is not None
    try:
        target.check({"path": "x", "more": 1})
    except BadArguments:
        assert refused
    else:
        assert not refused


# What an endpoint says of itself


@pytest.mark.requirement("MCP-15")
def test_capabilities_are_what_somebody_has_and_we_carry() -> None:
    """Checklist line 15."""
    assert announced([FILES]) == {
        "tools": {"listChanged": True}, "prompts": {"listChanged": True}, "resources": {"listChanged": True, "subscribe": True}, "logging": {},
    }  # fmt: skip
    odd = Catalogue("x", "", capabilities={"resources": True, "completions": {}, "experimental": {}, "tasks": {}})
    assert announced([odd]) == {"resources": {"listChanged": True}, "completions": {}}
    assert announced([]) == {}


def test_instructions_of_several_say_whose_they_are_and_have_an_end() -> None:
    assert surface(config()).instructions == "[files] Files.\n\n[crm] People."
    assert surface(config(), "/servers/files/mcp").instructions == "Files."
    assert surface(config(), "/servers/crm/mcp", {("crm", ""): Catalogue("crm", "")}).instructions == ""
    long = Catalogue("crm", "", instructions="x" * 100_000)
    assert len(surface(config(), catalogues={("crm", ""): long}).instructions) == 4096


@pytest.mark.requirement("MCP-40")
@pytest.mark.parametrize(
    ("catalogues", "ttl"),
    [
        ((FILES, CRM), 500),
        ((CRM,), 900),
        ((), 0),
        ((CRM, Catalogue("files", "", ttl_ms=100, stale="gone")), 0),
        ((Catalogue("files", "", ttl_ms=-5),), 0),
    ],
)
def test_an_aggregate_is_as_fresh_as_its_oldest_part(catalogues: tuple[Catalogue, ...], ttl: int) -> None:
    """Checklist line 40."""
    assert surface(config(), catalogues={(each.server, ""): each for each in catalogues}).ttl_ms == ttl


# Names of our own


def names(**gateway: Any) -> tuple[frozenset[str], frozenset[str]]:
    snapshot = compiled(config(gateway=gateway), {}, 1, "d").snapshot
    return snapshot.hosts, snapshot.origins


def test_beyond_loopback_only_configured_names_are_ours() -> None:
    hosts, origins = names(url="https://gw.example.com", listen="0.0.0.0:8080", origins=("https://app.example.com",))
    assert hosts == {"gw.example.com", "gw.example.com:*"}
    assert origins == {"https://gw.example.com", "https://app.example.com"}


def test_on_loopback_this_machine_is_ours_too() -> None:
    hosts, origins = names(url="http://localhost:8080", listen="127.0.0.1:8080")
    assert hosts >= {"localhost", "127.0.0.1:*", "[::1]:*"}
    assert origins >= {"http://localhost:8080", "localhost:*"}


def test_a_host_with_a_port_is_that_port_only() -> None:
    hosts, _ = names(
        url="https://[2001:db8::1]",
        listen="0.0.0.0:80",
        hosts=("GW.example.com:8443", "[2001:db8::2]:99", "other.example.com"),
    )
    assert hosts == {
        "[2001:db8::1]", "[2001:db8::1]:*", "gw.example.com:8443", "[2001:db8::2]:99", "other.example.com", "other.example.com:*",
    }  # fmt: skip


def test_a_snapshot_carries_what_the_configuration_bounds_and_weakens() -> None:
    it = config(
        gateway={
            "url": "http://localhost",
            "timeouts": {"call": "5s"},
            "bounds": {"body": "1KiB", "depth": 8},
            "unsafe_open_metrics": True,
        }
    )
    snapshot = compiled(it, {}, 7, "digest").snapshot
    assert (
        snapshot.revision,
        snapshot.digest,
        snapshot.timeouts.call,
        snapshot.bounds.body,
        snapshot.bounds.depth,
    ) == (7, "digest", 5.0, 1024, 8)
    assert snapshot.weakened == ("gateway.unsafe_open_metrics",)


@pytest.mark.parametrize("uri", ["no-scheme", "file:///a\nb"])
def test_a_resource_that_no_client_can_ask_for_is_held_back(uri: str) -> None:
    catalogue = Catalogue("files", "", resources=({"uri": uri, "name": "odd"}, {"uri": "file:///a", "name": "a"}))
    it = config(rules=({"name": "all", "allow": ("*",), **EVERYONE},))
    found = surface(it, catalogues={("files", ""): catalogue})
    assert (Kind.RESOURCE, uri) not in found.targets
    assert (Kind.RESOURCE, "file:///a") in found.targets
    assert any("no client can ask for it" in note for note in notes(it, catalogue))


def test_a_deny_of_a_template_as_it_is_written_denies_every_uri_of_it() -> None:
    """Its label is what lists show and operators copy."""
    rules = (
        {"name": "all", "allow": ("*",), **EVERYONE},
        {"name": "not-these", "deny": ("files:file:///pub/{+path}",)},
        {"name": "nor-that", "deny": ("files:file:///pub/x",)},
    )
    found = surface(config(rules=rules))
    (template,) = found.templates
    for uri, names in (("file:///pub/a", {"not-these"}), ("file:///pub/x", {"not-these", "nor-that"})):
        target = template.at(uri)
        assert {rule.name for rule in target.denies} == names
        assert isinstance(decide(ANN, target), Deny)


def test_a_condition_on_what_a_uri_is_called_does_not_hide_its_template() -> None:
    when = {"when": 'tool.label == "files:file:///pub/a" && tool.kind == "resource"'}
    found = surface(config(rules=({"name": "one", "allow": ("files:*",), **EVERYONE, **when},)))
    (template,) = found.templates
    assert isinstance(decide(ANN, template.target, Ask(0.0)), Allow)
    assert isinstance(decide(ANN, template.at("file:///pub/a"), Ask(0.0)), Allow)
    assert isinstance(decide(ANN, template.at("file:///pub/b"), Ask(0.0)), Deny)


@pytest.mark.parametrize(
    ("said", "own", "repeats"),
    [
        ({"readOnlyHint": True}, {}, True),
        ({"idempotentHint": True, "destructiveHint": True}, {}, True),
        ({"readOnlyHint": True}, {"destructive": True}, False),
        (None, {"read_only": True}, True),
        ({"readOnlyHint": "yes"}, {}, False),
        ([], {}, False),
    ],
)
def test_only_what_does_no_harm_twice_is_ever_sent_twice(said: Any, own: dict[str, bool], repeats: bool) -> None:
    catalogue = {("files", ""): Catalogue("files", "", (tool("read", annotations=said),))}
    for retries in (0, 1):
        it = config(servers={"files": {"command": ("x",), "retries": retries, "tools": {"read": own}}})
        target = surface(it, catalogues=catalogue).targets[Kind.TOOL, "files__read"]
        assert target.repeats is (repeats and retries == 1)
