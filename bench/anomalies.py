"""Incidents found, and false alarms a day, in a simulated month of fifty agents.

python -m bench.anomalies [--seeds N] [--check]

Generator and detector have one author, so that this says that the detectors do what they say, at a rate of false
alarms that one can live with; it is no promise about a company whose agents behave otherwise: `ostiary anomalies
replay` tells that of its own ledger.
"""

from __future__ import annotations

import argparse
import heapq
import sys
import tracemalloc
from collections import Counter
from random import Random
from time import process_time

from bench.month import DAYS, Incident, agents, honest, incidents, wrong
from ostiary.behaviour.habits import DAY, HOUR, Seen
from ostiary.behaviour.judging import Anomaly, Watcher
from ostiary.behaviour.loops import Courses, Watch

_LOOPS = (Watch("repeats", "repeats", 20, 300.0),)


def month(seed: int) -> tuple[list[Incident], list[Anomaly], int, float]:
    """Play a month; return what was planted, what was told, how many calls there were, and seconds of CPU."""
    draw = Random(seed)
    everyone = agents(draw)
    planted = incidents(draw, everyone)
    by_name = {agent.name: agent for agent in everyone}
    streams = [honest(agent, Random(f"{seed} {agent.name}")) for agent in everyone]
    streams += [wrong(each, by_name[each.agent], Random(f"{seed} {each}")) for each in planted]
    watcher, courses, told, calls = Watcher(), Courses(), [], 0
    played = list(heapq.merge(*streams, key=lambda seen: seen.at))
    began = process_time()
    for seen in played:
        calls += seen.count
        found = watcher.observe(seen)
        if found is not None:
            told.append(found)
        astray = courses.step((seen.subject,), _LOOPS, seen.tool, (_key(seen), seen.sent), seen.at)
        if astray is not None and astray.times == astray.watch.most:
            told.append(Anomaly(seen.at, seen.subject, 1.0, ("loop",), (astray.said,)))
    return planted, told, calls, process_time() - began


def _key(seen: Seen) -> int:
    # Honest arguments differ; those of a loop are the same.
    return hash((seen.tool, seen.sent))


def judged(planted: list[Incident], told: list[Anomaly]) -> tuple[Counter[str], list[Anomaly], list[Incident]]:
    """Return what was found by kind of incident, false alarms, and what was missed."""
    found: Counter[str] = Counter()
    missed, right = [], set()
    for incident in planted:
        hits = [
            at for at, each in enumerate(told)
            if each.subject == incident.agent and incident.begins <= each.at <= incident.ends + HOUR
        ]  # fmt: skip
        right.update(hits)
        if hits:
            found[incident.kind] += 1
        else:
            missed.append(incident)
    return found, [each for at, each in enumerate(told) if at not in right], missed


def main() -> int:
    """Play months; with `--check`, 1 where an incident is missed or there are two false alarms a day and more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("-v", action="store_true", help="show every false alarm and every miss")
    asked = parser.parse_args()
    bad = False
    for seed in range(asked.seeds):
        planted, told, calls, spent = month(seed)
        found, false, missed = judged(planted, told)
        kinds = Counter(each.kind for each in planted)
        a_day = len(false) / DAYS
        print(
            f"month {seed}: {calls:,} calls of 50 agents, {spent / calls * 1e6:.1f} us a call; "
            f"false alarms {a_day:.2f} a day"
        )
        print("  found " + ", ".join(f"{kind} {found[kind]}/{count}" for kind, count in sorted(kinds.items())))
        by_kind = Counter("+".join(sorted(each.kinds)) for each in false)
        print("  false: " + (", ".join(f"{kind} {count}" for kind, count in by_kind.most_common(8)) or "none"))
        for each in missed if asked.v else ():
            print("  missed", each)
        for alarm in false[:10] if asked.v else ():
            print("  false", (alarm.at % DAY) // HOUR, alarm.subject, alarm.reasons)
        bad = bad or bool(missed) or a_day >= 2
    return 1 if asked.check and bad else 0


def memory() -> int:
    """Return the bytes that the habits of fifty agents take."""
    tracemalloc.start()
    month(0)
    return tracemalloc.get_traced_memory()[0]


if __name__ == "__main__":
    sys.exit(main())
