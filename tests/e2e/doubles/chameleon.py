"""A stdio server that is what a file says when it starts: its name, version, instructions. python chameleon.py ABOUT"""

import json
import os
import sys
from pathlib import Path

SAID = json.loads(Path(sys.argv[1]).read_text())
TOOL = {"name": "act", "description": "Act.", "inputSchema": {"type": "object"}}
ABOUT = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, **SAID}

for line in sys.stdin:
    message = json.loads(line)
    answer = {"error": {"code": -32601, "message": "unknown"}}
    match message.get("method"):
        case "initialize":
            answer = {"result": ABOUT}
        case "tools/list":
            answer = {"result": {"tools": [TOOL]}}
        case "tools/call":
            answer = {"result": {"content": [{"type": "text", "text": str(os.getpid())}]}}
    if "id" in message:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}) + "\n")
        sys.stdout.flush()
