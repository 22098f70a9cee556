"""A stdio server whose tool is described as a file says when it starts, and that notes each call. python shifty.py WORDS SEEN"""

import json
import os
import sys
from pathlib import Path

WORDS, SEEN = Path(sys.argv[1]), Path(sys.argv[2])
TOOL = {"name": "act", "description": WORDS.read_text(), "inputSchema": {"type": "object"}}
STEADY = {"name": "look", "description": "Look.", "inputSchema": {"type": "object"}}
CAPABILITIES = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "shifty"}}

for line in sys.stdin:
    message = json.loads(line)
    answer = {"error": {"code": -32601, "message": "unknown"}}
    match message.get("method"):
        case "initialize":
            answer = {"result": CAPABILITIES}
        case "tools/list":
            answer = {"result": {"tools": [TOOL, STEADY]}}
        case "tools/call":
            with SEEN.open("a") as out:
                out.write(f"{message['params']['name']}@{os.getpid()}\n")
            answer = {"result": {"content": [{"type": "text", "text": str(os.getpid())}]}}
    if "id" in message:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}) + "\n")
        sys.stdout.flush()
