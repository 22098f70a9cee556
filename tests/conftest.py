"""What every test starts from."""

from pathlib import Path
from typing import Final

import pytest
import structlog

TESTS: Final = Path(__file__).parent
LONG: Final = (
    TESTS / "contract" / "oauth",
    TESTS / "contract" / "login",
    TESTS / "contract" / "test_large_answers.py",
    TESTS / "contract" / "test_reports.py",
    TESTS / "contract" / "test_scan.py",
    TESTS / "contract" / "test_sse_failures.py",
    TESTS / "contract" / "test_stdio.py",
    TESTS / "pipeline" / "test_simulate.py",
    TESTS / "pipeline" / "test_trim.py",
    TESTS / "unit" / "config" / "test_mutations.py",
    TESTS / "unit" / "operate" / "test_compare.py",
    TESTS / "security" / "test_confused_deputy.py",
    TESTS / "security" / "test_regex_denial.py",
    TESTS / "security" / "test_schema_bombs.py",
    TESTS / "security" / "test_sql_tricks.py",
)
"""Each test here is quick, and together they take longer than `make check` has."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to CI what is too much for every commit."""
    for item in items:
        if any(item.path.is_relative_to(place) for place in LONG):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def logs_as_they_come() -> None:
    """A test that sets up logging must not decide what later ones can hear."""
    structlog.reset_defaults()
