"""What an evaluation of guards came to: on the terminal, as JSON, and as a page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from ostiary.entry.cli.labelled import Judged
from ostiary.entry.cli.terminal import line, plural, say, shown, styled, table
from ostiary.guards.scoring import Latency, Outcome, Rates, Spans, Step, grouped, latency, rates, spans, sweep, within

_MOST: Final = (0.01, 0.02, 0.05, 0.1)
"""Shares of harmless texts with an alarm that people put up with."""
_BY: Final[tuple[Literal["surface", "kind", "source"], ...]] = ("surface", "kind", "source")
_LISTED: Final = 1_000
"""Lines that a report names as missed, and as falsely alarmed."""
_WIDE: Final = 20
_HEADS: Final = ("ATTACKS", "RECALL", "HARMLESS", "FALSE ALARMS", "PRECISION")
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2530;background:#fff}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{padding:.25rem .8rem;text-align:right;
border-bottom:1px solid #d9dee5}th:first-child,td:first-child{text-align:left}th{font-weight:600}
svg{max-width:100%;height:auto}.r{stroke:#1a6fb5;fill:#1a6fb5}.f{stroke:#c2410c;fill:#c2410c}path{fill:none!important;
stroke-width:2}.axis{stroke:#9aa4b2;fill:none}text{font-size:12px;fill:#4a5565;stroke:none}
"""


class Evaluation(Struct, frozen=True):
    """What was counted."""

    file: str
    at: float
    use: tuple[str, ...]
    texts: int
    repeated: int
    """Texts that stand there before: they count again, and cost less, for some of what was read is remembered."""
    overall: Rates
    surfaces: Mapping[str, Rates]
    kinds: Mapping[str, Rates]
    sources: Mapping[str, Rates]
    spans: Mapping[str, Spans]
    latency: Latency
    sweep: tuple[Step, ...]
    within: Mapping[str, Step | None]
    """The lowest thresholds that keep false alarms within a share."""
    missed: tuple[Mapping[str, Any], ...]
    false_alarms: tuple[Mapping[str, Any], ...]


def evaluation(file: str, at: float, use: Iterable[str], judged: Sequence[Judged]) -> Evaluation:
    """Return what was counted at a threshold."""
    outcomes = [each.outcome for each in judged]
    missed = [each for each in judged if each.outcome.label and not _said(each.outcome, at)]
    alarms = [each for each in judged if not each.outcome.label and _said(each.outcome, at)]
    surfaces, kinds, sources = (grouped(outcomes, name, at) for name in _BY)
    return Evaluation(
        file, at, tuple(use), len(judged), sum(each.again for each in judged), rates(outcomes, at),
        surfaces, kinds, sources, spans(outcomes, at), latency(outcomes),
        sweep(outcomes), {f"{most:g}": within(outcomes, most) for most in _MOST},
        tuple(map(_line, missed[:_LISTED])), tuple(map(_line, alarms[:_LISTED])),
    )  # fmt: skip


def _said(outcome: Outcome, at: float) -> bool:
    return outcome.score > 0 and outcome.score >= at


def _line(each: Judged) -> Mapping[str, Any]:
    it = each.outcome
    said = {"surface": it.surface, "kind": it.kind, "source": it.source, "score": it.score, "rules": list(each.rules)}
    return {"line": each.number, **said}


def plain(it: Evaluation) -> Any:
    """Return it as JSON shows it."""
    return msgspec.to_builtins(it)


# On the terminal


def tell(it: Evaluation, *, swept: bool) -> None:
    """Print what was counted."""
    rows = [("all", *_cells(it.overall))]
    for name, groups in _groups(it):
        rows += [(f"{name} {group or '-'}", *_cells(each)) for group, each in groups.items()]
    table(("", *_HEADS), rows)
    if it.spans:
        line("")
        table(("STRETCHES", "LABELLED", "FOUND", "FOUND WHOLE"), [_of_spans(*each) for each in it.spans.items()])
    if swept:
        line("")
        _tell_sweep(it)
    line("")
    line(_timed(it.latency))
    say(
        f"{plural(it.texts, 'text')} read for {', '.join(it.use)}; what is as sure as {it.at:g} counts. "
        "--json and --html name the lines that were missed, and those that were alarmed falsely."
    )
    if it.repeated:
        say(f"{plural(it.repeated, 'text')} stood there before: each counts again, and costs less to read.", "yellow")


def _groups(it: Evaluation) -> Iterator[tuple[str, Mapping[str, Rates]]]:
    yield from zip(_BY, (it.surfaces, it.kinds, it.sources), strict=True)


def _cells(it: Rates) -> tuple[str, ...]:
    recall, alarms = _ranged(it.recall, it.recall_95), _ranged(it.false_alarm_rate, it.false_alarm_rate_95)
    return f"{it.attacks:,}", recall, f"{it.harmless:,}", alarms, percent(it.precision)


def _ranged(share: float | None, between: tuple[float, float] | None) -> str:
    return f"{percent(share)} ({between[0] * 100:.1f}-{between[1] * 100:.1f})" if between else percent(share)


