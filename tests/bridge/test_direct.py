"""The fixture and the clients, without a gateway between them: what differs in the matrix comes from the gateway."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests.bridge import changing as changing
from tests.bridge.cell import Cell
from tests.bridge.clients.opening import opened
from tests.bridge.exceptions import exception
from tests.bridge.features import FEATURES
from tests.bridge.fixture.state import State
from tests.bridge.house import FORMS, MODULE
from tests.e2e.rig import upstream

pytestmark = pytest.mark.e2e
MEETING = {"modern": "2026-07-28", "handshake": "2025-11-25", "sse": "2024-11-05"}
"""The form of the fixture, and the newest client that understands it."""
_KEYS = count(1)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[str, State]]]:
    with ExitStack() as stack:
        yield {name: _served(name, tmp_path_factory.mktemp(name), stack) for name in MEETING}


def _served(name: str, folder: Path, stack: ExitStack) -> tuple[str, State]:
    era, transport = FORMS[name]
    words = ("--state", str(folder), "--era", era, "--transport", transport)
    port = stack.enter_context(upstream(MODULE, *words)).port
    return f"http://127.0.0.1:{port}", State(folder)


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("form", MEETING)
async def test_a_feature_works_without_a_gateway(
    form: str, feature: str, servers: dict[str, tuple[str, State]]
) -> None:
    """Ours: a cell that fails must fail by the gateway."""
    base, state = servers[form]
    impossible = exception(feature, MEETING[form], form)
    async with opened(MEETING[form], base, "no-token-is-read") as speaking:
        cell = Cell(speaking, form, state, f"key-{next(_KEYS)}")
        await (FEATURES[feature] if impossible is None else impossible.seen)(cell)
        assert speaking.person.beyond == []
