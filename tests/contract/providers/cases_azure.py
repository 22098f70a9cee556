"""Azure AI Content Safety 2024-09-01, by its REST reference: `text:shieldPrompt` and `text:analyze`."""

from __future__ import annotations

from typing import Any

from ostiary.core.screening import Side
from tests.contract.providers.case import Case
from tests.contract.providers.house import KEY, Heard, Reply

BETWEEN = "\n\x1e\n"
HARMS = ["Hate", "SelfHarm", "Sexual", "Violence"]
IDENT = {"apim-request-id": "5f0e4f1c-0b7a-4f6a-8c59-6f2a1e5d0b11"}
QUIET, LOUD = {"attackDetected": False}, {"attackDetected": True}


def reached(heard: Heard, operation: str) -> Any:
    assert (heard.method, heard.path) == ("POST", f"/contentsafety/{operation}?api-version=2024-09-01")
    assert heard.headers["ocp-apim-subscription-key"] == KEY
    assert "authorization" not in heard.headers
    return heard.json


def shields(heard: Heard, side: Side) -> None:
    said = reached(heard, "text:shieldPrompt")
    assert said.keys() == ({"userPrompt"} if side is Side.REQUEST else {"documents"})
    assert 0 < len(said.get("userPrompt", "x")) <= 10_000
    documents = said.get("documents", [])
    assert len(documents) <= 5
    assert all(documents)
    assert sum(map(len, documents)) <= 10_000


def shielded(heard: Heard) -> list[str]:
    said = heard.json
    return [text for each in said.get("documents", [said.get("userPrompt")]) for text in each.split(BETWEEN)]


def shield(heard: Heard, last: Any = QUIET, **changed: Any) -> Reply:
    said = heard.json
    documents = [*[QUIET] * (len(said["documents"]) - 1), last] if "documents" in said else []
    made = {"documentsAnalysis": documents, **({"userPromptAnalysis": last} if "userPrompt" in said else {}), **changed}
    return Reply({key: value for key, value in made.items() if value is not ...}, headers=IDENT)


def harms(heard: Heard, side: Side) -> None:
    said = reached(heard, "text:analyze")
    assert said.keys() == {"text", "categories", "outputType"}
    assert 0 < len(said["text"]) <= 10_000
    assert (said["categories"], said["outputType"]) == (HARMS, "EightSeverityLevels")


def analysis(**severities: Any) -> Reply:
    found = {**dict.fromkeys(HARMS, 0), **severities}
    return Reply({
        "blocklistsMatch": [],
        "categoriesAnalysis": [{"category": key, "severity": value} for key, value in found.items() if value is not ...],
    })  # fmt: skip


AZURE_SHIELDS = Case(
    use="azure-prompt-shields",
    keys={"key": "env:KEY"},
    check=shields,
    shown=shielded,
    allow=shield,
    block=lambda heard: shield(heard, LOUD),
    named="attack-in-",
    not_a_pass={
        "nothing was judged": lambda heard: shield(heard, documentsAnalysis=...),
        "one document too few": lambda heard: shield(heard, documentsAnalysis=[]),
        "the prompt instead of the documents": lambda heard: shield(
            heard, documentsAnalysis=[], userPromptAnalysis=QUIET
        ),
        "a document that was not judged": lambda heard: shield(heard, None),
        "an analysis without a verdict": lambda heard: shield(heard, {}),
        "a verdict that is null": lambda heard: shield(heard, {"attackDetected": None}),
        "a verdict that is a text": lambda heard: shield(heard, {"attackDetected": "false"}),
        "a verdict that is a number": lambda heard: shield(heard, {"attackDetected": 0}),
    },
)

AZURE_HARMS = Case(
    use="azure-content-safety",
    keys={"key": "env:KEY"},
    check=harms,
    shown=lambda heard: str(heard.json["text"]).split(BETWEEN),
    allow=lambda _: analysis(),
    block=lambda _: analysis(Violence=6),
    named="Violence at 0.86",
    not_a_pass={
        "a category is missing": lambda _: analysis(Hate=...),
        "a severity is null": lambda _: analysis(Hate=None),
        "a severity is a text": lambda _: analysis(Hate="0"),
        "a severity is a boolean": lambda _: analysis(Hate=False),
        "a severity is out of range": lambda _: analysis(Hate=8),
        "no analysis": lambda _: Reply({"blocklistsMatch": []}),
        "an analysis of another shape": lambda _: Reply({"categoriesAnalysis": HARMS}),
    },
    noted={"a low severity": lambda _: analysis(Hate=2)},
)
