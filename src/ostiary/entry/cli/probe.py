"""`ostiary probe`: ask a server directly and through the gateway, and say what is different."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_network
from typing import Annotated, Any, Final

import msgspec
import sqlalchemy as sa
import typer
from msgspec import Struct

from ostiary.adapters.identity import tokens
from ostiary.adapters.secrets import base_environment, resolve
from ostiary.adapters.store import database
from ostiary.adapters.upstream.dial import Dialer
from ostiary.adapters.upstream.hub import Hub
from ostiary.adapters.upstream.server import Setup
from ostiary.config.policy import Policy
from ostiary.config.problems import did_you_mean
from ostiary.config.schema import Config
from ostiary.config.scopes import brings
from ostiary.config.values import Secret, is_loopback
from ostiary.core.model import Era, Json, Kind, Token
from ostiary.core.rules import Ask
from ostiary.entry.cli.asking import Errand, directly, through
from ostiary.entry.cli.asking import asked as asked
from ostiary.entry.cli.borrowed import borrowed
from ostiary.entry.cli.comparing import Row, Side, folded, rows
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    Cell,
    ConfigFile,
    Refused,
    data,
    duration,
    line,
    now,
    quiet,
    say,
    shown,
    styled,
    table,
    usage,
)
from ostiary.entry.offline import Offline, offline
from ostiary.entry.setups import setup
from ostiary.integrity.pins import State, sighting
from ostiary.operate.explain import described, explained, mentioned, supposed
from ostiary.policy.egress import parse_url
from ostiary.protocol.names import label

_GATEWAY: Final = "gateway"
_BRIEF: Final = 600.0
"""Seconds that the probe's own token is good for, should revoking it fail."""
_KNOCK: Final = 3.0
_CLIENTS: Final = {Era.MODERN: "a modern client", Era.HANDSHAKE: "a client of the handshake era"}


class Found(Struct, frozen=True):
    """What both sides said, and what differs for a client of each era."""

    direct: list[Side]
    through: list[Side]
    rows: dict[str, list[Row]]
    running: bool
    """A gateway was running already."""

    @property
    def good(self) -> bool:
        """Say whether both sides could be asked, and every difference has a reason."""
        asked = bool(self.through) and not any(side.failed for side in (*self.direct, *self.through))
        return asked and all(row.good for each in self.rows.values() for row in each)


def probe(  # noqa: PLR0913 - each is an option
    server: Annotated[str, typer.Argument(metavar="SERVER", help="A server of the configuration.")],
    config: ConfigFile = CONFIG,
    *,
    who: Annotated[
        str, typer.Option("--as", metavar="WHO", help="Look as role=x,team=y; without it, as someone with every role.")
    ] = "",
    token_env: Annotated[str, typer.Option(metavar="VARIABLE", help="Look with the token in this variable.")] = "",
    reads: Annotated[int, typer.Option(metavar="N", min=0, help="How many of the listed resources to read.")] = 3,
    call: Annotated[
        str, typer.Option(metavar="TOOL", help="Call this tool on both sides; without it, none is called.")
    ] = "",
    arguments: Annotated[str, typer.Option(metavar="JSON", help="The arguments of that call.")] = "{}",
    timeout: Annotated[str, typer.Option(metavar="DURATION", help="How long to wait for each side.")] = "60s",
    as_json: AsJson = False,
) -> None:
    """Ask a server directly and through the gateway, and compare feature by feature what a client of each era gets.

    It compares protocol, capabilities, instructions, every definition, the
    resources read, announcements of changes, questions, tasks, and the time of a
    round trip, and says why each difference is there: hidden by a rule, held back
    until approved, bridged between eras. It exits 1 where one has no reason.

    No tool is called without --call. With it the tool is called once on the server
    and once through the gateway, in each era; questions that it asks are declined.

    Where no gateway runs it begins one of its own for this one server, on copies
    of the approvals that it throws away. Without --token-env it makes a token for
    this one server, and revokes it when it is done.

    Example: ostiary probe files --as role=developer
    """
    quiet()
    errand = Errand(duration("--timeout", timeout), reads, call, _arguments(arguments))
    opened = offline(config)
    _known(server, opened.config)
    view = _view(opened, server, who, token_env)
    found = _run(view, errand)
    if as_json:
        data(_plain(server, found))
    else:
        _tell(server, found)
    if not found.good:
        raise typer.Exit(1)


