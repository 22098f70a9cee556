"""Guards stand where the configuration puts them, at what appears later too, and one that is not there stops calls."""

from __future__ import annotations

import asyncio

import pytest

from ostiary.config.compile import compiled
from ostiary.config.guards import Guarding
from ostiary.config.parse import parse
from ostiary.config.problems import Invalid
from ostiary.core.model import Catalogue, Kind, Snapshot, Target
from ostiary.core.screening import Block, Guard, Pass, Payload, Side, Verdict

FILES = Catalogue(
    "files",
    "",
    tools=({"name": "read", "inputSchema": {"type": "object"}}, {"name": "drop", "inputSchema": {"type": "object"}}),
    prompts=({"name": "greet"},),
    resources=({"uri": "note://1", "name": "one"},),
    templates=({"uriTemplate": "note://{id}", "name": "any"},),
)
HEAD = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files]}}
views: {desk: {include: ["files.*", "files:*"]}}
rules:
  - {name: all, allow: ["*"], subjects: ["*"]}
  - {name: desk, allow: ["*"], subjects: ["*"], views: [desk]}
guards:
"""


async def looking(payload: Payload) -> Verdict:
    return Pass()


def built(*lines: str, made: dict[str, Guard] | None = None) -> Snapshot:
    text = HEAD + "".join(f"  - {{{line}}}\n" for line in lines)
    names = {name: looking for line in lines for name in (line.split(",")[0].removeprefix("name: "),)}
    names |= {f"{name}/reveal": looking for name in names}
    return compiled(parse(text, "test.yaml"), {("files", ""): FILES}, 1, "d", names if made is None else made).snapshot


def at(snapshot: Snapshot, label: str, endpoint: str = "/mcp") -> Target:
    surface = snapshot.surfaces[endpoint, ""]
    found = [*surface.targets.values(), *(each.target for each in surface.templates)]
    return next(target for target in found if target.label == label)


def names(target: Target) -> tuple[list[str], list[str]]:
    return [screen.name for screen in target.guards_in], [screen.name for screen in target.guards_out]


def test_without_guards_nothing_is_read() -> None:
    text = HEAD.replace("guards:\n", "")
    snapshot = compiled(parse(text, "test.yaml"), {("files", ""): FILES}, 1, "d").snapshot
    assert names(at(snapshot, "files.read")) == ([], [])


def test_guards_stand_in_their_order_at_everything_and_both_ways() -> None:
    snapshot = built("name: b, use: secrets, then: redact", "name: a, use: personal, then: block")
    for label in ("files.read", "files.prompt/greet", "files:note://1", "files:note://{id}"):
        assert names(at(snapshot, label)) == (["b", "a"], ["b", "a"]), label


def test_a_guard_reads_only_the_way_that_is_said() -> None:
    snapshot = built("name: a, use: secrets, then: redact, in: [answer]")
    assert names(at(snapshot, "files.read")) == ([], ["a"])


def test_a_guard_stands_only_where_it_is_put() -> None:
    snapshot = built('name: a, use: secrets, then: redact, on: ["files.re*"]')
    assert names(at(snapshot, "files.read")) == (["a"], ["a"])
    assert names(at(snapshot, "files.drop")) == ([], [])
    assert names(at(snapshot, "files:note://1")) == ([], [])


@pytest.mark.parametrize("endpoint", ["/mcp", "/servers/files/mcp", "/views/desk/mcp"])
def test_who_reads_by_template_or_link_reads_past_the_same_guards(endpoint: str) -> None:
    snapshot = built('name: a, use: secrets, then: redact, on: ["files:note://secret/*"]')
    surface = snapshot.surfaces[endpoint, ""]
    assert names(surface.links["files"].target) == (["a"], ["a"])
    assert names(surface.links["files"].at("note://secret/1")) == (["a"], ["a"])
    assert all(names(each.at("note://secret/1")) == (["a"], ["a"]) for each in surface.templates)
    assert surface.templates


def test_tokens_are_turned_back_after_all_guards_have_read_and_only_where_said() -> None:
    snapshot = built(
        "name: a, use: personal, then: tokenize, in: [answer], reveal: [files.drop], shadow: true",
        "name: b, use: secrets, then: block",
    )
    assert names(at(snapshot, "files.drop")) == (["b", "a/reveal"], ["a", "b"])
    assert names(at(snapshot, "files.read")) == (["b"], ["a", "b"])
    target = at(snapshot, "files.drop")
    assert [screen.shadow for screen in (*target.guards_in, *target.guards_out)] == [False, False, True, False]


def test_a_guard_that_is_not_there_stops_every_call() -> None:
    screen = at(built("name: a, use: secrets, then: redact", made={}), "files.read").guards_in[0]
    payload = Payload(Side.REQUEST, "files", "files.read", "tools/call", "", ())
    assert asyncio.run(screen.look(payload)) == Block("the guard is not running")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("name: a, use: injection, then: tokenize", "cannot tokenize"),
        ("name: a, use: secrets, then: redact, reveal: [files.read]", "nothing to reveal"),
        ("name: a, use: secrets, then: redact, on: [fils.read]", "fils"),
        ("name: a, use: fence, then: note", "fence does what it does"),
        ("name: a, use: fence, in: [request]", "fence does not read there"),
        ("name: a, use: prisma-airs, then: block, profile: x", "prisma-airs needs key"),
        ("name: a, use: exact, then: block", "exact needs words or file"),
        ("name: a, use: secrets, then: redact, profile: x", "profile: means nothing to secrets"),
        ("name: a, use: secrets, then: redact, inn: [answer]", 'did you mean "in"'),
        ("name: a, use: secrets, then: redact, in: [answers]", "answer"),
        ("name: a, use: secrets", "does not say what happens"),
    ],
)
def test_what_is_wrong_with_a_guard_is_said_with_its_place(line: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        built(line)
    assert said in str(caught.value)
    assert "test.yaml:9" in str(caught.value)


def test_a_name_is_taken_once() -> None:
    with pytest.raises(Invalid, match="taken"):
        built("name: a, use: secrets, then: redact", "name: a, use: personal, then: block")


def test_definitions_are_read_by_the_guards_that_stand_at_them() -> None:
    text = HEAD + (
        "  - {name: all, use: secrets, then: block, in: [catalogue]}\n"
        "  - {name: tools, use: secrets, then: block, in: [catalogue], on: [files.re*]}\n"
        "  - {name: calls, use: secrets, then: block}\n"
    )
    config = parse(text, "test.yaml")
    guarding = Guarding(config.guards, {})

    def reading(kind: Kind, server: str, label: str) -> list[str]:
        return [screen.name for screen in guarding.catalogue(kind, server, label)]

    assert reading(Kind.TOOL, "files", "files.read") == ["all", "tools"]
    assert reading(Kind.TOOL, "files", "files.drop") == ["all"]
    assert reading(Kind.GATEWAY, "files", "files/") == ["all", "tools"]
    assert reading(Kind.GATEWAY, "crm", "crm/") == ["all"]
