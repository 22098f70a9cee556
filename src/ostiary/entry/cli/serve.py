"""`ostiary serve`: run the gateway."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Final

import ostiary.entry.cli.plain  # noqa: F401 - before structlog, and whatever imports it  # isort: skip

import structlog
import typer
import uvloop
import watchfiles

from ostiary.adapters.http.bounds import unfinished
from ostiary.adapters.http.certificates import CannotServe, Certificates
from ostiary.adapters.http.proxies import proxied
from ostiary.adapters.http.server import serve as listen
from ostiary.adapters.telemetry.logs import configure, unhandled
from ostiary.config.schema import Gateway as Section
from ostiary.config.values import is_loopback
from ostiary.entry.wiring import Gateway
from ostiary.pipeline.turns import SWITCH

log: Final = structlog.get_logger(__name__)

_YOUNG: Final = 20_000
"""New objects after which the collector looks for cycles among them."""


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration.")] = Path("ostiary.yaml"),
) -> None:
    """Run the gateway.

    Example: ostiary serve -c /etc/ostiary/ostiary.yaml

    SIGHUP, or a change of the file, reads the configuration again; SIGTERM lets calls in flight finish.
    """
    uvloop.run(_run(config))


async def _run(path: Path) -> None:
    gateway = Gateway(path)
    section = gateway.revisions.config.gateway
    configure(section.log.level, section.log.format)
    _refuse_exposure(section, known=bool(gateway.revisions.config.identity))
    certificates = _certificates(section)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(unhandled)

    def end() -> None:
        gateway.end()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    async with gateway:
        reloads = asyncio.Event()

        def again() -> None:
            reloads.set()
            if certificates is not None:
                certificates.renew()

        loop.add_signal_handler(signal.SIGHUP, again)
        watching = [asyncio.create_task(_watch(path, reloads)), asyncio.create_task(_reload(gateway, reloads))]
        await _invite(gateway)
        if certificates is not None:
            watching.append(asyncio.create_task(certificates.watch()))
        # What lives now lives until the end: the collector need not look at it again with every call.
        gc.collect()
        gc.freeze()
        # A call leaves no cycle behind. Looked for after 700 objects, as is the default, cycles cost a twentieth of it.
        gc.set_threshold(_YOUNG)
        sys.setswitchinterval(SWITCH)
        try:
            await _listen(gateway, section, certificates, stop)
        finally:
            for task in watching:
                task.cancel()


async def _invite(gateway: Gateway) -> None:
    """Say how the first administrator comes in: on a terminal, or in a file that only the gateway's owner reads."""
    link = await gateway.people.invitation()
    if not link:
        return
    if sys.stderr.isatty():
        typer.echo(f"Nobody is an administrator yet. This link makes one, once, within 30 minutes:\n  {link}", err=True)
        return
    # What is no terminal is a log, which many read, and which is kept.
    path = gateway.data / "bootstrap-link"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{link}\n")
    log.info(
        "nobody is an administrator yet; a link that makes one, once, within 30 minutes, is in a file", file=str(path)
    )


def _certificates(section: Section) -> Certificates | None:
    if section.tls is None:
        return None
    ca = section.tls.client_ca
    try:
        return Certificates(section.tls.certificate.where, section.tls.key.where, ca.where if ca else None)
    except CannotServe as error:
        raise typer.BadParameter(str(error)) from error


async def _listen(gateway: Gateway, section: Section, certificates: Certificates | None, stop: asyncio.Event) -> None:
    def started(port: int) -> None:
        log.info("listening", host=section.listen.host, port=port, url=section.url)

    await listen(
        proxied(gateway.door, section.trusted_proxy) if section.trusted_proxy else gateway.door,
        (section.listen.host, section.listen.port),
        certificates.context if certificates is not None else None,
        section.timeouts.shutdown,
        started,
        stop=stop,
        limits=unfinished(section.bounds.body),
        shed=gateway.door.shed,
    )


def _refuse_exposure(section: Section, *, known: bool) -> None:
    """Refuse to listen beyond this machine while nothing but tokens of ours says who calls."""
    if known or is_loopback(section.listen.host) or section.unsafe_listen_without_identity:
        return
    raise typer.BadParameter(
        f"gateway.listen is {section.listen}, which other machines can reach, and no identity provider is configured. "
        "Listen on 127.0.0.1, or set gateway.unsafe_listen_without_identity: true if tokens are enough for you."
    )


async def _watch(path: Path, reloads: asyncio.Event) -> None:
    known = _stamp(path)
    # The folder and not the file: editors put a new file in the old one's place, and a mount of Kubernetes moves a
    # link beside it, so that nothing happens under the file's own name.
    async for _ in watchfiles.awatch(path.parent, recursive=False, watch_filter=None):
        now = _stamp(path)
        if now not in {known, None}:
            reloads.set()
        known = now


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


async def _reload(gateway: Gateway, reloads: asyncio.Event) -> None:
    while True:
        await reloads.wait()
        reloads.clear()
        try:
            await gateway.reload()
        except Exception:
            # Whatever is wrong with this file, the next one must be read again.
            log.exception("the configuration could not be read again")
