"""Whoever sits behind a client: answers what servers ask, and remembers what was asked."""

from typing import Any

Json = dict[str, Any]

FULL: Json = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}
DECLARED: dict[str, Json] = {
    "2026-07-28": FULL,
    "2025-11-25": FULL,
    # Elicitation came with 2025-06-18, without modes; URL mode with 2025-11-25.
    "2025-06-18": {"elicitation": {}, "sampling": {}, "roots": {}},
    "2025-03-26": {"sampling": {}, "roots": {}},
    "2024-11-05": {"sampling": {}, "roots": {}},
}
"""What a client of each version can declare at most."""

ENTERED = {"name": "Ada", "color": "blue"}
ROOT = "file:///work"
SAID = "Paris"


class Person:
    """Answers at once, and the same each time."""

    def __init__(self, declared: Json) -> None:
        """Speak for a client that declared this."""
        self.declared = declared
        self.action = "accept"
        """What elicitations are answered with."""
        self.asked: list[Json] = []
        self.beyond: list[Json] = []
        """Questions that the client never declared to understand."""

    def answer(self, method: str, params: Json) -> Json:
        """Return the result of one question."""
        question = {"method": method, "params": params}
        self.asked.append(question)
        if not self._understands(method, params):
            self.beyond.append(question)
        match method:
            case "elicitation/create" if params.get("mode", "form") == "form" and self.action == "accept":
                wanted = params["requestedSchema"]["properties"]
                return {"action": "accept", "content": {name: ENTERED[name] for name in wanted}}
            case "elicitation/create":
                return {"action": self.action}
            case "sampling/createMessage":
                content = {"type": "text", "text": SAID}
                return {"role": "assistant", "content": content, "model": "fixture", "stopReason": "endTurn"}
            case "roots/list":
                return {"roots": [{"uri": ROOT, "name": "work"}]}
        raise AssertionError(f"a client knows no {method}")

    def _understands(self, method: str, params: Json) -> bool:
        if method == "elicitation/create":
            known = self.declared.get("elicitation")
            return known is not None and (params.get("mode", "form") == "form" or "url" in known)
        return {"sampling/createMessage": "sampling", "roots/list": "roots"}.get(method) in self.declared
