"""What a server may ask of a client in the middle of a call, and what stands for an answer that never came. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ostiary.core.model import Client, Json
from ostiary.protocol.capabilities import covers
from ostiary.protocol.forms import secret

METHODS: Final = frozenset({"elicitation/create", "sampling/createMessage", "roots/list"})
ASKING: Final = frozenset({"tools/call", "prompts/get", "resources/read"})
"""The methods whose result may be `input_required` (2026-07-28, "Multi Round-Trip Requests")."""
URL_NEEDED: Final = -32042
"""A server of 2025-11-25 says so that the user must go somewhere first (that revision, "URL Elicitation Required")."""
_SCHEMES: Final = ("https://", "http://")
_UNKNOWN: Final = -32601


def objection(client: Client, method: str, params: Json) -> str:
    """Return why this client must not be asked this; empty: it may be."""
    if method not in METHODS:
        return f"{method[:80]} is not something a server may ask"
    if not covers(client.offer, method, params):
        return f"the client did not declare what {method} needs"
    if method == "elicitation/create" and params.get("mode") == "url" and not _web(params.get("url")):
        # A client hands the address to its system to open: `javascript:` or `file:` would be obeyed there.
        return "the address is not an http or https URL"
    found = secret(params) if method == "elicitation/create" else ""
    if found:
        return f"a form must not ask for secrets, and {found} does; send the user to a page of the server's instead"
    return ""


def _web(url: object) -> bool:
    return isinstance(url, str) and url.startswith(_SCHEMES) and url.isprintable() and " " not in url


def refusal(reason: str) -> dict[str, Any]:
    """Return the JSON-RPC answer to a server's request that is not put to anybody."""
    return {"error": {"code": _UNKNOWN, "message": reason}}


def unanswered(method: str) -> Json:
    """Return the answer to a server's request for a client that never came back."""
    if method == "elicitation/create":
        return {"result": {"action": "cancel"}}
    return {"error": {"code": -32603, "message": "the client did not answer"}}


def asked(result: Json) -> Mapping[str, tuple[str, Json]] | None:
    """Return the questions of an `input_required` result by their key: method and params; None: it is malformed."""
    requests = result.get("inputRequests", {})
    if not isinstance(requests, dict) or not (requests or isinstance(result.get("requestState"), str)):
        return None
    found: dict[str, tuple[str, Json]] = {}
    for key, request in requests.items():
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return None
        params = request.get("params", {})
        if not isinstance(params, dict):
            return None
        found[key] = (request["method"], params)
    return found


def first_needed(error: Json) -> dict[str, Json] | None:
    """Return the URL questions in a -32042 error, as input requests of 2026-07-28; None where it holds none."""
    data = error.get("data")
    elicitations = data.get("elicitations") if isinstance(data, dict) else None
    if error.get("code") != URL_NEEDED or not isinstance(elicitations, list) or not elicitations:
        return None
    if not all(isinstance(each, dict) for each in elicitations):
        return None
    return {
        f"url{number}": {"method": "elicitation/create", "params": modern_elicitation({**each, "mode": "url"})}
        for number, each in enumerate(elicitations, 1)
    }


def modern_elicitation(params: Json) -> dict[str, Any]:
    """Return a question's parameters without the id that only 2025-11-25 knows."""
    return {key: value for key, value in params.items() if key != "elicitationId"}
