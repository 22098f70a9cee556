"""A server that does what each request's method says; every line is one request, answered at once or when asked."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

held = []


def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(number, result):
    send({"jsonrpc": "2.0", "id": number, "result": result})


def progress(token, done):
    send({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": done}})


def crash(_):
    sys.stderr.write("the password is hunter2\n")
    sys.stderr.flush()
    os._exit(3)


def count(message):
    for done in range(message["params"]["to"]):
        progress(message["id"], done)
    answer(message["id"], {})


def hold(message):
    held.append(message["id"])


def release(message):
    for number in reversed(held):
        answer(number, {"held": number})
    held.clear()
    answer(message["id"], {})


def flood_stderr(message):
    for number in range(20_000):
        sys.stderr.write(f"complaint {number} " + "x" * 200 + "\n")
    sys.stderr.flush()
    answer(message["id"], {})


def babble(message):
    sys.stdout.buffer.write(b"Listening on stdio\n\n\xff\xfe\x1b[2J\n[1, 2]\n" + b"[" * 5000 + b"\n42\nnull\n{}\n")
    sys.stdout.flush()
    send({"jsonrpc": "2.0", "id": True, "result": {"spoofed": True}})
    send({"jsonrpc": "2.0", "id": 999_999, "result": {}})
    answer(message["id"], {})


def long_line(message):
    answer(message["id"], "x" * message["params"]["bytes"])


def endless_line(_):
    while True:
        sys.stdout.write("x" * 65536)


def ask(message):
    send({"jsonrpc": "2.0", "id": "theirs", "method": "roots/list"})
    hold(message)


def spawn(message):
    # `detached` keeps none of our pipes; otherwise the grandchild keeps them all open.
    silent = subprocess.DEVNULL if message["params"]["detached"] else None
    child = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); signal.pause()"],
        stdin=silent,
        stdout=silent,
        stderr=silent,
        start_new_session=message["params"].get("escapes", False),
    )
    answer(message["id"], {"pid": child.pid})


def deafen(message):
    answer(message["id"], {})
    signal.pause()


METHODS = {
    "echo": lambda message: answer(message["id"], message["params"]),
    "batch": lambda message: send([{"jsonrpc": "2.0", "id": message["id"], "result": "in a batch"}]),
    "environment": lambda message: answer(message["id"], dict(os.environ)),
    "descriptors": lambda message: answer(message["id"], [str(entry) for entry in Path("/proc/self/fd").iterdir()]),
    "empty": lambda message: send({"jsonrpc": "2.0", "id": message["id"]}),
    "notify": lambda message: send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}) or hold(message),
    "silent": hold,
    "hold": hold,
    "shut stdout": lambda _: os.close(1) or signal.pause(),
    "count": count,
    "crash": crash,
    "release": release,
    "flood stderr": flood_stderr,
    "babble": babble,
    "long line": long_line,
    "endless line": endless_line,
    "ask": ask,
    "spawn": spawn,
    "deafen": deafen,
}

if "STARTS" in os.environ:
    with Path(os.environ["STARTS"]).open("a") as file:
        file.write(f"{os.getpid()}\n")

for line in sys.stdin:
    incoming = json.loads(line)
    if incoming.get("id") == "theirs":
        for waiting in held:
            answer(waiting, incoming["result"])
        held.clear()
    elif "id" in incoming:
        METHODS[incoming["method"]](incoming)
    else:
        # Notifications come back as progress of the request they name, which shows their order.
        progress(incoming["params"]["about"], incoming["params"]["number"])
