"""`ostiary probe`: ask a server directly and through the gateway, and say what is different."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Annotated, Any, Final

import msgspec
import typer
from msgspec import Struct

from ostiary.adapters.identity import tokens
from ostiary.adapters.secrets import base_environment, resolve
from ostiary.adapters.store import database
from ostiary.adapters.upstream.dial import Dialer
from ostiary.adapters.upstream.hub import Hub
from ostiary.adapters.upstream.server import Setup
from ostiary.config.compile import Policy
from ostiary.config.problems import did_you_mean
from ostiary.config.schema import Config
from ostiary.config.values import Secret, is_loopback
from ostiary.core.errors import GatewayError
from ostiary.core.model import Kind, Token
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    Cell,
    ConfigFile,
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
from ostiary.integrity.pins import Offering, Sighting, State, differences
from ostiary.operate.explain import described, explained, mentioned, supposed
from ostiary.policy.egress import parse_url
from ostiary.protocol.capabilities import NOTHING
from ostiary.protocol.names import label

_GATEWAY: Final = "gateway"
_BRIEF: Final = 120.0
"""Seconds that the probe's own token is good for, should revoking it fail."""


class Difference(Struct, frozen=True):
    """What became of one definition between the server and the client."""

    kind: str
    name: str
    fate: str
    """`passed`, `hidden`, `held back`, `changed` or `added`."""
    why: str = ""


def probe(
    server: Annotated[str, typer.Argument(metavar="SERVER", help="A server of the configuration.")],
    config: ConfigFile = CONFIG,
    *,
    who: Annotated[
        str, typer.Option("--as", metavar="WHO", help="Look as role=x,team=y; without it, as someone with every role.")
    ] = "",
    token_env: Annotated[str, typer.Option(metavar="VARIABLE", help="Look with the token in this variable.")] = "",
    timeout: Annotated[str, typer.Option(metavar="DURATION", help="How long to wait for each side.")] = "60s",
    as_json: AsJson = False,
) -> None:
    """Ask a server directly and through the running gateway, and compare what both list, name by name.

    It says what is hidden by rules, held back until approved, or changed.
    Without --token-env it makes a token of its own for this one server, and
    revokes it when it is done.

    Example: ostiary probe files --as role=developer
    """
    quiet()
    patience = duration("--timeout", timeout)
    opened = offline(config)
    if server not in opened.config.servers:
        hint = did_you_mean(server, opened.config.servers) or f"there are {', '.join(opened.config.servers) or 'none'}"
        raise usage("SERVER", f"no server is called {server!r}; {hint}")
    direct = setup(server, opened.config.servers[server], opened.config, resolve)
    if token_env:
        secret, token = resolve(Secret("env", token_env)), None
    else:
        secret, token = _made(opened, server, who)
    try:
        found = asyncio.run(asked([direct, _ourselves(opened.config, server, secret)], patience))
    finally:
        if token is not None:
            database.revoke_token(opened.engine, token.id, now())
            opened.generation.move()
    here, through = found[server], found[_GATEWAY]
    fates = list(compared(opened, here, through, token)) if _both(here, through) else []
    if as_json:
        data(
            {
                "server": server,
                "direct": _plain(here),
                "through": _plain(through),
                "differences": [msgspec.structs.asdict(each) for each in fates],
            }
        )
    else:
        _tell(server, here, through, fates)
    if not _both(here, through):
        raise typer.Exit(1)


async def asked(setups: list[Setup], patience: float) -> dict[str, Offering | str]:
    """Ask every server what it offers, all at once; a text says why one could not be asked."""
    hub = Hub(base_environment())
    async with hub.supervisor:
        await hub.configure(setups)
        deadline = asyncio.get_running_loop().time() + patience
        try:
            answers = await asyncio.gather(*(_asked(hub, each.name, deadline) for each in setups))
        finally:
            await hub.close()
    return {each.name: answer for each, answer in zip(setups, answers, strict=True)}


async def _asked(hub: Hub, name: str, deadline: float) -> Offering | str:
    try:
        async with asyncio.timeout_at(deadline + 1):
            return await hub.offered(name, NOTHING, deadline, now())
    except GatewayError as error:
        return error.detail or error.message
    except TimeoutError:
        return "it did not answer in time"


def _both(here: Offering | str, through: Offering | str) -> bool:
    return isinstance(here, Offering) and isinstance(through, Offering)


# Looking through the gateway


def _made(opened: Offline, server: str, who: str) -> tuple[str, Token]:
    """Make a token that reaches this one server, for two minutes."""
    try:
        caller = described(who) if who else None
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
    database.add_token(opened.engine, token, digest)
    opened.generation.move()
    return secret, token


