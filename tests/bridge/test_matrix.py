"""Every client uses every feature of every server through the gateway; what the protocol forbids is said aloud."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.bridge import changing as changing
from tests.bridge.cell import MODERN, SPEAK_MODERN, UPSTREAMS, Cell
from tests.bridge.clients.modern import ModernClient
from tests.bridge.clients.opening import CLIENTS, opened
from tests.bridge.exceptions import exception, markdown, refuses
from tests.bridge.features import FEATURES
from tests.bridge.house import House, house
from tests.e2e.rig import ROOT

BEGIN, END = "<!-- matrix -->", "<!-- /matrix -->"
_KEYS = count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("bridge")) as built:
        yield built


@pytest.mark.e2e
@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_client_has_the_feature_or_hears_why_not(
    client: str, upstream: str, feature: str, running: House
) -> None:
    """Ours: no cell fails silently."""
    async with opened(client, running.base(upstream), running.rig.tokens[0]) as speaking:
        cell = Cell(speaking, upstream, running.states[upstream], f"key-{next(_KEYS)}")
        impossible = exception(feature, client, upstream)
        await (FEATURES[feature] if impossible is None else impossible.seen)(cell)
        assert speaking.person.beyond == [], "the client was asked what it never declared"


@pytest.mark.e2e
@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_client_is_never_asked_what_it_did_not_declare(client: str, upstream: str, running: House) -> None:
    """Spec (all revisions): a server must not ask for a capability that the client did not declare."""
    async with opened(client, running.base(upstream), running.rig.tokens[0], declared={}) as speaking:
        cell = Cell(speaking, upstream, running.states[upstream], f"key-{next(_KEYS)}")
        for tool in ("ask_form", "ask_url", "need_url", "ask_model", "ask_roots", "ask_twice", "ask_both"):
            await refuses(tool)(cell)


@pytest.mark.e2e
@pytest.mark.parametrize("upstream", [name for name in UPSTREAMS if name not in SPEAK_MODERN])
async def test_an_answer_that_comes_twice_is_used_once(upstream: str, running: House) -> None:
    """Ours: a suspended call is completed once, and never begun again in silence."""
    async with opened(MODERN, running.base(upstream), running.rig.tokens[0]) as speaking:
        assert isinstance(speaking, ModernClient)
        cell = Cell(speaking, upstream, running.states[upstream], f"key-{next(_KEYS)}")
        call = {"name": "ask_form", "arguments": {"key": cell.key}}
        asked = (await speaking.once("tools/call", call)).result
        answers = {key: {"action": "accept", "content": {"name": "Ada"}} for key in asked["inputRequests"]}
        again = {**call, "inputResponses": answers, "requestState": asked["requestState"]}
        assert (await speaking.once("tools/call", again)).text == 'accept {"name": "Ada"}'
        assert (await speaking.once("tools/call", again)).refusal
        cell.happened("ask_form", 1)


def test_the_documentation_lists_every_cell_that_cannot_work() -> None:
    """Ours: what the protocol cannot express is known before it is missed."""
    page = (ROOT / "docs" / "protocol.md").read_text()
    assert page.partition(BEGIN)[2].partition(END)[0].strip() == markdown()
