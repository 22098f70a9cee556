"""What the trail remembers of a call that was refused."""

from __future__ import annotations

from ostiary.core.errors import NotFound, Quarantined
from ostiary.core.model import Caller, Inbound
from ostiary.core.trail import Trail


async def nothing() -> bytes:
    return b""


def trail() -> Trail:
    return Trail(Inbound("POST", "/mcp", {}, frozenset(), None, "", nothing), "ref-1", 7, 0.0, 0.0)


def test_why_a_call_was_refused_is_remembered_in_detail_or_else_as_the_client_heard_it() -> None:
    it = trail()
    it.refuse(NotFound("no_rule", hint="files.read"))
    assert (it.outcome, it.detail, it.caller) == ("not_found", "no_rule", None)
    it.refuse(NotFound(hint="files.read"))
    assert it.detail == "files.read"


def test_who_was_shut_out_is_remembered_too() -> None:
    it, ana = trail(), Caller("ana", "ostiary", "tok_1", "token", 9e9)
    it.refuse(Quarantined("quarantine:q_1", hint="ask", caller=ana))
    assert (it.outcome, it.detail, it.caller) == ("quarantined", "quarantine:q_1", ana)
