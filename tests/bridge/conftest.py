"""Show the end of the gateway's log beside a cell that failed."""

from collections.abc import Generator

import pytest

from tests.e2e.searching import planted_in_this_module as planted_in_this_module
from tests.e2e.searching import planted_in_this_run as planted_in_this_run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the log of the gateway that the module runs."""
    report = yield
    running = getattr(item, "funcargs", {}).get("running")
    if report.failed and running is not None:
        report.sections.append(("gateway log", running.rig.gateway.tail()))
    return report