def _arguments(text: str) -> Json:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise usage("--arguments", f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise usage("--arguments", 'must be an object, such as \'{"path": "/a"}\'')
    return found


def _known(server: str, config: Config) -> None:
    if server not in config.servers:
        hint = did_you_mean(server, config.servers) or f"there are {', '.join(config.servers) or 'none'}"
        raise usage("SERVER", f"no server is called {server!r}; {hint}")
    if config.servers[server].disabled:
        raise Refused(f"{server} is disabled in the configuration.", "Enable it, or nothing can be compared.")


# Who looks


class View(Struct, frozen=True):
    """A server of a configuration, and with whose eyes it is looked at."""

    opened: Offline
    server: str
    secret: str
    token: Token | None
    """What is known of the token; None: it is not one of this gateway's."""
    made: str
    """The digest to keep of a token of our own; empty: it was given."""

    def __repr__(self) -> str:
        # It holds a secret.
        return f"View({self.server!r})"


def _view(opened: Offline, server: str, who: str, token_env: str) -> View:
    if token_env:
        secret = resolve(Secret("env", token_env))
        known = database.token_by_digest(opened.engine, tokens.digest(secret))
        return View(opened, server, secret, known, "")
    try:
        caller = described(who, brings(opened.config)) if who else None
    except ValueError as error:
        raise usage("--as", error) from None
    spoken = mentioned(opened.config)
    ident, secret, digest = tokens.made()
    token = Token(
        id=ident,
        subject=(caller.subject if caller else "") or "ostiary-probe",
        note="made and revoked by ostiary probe",
        roles=tuple(sorted(caller.roles if caller else spoken["roles"])),
        teams=tuple(sorted(caller.teams if caller else spoken["teams"])),
        scopes=tuple(sorted(caller.scopes if caller else spoken["scopes"])),
        servers=(server,),
        created=now(),
        expires=now() + _BRIEF,
    )
    return View(opened, server, secret, token, digest)


@asynccontextmanager
async def _admitted(view: View, engine: sa.Engine, moved: Callable[[], None]) -> AsyncIterator[None]:
    """Let the token be good while the gateway is asked."""
    if view.token is None or not view.made:
        yield
        return
    database.add_token(engine, view.token, view.made)
    moved()
    try:
        yield
    finally:
        database.revoke_token(engine, view.token.id, now())
        moved()


# Asking


def _run(view: View, errand: Errand) -> Found:
    try:
        return asyncio.run(_found(view, errand))
    except ExceptionGroup as group:
        # A task group wraps what went wrong in it; a command tells the thing itself.
        error: Exception = group
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        raise error from None


async def _found(view: View, errand: Errand) -> Found:
    config = view.opened.config
    hub = Hub(base_environment())
    async with hub.supervisor:
        try:
            direct = await directly(hub, setup(view.server, config.servers[view.server], config, resolve), errand)
            running = await _answers(_ourselves(config, view))
            again = msgspec.structs.replace(errand, uris=tuple(direct[0].reads))
            if running or not direct[0].failed:
                others = await _through(hub, view, again, running=running)
            else:
                others = []
        finally:
            await hub.close()
    return Found(direct, others, dict(_compared(view, direct, others)), running)


async def _through(hub: Hub, view: View, errand: Errand, *, running: bool) -> list[Side]:
    opened = view.opened
    if running:
        async with _admitted(view, opened.engine, opened.generation.move):
            return await through(hub, _ourselves(opened.config, view), errand)
    try:
        async with (
            borrowed(opened, view.server, errand.patience) as (gateway, port),
            _admitted(view, gateway.engine, gateway.generation.move),
        ):
            return await through(hub, _ourselves(opened.config, view, port), errand)
    except TimeoutError:
        return [Side(era, failed="a gateway for this command did not begin in time") for era in _CLIENTS]


def _ourselves(config: Config, view: View, port: int = 0) -> Setup:
    """Return the gateway as an upstream: what we ask others with, we can ask ourselves with."""
    section = config.gateway
    near = is_loopback(section.listen.host) and section.tls is None and section.listen.port != 0
    base = f"http://127.0.0.1:{port}" if port else f"http://{section.listen}" if near else section.url
    origin = parse_url(f"{base}/servers/{view.server}/mcp")
    # Our own address may be anywhere: that is not a third party's word.
    dial = Dialer((ip_network("0.0.0.0/0"), ip_network("::/0")))
    tls = ssl.create_default_context() if origin.scheme == "https" else None
    return Setup(_GATEWAY, origin, f"authorization: Bearer {view.secret}\r\n".encode("ascii"), tls, dial)


async def _answers(gateway: Setup) -> bool:
    """Say whether anything listens where the gateway should."""
    if gateway.origin is None:
        return False
    try:
        async with asyncio.timeout(_KNOCK):
            _, writer = await asyncio.open_connection(gateway.origin.host, gateway.origin.port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


# Comparing


def _compared(view: View, direct: Sequence[Side], others: Sequence[Side]) -> Iterator[tuple[str, list[Row]]]:
    """Yield what differs for a client of each era, next to the server in the same era where it speaks that."""
    for side in others:
        same = next((each for each in direct if each.era is side.era), direct[0])
        if not side.failed and not same.failed:
            tools = view.opened.config.servers[view.server].tools
            ours = frozenset(name for name, each in tools.items() if each.destructive is not None)
            yield str(side.era), list(rows(same, side, partial(_missing, view, same), ours))


def _missing(view: View, side: Side, kind: Kind, name: str) -> tuple[str, str]:
    """Say why a definition is not listed to this caller; no reason: the gateway should have listed it."""
    opened, named = view.opened, label(view.server, kind, name)
    definition = side.definitions.get((kind, name))
    if definition is not None:
        stands = opened.revisions.state(view.server, sighting(kind, definition))
        if stands is not State.APPROVED:
            todo = "ostiary tools diff" if stands is not State.REJECTED else "ostiary tools list"
            return "held back", f"it is {stands}: {todo}"
    tool = opened.config.servers[view.server].tools.get(name) if kind is Kind.TOOL else None
    if tool is not None and tool.disabled:
        return "hidden", "it is disabled in the configuration"
    if view.token is None:
        return "hidden", f"the token is another gateway's; see: ostiary why WHO {shown(named)}"
    policy = Policy(opened.config)
    told = explained(opened.config, tokens.caller(view.token), supposed(policy, named), Ask(now(), placed=False))
    if not told.allowed:
        return "hidden", told.because
    return "left out", next((note for note in opened.notes if named in note), "")


# Telling


def _plain(server: str, found: Found) -> dict[str, Any]:
    return {
        "server": server,
        "ok": found.good,
        "direct": _sides(found.direct),
        "through": {**_sides(found.through), "gateway": "running" if found.running else "of this command"},
        "rows": {
            era: [{**msgspec.structs.asdict(row), "ok": row.good} for row in each] for era, each in found.rows.items()
        },
    }


def _sides(sides: Sequence[Side]) -> dict[str, Any]:
    said = {str(side.era): _side(side) for side in sides}
    return {"ok": bool(sides) and not any(side.failed for side in sides), "eras": said}


def _side(side: Side) -> dict[str, Any]:
    if side.failed:
        return {"ok": False, "error": side.failed}
    offers = [str(kind) for kind, _ in side.definitions]
    return {
        "ok": True, "version": side.version, "info": side.info, "capabilities": side.capabilities,
        "offers": {kind: offers.count(kind) for kind in dict.fromkeys(offers)},
        "milliseconds": round(side.milliseconds, 2),
    }  # fmt: skip


def _tell(server: str, found: Found) -> None:
    for side in found.direct:
        if side.failed:
            line(f"{server} could not be asked: {side.failed}", "red")
    for side in found.through:
        if side.failed:
            line(f"The gateway did not answer {_CLIENTS[side.era]}: {side.failed}", "red")
    if not found.through:
        say("No gateway runs, and none was begun for a server that cannot be asked; `ostiary doctor` finds why.")
    elif not found.running:
        say("No gateway runs: one was begun for this command, with the configuration and approvals as they are.")
    for era, each in found.rows.items():
        line(f"{server}, as {_CLIENTS[Era(era)]} sees it", "bold")
        table(("FEATURE", "DIRECT", "THROUGH THE GATEWAY", "DIFFERENCE", "WHY"), [_cells(row) for row in folded(each)])
        differing = sum(bool(row.difference) for row in each)
        bad = sum(not row.good for row in each)
        say(
            f"{len(each)} compared, {differing} not the same, {bad} of them without a reason.", "red" if bad else "bold"
        )


def _cells(row: Row) -> list[Cell]:
    why = row.why if row.good else "no reason is known"
    return [row.feature, row.direct, row.through, styled(row.difference, "yellow" if row.good else "red"), why]
