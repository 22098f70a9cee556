"""A mail server that keeps what it is given: SMTP with STARTTLS, with TLS from the beginning, or with none."""

from __future__ import annotations

import asyncio
import base64
import email
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

import trustme


@dataclass
class Mailing:
    """What came."""

    ca: Path
    port: int = 0
    mails: list[Message] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[str] = field(default_factory=list)


@asynccontextmanager
async def mailing(folder: Path, tls: str, reply: str = "250 taken") -> AsyncIterator[Mailing]:
    """Run one on a port of its own; `reply` is what follows a mail."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    found = Mailing(folder / "mail-ca.pem")
    found.ca.write_bytes(authority.cert_pem.bytes())

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _talk(found, reader, writer, context if tls == "starttls" else None, reply)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "localhost", 0, ssl=context if tls == "tls" else None, family=2)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


async def _talk(
    found: Mailing, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext | None, reply: str
) -> None:
    def say(*lines: str) -> None:
        writer.write("".join(f"{line}\r\n" for line in lines).encode())

    say("220 mail")
    while line := (await reader.readline()).decode().strip():
        match line.split()[0].upper():
            case "EHLO":
                offered = ["STARTTLS"] if tls and not writer.get_extra_info("ssl_object") else []
                extra = [*offered, "AUTH PLAIN"]
                say("250-mail", *(f"250-{each}" for each in extra[:-1]), f"250 {extra[-1]}")
            case "STARTTLS" if tls is not None:
                say("220 go on")
                await writer.start_tls(tls)
            case "AUTH":
                found.users.append(base64.b64decode(line.split()[2]).split(b"\0")[1].decode())
                say("235 welcome")
            case "DATA":
                say("354 go on")
                text = (await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n")
                if reply.startswith("250"):
                    found.mails.append(email.message_from_bytes(text))
                    found.encrypted.append(writer.get_extra_info("ssl_object") is not None)
                say(reply)
            case "QUIT":
                say("221 bye")
                return
            case "MAIL" | "RCPT" | "RSET":
                say("250 yes")
            case _:
                say("502 no")
