"""A server that starts when somebody opens the other end of the named pipe GATE, and then echoes."""

import json
import os
import sys
from pathlib import Path

with Path(os.environ["STARTS"]).open("a") as file:
    file.write(f"{os.getpid()}\n")
Path(os.environ["GATE"]).read_text()
for line in sys.stdin:
    message = json.loads(line)
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": message.get("params")}) + "\n")
    sys.stdout.flush()
