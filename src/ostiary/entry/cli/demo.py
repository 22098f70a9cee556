"""`ostiary demo`: the gateway on a small stage, live or as a tour that checks itself."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from ostiary.adapters.store.ledger_read import Entry, follow, ledger_directory, merged
from ostiary.demo.setting import CAST, suggestions
from ostiary.demo.stage import Stage, StageBroken, last_words, staged
from ostiary.demo.tour import STEPS, play
from ostiary.entry.cli.terminal import Refused, out, say, shown, styled

_TICK: Final = 0.2
_CLOCK: Final = slice(11, 19)
"""Hours, minutes and seconds in the RFC 3339 time of a record."""
_THEIR_FAULT: Final = frozenset({"tool_error", "rpc_error", "cancelled", "abandoned", "interrupted"})


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Play a tour that checks each of its claims, then end.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the gateway listens; 0 takes a free port.")] = 0,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Use this folder, empty or new, and leave it behind.")
    ] = None,
) -> None:
    """Run a gateway with two example servers and three people in a scratch folder.

    Prints the URL, the people's tokens and what to try, then tells each call as it happens until Ctrl-C.

    Example: ostiary demo --once
    """
    # Whoever stops us politely gets the same clean end as Ctrl-C: children stopped, folder removed.
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        with staged(port, keep) as stage:
            true = asyncio.run(_tour(stage, out())) if once else _live(stage, out())
    except StageBroken as error:
        raise Refused(error.what, error.todo) from None
    except KeyboardInterrupt:
        say("Stopped; nothing is left running.")
        sys.exit(130 if once else 0)
    if not true:
        sys.exit(1)


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


async def _tour(stage: Stage, console: Console) -> bool:
    good = number = 0
    console.print(Text(f"A gateway at {stage.mcp}, in front of a notes store (stdio) and a CRM (HTTP).\n"))
    async for step, seen, true in play(stage):
        number, good = number + 1, good + true
        verdict = styled("ok", "green") if true else styled("NOT AS TOLD", "bold red")
        console.print(Text(f"{number:>2}. {step.word}: ", style="bold").append_text(verdict))
        console.print(Text(f"    expected  {step.expected}\n    seen      {shown(seen)}\n"))
    whole = good == len(STEPS)
    console.print(styled(f"{good} of {len(STEPS)} steps went as told.", "green" if whole else "bold red"))
    return whole


def _live(stage: Stage, console: Console) -> bool:
    """Tell each call until Ctrl-C; return False when the gateway ended by itself."""
    _introduce(stage, console)

    def wait() -> bool:
        time.sleep(_TICK)
        return stage.gateway.poll() is None

    for entry in merged(follow(ledger_directory(stage.data), wait)):
        console.print(line(entry))
    say("The gateway ended by itself. Its last words:")
    for words in last_words(stage.folder / "gateway.log"):
        say(words)
    return False


def _introduce(stage: Stage, console: Console) -> None:
    console.print(Text("The gateway is at ").append(stage.mcp, style="bold cyan"))
    console.print(Text(f"Its configuration: {stage.config}\n"))
    for person in CAST:
        console.print(Text(f"{person.name}, {person.role} in {person.team}: {person.may}", style="bold"))
        console.print(Text(f"  {stage.tokens[person.name].secret}"))
    console.print(Text("\nWhat to try", style="bold"))
    # The program need not be on anybody's PATH; this interpreter has it.
    ostiary = f"{shlex.quote(sys.executable)} -m ostiary"
    for sentence, pasted in suggestions(stage.url, stage.tokens, stage.crm, stage.config, ostiary):
        console.print(Text(f"\n# {sentence}", style="dim"))
        console.print(Text(pasted))
    console.print(Text("\nEach call as it happens; Ctrl-C ends everything.\n", style="bold"))


def line(entry: Entry) -> Text:
    """Return the line that tells a call: when, who, what, what was decided by which rule, how it ended, how long."""
    when = entry.time[_CLOCK]
    if entry.type == "event":
        return styled(f"{when}  gateway: {entry.outcome.replace('_', ' ')}", "dim")
    decision = " by ".join(word for word in (entry.decision, entry.rule) if word) or "undecided"
    told = Text(f"{when}  ")
    told.append(f"{shown(entry.subject or 'nobody', 12):<6} ", style="bold")
    told.append(f"{shown(entry.tool or entry.method or '-', 40):<24} ")
    told.append(f"{shown(decision, 48):<32} ", style="red" if entry.decision == "deny" else "")
    told.append(f"{shown(entry.outcome or 'unknown'):<14}", style=_style(entry.outcome))
    if entry.ms is not None:
        told.append(f"{entry.ms:>9.1f} ms", style="dim")
    return told


def _style(outcome: str) -> str:
    if outcome == "answered":
        return "green"
    return "yellow" if outcome in _THEIR_FAULT else "red"
