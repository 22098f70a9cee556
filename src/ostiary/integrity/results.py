"""Hold what a tool returns against the output schema that was approved for it. Pure.

`block`: what does not fit is not handed on. `strip`: members that the schema does not name are taken out, and what does
not fit even so is not handed on. `note`: it is handed on, and the ledger says that it does not fit.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.core.errors import Garbled
from ostiary.core.model import Fitted, Json
from ostiary.integrity.bounds import exceeding, mapping, pointed
from ostiary.integrity.closing import COMBINING
from ostiary.integrity.schemas import fitting

NOTE: Final = "results: the answer does not fit the approved outputSchema"
STRIPPED: Final = "results: the answer had more than the approved outputSchema names"
_SAYING: Final = ("additionalProperties", "unevaluatedProperties", "patternProperties")
_HINT: Final = (
    "what it returned does not fit the output schema that was approved for this tool; whoever runs the gateway can "
    "write results: note for the server"
)
_FOLLOWED: Final = 16


class Most(Struct, frozen=True):
    """What a result may be at most."""

    depth: int = 128
    values: int = 1_000_000


MOST: Final = Most()
"""What no answer may exceed: whoever reads one refuses it before it is a result (`protocol.jsonrpc`)."""
_encode: Final = msgspec.json.encode


def held(definition: Json, how: str) -> Fitted | None:
    """Return what holds results against a tool's output schema; None where it has none. ValueError: no valid schema."""
    schema = definition.get("outputSchema")
    if schema is None:
        return None
    if not isinstance(schema, dict):
        raise ValueError("outputSchema is no schema")  # noqa: TRY004 - a definition's mistake, as all others
    fits = fitting(schema)

    def fitted(result: Json) -> tuple[Json, str]:
        if result.get("isError") is True or result.get("resultType", "complete") != "complete":
            return result, ""
        finding = ""
        if how == "strip" and "structuredContent" in result:
            result, finding = _stripped(result, schema)
        if "structuredContent" in result and fits(result["structuredContent"]):
            return result, finding
        if how == "note":
            return result, NOTE
        raise Garbled("the result does not fit the approved outputSchema", hint=_HINT)

    return fitted


def within(fitted: Fitted | None, most: Most) -> Fitted | None:
    """Return what holds results against bounds first, and then as `fitted` does; `fitted` where the bounds are none."""
    if most == MOST:
        return fitted

    def bounded(result: Json) -> tuple[Json, str]:
        reason = exceeding(result, most.depth, most.values)
        if reason:
            raise Garbled(f"the result {reason}", hint=f"its result {reason}; whoever runs the gateway set that bound")
        return fitted(result) if fitted is not None else (result, "")

    return bounded


def _stripped(result: Json, schema: Json) -> tuple[Json, str]:
    """Return a result without the members that its schema does not name, in its text as well."""
    before = result["structuredContent"]
    after = _named(before, schema, schema)
    if after == before:
        return result, ""
    content = result.get("content")
    blocks = [_retold(each, before, after) for each in content] if isinstance(content, list) else content
    return {**result, "structuredContent": after, "content": blocks}, STRIPPED


def _retold(block: Any, before: Any, after: Any) -> Any:
    """Return a block of text that says the same as the structured content (2025-06-18) with what is left of it."""
    text = block.get("text") if isinstance(block, dict) else None
    if not isinstance(text, str):
        return block
    try:
        said = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return block
    return {**block, "text": _encode(after).decode()} if said == before else block


def _named(value: Any, schema: Any, root: Json) -> Any:
    """Return what a schema names of a value; where it combines others, or says what else may come, all of it."""
    schema = _followed(schema, root)
    if not COMBINING.isdisjoint(schema):
        return value
    if isinstance(value, list):
        items = schema.get("items")
        return [_named(each, items, root) for each in value] if isinstance(items, dict) else value
    properties = mapping(schema.get("properties"))
    if not isinstance(value, dict) or not properties:
        return value
    open_ = any(schema.get(key) not in (None, False) for key in _SAYING)
    return {key: _named(each, properties.get(key), root) for key, each in value.items() if open_ or key in properties}


def _followed(schema: Any, root: Json) -> dict[str, Any]:
    for _ in range(_FOLLOWED):
        if not isinstance(schema, dict) or "$ref" not in schema:
            break
        schema = pointed(root, schema["$ref"])
    return mapping(schema)
