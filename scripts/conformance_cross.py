"""What a conformance suite of one era must find at a server of the other era, through the gateway. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

Tally = Mapping[str, tuple[int, int]]
"""How many checks of each scenario passed, and how many were scored."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """A suite of one era in front of a fixture that speaks only the other."""

    run: str
    era: str
    """The only era that the fixture behind the gateway speaks."""


CROSSINGS = (Crossing("2026-07-28", "handshake"), Crossing("2025-11-25", "modern"))

INEXPRESSIBLE: Mapping[tuple[str, str], str] = {
    (
        "2026-07-28",
        "input-required-result-basic-elicitation",
    ): "it wants the key `user_name`; a pushed request has none",
    (
        "2026-07-28",
        "input-required-result-ignore-extra-params",
    ): "it answers a question before it was asked; no call of the handshake era waits for that",
    (
        "2025-11-25",
        "server-sse-polling",
    ): "it wants a server that lets go of a stream and is come back to; 2026-07-28 has no such streams",
}
"""By run and scenario: why a feature that the scenario checks does not exist in one of the eras."""


def passes(scenario: str, direct: Tally, through: Tally) -> bool:
    """Say whether every check that a server of the suite's own era passes was passed across eras, too."""
    return (
        scenario in through
        and through[scenario][0] >= direct.get(scenario, (0, 0))[0] > 0
        and _whole(through[scenario])
    )


def _whole(counts: tuple[int, int]) -> bool:
    return counts[0] == counts[1]


def table(crossing: Crossing, direct: Tally, through: Tally) -> list[str]:
    """Return a line for each scenario: direct, through, and what is to be said of it."""
    return [
        f"  {scenario:<52} {shown(direct.get(scenario)):>7} {shown(through.get(scenario)):>8}  "
        f"{_remark(crossing, scenario, direct, through)}".rstrip()
        for scenario in sorted(direct.keys() | through.keys())
    ]


def shown(counts: tuple[int, int] | None) -> str:
    """Return how many passed of how many; a dash for what did not run."""
    return "-" if counts is None else f"{counts[0]}/{counts[1]}"


def _remark(crossing: Crossing, scenario: str, direct: Tally, through: Tally) -> str:
    if passes(scenario, direct, through):
        return ""
    if direct.get(scenario, (0, 0))[1] == through.get(scenario, (0, 0))[1] == 0:
        return "nothing is scored"
    reason = INEXPRESSIBLE.get((crossing.run, scenario))
    return f"not in both eras: {reason}" if reason else "FAILS: both eras can express it"


def failing(crossing: Crossing, direct: Tally, through: Tally) -> list[str]:
    """Return the scenarios that both eras can express and that do not pass."""
    return [
        scenario
        for scenario in sorted(direct.keys() | through.keys())
        if _remark(crossing, scenario, direct, through).startswith("FAILS")
    ]
