"""What callers may do over time: runs that go in circles, and people who are not themselves. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ostiary.config.fields import RuleName, Seconds, Section, may, must
from ostiary.config.rules import Patterns

Score = Annotated[float, Field(ge=1, le=10)]


class Runaway(Section):
    """A watch for agents that go in circles."""

    name: RuleName = must("A unique name: what refusals and the ledger say.")
    watch: Literal["repeats", "cycles", "calls", "growth"] = must(
        "`repeats`: the same call with the same arguments in a row; `cycles`: the same two to four calls in turn; "
        "`calls`: any calls; `growth`: arguments of one tool that only grow, to four times their size and more."
    )
    most: Annotated[int, Field(ge=2, le=100_000)] = must("How often is too often.")
    within: Seconds = may(
        "5m", "A pause as long as this ends what was going on; for `calls`, the time they are counted in."
    )
    per: Literal["run", "caller"] = may(
        "run",
        "What is looked at together: a run, by its session, else its trace, else its program; or all of a caller.",
    )
    on: Patterns = may(("*",), "The tools that it counts.")
    then: Literal["warn", "slow", "stop"] = may(
        "warn",
        "`warn`: the answer says so, to the model too; `slow`: that, after a wait that doubles up to half a minute; "
        "`stop`: the call is refused until the pause is over.",
    )


class Quarantining(Section):
    """Shut somebody out who is not themselves, until a person has looked."""

    score: Score = may(2.0, "From which score on; an alarm begins at 1.")
    lasting: Seconds = may("1h", "For how long.")


class Anomalies(Section):
    """An alarm where a caller does what they never did: more, elsewhere, at other times, or what is not theirs."""

    quarantine: Quarantining | None = may(None, "Shut them out; without it an alarm is all that happens.")
