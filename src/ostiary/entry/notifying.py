"""The receivers of alerts that a configuration names, each by the guarded way out, with the secrets that it needs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Final

from ostiary.adapters.notify import mail
from ostiary.adapters.notify.forms import FORMS, Answer, Told, Verdict, judged
from ostiary.adapters.notify.outbox import Deliver
from ostiary.adapters.upstream.fetching import Fetching
from ostiary.behaviour.alarming import Notice
from ostiary.config.alerts import PAGERDUTY, Receiver
from ostiary.config.values import Secret
from ostiary.core.errors import GatewayError

_WITHIN: Final = 10.0
_DIGITS: Final = 32
_PURPOSE: Final = b"alerts 1\0"

Resolve = Callable[[Secret], str]


class Way:
    """The way to one receiver."""

    def __init__(self, receiver: Receiver, resolve: Resolve, now: Callable[[], float] = time.time) -> None:
        """Read its secrets once, so that one that is missing is noticed before it is needed; raise where one is."""
        self._receiver, self._resolve, self._now = receiver, resolve, now
        for each in (receiver.url, receiver.key, receiver.password):
            if isinstance(each, Secret):
                self._read(each)
        self._tls = _trusting(receiver, resolve)
        permitted = tuple(receiver.allow_private)
        self._fetching = Fetching(Answer, permitted, self._tls, plain=bool(permitted))
        self.deliver: Deliver = self._mail if receiver.kind == "email" else self._post

    async def close(self) -> None:
        """Drop its connections."""
        await self._fetching.close()

    async def _post(self, told: Told) -> Verdict:
        receiver = self._receiver
        # Secrets are read anew each time: they may have been rotated.
        url = self._read(receiver.url) if isinstance(receiver.url, Secret) else receiver.url or PAGERDUTY
        made = FORMS[receiver.kind](told, url, self._read(receiver.key), self._now())
        deadline = asyncio.get_running_loop().time() + _WITHIN
        return judged(await self._fetching.send("POST", made.url, made.headers, made.body, deadline))

    async def _mail(self, told: Told) -> Verdict:
        receiver, server = self._receiver, self._receiver.server
        if server is None or receiver.sender is None:
            raise ValueError("a mail has a server and a sender")
        post = mail.Post(
            server.host, server.port, receiver.sender, receiver.recipients,
            "" if receiver.unsafe_plain else receiver.tls, receiver.user or "", tuple(receiver.allow_private),
        )  # fmt: skip
        context = self._tls or ssl.create_default_context()
        return await _aside(partial(mail.deliver, told, post, self._read(receiver.password), context))

    def _read(self, secret: Secret | None) -> str:
        # A file ends with a line break, which no URL and no key has.
        return self._resolve(secret).strip() if secret is not None else ""


async def _aside(work: Callable[[], Verdict]) -> Verdict:
    """Return what something that blocks returns."""
    done: Future[Verdict] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(work())
        except (OSError, ValueError, GatewayError) as error:
            done.set_exception(error)
        finally:
            if not done.done():
                done.set_exception(RuntimeError("what blocked ended by a fault of its own"))

    # The loop's own threads are waited for at the end; a mail server that hangs must not keep the gateway from ending.
    threading.Thread(target=run, daemon=True, name="alert-mail").start()
    return await asyncio.wrap_future(done)


def keyed(key: bytes) -> Callable[[Notice], str]:
    """Return what names an alert and its group: the same after a restart, and nothing that could be guessed back."""

    def name(notice: Notice) -> str:
        said = f"{notice.alert}\0{notice.group}".encode("utf-8", "surrogatepass")
        return hmac.new(key, _PURPOSE + said, hashlib.sha256).hexdigest()[:_DIGITS]

    return name


def _trusting(receiver: Receiver, resolve: Resolve) -> ssl.SSLContext | None:
    if receiver.ca is None:
        return None
    context = ssl.create_default_context(cadata=resolve(receiver.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