def percent(share: float | None) -> str:
    """Return a share as people read it."""
    return "-" if share is None else f"{share * 100:.1f} %"


def _of_spans(name: str, it: Spans) -> tuple[str, ...]:
    return name or "all", f"{it.labelled:,}", percent(it.touched), percent(it.covered)


def _timed(it: Latency) -> str:
    said = f"p50 {it.p50:.2f} ms, p95 {it.p95:.2f} ms, at most {it.highest:.2f} ms"
    return f"The processor's time for one text: {said}; {it.per_kilobyte:.2f} ms for 1,000 characters."


def _tell_sweep(it: Evaluation) -> None:
    rows = [
        (f"{each.at:.2f}", styled(_bar(each.recall), "green"), percent(each.recall),
         styled(_bar(each.false_alarm_rate), "red"), percent(each.false_alarm_rate))
        for each in it.sweep
    ]  # fmt: skip
    table(("AT", "RECALL", "", "FALSE ALARMS", ""), rows)
    for most, step in it.within.items():
        line(_kept(float(most), step))


def _bar(share: float | None) -> str:
    full = round((share or 0.0) * _WIDE)
    # What is rare is there all the same.
    full = max(full, 1) if share else full
    return "█" * full + "·" * (_WIDE - full)


def _kept(most: float, step: Step | None) -> str:
    kept = f"False alarms of {most * 100:g} % at most"
    if step is None:
        return f"{kept}: at no threshold that finds anything"
    return f"{kept}: at {step.at:.3f}, with a recall of {percent(step.recall)}"


# As a page


def page(it: Evaluation, made: str) -> str:
    """Return a page without scripts, and without any of the texts: they may be secrets."""
    kept = (f"<p>{escape(_kept(float(most), each))}</p>" for most, each in it.within.items())
    parts = [
        _begun(it, made), _html(("", *map(str.capitalize, _HEADS)), [("all", *_cells(it.overall))]),
        *(_of_groups(name, groups) for name, groups in _groups(it)),
        "<h2>Thresholds</h2>", _plot(it.sweep), *kept,
        "<h2>Time</h2>", f"<p>{escape(_timed(it.latency))}</p>",
    ]  # fmt: skip
    if it.spans:
        heads = ("Stretches", "Labelled", "Found", "Found whole")
        parts.append(f"<h2>Stretches</h2>{_html(heads, [_of_spans(*each) for each in it.spans.items()])}")
    parts += [_of_lines("Missed", it.missed), _of_lines("Alarmed falsely", it.false_alarms)]
    head = f'<meta charset="utf-8"><title>Evaluation of guards</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _begun(it: Evaluation, made: str) -> str:
    about = f"{shown(it.file)}, {made}: {plural(it.texts, 'text')} read for {', '.join(it.use)}."
    said = f"What is as sure as {it.at:g} counts; brackets hold 95 % of what chance does."
    return f"<h1>Evaluation of guards</h1><p>{escape(about)} {escape(said)}</p>"


def _of_groups(name: str, groups: Mapping[str, Rates]) -> str:
    rows = [(group or "-", *_cells(each)) for group, each in groups.items()]
    return f"<h2>By {name}</h2>{_html((name, *map(str.capitalize, _HEADS)), rows)}"


def _of_lines(title: str, lines: Sequence[Mapping[str, Any]]) -> str:
    said = ("line", "surface", "kind", "source", "score")
    rows = [(*(str(each[name]) for name in said), ", ".join(each["rules"])) for each in lines]
    more = f" (the first {_LISTED:,})" if len(lines) == _LISTED else ""
    return f"<h2>{title}{more}</h2>{_html(('Line', 'Surface', 'Kind', 'Source', 'Score', 'Rules'), rows)}"


def _html(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(shown(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _plot(steps: Sequence[Step]) -> str:
    recall = _curve("r", [(each.at, each.recall) for each in steps])
    alarms = _curve("f", [(each.at, each.false_alarm_rate) for each in steps])
    marks = "".join(
        f'<text x="34" y="{224 - share * 2}" text-anchor="end">{share}</text>'
        f'<text x="{40 + share * 5.4:.0f}" y="238" text-anchor="middle">{share / 100:g}</text>'
        for share in (0, 50, 100)
    )
    names = '<text x="369" y="11">recall, %</text><text x="469" y="11">false alarms, %</text>'
    keys = '<rect class="r" x="355" y="2" width="9" height="9"/><rect class="f" x="455" y="2" width="9" height="9"/>'
    inside = f'<path class="axis" d="M40,20 V220 H580"/>{marks}{recall}{alarms}{names}{keys}'
    return f'<svg viewBox="0 0 600 250" role="img" aria-label="rates by threshold">{inside}</svg>'


def _curve(name: str, points: Iterable[tuple[float, float | None]]) -> str:
    drawn = [f"{40 + at * 540:.1f},{220 - share * 200:.1f}" for at, share in points if share is not None]
    return f'<path class="{name}" d="M{" L".join(drawn)}"/>' if drawn else ""