def _ourselves(config: Config, server: str, secret: str) -> Setup:
    """Return the running gateway as an upstream: what we ask others with, we can ask ourselves with."""
    section = config.gateway
    near = is_loopback(section.listen.host) and section.tls is None and section.listen.port != 0
    base = f"http://{section.listen}" if near else section.url
    origin = parse_url(f"{base}/servers/{server}/mcp")
    # Our own address may be anywhere: that is not a third party's word.
    dial = Dialer((ip_network("0.0.0.0/0"), ip_network("::/0")))
    tls = ssl.create_default_context() if origin.scheme == "https" else None
    return Setup(_GATEWAY, origin, f"authorization: Bearer {secret}\r\n".encode("ascii"), tls, dial)


# Comparing


def compared(
    opened: Offline, here: Offering | str, through: Offering | str, token: Token | None
) -> Iterator[Difference]:
    """Yield what became of every definition on its way."""
    if isinstance(here, str) or isinstance(through, str):
        return
    ours, theirs = _keyed(through), _keyed(here)
    for (kind, name), sighted in sorted(theirs.items()):
        shown_as = ours.get((kind, name))
        if shown_as is None:
            yield _missing(opened, here.server, sighted, token)
        elif shown_as.digest != sighted.digest:
            places = ", ".join(at for at, _, _ in differences(sighted.definition, shown_as.definition))
            yield Difference(kind, name, "changed", f"at {places}")
        else:
            yield Difference(kind, name, "passed")
    for kind, name in sorted(ours.keys() - theirs.keys()):
        yield Difference(kind, name, "added", "the gateway lists it, the server does not: its catalogue may be stale")


def _keyed(offering: Offering) -> dict[tuple[str, str], Sighting]:
    return {(str(each.kind), each.name): each for each in offering.definitions}


def _missing(opened: Offline, server: str, sighted: Sighting, token: Token | None) -> Difference:
    stands = opened.revisions.state(server, sighted)
    if stands is not State.APPROVED:
        todo = "ostiary tools diff" if stands is not State.REJECTED else "ostiary tools list"
        return Difference(str(sighted.kind), sighted.name, "held back", f"it is {stands}: {todo}")
    name = label(server, sighted.kind, sighted.name)
    tool = opened.config.servers[server].tools.get(sighted.name) if sighted.kind is Kind.TOOL else None
    if tool is not None and tool.disabled:
        return Difference(str(sighted.kind), sighted.name, "hidden", "it is disabled in the configuration")
    if token is None:
        return Difference(str(sighted.kind), sighted.name, "hidden", f"see: ostiary why WHO {shown(name)}")
    policy = Policy(opened.config)
    told = explained(opened.config, policy, tokens.caller(token), supposed(policy, name))
    why = told.because if not told.allowed else "the gateway could not include it: ostiary check"
    return Difference(str(sighted.kind), sighted.name, "hidden", why)


# Telling


def _plain(side: Offering | str) -> dict[str, Any]:
    if isinstance(side, str):
        return {"ok": False, "error": side}
    kinds = [str(each.kind) for each in side.definitions]
    counts = {str(kind): kinds.count(str(kind)) for kind in Kind if str(kind) in kinds}
    return {
        "ok": True, "era": side.era, "version": side.version, "info": side.info,
        "capabilities": sorted(side.capabilities), "offers": counts,
    }  # fmt: skip


def _tell(server: str, here: Offering | str, through: Offering | str, fates: list[Difference]) -> None:
    for where, side in ((f"{server}, directly", here), ("through the gateway", through)):
        if isinstance(side, str):
            line(f"{where}: could not be asked: {side}", "red")
        else:
            line(f"{where}: {_summary(side)}")
    if isinstance(through, str):
        say("Does the gateway run? Start it with `ostiary serve`; `ostiary doctor` finds what is in its way.")
    rows: list[list[Cell]] = [
        [each.kind, each.name, styled(each.fate, "green" if each.fate == "passed" else "yellow"), each.why]
        for each in fates
    ]
    if rows:
        table(("KIND", "NAME", "ON THE WAY", "WHY"), rows)
    passed = sum(each.fate == "passed" for each in fates)
    if _both(here, through):
        say(f"{passed} of {len(fates)} definitions pass unchanged.", "bold")


def _summary(side: Offering) -> str:
    plain = _plain(side)
    name = " ".join(str(side.info[key]) for key in ("name", "version") if key in side.info)
    offers = ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in plain["offers"].items())
    can = ", ".join(plain["capabilities"]) or "nothing"
    return f"{name or 'unnamed'}, {side.era} era, {side.version}; {offers or 'offers nothing'}; announces {can}"
