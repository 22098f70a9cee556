"""Measure what is found and what is falsely found: `python -m tests.unit.guards.sensitive_report [each]`."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ostiary.guards import personal, secrets
from tests.unit.guards.sensitive_documents import HELD_BACK, KNOWN, Document, harmless, sensitive


class Measured(NamedTuple):
    documents: Counter[str]
    missed: list[Document]
    false: list[tuple[Document, str]]

    def recall(self, kind: str) -> float:
        return 1 - sum(each.kind == kind for each in self.missed) / self.documents[kind]

    def false_alarms(self) -> float:
        return len({id(each) for each, _ in self.false}) / self.documents["harmless"]


def covered(document: Document) -> bool:
    """Say whether nothing of the value is left: no six characters of it that the rest of its document has not."""
    search = secrets.search if document.kind == "secret" else personal.search
    left = list(document.text)
    for each in search(document.text):
        left[each.start : each.end] = "\0" * (each.end - each.start)
    rest, whole = "".join(left), document.value
    return rest != document.text and not any(
        whole[place : place + 6] in rest for place in range(max(1, len(whole) - 5))
    )


def measure(documents: Iterable[Document]) -> Measured:
    counts: Counter[str] = Counter()
    measured = Measured(counts, [], [])
    for each in documents:
        counts[each.kind] += 1
        if each.kind != "harmless" and not covered(each):
            measured.missed.append(each)
        if each.kind == "harmless":
            measured.false.extend((each, one.rule) for one in (*secrets.search(each.text), *personal.search(each.text)))
    return measured


def cost(documents: list[Document]) -> float:
    """Return CPU milliseconds for 2 KB of ordinary documents with one sensitive one among them."""
    filling = "\n".join(
        each.text for each in harmless(9, KNOWN, 1) if each.family in {"uuid", "iso", "order", "git-sha", "amount"}
    )
    texts = [f"{each.text}\n{filling}"[:2048] for each in documents]
    began = time.process_time()
    for text in texts:
        secrets.search(text)
        personal.search(text)
    return (time.process_time() - began) * 1000 / len(texts)


def main(each: int) -> None:
    """Print what was found, missed and falsely found, in ways of writing that were known and held back."""
    for name, ways, seed in (("known ways", KNOWN, 1), ("held-back ways", HELD_BACK, 2)):
        documents = [*sensitive(seed, ways, each), *harmless(seed + 10, ways, each * 2)]
        seen = measure(documents)
        print(
            f"{name}: {dict(seen.documents)}; recall secrets {seen.recall('secret'):.2%}, personal {seen.recall('personal'):.2%}; "
            f"false alarms {seen.false_alarms():.2%}; {cost(documents):.2f} CPU-ms per 2 KB"
        )
        print("  missed:", Counter((one.family, one.way) for one in seen.missed).most_common(25))
        print("  false:", Counter((one.family, rule) for one, rule in seen.false).most_common(25))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
