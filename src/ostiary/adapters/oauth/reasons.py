"""Why a request was refused, for the ledger: a code of its own where the client hears one answer to many. Pure."""

from __future__ import annotations

from ostiary.adapters.oauth.failures import Denied
from ostiary.core.errors import GatewayError
from ostiary.core.model import Json


class Because(Denied):
    """A refusal whose reason is for the ledger alone."""

    def __init__(self, denied: Denied, reason: str, facts: Json) -> None:
        """Say to the client what `denied` says; `reason` is a word of ours, and `facts` holds nothing secret."""
        super().__init__(denied.error, denied.why, denied.status, denied.headers)
        self.reason, self.facts = reason, facts


def because(denied: Denied, reason: str, facts: Json | None = None) -> Because:
    """Return a refusal with its reason, and with what else the ledger should know."""
    return Because(denied, reason, facts or {})


def noted(denied: Denied, at: str) -> Json:
    """Return what the ledger is told of a refusal at an endpoint."""
    facts = denied.facts if isinstance(denied, Because) else {}
    return {"at": at, "code": denied.error, "reason": reason(denied), **facts}


def reason(denied: Denied) -> str:
    """Return why: the refusal's own reason, that of what it was caused by, or the error code that the client hears."""
    if isinstance(denied, Because) and denied.reason:
        return denied.reason
    cause = denied.__cause__
    if isinstance(cause, Denied):
        return reason(cause)
    # What refuses a credential elsewhere begins its detail with a code; what follows is for people.
    code = cause.detail.partition(":")[0] if isinstance(cause, GatewayError) else ""
    return code if code.isidentifier() else denied.error
