"""How long the policy takes: to compile 10,000 tools and 500 rules, and to decide for 5,000 people; and how both grow.

python -m bench.policy            prints the figures, and exits 1 when one of them is missed
python -m bench.policy --quick    a tenth of everything
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from ostiary.config.compile import AGGREGATE, compiled
from ostiary.config.schema import Config
from ostiary.core.model import Allow, Caller, Catalogue, Kind, Snapshot, Target
from ostiary.core.rules import Ask
from ostiary.policy.decide import decide
from ostiary.policy.visible import visible

TOOLS: Final = 10_000
RULES: Final = 500
PEOPLE: Final = 5_000
COMPILE: Final = 2.0
"""Seconds."""
PLAIN: Final = 2.0
"""Microseconds for a decision without conditions."""
CONDITIONED: Final = 25.0
"""Microseconds for a decision with a condition that is evaluated."""
_SERVERS: Final = 20
_ROLES: Final = 100
_TEAMS: Final = 40
_DECISIONS: Final = 20_000
_ROUNDS: Final = 7
_VERBS: Final = ("read", "list", "find", "write", "drop")
_REGIONS: Final = ("eu", "us", "ap")
WHEN: Final = "args.amount <= 100 && args.region == caller.claims.region"
_SCHEMA: Final = {
    "type": "object",
    "properties": {"amount": {"type": "integer"}, "region": {"type": "string"}, "note": {"type": "string"}},
    "required": ["amount", "region"],
}


class Figures(NamedTuple):
    """What was measured of one size."""

    tools: int
    rules: int
    compiling: float
    plain: float
    conditioned: float
    listing: float
    """Milliseconds for one person's list."""
    allowed: float
    """The part of all decisions without conditions that allowed something."""


def catalogues(tools: int) -> dict[tuple[str, str], Catalogue]:
    """Return what the servers offer."""
    each = tools // _SERVERS
    return {
        (f"s{server}", ""): Catalogue(
            f"s{server}",
            "",
            tuple(
                {
                    "name": f"{_VERBS[number % len(_VERBS)]}_{number}",
                    "inputSchema": _SCHEMA,
                    "description": f"Tool {number}.",
                }
                for number in range(each)
            ),
        )
        for server in range(_SERVERS)
    }


