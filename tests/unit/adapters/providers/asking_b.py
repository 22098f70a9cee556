"""What the tests of these formats share: questions, and answers as they would come back."""

from __future__ import annotations

import json
from typing import Any

from ostiary.adapters.providers.formats import Answer, Asked, Outgoing
from ostiary.core.screening import Side, Text

NOW = 1_795_424_400.0


def asked(*words: str, side: Side = Side.REQUEST) -> Asked:
    texts = tuple(Text(("arguments", f"m{index}"), value) for index, value in enumerate(words))
    return Asked(side, "crm", "crm.find", "tools/call", "0f" * 16, texts)


def got(value: Any, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): said for name, said in headers.items()}
    return Answer(status, {"content-type": "application/json", **named}, json.dumps(value).encode())


def said(sent: Outgoing) -> Any:
    return json.loads(sent.body)


def shown(requests: tuple[Outgoing, ...]) -> list[str]:
    """What the portions of some requests carry, in their order."""
    return [portion.value for sent in requests for portion in sent.portions]
