"""Write `docs/errors.md`: every way a call can end badly, and what to do about it. `--check` compares instead."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ostiary.core import errors
from ostiary.core.errors import Busy, Fault, GatewayError, Refusal, UpstreamFailure

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
ROOTS: Final = (
    (Refusal, "Refusals", "The gateway says no. Sending the same again gets the same answer."),
    (UpstreamFailure, "Failures of a server", "A server behind the gateway did not do its part."),
    (Busy, "Not now", "Come back after the seconds in `Retry-After`."),
    (Fault, "Faults", "The gateway is broken; the call did not happen, or its answer is lost."),
)
ADVICE: Final[Mapping[str, str]] = {
    "not_json": "Send one JSON object in UTF-8, without NaN, lone surrogates or a byte order mark.",
    "malformed": "Send one JSON-RPC 2.0 request or notification: no batch, no null id, no key twice.",
    "bad_params": "Mend the parameter that the message names. For a cursor: list again from the start.",
    "header_mismatch": "Send each routing header once and equal to the body. If a proxy sits in front, let it pass "
    "`MCP-Protocol-Version`, `Mcp-Method`, `Mcp-Name` and `Mcp-Param-*` unchanged.",
    "missing_capability": "Declare the capability in `_meta`, or use a client that has it.",
    "unsupported_version": "Use one of the versions in `data.supported`.",
    "unknown_method": "Check the spelling, and that the method exists in the protocol version of the request.",
    "wrong_verb": "POST requests; GET and DELETE are for sessions of the handshake era only.",
    "not_acceptable": "Send `Accept: application/json, text/event-stream`.",
    "wrong_media": "Send `Content-Type: application/json`.",
    "too_large": "Send less, or raise `gateway.bounds.body` or `gateway.bounds.depth`.",
    "head_too_large": "Send fewer or shorter headers.",
    "wrong_host": "Use the name in `gateway.url`, or add the one you use to `gateway.hosts`. Behind a proxy, let it "
    "pass the Host header.",
    "wrong_origin": "Add the page's origin to `gateway.origins`, if you trust it.",
    "no_such_place": "Use `/mcp`, `/servers/NAME/mcp` or `/views/NAME/mcp`.",
    "session_required": "Send the `Mcp-Session-Id` that the initialize response carried, or initialize first.",
    "session_unknown": "Initialize again: the session ended, expired, or belongs to another credential or endpoint.",
    "unauthenticated": "Send `Authorization: Bearer …` with a valid token; `ostiary token create` makes one.",
    "insufficient_scope": "Get a credential with the scopes that the message names.",
    "quarantined": "Ask whoever runs the gateway: `ostiary quarantine list` says why, and until when.",
    "not_found": "List first. If it should be there: `ostiary why` says which rule hides it, `ostiary tools diff` what "
    "waits for approval.",
    "forbidden": "Ask whoever keeps the rules; the ledger and `ostiary why` name the rule.",
    "bad_arguments": "Mend the arguments that the message names. If the schema changed: `ostiary tools diff`.",
    "runaway": "Do something else than the same again. Who runs the gateway finds the line in `runaways`.",
    "limited": "Wait as long as the message says, or ask for a higher limit.",
    "blocked": "Remove what the guard objected to; the ledger names the finding.",
    "not_captured": "Call again later. Who runs the gateway finds in `/health/ready` why payloads cannot be kept.",
    "result_not_captured": "Do not repeat it before you know what it did. `/health/ready` says what is wrong.",
    "held": "Ask whoever runs the gateway to approve it (`ostiary approvals list`), then call again in the same words.",
    "not_carried": "Use a client and a server of the same protocol era for this.",
    "upstream_unreachable": "Check that the server runs and its address is right: `ostiary probe`. Trying again "
    "is safe.",
    "upstream_lost": "Find out whether the call took effect before trying again.",
    "upstream_timeout": "Find out whether the call took effect before trying again; raise the server's `timeout` if it "
    "is slow by nature.",
    "upstream_garbled": "Report it to whoever keeps the server; the ledger says what was wrong with its answer.",
    "upstream_no_handshake": "Check with `ostiary probe` which protocol the server speaks; set its `era` if it "
    "misleads.",
    "upstream_refused": "Check the server's `credential`; the ledger has the status it answered with.",
    "overloaded": "Try again later; if it is often so, raise `gateway.bounds.in_flight` or the server's "
    "`max_in_flight`.",
    "ledger_stopped": "Free disk space or mend the permissions of `gateway.data`; calls go on by themselves then.",
    "closing": "Try again at once: another instance, or the restarted one, will answer.",
    "fault": "Look for the reference in the gateway's log, and report it.",
}

HEAD: Final = """# Errors

<!-- Written by scripts/errors.py; do not edit. -->

Every refusal and failure has a stable short code. It is in the ledger (`outcome`), in the metrics, and in what a client
gets: for `tools/call`, those marked with † come as a tool result with `isError: true`, so that a model can read them,
with `code`, `reference` and `retry_after` under `_meta["io.ostiary/refusal"]`; otherwise as a JSON-RPC error with the
same under `data`. The reference leads to the record: `ostiary audit search --reference …`.

The HTTP status is the one of protocol version 2026-07-28. Clients of earlier versions read a JSON-RPC error only in a
200, so they get one, but for 401, 403, 503 and what is wrong with their session.

JSON-RPC codes from -32768 to -32000 are those of JSON-RPC and of the specification; ours lie between -31999 and -31000.
"""


def leaves(root: type[GatewayError]) -> Iterator[type[GatewayError]]:
    """Yield the failures of one root, in the order of the source."""
    for each in vars(errors).values():
        if isinstance(each, type) and issubclass(each, root) and hasattr(each, "code"):
            yield each


def page() -> str:
    """Return the whole page; KeyError where a failure has no advice."""
    parts = [HEAD]
    for root, title, said in ROOTS:
        parts.append(f"\n## {title}\n\n{said}\n")
        parts.append("\n| code | HTTP | JSON-RPC | what happened | what to do |\n|---|---|---|---|---|\n")
        for each in leaves(root):
            happened = " ".join((each.__doc__ or "").split())
            mark = " †" if each.readable else ""
            row = f"| `{each.code}`{mark} | {each.status} | {each.jsonrpc} | {happened} | {ADVICE[each.code]} |\n"
            parts.append(row)
    return "".join(parts)


def main() -> int:
    """Write the page, or say whether it is current."""
    fresh = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(fresh, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == fresh:
        return 0
    print("docs/errors.md is not what the code says; run scripts/errors.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
