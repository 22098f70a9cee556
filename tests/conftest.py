"""What every test starts from."""

from pathlib import Path
from typing import Final

import pytest
import structlog

TESTS: Final = Path(__file__).parent
LONG: Final = (
    TESTS / "contract" / "login",
    TESTS / "contract" / "oauth",
    TESTS / "contract" / "providers",
    TESTS / "contract" / "test_cli.py",
    TESTS / "contract" / "test_cli_quarantine.py",
    TESTS / "contract" / "test_cli_tokens.py",
    TESTS / "contract" / "test_export_outage.py",
    TESTS / "contract" / "test_guards.py",
    TESTS / "contract" / "test_guards_cli.py",
    TESTS / "contract" / "test_guards_removed.py",
    TESTS / "contract" / "test_imports.py",
    TESTS / "contract" / "test_large_answers.py",
    TESTS / "contract" / "test_ledger_index.py",
    TESTS / "contract" / "test_ledger_told.py",
    TESTS / "contract" / "test_limits_model.py",
    TESTS / "contract" / "test_notify.py",
    TESTS / "contract" / "test_object_place.py",
    TESTS / "contract" / "test_plugins.py",
    TESTS / "contract" / "test_powercut.py",
    TESTS / "contract" / "test_rehearsing_cli.py",
    TESTS / "contract" / "test_reports.py",
    TESTS / "contract" / "test_scan.py",
    TESTS / "contract" / "test_sse.py",
    TESTS / "contract" / "test_sse_failures.py",
    TESTS / "contract" / "test_stdio.py",
    TESTS / "contract" / "test_syslog_place.py",
    TESTS / "contract" / "test_tampering.py",
    TESTS / "contract" / "test_telling.py",
    TESTS / "contract" / "test_tls_door.py",
    TESTS / "contract" / "test_token_store.py",
    TESTS / "contract" / "test_usage.py",
    TESTS / "contract" / "test_votes.py",
    TESTS / "contract" / "test_watching.py",
    TESTS / "contract" / "test_why_cli.py",
    TESTS / "fuzz",
    TESTS / "pipeline" / "test_following.py",
    TESTS / "pipeline" / "test_redaction_borders.py",
    TESTS / "pipeline" / "test_redaction_everywhere.py",
    TESTS / "pipeline" / "test_redaction_properties.py",
    TESTS / "pipeline" / "test_runs_answered.py",
    TESTS / "pipeline" / "test_simulate.py",
    TESTS / "pipeline" / "test_simulate_runs.py",
    TESTS / "pipeline" / "test_trim.py",
    TESTS / "properties" / "test_approving.py",
    TESTS / "properties" / "test_changes.py",
    TESTS / "properties" / "test_listing.py",
    TESTS / "properties" / "test_running.py",
    TESTS / "security" / "test_argument_smuggling.py",
    TESTS / "security" / "test_confused_deputy.py",
    TESTS / "security" / "test_login_attacks.py",
    TESTS / "security" / "test_path_traversal.py",
    TESTS / "security" / "test_regex_denial.py",
    TESTS / "security" / "test_replay.py",
    TESTS / "security" / "test_schema_bombs.py",
    TESTS / "security" / "test_session_attacks.py",
    TESTS / "security" / "test_sql_tricks.py",
    TESTS / "security" / "test_ssrf_arguments.py",
    TESTS / "security" / "test_token_attacks.py",
    TESTS / "unit" / "config" / "test_foreign.py",
    TESTS / "unit" / "config" / "test_mutations.py",
    TESTS / "unit" / "config" / "test_parse.py",
    TESTS / "unit" / "config" / "test_policy_properties.py",
    TESTS / "unit" / "integrity" / "test_near.py",
    TESTS / "unit" / "integrity" / "test_poisoning.py",
    TESTS / "unit" / "operate" / "test_compare.py",
    TESTS / "unit" / "operate" / "test_recalled.py",
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
