"""The trail of one call: filled in step by step, written whatever happens."""

from __future__ import annotations

from msgspec import Struct

from ostiary.core.capturing import Captured
from ostiary.core.costs import Cost
from ostiary.core.errors import GatewayError, Quarantined
from ostiary.core.model import Call, Caller, Decision, Inbound, Target
from ostiary.core.rules import Run
from ostiary.core.screening import Looked


class Trail(Struct):
    """The only mutable value in the pipeline."""

    message: Inbound
    reference: str
    revision: int
    started: float
    """Monotonic seconds, for durations."""
    time: float
    """Seconds since the epoch, for the record."""
    caller: Caller | None = None
    call: Call | None = None
    target: Target | None = None
    decision: Decision | None = None
    findings: list[str] = []
    looked: list[Looked] = []
    """The guards that looked at what was said, in the order in which they did."""
    run: Run | None = None
    """The agent run that the call belongs to, as it was when the call was decided; None where no rule asks."""
    intended: bool = False
    """The intent is in the ledger: the call may have left."""
    sent: float = 0.0
    """Monotonic seconds when the call left; 0.0: it never did."""
    answered: float = 0.0
    ended: float = 0.0
    marks: list[float] | None = None
    """Monotonic seconds at which each step of `serve` ended; for a sample of calls only."""
    request_bytes: int = 0
    answer_bytes: int = 0
    outcome: str = "abandoned"
    """`answered`, `input_required`, `tool_error`, `rpc_error`, `abandoned`, or the code of the failure."""
    detail: str = ""
    warning: str = ""
    """What the caller is told beside the answer, where their run seems to go in circles."""
    cost: Cost | None = None
    """What the call cost, as far as that is known by now; None: nothing that has a price."""
    captured: tuple[Captured, ...] = ()
    """What was kept of it, sealed, where a rule wants that."""
    task: str = ""
    """The server's id of the task that the call began."""
    told: bytes = b""
    """What the ledger told of an earlier call that agrees with this one in all but time, reference and arguments."""

    def refuse(self, error: GatewayError) -> None:
        """Remember why the call ended without an answer of the upstream's."""
        self.outcome, self.detail = error.code, error.detail or error.hint
        if isinstance(error, Quarantined):
            # Who was shut out was known, and must not be missing where somebody looks for what they tried.
            self.caller = error.caller