def config(tools: int, rules: int, *, when: str | None) -> Config:
    """Return a policy as companies have it: most rules for a verb of a server, some for single tools or everywhere."""
    dice = random.Random(5)
    written = [_rule(number, tools // _SERVERS, dice, when) for number in range(rules)]
    return Config.model_validate(
        {
            "gateway": {"url": "http://localhost:8080"},
            "servers": {f"s{server}": {"command": ("x",)} for server in range(_SERVERS)},
            "rules": tuple(written),
        }
    )


def _rule(number: int, each: int, dice: random.Random, when: str | None) -> dict[str, Any]:
    server, verb = dice.randrange(_SERVERS), dice.choice(_VERBS)
    patterns = [f"s{server}.{verb}_*"]
    if number % 5 == 0:
        patterns = [f"s{server}.{_VERBS[one % len(_VERBS)]}_{one}" for one in dice.sample(range(each), min(each, 10))]
    if number % 50 == 0:
        patterns = [f"*.{verb}_{dice.randrange(10)}*"]
    who: dict[str, Any] = {"roles": tuple(f"role{dice.randrange(_ROLES)}" for _ in range(3))}
    if number % 4 == 0:
        who["teams"] = (f"team{dice.randrange(_TEAMS)}", f"team{dice.randrange(_TEAMS)}")
    effect = "deny" if number % 10 == 9 else "allow"
    return {"name": f"r{number}", effect: tuple(patterns), **who, **({"when": when} if when else {})}


def people(count: int) -> list[Caller]:
    """Return people with three roles and a team each."""
    dice = random.Random(7)
    return [_person(number, dice) for number in range(count)]


def _person(number: int, dice: random.Random) -> Caller:
    roles = frozenset(f"role{dice.randrange(_ROLES)}" for _ in range(3))
    teams = frozenset({f"team{dice.randrange(_TEAMS)}"})
    tags = {"*", f"subject:p{number}", *(f"role:{role}" for role in roles), *(f"team:{team}" for team in teams)}
    claims = {"region": dice.choice(_REGIONS), "groups": [f"g{each}" for each in range(30)]}
    return Caller(f"p{number}", "i", "c", "p", 9e9, roles, teams, tags=frozenset(tags), claims=claims)


def compiling(it: Config, known: dict[tuple[str, str], Catalogue]) -> tuple[float, Snapshot]:
    """Return the seconds that one compilation takes, of three the least, and what came of it."""
    best, made = 1e9, None
    for _ in range(3):
        begun = time.perf_counter()
        made = compiled(it, known, 1, "d").snapshot
        best = min(best, time.perf_counter() - begun)
    assert made is not None
    return best, made


def deciding(pairs: Sequence[tuple[Caller, Target]], ask: Ask | None) -> float:
    """Return the microseconds that one decision takes: of several rounds the least, for others work here, too."""
    return _least(lambda: [decide(who, target, ask) for who, target in pairs]) / len(pairs) * 1e6


def _least(work: Callable[[], object]) -> float:
    best = 1e9
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return best


def pairs(snapshot: Snapshot, callers: list[Caller]) -> list[tuple[Caller, Target]]:
    """Return people and tools at random."""
    dice = random.Random(11)
    tools = [target for (kind, _), target in snapshot.surfaces[AGGREGATE, ""].targets.items() if kind is Kind.TOOL]
    return [(dice.choice(callers), dice.choice(tools)) for _ in range(_DECISIONS)]


def evaluated(found: list[tuple[Caller, Target]]) -> list[tuple[Caller, Target]]:
    """Return those pairs in which somebody is spoken of, so that a condition is evaluated."""
    asked = Ask(1.0, None)
    return [(who, target) for who, target in found if isinstance(decide(who, target, asked), Allow)]


def measured(tools: int, rules: int, count: int) -> Figures:
    """Measure one size."""
    known, callers = catalogues(tools), people(count)
    took, plain = compiling(config(tools, rules, when=None), known)
    found = pairs(plain, callers)
    _, conditioned = compiling(config(tools, rules, when=WHEN), known)
    ask = Ask(
        1.0, {"amount": 50, "region": "eu", "note": "x" * 500}, "tools/call", "c", "v", "modern", "10.0.0.1", "/mcp"
    )
    surface = plain.surfaces[AGGREGATE, ""]
    return Figures(
        tools,
        rules,
        took,
        deciding(found, None),
        deciding(evaluated(pairs(conditioned, callers)), ask),
        _least(lambda: visible(callers[0], Kind.TOOL, surface)) * 1e3,
        sum(isinstance(decide(*pair), Allow) for pair in found) / len(found),
    )


def _told(it: Figures) -> str:
    return (
        f"{it.tools:>7,} tools {it.rules:>5,} rules   compile {it.compiling:6.2f} s   decide {it.plain:5.2f} µs"
        f"   with when {it.conditioned:5.1f} µs   list {it.listing:6.1f} ms   {it.allowed:.1%} allowed"
    )


def main() -> int:
    """Print the figures; return 1 where one is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    scale = 10 if parser.parse_args().quick else 1
    sizes = ((TOOLS // 10, RULES // 10), (TOOLS // 10, RULES), (TOOLS, RULES // 10), (TOOLS, RULES))
    print(f"{PEOPLE // scale:,} people")
    for tools, rules in sizes:
        it = measured(tools // scale, rules // scale, PEOPLE // scale)
        print(_told(it), flush=True)
    missed = [
        f"{name} takes {took:.2f} {unit}, and may take {most:g}"
        for name, took, most, unit in (
            ("compiling", it.compiling, COMPILE, "s"),
            ("a decision", it.plain, PLAIN, "µs"),
            ("a decision with a condition", it.conditioned, CONDITIONED, "µs"),
        )
        if took > most
    ]
    for each in missed:
        print(f"missed: {each}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
