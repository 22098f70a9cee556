"""What is suggested for tools, and why: nothing is suggested without a reason, and nothing is applied."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.operate.labelling import suggested, suggestions, unlabelled
from tests.unit.config.test_compile import EVERYONE, config

TRIFECTA = {"name": "trifecta", "deny": ("*",), "sends": "outside", "after": ("private", "untrusted")}


def of(name: str, *arguments: str, description: str = "", **hints: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {each: {} for each in arguments}
    definition = {"name": name, "description": description, "inputSchema": {"properties": properties}}
    return {each.key: each.value for each in suggestions(name, {**definition, "annotations": hints})}


@pytest.mark.parametrize(
    ("found", "reads", "sends", "changes"),
    [
        (of("send_mail", "to", "body"), "untrusted", "outside", True),
        (of("callWebhook", "payload"), None, "outside", None),
        (of("upload_report", "channel"), None, "outside", True),
        (of("fetch", "url"), "untrusted", "outside", False),
        (of("web_search", "q"), "untrusted", "outside", None),
        (of("list_messages"), "untrusted", None, False),
        (of("get_customer", "id", openWorldHint=False), "private", "nothing", False),
        (of("read_ticket"), "untrusted", None, False),
        (of("export", "user_id"), "private", "outside", None),
        (of("note", description="Reads a secret from the vault."), "private", None, None),
        (of("note", description="Looks things up in the internet."), "untrusted", "outside", None),
        (of("delete_row"), None, None, True),
        (of("delete_row", readOnlyHint=True), None, None, True),
        (of("tidy", destructiveHint=True), None, None, True),
        (of("tidy", readOnlyHint=True), None, None, False),
        (of("inspect_issue_of_customer", openWorldHint=False), ["private", "untrusted"], "nothing", None),
        (of(""), None, None, None),
    ],
)
def test_names_words_arguments_and_annotations_suggest(
    found: dict[str, Any], reads: object, sends: str | None, changes: bool | None
) -> None:
    assert found == {"reads": reads, "sends": sends, "changes": changes}


def test_each_suggestion_has_its_reason() -> None:
    found = suggestions(
        "read_customer", {"inputSchema": {"properties": {"url": {}}}, "annotations": {"readOnlyHint": True}}
    )
    assert [each.because for each in found] == [
        'private: its name says "customer"; untrusted: it has the argument "url"',
        'it has the argument "url"',
        "it says readOnlyHint: true, and no word says otherwise",
    ]
    assert (
        "although it says readOnlyHint: true" in suggestions("drop", {"annotations": {"readOnlyHint": True}})[2].because
    )
    assert (
        "although it says openWorldHint: false"
        in suggestions("mail", {"annotations": {"openWorldHint": False}})[0].because
    )


def test_what_servers_write_does_not_get_into_somebody_s_file() -> None:
    odd = 'url"\n  evil: true'
    found = suggestions("x", {"inputSchema": {"properties": {odd: {}, "to\n": {}}}})
    assert all("\n" not in each.because and "evil" not in each.because for each in found)
    assert suggestions("x", {"inputSchema": {"properties": {"to\n": {}}}})[1].because.startswith(
        "its argument with an odd"
    )


@pytest.mark.parametrize(
    "definition", [{}, {"inputSchema": 1, "annotations": [], "description": 5}, {"inputSchema": {}}]
)
def test_what_says_nothing_suggests_nothing(definition: dict[str, Any]) -> None:
    assert [each.value for each in suggestions("x", definition)] == [None, None, None]


# Beside a configuration


def test_only_what_nobody_labelled_is_suggested_and_rules_that_ask_are_named() -> None:
    quiet = {"name": "quiet", "allow": ("files.*",), "changes": False, **EVERYONE}
    servers = {
        "files": {"command": ("x",), "reads": "private", "tools": {"send": {"sends": "outside", "changes": True}}},
        "crm": {"command": ("y",), "reads": ["private", "untrusted"], "sends": "nothing"},
    }
    it = config(servers=servers, rules=(TRIFECTA, quiet))
    tools: list[tuple[str, str, dict[str, Any]]] = [
        ("files", "send", {}),
        ("files", "read", {}),
        ("crm", "send", {}),
        ("gone", "x", {}),
    ]
    found = {each.label: each for each in suggested(it, tools)}
    assert found["files.send"].suggestions == ()
    assert found["files.send"].said == {"reads": "private", "sends": "outside", "changes": True}
    assert found["files.send"].rules == ()
    assert [each.key for each in found["files.read"].suggestions] == ["sends", "changes"]
    assert found["files.read"].rules == ("trifecta", "quiet")
    assert found["crm.send"].said == {"reads": ["private", "untrusted"], "sends": "nothing"}
    assert found["crm.send"].rules == (), "the rule that asks what changes speaks of another server"
    assert [each.key for each in found["gone.x"].suggestions] == ["reads", "sends", "changes"]


def test_it_is_noted_where_rules_ask_what_nobody_said() -> None:
    other = {"name": "other", "deny": ("crm.*",), "changes": True}
    servers = {
        "files": {"command": ("x",), "reads": "private", "tools": {"read": {"sends": "nothing"}}},
        "crm": {"command": ("y",)},
        "off": {"command": ("z",), "disabled": True},
        "done": {"command": ("z",), "reads": "nothing", "sends": "nothing", "changes": False},
    }
    it = config(servers=servers, rules=(TRIFECTA, other))
    three = "what is read and what is sent outside and what is changed"
    both, see = "so that other, trifecta take them for everything", "see: ostiary tools label"
    assert list(unlabelled(it, {})) == [
        f"servers.files: nobody said what is sent outside and what is changed by its tools, {both}; {see} files",
        f"servers.crm: nobody said {three} by its tools, {both}; {see} crm",
    ]
    known = {"files": ("read", "a", "b", "c", "d"), "crm": ("x",)}
    one = both.replace("other, trifecta take", "trifecta takes")
    assert list(unlabelled(it, known)) == [
        f"servers.files: nobody said what is sent outside by a, b, c and 1 more, {one}; {see} files",
        f"servers.crm: nobody said {three} by x, {both}; {see} crm",
    ]
    assert next(unlabelled(it, {"files": ("read",), "crm": ()})).startswith("servers.crm")
    assert list(unlabelled(config(), {})) == []
