"""A month of fifty agents, with incidents planted into it: synthetic calls for `bench.anomalies`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from ostiary.behaviour.habits import DAY, HOUR, Seen

BEGIN: Final = 1_767_571_200.0
"""Monday, 2026-01-05, 00:00 UTC."""
DAYS: Final = 30
_SERVERS: Final = ("crm", "files", "mail", "git", "tickets", "billing", "wiki", "calendar")
_RATES: Final = {"office": (5, 60), "service": (10, 90), "batch": (10, 90)}
_VERBS: Final = ("search", "read", "list", "create", "update", "comment", "export", "summary")
TOOLS: Final = tuple(f"{server}.{verb}" for server in _SERVERS for verb in _VERBS)


@dataclass
class Agent:
    """One of them, and how it works."""

    name: str
    kind: str
    """`office`, `service` or `batch`."""
    tools: list[str]
    rate: float
    """Calls an hour while it works."""
    begins: int
    ends: int
    address: str
    program: str
    client: str
    size: float
    """The median answer, bytes."""
    busy: float = 1.0
    follows: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Incident:
    """Something that happens to one agent, and has to be found."""

    kind: str
    agent: str
    begins: float
    ends: float


def agents(draw: Random) -> list[Agent]:
    """Return fifty: thirty work with people, twelve all the time, eight by night."""
    made = []
    for at in range(50):
        kind = "office" if at < 30 else "service" if at < 42 else "batch"
        tools = draw.sample(TOOLS, draw.randint(4, 14))
        hours = {"office": (draw.randint(6, 9), draw.randint(15, 18)), "service": (0, 24), "batch": (1, 4)}[kind]
        made.append(
            Agent(
                f"{kind}-{at:02d}", kind, tools, draw.uniform(*_RATES[kind]), *hours,
                f"10.{at}.0", f"agent/{draw.randint(1, 4)}", f"tok_{at}",
                draw.uniform(400, 6_000),
                follows={tool: draw.sample(tools, min(3, len(tools))) for tool in tools},
            )
        )  # fmt: skip
    return made


def incidents(draw: Random, everyone: list[Agent]) -> list[Incident]:
    """Return what happens: each kind to four different agents, after the first fortnight."""
    chosen = draw.sample([each for each in everyone if each.kind != "batch"], 20)
    kinds = ("exfiltration", "theft", "loop", "off-hours", "scanning")
    found = []
    for at, agent in enumerate(chosen):
        kind = kinds[at % len(kinds)]
        if kind == "off-hours" and agent.kind != "office":
            # Who works all the time has no hours to be off; one who works with people takes its place.
            agent = next(each for each in everyone if each.kind == "office" and each not in chosen)  # noqa: PLW2901
            chosen.append(agent)
        day = draw.randint(16, DAYS - 2)
        while (day % 7) in (5, 6):
            day += 1
        hour = (
            draw.randint(agent.begins, max(agent.begins, agent.ends - 2))
            if kind in ("exfiltration", "loop", "scanning")
            else 2
        )
        begins = BEGIN + min(day, DAYS - 1) * DAY + hour * HOUR + draw.uniform(0, 1_000)
        found.append(Incident(kind, agent.name, begins, begins + (1.5 * HOUR if kind != "loop" else 0.4 * HOUR)))
    return found


def honest(agent: Agent, draw: Random) -> Iterator[Seen]:
    """Yield what an agent does in a month when nothing is wrong, with what happens to honest people too."""
    tool = agent.tools[0]
    moved = draw.randint(3, DAYS) if draw.random() < 0.5 else DAYS
    renewed = draw.randint(3, DAYS) if draw.random() < 0.4 else DAYS
    learnt = draw.sample(TOOLS, 3)
    for day in range(DAYS):
        if agent.kind == "office" and (day % 7 in (5, 6) or draw.random() < 0.07):
            continue
        busy = agent.busy * draw.lognormvariate(0.0, 0.35)
        late = draw.randint(1, 2) if agent.kind == "office" and draw.random() < 0.08 else 0
        for hour in range(agent.begins, agent.ends + late):
            count = _poisson(agent.rate * busy * draw.lognormvariate(0.0, 0.5), draw)
            for at in sorted(draw.uniform(0, HOUR) for _ in range(count)):
                tool = draw.choice(agent.follows[tool]) if draw.random() < 0.9 else draw.choice(agent.tools)
                called = draw.choice(learnt) if draw.random() < 0.0015 else tool
                yield Seen(
                    BEGIN + day * DAY + hour * HOUR + at, agent.name, called,
                    agent.client if day < renewed else f"{agent.client}b", agent.program,
                    agent.address if day < moved else f"{agent.address}b",
                    denied=draw.random() < 0.01, failed=draw.random() < 0.03,
                    sent=int(draw.lognormvariate(5.5, 0.5)), got=int(draw.lognormvariate(math.log(agent.size), 0.8)),
                )  # fmt: skip


def wrong(incident: Incident, agent: Agent, draw: Random) -> Iterator[Seen]:
    """Yield what happens in an incident."""
    span = incident.ends - incident.begins
    count = {"exfiltration": 160, "theft": 25, "loop": 900, "off-hours": 40, "scanning": 60}[incident.kind]
    strange = [tool for tool in TOOLS if tool not in agent.tools]
    for at in range(count):
        now = incident.begins + span * at / count
        tool, client, program, address = draw.choice(agent.tools), agent.client, agent.program, agent.address
        denied, got, sent = False, int(agent.size), 250
        match incident.kind:
            case "exfiltration":
                got, sent = int(draw.uniform(20_000, 120_000)), int(draw.uniform(5_000, 30_000))
            case "theft":
                program, address = "curl/8", "203.0.113"
                tool = draw.choice(agent.tools[:2])
            case "loop":
                tool = agent.tools[0]
            case "scanning":
                tool, denied = draw.choice(strange), draw.random() < 0.9
        yield Seen(now, agent.name, tool, client, program, address, denied=denied, got=got, sent=sent)


def _poisson(mean: float, draw: Random) -> int:
    """Return a number of events (Knuth's method; means here are below a few hundred)."""
    if mean > 200:
        return max(0, round(draw.gauss(mean, math.sqrt(mean))))
    bound, count, product = math.exp(-mean), 0, draw.random()
    while product > bound:
        count += 1
        product *= draw.random()
    return count
