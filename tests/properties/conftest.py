"""Properties may be given more examples than a test is usually given time for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.properties.budget import ASKED

_HERE = Path(__file__).parent
_EACH = 2.0
"""Seconds that one configuration may take at most, so that the whole stays bounded."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if ASKED and item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.timeout(120 + ASKED * _EACH))
