"""A stdio server that writes each call's key to a file, then waits for that key in another before it answers.

python counting.py SEEN RELEASED ERA
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

SEEN, RELEASED, ERA = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
MODERN = "2026-07-28"
VERSION = "io.modelcontextprotocol/protocolVersion"
TOOL = {"name": "count", "inputSchema": {"type": "object", "properties": {"key": {"type": "string"}}}}
Json = dict[str, Any]
lock = threading.Lock()
cancelled: dict[Any, threading.Event] = {}


def note(path: Path, word: str) -> None:
    with path.open("a") as out:
        out.write(word + "\n")


def send(message: Json) -> None:
    with lock:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def result(message: Json) -> Json | None:
    modern = VERSION in message.get("params", {}).get("_meta", {})
    if modern != (ERA == "modern"):
        return None
    fresh = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"} if modern else {}
    match message["method"]:
        case "server/discover":
            return {"supportedVersions": [MODERN], "capabilities": {"tools": {}}, **fresh}
        case "initialize":
            version = message["params"]["protocolVersion"]
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "counting"}}
        case "tools/list":
            return {"tools": [TOOL], **fresh}
    return None


def call(message: Json, stopped: threading.Event) -> None:
    key = message["params"]["arguments"]["key"]
    note(SEEN, f"{key}@{os.getpid()}")
    while key not in RELEASED.read_text().split():
        if stopped.wait(0.02):
            note(SEEN, f"cancelled-{key}@{os.getpid()}")
            return
    text = f"counted {key} in {os.getpid()}"
    more = {"resultType": "complete"} if ERA == "modern" else {}
    send({"id": message["id"], "result": {"content": [{"type": "text", "text": text}], **more}})


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("method") == "tools/call":
            stopped = cancelled[message["id"]] = threading.Event()
            threading.Thread(target=call, args=(message, stopped), daemon=True).start()
        elif message.get("method") == "notifications/cancelled":
            cancelled.get(message["params"]["requestId"], threading.Event()).set()
        elif "id" in message and "method" in message:
            found = result(message)
            error = {"error": {"code": -32601, "message": "no"}}
            send({"id": message["id"], **({"result": found} if found is not None else error)})


if __name__ == "__main__":
    main()
