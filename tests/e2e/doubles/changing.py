"""A stdio server whose resources and tools change when its tool says so; it writes down who is subscribed to what.

python changing.py SEEN ERA
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

SEEN, ERA = Path(sys.argv[1]), sys.argv[2]
MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
TOOL = {
    "name": "change",
    "inputSchema": {"type": "object", "properties": {"uri": {"type": "string"}, "add": {"type": "string"}}},
}
CAPABILITIES = {"tools": {"listChanged": True}, "resources": {"subscribe": True}}
Json = dict[str, Any]
tools = [TOOL]
subscribed: set[str] = set()
listens: dict[Any, Json] = {}


def note() -> None:
    wanted = subscribed | {uri for each in listens.values() for uri in each.get("resourceSubscriptions", ())}
    with SEEN.open("a") as out:
        out.write(json.dumps({"pid": os.getpid(), "wanted": sorted(wanted)}) + "\n")


def send(message: Json) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def tell(method: str, key: str, params: Json) -> None:
    """Say what changed, as the era has it: to whoever asked for it."""
    if ERA == "handshake" and (key != "resourceSubscriptions" or params["uri"] in subscribed):
        send({"method": method, "params": params})
    for ident, wanted in listens.items():
        if params["uri"] in wanted.get(key, ()) if key == "resourceSubscriptions" else wanted.get(key):
            send({"method": method, "params": {**params, "_meta": {META + "subscriptionId": ident}}})


def call(arguments: Json) -> Json:
    if "add" in arguments:
        tools.append({"name": arguments["add"], "inputSchema": {"type": "object"}})
        tell("notifications/tools/list_changed", "toolsListChanged", {})
    if "uri" in arguments:
        tell("notifications/resources/updated", "resourceSubscriptions", {"uri": arguments["uri"]})
    return {"content": [{"type": "text", "text": str(os.getpid())}]}


def result(message: Json) -> Json | None:
    method, params = message["method"], message.get("params", {})
    if (META + "protocolVersion" in params.get("_meta", {})) != (ERA == "modern"):
        return None
    match method:
        case "server/discover":
            return {"supportedVersions": [MODERN], "capabilities": CAPABILITIES}
        case "initialize":
            version = params["protocolVersion"]
            return {"protocolVersion": version, "capabilities": CAPABILITIES, "serverInfo": {"name": "changing"}}
        case "tools/list":
            return {"tools": tools}
        case "resources/list":
            return {"resources": [{"uri": "note://1", "name": "one"}]}
        case "resources/templates/list":
            return {"resourceTemplates": []}
        case "tools/call":
            return call(params["arguments"])
        case "resources/subscribe" if params["uri"] == "note://1":
            subscribed.add(params["uri"])
        case "resources/unsubscribe":
            subscribed.discard(params["uri"])
        case _:
            return None
    note()
    return {}


def main() -> None:
    fresh = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"} if ERA == "modern" else {}
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("method") == "subscriptions/listen" and ERA == "modern":
            wanted = listens[message["id"]] = message["params"]["notifications"]
            params = {"notifications": wanted, "_meta": {META + "subscriptionId": message["id"]}}
            note()
            send({"method": "notifications/subscriptions/acknowledged", "params": params})
        elif message.get("method") == "notifications/cancelled":
            listens.pop(message["params"]["requestId"], None)
            note()
        elif "id" in message and "method" in message:
            found = result(message)
            error = {"error": {"code": -32601, "message": "no"}}
            send({"id": message["id"], **({"result": {**found, **fresh}} if found is not None else error)})


if __name__ == "__main__":
    main()
