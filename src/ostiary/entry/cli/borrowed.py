"""A gateway for the length of one command: of the same configuration and approvals, on copies that are thrown away.

It knows one server only, so that nothing else is started, and whatever it takes in or writes down stays in a folder
that ends with it: a look at a server must not approve anything on first use, nor stand in the ledger as a call.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from ostiary.adapters.http.server import serve
from ostiary.adapters.store import database
from ostiary.config.tree import plain
from ostiary.entry.offline import Offline
from ostiary.entry.wiring import Gateway

_NOT_OURS: Final = frozenset({"tls", "metrics", "log"})
"""Keys of `gateway` that mean nothing for a visitor of one command."""
_SHUTDOWN: Final = 1.0


@asynccontextmanager
async def borrowed(opened: Offline, server: str, patience: float) -> AsyncIterator[tuple[Gateway, int]]:
    """Run such a gateway, and give it with its port once it has asked the server what it offers."""
    with tempfile.TemporaryDirectory(prefix="ostiary-probe-") as folder:
        file = _written(opened, server, Path(folder))
        gateway, stop = Gateway(file), asyncio.Event()
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with gateway:
            listening = asyncio.create_task(
                serve(gateway.door, ("127.0.0.1", 0), None, _SHUTDOWN, port.set_result, stop=stop)
            )
            try:
                async with asyncio.timeout(patience):
                    await gateway.refresh.ask_all(server)
                    number = await port
                yield gateway, number
            finally:
                gateway.end()
                stop.set()
                await asyncio.wait({listening})


def _written(opened: Offline, server: str, folder: Path) -> Path:
    """Write the configuration of one server, and copy the database: its approvals and its tokens."""
    whole: dict[str, Any] = plain(opened.document.root)
    own = {key: value for key, value in whole["gateway"].items() if key not in _NOT_OURS}
    kept: dict[str, Any] = {key: whole[key] for key in ("rules", "limits") if key in whole}
    config: dict[str, Any] = {
        **kept,
        "gateway": {**own, "listen": "127.0.0.1:0", "data": str(folder / "data")},
        "servers": {server: whole["servers"][server]},
    }
    (folder / "data").mkdir(mode=0o700)
    with opened.engine.connect() as connection:
        copy = folder / "data" / database.NAME
        connection.execute(sa.text("VACUUM INTO :copy"), {"copy": str(copy)})
    file = folder / "ostiary.yaml"
    # JSON is YAML; secrets stand in it as the references that they are in the original.
    file.write_text(json.dumps(config), "utf-8")
    return file
