"""What CI says at the end: which steps failed, which tests in them, and which of them are run again."""

import runpy
from pathlib import Path

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts/test.py"))
telling, unsteady = SCRIPT["telling"], SCRIPT["unsteady"]
SAID = """\
....F
    assert 1 == 2
E   assert 1 == 2
E    +  where 1 = one()
=========================== short test summary info ============================
FAILED tests/unit/test_one.py::test_one_is_two - assert 1 == 2
1 failed, 4 passed in 0.10s
"""


def test_a_step_that_failed_is_told_with_its_tests_at_the_end() -> None:
    assert telling(SAID)[-1] == "FAILED tests/unit/test_one.py::test_one_is_two - assert 1 == 2"
    assert telling(SAID)[0] == "E   assert 1 == 2"


def test_a_step_that_failed_often_is_told_shortly() -> None:
    said = SAID + "".join(f"FAILED tests/test_{at}.py - {'x' * 1000}\n" for at in range(40))
    assert len(telling(said)) == 12
    assert max(map(len, telling(said))) == 240


def test_a_few_tests_that_failed_are_run_again() -> None:
    assert unsteady(SAID) == ["tests/unit/test_one.py::test_one_is_two"]
    assert unsteady("FAIL fast tests (130.1 s)\n" + SAID) == ["tests/unit/test_one.py::test_one_is_two"]
    parted = "FAILED tests/e2e/test_a.py::test_b[a b - c] - assert False\n"
    assert unsteady(parted) == ["tests/e2e/test_a.py::test_b[a b - c]"]


def test_nothing_else_is_made_good_by_running_it_again() -> None:
    assert unsteady("FAIL lint (0.9 s)\nFAIL fast tests (130.1 s)\n" + SAID) == []
    assert unsteady("ERROR tests/unit/test_one.py\n" + SAID) == []
    assert unsteady("".join(f"FAILED tests/test_{at}.py::test_one\n" for at in range(4))) == []
    assert unsteady("52 of 84 passed") == []
