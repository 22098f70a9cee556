"""Alerts by mail: SMTP to an address that was judged and pinned, with TLS unless it is said that there is none."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from typing import Any, Final, Literal

from msgspec import Struct

from ostiary.adapters.notify.forms import Told, Verdict, lines, title
from ostiary.core.errors import Unreachable
from ostiary.policy.egress import Network, allowed

WITHIN: Final = 20.0
"""Seconds that each step of a delivery may take."""
_LATER: Final = range(400, 500)
"""Replies by which a mail server says that it may work another time (RFC 5321 section 4.2.1)."""


class Post(Struct, frozen=True):
    """Where mail goes, and from whom to whom."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    tls: Literal["starttls", "tls", ""] = "starttls"
    """Empty: none."""
    user: str = ""
    permitted: tuple[Network, ...] = ()


def message(told: Told, post: Post) -> EmailMessage:
    """Return the mail; the end of an alert answers its beginning, so that programs show them together."""
    made = EmailMessage()
    made["Subject"] = title(told)
    made["From"], made["To"] = post.sender, ", ".join(post.recipients)
    made["Date"] = format_datetime(datetime.fromtimestamp(told.notice.at, UTC))
    domain = post.sender.rpartition("@")[2]
    thread = f"<{told.key}@{domain}>"
    made["Message-ID"] = f"<{told.key}.{told.notice.state}.{int(told.notice.at)}@{domain}>"
    made["References"] = thread
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice comes back
    made.set_content("\n".join((title(told), "", *lines(told))) + "\n")
    return made


def deliver(told: Told, post: Post, password: str, context: ssl.SSLContext) -> Verdict:
    """Hand a mail to the mail server; raise `OSError` or `Unreachable` where it does not answer. It blocks."""
    try:
        with _connected(post, context) as server:
            if post.tls == "starttls":
                server.starttls(context=context)
            if post.user:
                server.login(post.user, password)
            server.send_message(message(told, post))
    except smtplib.SMTPNotSupportedError:
        return Verdict(arrived=False, why="the mail server has no TLS, or no way to sign in")
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        return Verdict(arrived=False, again=any(code in _LATER for code in codes), why="it refused all recipients")
    except smtplib.SMTPResponseException as error:
        return Verdict(arrived=False, again=error.smtp_code in _LATER, why=f"it answered {error.smtp_code}")
    except smtplib.SMTPException as error:
        # Its words may repeat what was sent.
        return Verdict(arrived=False, again=True, why=type(error).__name__)
    return Verdict(arrived=True)


def _connected(post: Post, context: ssl.SSLContext) -> smtplib.SMTP:
    wrap = (lambda it: context.wrap_socket(it, server_hostname=post.host)) if post.tls == "tls" else (lambda it: it)
    return _Pinned(post, wrap)


class _Pinned(smtplib.SMTP):
    """A connection to an address that was judged; what is resolved is not resolved again."""

    def __init__(self, post: Post, wrap: Callable[[socket.socket], socket.socket]) -> None:
        self._permitted, self._wrap = post.permitted, wrap
        domain = post.sender.rpartition("@")[2]
        super().__init__(post.host, post.port, local_hostname=domain, timeout=WITHIN)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._wrap(socket.create_connection((_judged(host, port, self._permitted), port), timeout))


def _judged(host: str, port: int, permitted: tuple[Network, ...]) -> str:
    """Return the address to dial; if any of a name's may not be dialled, none is."""
    found: list[Any] = [entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for each in found:
        if not allowed(ip_address(each), permitted):
            todo = f"add allow_private: [{each}] to its receiver if that is meant"
            raise Unreachable(f"{host} leads to {each}, which is not public; {todo}")
    return str(found[0])
