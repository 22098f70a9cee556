"""What every test starts from."""

import pytest
import structlog


@pytest.fixture(autouse=True)
def logs_as_they_come() -> None:
    """A test that sets up logging must not decide what later ones can hear."""
    structlog.reset_defaults()
