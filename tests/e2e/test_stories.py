"""Ten published attacks, each stopped by each layer alone; and none of them gets a byte out where nothing is detected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.doubles.house import House, until
from tests.e2e.stories.gullible import ERAS, agent
from tests.e2e.stories.layers import LAYERS, NOTHING, UNDETECTED, Layer, row_of, stopped_by
from tests.e2e.stories.plays import (
    HELD,
    SENDING,
    STORIES,
    Played,
    configuration,
    ends,
    played,
    records,
    secret,
    standing,
)
from tests.e2e.stories.repositories import Repositories
from tests.e2e.stories.servers import serving
from tests.e2e.stories.spelling import CLEAR, NOT_FOUND_AGAIN, SPELLINGS
from tests.e2e.stories.story import Call, Story
from tests.e2e.stories.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    folder = tmp_path_factory.mktemp("town").resolve()
    (folder / "work" / "src").mkdir(parents=True)
    (folder / "work" / ".cursor").mkdir()
    made = Town(folder, Repositories(folder / "public", folder / "payroll"))
    made.repositories.make()
    return made


@pytest.fixture(scope="module")
def urls(town: Town) -> Iterator[dict[str, str]]:
    with serving(town) as found:
        yield found


@pytest.fixture(scope="module", params=LAYERS, ids=lambda layer: str(layer.name))
def layer(request: pytest.FixtureRequest) -> Layer:
    assert isinstance(request.param, Layer)
    return request.param


@pytest.fixture(scope="module")
def gateway(
    layer: Layer,
    town: Town,
    urls: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    node_program: Path,
    node_servers: Path,
    python_servers: Path,
) -> Iterator[House]:
    commands = {
        "files": [str(node_program), str(node_servers / "server-filesystem" / "dist" / "index.js"), str(town.folder)],
        "git": [str(python_servers / "mcp-server-git")],
    }
    folder = tmp_path_factory.mktemp(layer.name.replace(" ", "-"))
    config = configuration(layer, town, urls, commands)
    with standing(folder, config, approving=layer.name != "injection") as running:
        yield running


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", STORIES)
async def test_a_story_ends_as_its_layer_promises(
    name: str, era: str, layer: Layer, gateway: House, town: Town
) -> None:
    """Issue: each layer alone stops it, each with its record; with none of them the private data comes out."""
    story = STORIES[name](town)
    if layer is UNDETECTED:
        done = await played(story, town, gateway, era, SPELLINGS, elsewhere=True)
        no_byte_gets_out_by_any_tool_in_any_spelling(done)
        return
    many = era == "modern" and layer.name in {"nothing", "content"}
    done = await played(story, town, gateway, era, SPELLINGS if many else [CLEAR])
    if layer is NOTHING:
        private_data_comes_out_in_every_spelling(done)
        return
    stopped(layer, story, done)
    if layer.name == "injection" and not story.task:
        await held(gateway, story, era)


def private_data_comes_out_in_every_spelling(done: Played) -> None:
    """Hold that the story is real, and that the search finds what it takes, however that is spelt."""
    before = done.leaked.pop("before")
    assert not before
    assert all(done.leaked.values()), done.leaked
    assert {each["outcome"] for each in done.ends} == {"answered"}


def stopped(layer: Layer, story: Story, done: Played) -> None:
    """Hold that this layer stopped it, as its ledger says; what detection does not see it does not stop."""
    recorded = any(stopped_by(layer, story, each) for each in done.ends)
    if layer.name == "injection" and not story.seen:
        assert done.leaked[CLEAR] or recorded, "nobody stopped it, and still nothing came out"
        return
    missed = NOT_FOUND_AGAIN if layer.name == "content" else frozenset()
    assert {each for each, leaked in done.leaked.items() if leaked} <= missed
    held_before = layer.name == "injection" and not story.task
    assert recorded or held_before, done.ends


def no_byte_gets_out_by_any_tool_in_any_spelling(done: Played) -> None:
    """Hold that all was tried, that no such call reached a server, and that nothing was detected."""
    assert len(done.leaked) > len(SPELLINGS) + len(SENDING) - 3, "it was not tried"
    assert not any(done.leaked.values()), done.leaked
    assert done.passed == 0, "a call that was to carry something out has reached its server"
    assert not any(each.get("guards") for each in done.ends), "something was detected"


async def held(gateway: House, story: Story, era: str) -> None:
    """Hold that a definition waits for a person because of the guard, and that a call of it is none of anybody's."""
    told = await gateway.attempt("tools", "diff", HELD)
    assert "guard:orders" in told.stdout
    who = f"curious-{era}"
    async with agent(gateway.url, await gateway.token(who, story.role), era) as person:
        await person.do(story.sink)
    await until(lambda: [*ends(records(gateway, who))], "the call is not in the ledger")
    assert [each["outcome"] for each in ends(records(gateway, who))] == ["not_found"]


async def test_ordinary_work_goes_on(gateway: House, town: Town) -> None:
    """Ours: what stops everything stops attacks as well."""
    town.begin({"ticket": "The export button does not work.", "customers": "Ottilie Brandtner"})
    async with agent(gateway.url, await gateway.token("diligent", "staff"), "modern") as person:
        await person.do(Call("desk.read_ticket", {"ticket": "SD-1"}))
        await person.do(
            Call("mail.send", {"to": "ana@company.example", "subject": "SD-1", "body": "Export is broken."})
        )
        await person.do(Call("crm.list_customers"))
    assert not person.refused
    assert town.taken() == ["ana@company.example SD-1 Export is broken."]


async def test_the_ledger_is_whole_and_keeps_no_private_data(gateway: House) -> None:
    verified = await gateway.attempt("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    kept = "".join(path.read_text() for path in (gateway.data / "ledger").glob("*.jsonl")) + gateway.log
    for name in STORIES:
        for era in ERAS:
            words = re.findall(r"KX-\d{8}|(?:ottilie|casimir)\.\w{6}", secret(name, gateway.folder.name, era))
            assert len(words) == 4
            assert not [each for each in words if each in kept], "private data is in the ledger or in the log"


def test_at_least_half_of_the_stories_are_seen(town: Town) -> None:
    stories = [make(town) for make in STORIES.values()]
    assert len({each.source for each in stories}) == 10
    assert sum(each.seen for each in stories) >= 5


def test_the_page_says_what_the_stories_say(town: Town) -> None:
    page = (Path(__file__).parents[2] / "docs" / "security" / "stories.md").read_text()
    missing = [row for row in (row_of(make(town)) for make in STORIES.values()) if row not in page]
    assert not missing, "\n".join(["docs/security/stories.md lacks these rows:", *missing])
    assert all(each in page for each in (*SPELLINGS, *NOT_FOUND_AGAIN))
