"""A receiver for exports that can be killed: OTLP over HTTP, or syslog over TLS.

`python -m tests.contract.receiver otlp|syslog PORT FOLDER`: what comes is appended to `FOLDER/ids` before it is
acknowledged; an id that is there already is noted in `FOLDER/repeats` instead, as any receiver with ids can do.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
import sys
from pathlib import Path

from ostiary.protocol import syslog

_ID = re.compile(rb' id="([^"]+)"')


class Store:
    """What a receiver has, on the disk."""

    def __init__(self, folder: Path) -> None:
        self._ids, self._repeats = folder / "ids", folder / "repeats"
        self._known = set(self._ids.read_text().split()) if self._ids.exists() else set()

    def take(self, ids: list[str]) -> None:
        new = [each for each in dict.fromkeys(ids) if each not in self._known]
        old = [each for each in ids if each in self._known]
        for path, some in ((self._ids, new), (self._repeats, old)):
            if some:
                # One write each: killing the process leaves all of it or nothing.
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.write(descriptor, "".join(f"{each}\n" for each in some).encode())
                os.close(descriptor)
        self._known.update(new)


async def otlp(store: Store, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            body = json.loads(await reader.readexactly(int(found[1]) if found else 0))
            store.take([_uid(each) for each in body["resourceLogs"][0]["scopeLogs"][0]["logRecords"]])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _uid(record: dict[str, list[dict[str, dict[str, str]]]]) -> str:
    said = {str(each["key"]): each["value"] for each in record["attributes"]}
    return said["log.record.uid"]["stringValue"]


async def messages(store: Store, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    rest = b""
    try:
        while some := await reader.read(65536):
            found, rest = syslog.unframed(rest + some)
            store.take([match[1].decode() for each in found if (match := _ID.search(each))])
    except (ConnectionError, ssl.SSLError):
        pass
    writer.close()


async def serve(kind: str, port: int, folder: Path) -> None:
    store = Store(folder)
    context = None
    if kind == "syslog":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
    take = otlp if kind == "otlp" else messages
    server = await asyncio.start_server(lambda r, w: take(store, r, w), "127.0.0.1", port, ssl=context)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
