"""The targets of issue 6 on generated documents, also in ways of writing that were held back."""

from __future__ import annotations

import pytest

from tests.unit.guards.sensitive_documents import HELD_BACK, KNOWN, harmless, sensitive
from tests.unit.guards.sensitive_report import measure


@pytest.mark.parametrize("ways", [KNOWN, HELD_BACK], ids=["known", "held back"])
def test_secrets_and_people_are_found_and_little_else(ways: dict[str, object]) -> None:
    """Issue 6: secrets 98 %, structured personal data 97 %, false alarms 1 % of hard negatives."""
    seen = measure([*sensitive(101, ways, 1), *harmless(102, ways, 2)])
    assert seen.recall("secret") >= 0.98, [each.text for each in seen.missed][:9]
    assert seen.recall("personal") >= 0.97, [each.text for each in seen.missed][:9]
    assert seen.false_alarms() <= 0.01, seen.false[:9]
