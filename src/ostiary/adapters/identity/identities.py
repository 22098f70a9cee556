"""Who is asking: each kind of credential to the one that knows it, and a bound on asking with bad ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ostiary.adapters.identity.dpop import by_proof
from ostiary.adapters.identity.failures import Failures
from ostiary.adapters.identity.issuers import Issuers
from ostiary.adapters.identity.jwt import refused
from ostiary.adapters.identity.tokens import Tokens, digest
from ostiary.core.errors import Limited, Unauthenticated
from ostiary.core.model import Caller, Inbound
from ostiary.core.ports import Identify

_PREFIX: Final = "ost_"
_KEPT: Final = 50_000


class Identities:
    """Turns any credential that is taken here into a caller (port `Identify`)."""

    def __init__(
        self, tokens: Identify | None, issuers: Issuers, failures: Failures, holders: Identify | None = None
    ) -> None:
        """`tokens` is None where the configuration forbids tokens that an operator makes.

        `holders` tells callers by the certificate of their connection; None: no certificate is enough.
        """
        self.tokens = tokens
        self._issuers, self._failures, self._holders = issuers, failures, holders
        self._proven: dict[int, None] = {}
        """Credentials that were good when they came last, by a hash that differs in every process."""

    async def __call__(self, message: Inbound) -> Caller:
        """Return the caller, or raise `Unauthenticated`, with a hint only where a credential came.

        A peer that failed too often is not heard, and causes no work, unless it brings what was good before.
        """
        credential = message.credential
        if credential is None:
            if self._holders is None:
                raise Unauthenticated("no_credential: none came")
            return await self._holders(message)
        mark = hash(credential)
        held = False
        if mark not in self._proven:
            self._admit(message.peer)
            # Held before it is looked at: many at once, on as many connections, must not count as one.
            held = self._failures.hold(message.peer)
        try:
            caller = await self._identified(message, credential)
        except Unauthenticated as error:
            if not error.data:
                # With data it is a question that a good client answers with its next request (RFC 9449 section 9).
                self._proven.pop(mark, None)
                if not held:
                    self._failures.add(message.peer)
                held = False
            raise
        finally:
            if held:
                self._failures.back(message.peer)
        if mark not in self._proven:
            self._remember(mark)
        return caller

    def acquainted(self, message: Inbound) -> Callable[[], Caller | None] | None:
        """Return what says, each time that it is asked, who the credential of a message speaks for.

        It says None where somebody has to be asked, and there is none for credentials that are more than a token.
        """
        credential, tokens = message.credential, self.tokens
        if credential is None or by_proof(message):
            return None
        if not credential.startswith(_PREFIX):
            return self._issuers.acquainted(credential)
        if not isinstance(tokens, Tokens):
            return None
        key, again = digest(credential), tokens.again
        return lambda: again(key) if self.tokens is tokens else None

    def _admit(self, peer: str) -> None:
        wait = self._failures.wait(peer)
        if wait > 0.0:
            raise Limited(
                "attempts_limited: too many bad credentials from this peer",
                hint="too many bad credentials came from this address; come back later with a good one",
                retry_after=wait,
            )

    def _remember(self, mark: int) -> None:
        if len(self._proven) >= _KEPT:
            del self._proven[next(iter(self._proven))]
        self._proven[mark] = None

    async def _identified(self, message: Inbound, credential: str) -> Caller:
        if not credential.startswith(_PREFIX):
            return await self._issuers(message)
        if self.tokens is None:
            raise refused("token_off", "tokens made by an operator are switched off")
        if by_proof(message):
            raise refused("dpop_unbound", "sent with the scheme of bound tokens, and bound to nothing")
        return await self.tokens(message)
