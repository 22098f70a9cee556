"""Every requirement of docs/requirements.md has a test, and every test that names one names one that exists."""

from __future__ import annotations

import pytest

from tests.requirements import PAGE, Mark, Requirement, found, held, marks, problems, requirements

ROWS = requirements(PAGE.read_text(encoding="utf-8"))
FOUND = found()
PAIR = [Requirement("MCP-01", "It is so.", "spec"), Requirement("MCP-02", "And so.", "spec")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_requirement_has_a_test(row: Requirement) -> None:
    assert held(ROWS, FOUND)[row.id], f"no test holds {row.id}: {row.text}"


@pytest.mark.parametrize("mark", FOUND, ids=lambda mark: mark.where)
def test_a_mark_names_requirements_and_its_test_runs(mark: Mark) -> None:
    assert not mark.problem
    assert set(mark.ids) <= {row.id for row in ROWS}


def test_the_page_numbers_its_requirements_without_a_gap() -> None:
    """A row that is not read, for a stray bar or a missing cell, would be a requirement that nobody misses."""
    text = PAGE.read_text(encoding="utf-8")
    assert [row.id for row in ROWS] == [f"MCP-{number:02}" for number in range(1, len(ROWS) + 1)]
    assert text.count("\n| MCP-") == len(ROWS) >= 43


# The reading itself: what must fail, fails.


def read(*lines: str, where: str = "tests/unit/test_x.py") -> list[Mark]:
    return list(marks("\n".join(lines), where))


MARKED = '@pytest.mark.requirement("MCP-01", "MCP-02")'


def test_a_test_may_hold_several_requirements_and_be_a_coroutine() -> None:
    (one,) = read(MARKED, "async def test_a(): ...")
    assert (one.where, one.ids, one.problem) == ("tests/unit/test_x.py::test_a", ("MCP-01", "MCP-02"), "")
    (two,) = read("class TestAll:", f"    {MARKED}", "    def test_a(self): ...")
    assert two.where == "tests/unit/test_x.py::TestAll::test_a"
    assert problems(PAIR, [one, two]) == []


def test_a_mark_on_a_file_is_one_on_each_of_its_tests_and_on_nothing_else() -> None:
    found_marks = read(
        'pytestmark = [pytest.mark.e2e, pytest.mark.requirement("MCP-01")]', "def test_a(): ...", "def b(): ..."
    )
    assert found_marks == [Mark("tests/unit/test_x.py::test_a", ("MCP-01",))]
    assert read('pytestmark = pytest.mark.requirement("MCP-99")', "def test_a(): ...")[0].ids == ("MCP-99",)


def test_a_requirement_without_a_test_is_told() -> None:
    assert problems(PAIR, read('@pytest.mark.requirement("MCP-01")', "def test_a(): ...")) == ["MCP-02 has no test"]


def test_a_test_of_no_requirement_is_told() -> None:
    told = problems(PAIR, [*read(MARKED, "def test_a(): ..."), Mark("x", ("MCP-99",))])
    assert told == ["x: there is no MCP-99"]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["@pytest.mark.skip", MARKED, "def test_a(): ..."], id="skipped"),
        pytest.param(["@pytest.mark.skipif(True, reason='x')", MARKED, "def test_a(): ..."], id="perhaps skipped"),
        pytest.param(["@pytest.mark.xfail", MARKED, "def test_a(): ..."], id="expected to fail"),
        pytest.param(["pytestmark = [pytest.mark.skip]", MARKED, "def test_a(): ..."], id="in a skipped file"),
        pytest.param([MARKED, "def test_a():", "    pytest.skip('later')"], id="skips itself"),
        pytest.param([MARKED, "def helper(): ..."], id="no test"),
        pytest.param([MARKED, "class TestAll: ..."], id="a class"),
        pytest.param(["@pytest.mark.requirement", "def test_a(): ..."], id="no id"),
        pytest.param(["@pytest.mark.requirement(ID)", "def test_a(): ..."], id="an id that is not written out"),
    ],
)
def test_a_mark_that_proves_nothing_holds_nothing(lines: list[str]) -> None:
    (mark,) = read(*lines)
    assert mark.problem
    assert held(PAIR, [mark]) == {"MCP-01": [], "MCP-02": []}
    assert problems(PAIR, [mark])


def test_a_mark_in_a_file_that_is_not_collected_holds_nothing() -> None:
    (mark,) = read(MARKED, "def test_a(): ...", where="tests/unit/letters.py")
    assert mark.problem
