"""What `ostiary audit verify` says of a proof: for people, and for programs."""

from __future__ import annotations

from typing import Any

import msgspec

from ostiary.adapters.store.captures_proof import Payloads
from ostiary.adapters.store.ledger_proof import Proof
from ostiary.entry.cli.terminal import line, plural, say
from ostiary.integrity.chain import Problem
from ostiary.integrity.tampering import MEANING


def plain(proof: Proof, kept: Payloads | None = None) -> dict[str, Any]:
    """Return a proof as JSON says it; names are only ever added."""
    report = proof.report
    fields = ("chain", "segments", "records", "last", "head", "seals", "sealed")
    return {
        "ok": proof.ok and (kept is None or kept.ok),
        **{name: getattr(report, name) for name in fields},
        "key": proof.fingerprint,
        "checkpoints": proof.checkpoints,
        "elsewhere": proof.elsewhere,
        "anchored": proof.anchored,
        "torn": report.torn is not None,
        "first": _placed(proof.problems[0]) if proof.problems else None,
        "problems": [_placed(each) for each in proof.problems],
        "more": proof.more,
        "notes": list(proof.notes),
        "payloads": msgspec.to_builtins(kept),
    }


def tell(proof: Proof) -> None:
    """Print what is wrong, the first wrong record first, or that nothing is, and what this proof cannot tell."""
    report = proof.report
    for problem in proof.problems:
        line(str(problem), "red")
        if problem is proof.problems[0]:
            line(f"  {MEANING[problem.kind]}", "red")
    if proof.more:
        line(f"and {plural(proof.more, 'problem')} more", "red")
    if report.torn is not None:
        line(
            f"{report.torn.segment:08d}.jsonl:{report.torn.number}: an unfinished record, which a crash leaves behind."
        )
    said = (
        f"{plural(report.records, 'record')} in {plural(report.segments, 'segment')}, sealed up to {report.sealed:,}, "
        f"checkpoints up to {proof.anchored:,}"
    )
    if not proof.ok:
        say(f"The ledger was changed: {said}. Keep a copy of it as it is, and compare with your backups.", "bold red")
        return
    line(f"The ledger is whole: {said}; head {report.head}", "green")
    for note in proof.notes:
        say(f"Note: {note}.")


def tell_payloads(kept: Payloads | None) -> None:
    """Print what became of the payloads that the ledger names."""
    if kept is None:
        return
    for text in kept.problems:
        line(f"payload: {text}", "red")
    if kept.more:
        line(f"and {plural(kept.more, 'payload')} more", "red")
    said = f"{plural(kept.whole, 'payload')} whole, {kept.erased:,} erased, {kept.expired:,} expired"
    line(f"{said}, {len(kept.problems) + kept.more:,} wrong" if kept.problems else said, "" if kept.ok else "red")


def _placed(problem: Problem) -> dict[str, Any]:
    return {
        "kind": problem.kind, "segment": problem.segment, "file": problem.where, "line": problem.line, "n": problem.n,
        "text": problem.text, "meaning": MEANING[problem.kind],
    }  # fmt: skip
