"""Fixtures that fail a test when anything it made the gateway write holds what it planted; for conftest.py files.

What a gateway of a module or of the whole run writes last is searched after the module, or after the run.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e import overheard
from tests.e2e.searched import RUN


@pytest.fixture(scope="session", autouse=True)
def planted_in_this_run() -> Iterator[None]:
    """Search from the first test to the last, whichever folder's conftest.py came first."""
    if RUN.on:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        overheard.listen(patch)
        RUN.on = True
        try:
            yield
            _nothing_found()
        finally:
            RUN.on = False


@pytest.fixture(scope="module", autouse=True)
def planted_in_this_module(planted_in_this_run: None) -> Iterator[None]:
    """Search what was written until the module's own fixtures ended."""
    yield
    _nothing_found()


@pytest.fixture(autouse=True)
def planted_in_this_test(planted_in_this_module: None) -> Iterator[None]:
    """Search what this test made the gateway write."""
    yield
    _nothing_found()


def _nothing_found() -> None:
    found = RUN.findings()
    if found:
        pytest.fail("\n".join(["planted secrets were found where they must not be:", *found]), pytrace=False)
