"""Valid requests of both eras, and what an attacker or a broken client makes of them. Pure: the dice are given.

Request number n of a seed is always made the same way, so that a failure can be made again from two numbers.
"""

from __future__ import annotations

import base64
import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.security import speech

Json = dict[str, Any]

# Text that no answer may repeat in a way that looks like a traceback is kept out of the odd values on purpose.
ODD_TEXT: Final = (
    "", " ", "\x00", "\ud800", "é" * 50, "a" * 5000, "../../etc/passwd", "=?base64?????=", "=?base64?ZWNobw==?=",
    "%s%n", "{{7*7}}", "\r\nX: y", "\u202e\u200b", "null", "-1", "__proto__", "echo\x00", "ECHO", "echo ", "tools/call",
)  # fmt: skip
ODD_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1.5, -0.0, 1e308, 2**31, 2**53 + 1, 2**63, 2**64, 10**40, -(10**300), "", "x", [], {},
    [[]], [None], {"": None}, {"a": {"a": {"a": []}}}, ["x"] * 50, {str(i): i for i in range(50)}, *ODD_TEXT,
)  # fmt: skip
METHODS: Final = (
    "tools/call", "tools/list", "prompts/get", "prompts/list", "resources/read", "resources/list", "ping",
    "resources/templates/list", "completion/complete", "server/discover", "initialize", "logging/setLevel",
    "resources/subscribe", "notifications/cancelled", "notifications/initialized", "notifications/progress",
    "notifications/roots/list_changed", "sampling/createMessage", "tasks/get", "gateway/answer", "gateway/stream",
    "gateway/end", "notifications", "rpc.discover", "tools/Call", "tools//call", "", "\x00",
)  # fmt: skip
VERBS: Final = (
    "GET", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "POST", "post", "BREW", "PRI",
)  # fmt: skip
PATHS: Final = (
    "/", "/mcp/", "//mcp", "/mcp%2f", "/%6dcp", "/mcp;x", "/mcp?x=1", "/mcp#x", "/servers/echo/mcp/", "/servers//mcp",
    "/servers/nobody/mcp", "/servers/%00/mcp", "/servers/../mcp", "/servers/echo/../../mcp", "/views/all/mcp",
    "/views/none/mcp", "/health/ready", "/metrics", "/api/v1/openapi.json", "/console/", "*", "mcp", "/%ff%fe", "/%",
    "/.well-known/oauth-protected-resource", "http://evil.example/mcp", "/" + "a" * 9000, "/mcp\x7f", "/mcp?" + "q" * 7000,
)  # fmt: skip
ODD_HEADERS: Final = (
    ("Transfer-Encoding", "gzip"), ("Transfer-Encoding", "chunked, identity"), ("Content-Encoding", "gzip"),
    ("Expect", "100-continue"), ("Expect", "the-unexpected"), ("Upgrade", "h2c"), ("Upgrade", "websocket"),
    ("Connection", "close"), ("Connection", "authorization"), ("Connection", "upgrade"), ("TE", "trailers"),
    ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Host", "evil.example"), ("Forwarded", "for=1;host=x"),
    ("X-Original-URL", "/health/live"), ("X-HTTP-Method-Override", "DELETE"), ("Range", "bytes=0-1"),
    ("Origin", "http://evil.example"), ("Origin", "null"), ("Cookie", "a=b; " * 100), ("Accept", "text/html"),
    ("Accept", "application/json;q=0"), ("Accept", "*/*;" * 200), ("Content-Type", "text/plain"),
    ("Content-Type", "application/json; charset=utf-16"), ("Content-Type", "multipart/form-data; boundary=x"),
    ("Mcp-Name", "hidden"), ("Mcp-Method", "tools/list"), ("MCP-Protocol-Version", "1999-01-01"),
    ("MCP-Protocol-Version", "2025-11-25"), ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Session-Id", "guess"),
    ("Mcp-Param-Secret", "x"), ("Last-Event-ID", "x_0"), ("Last-Event-ID", "_" * 500), ("Last-Event-ID", "x_\u0661"),
    ("Authorization", "Basic eDp5"), ("Authorization", "Bearer"), ("Host", "evil.example"), ("Host", ""),
    ("X-Long", "v" * 40_000), ("X-" + "n" * 3000, "v"), ("Bad Name", "v"), ("X-Bytes", "\xff\xfe"), ("X-Nul", "a\x00b"),
)  # fmt: skip


@dataclass(slots=True)
class Speaker:
    """Who speaks: what the gateway gave them that a request may carry or tamper with."""

    host: str
    token: str
    sessions: dict[str, str]
    """By version."""
    cursor: str
    event: str


@dataclass(slots=True)
class Sent:
    """One request before it is bytes, and what was done to it."""

    verb: str
    path: str
    fields: list[tuple[str, str]]
    message: Any
    host: str
    raw_body: bytes | None = None
    done: list[str] = field(default_factory=list)
    incomplete: bool = False
    """More was announced than is sent: no answer is owed."""
    streams: bool = False
    """A stream that stays open is a good answer."""

    def body(self) -> bytes:
        """Return the body's bytes."""
        if self.raw_body is not None:
            return self.raw_body
        return speech.packed(self.message) if self.message is not None else b""


# What is valid


def base(dice: random.Random, who: Speaker) -> Sent:
    """Return a valid request of either era."""
    if dice.random() < 0.5:
        return _modern(dice, who)
    return _handshake(dice, who)


def _params(dice: random.Random, who: Speaker, method: str, tool: str) -> Json:
    match method:
        case "tools/call":
            way = dice.choice(("json", "json", "json", "sse", "progress"))
            return speech.call(tool, {"secret": f"s{dice.randrange(1000)}", "way": way})
        case "prompts/get":
            return {"name": tool.replace("echo", "greet", 1)[-12:], "arguments": {"who": "x"}}
        case "resources/read" | "resources/subscribe":
            return {"uri": "note://one"}
        case "completion/complete":
            return {"ref": {"type": "ref/resource", "uri": "note://{name}"}, "argument": {"name": "name", "value": "o"}}
        case "logging/setLevel":
            return {"level": "info"}
        case "tools/list":
            return {"cursor": who.cursor} if dice.random() < 0.5 else {}
        case "subscriptions/listen":
            return {"notifications": {"toolsListChanged": True}}
        case "notifications/cancelled":
            return {"requestId": dice.randrange(3)}
    return {}


def _modern(dice: random.Random, who: Speaker) -> Sent:
    method = dice.choice((*("tools/call",) * 6, *METHODS[1:10], "subscriptions/listen"))
    whole = dice.random() < 0.5
    params = speech.enveloped(
        _params(dice, who, method, "echo__echo" if whole else "echo"), progress=dice.choice((None, 1))
    )
    fields = speech.modern_fields(who.token, method, params)
    message = speech.message(dice.randrange(4), method, params)
    return Sent("POST", "/mcp" if whole else "/servers/echo/mcp", fields, message, who.host, streams="listen" in method)


def _handshake(dice: random.Random, who: Speaker) -> Sent:
    version = dice.choice(speech.HANDSHAKES)
    fields = speech.session_fields(who.token, who.sessions[version], version)
    path, kind = "/servers/echo/mcp", dice.random()
    if kind < 0.04:
        last = [("Last-Event-ID", who.event)] if dice.random() < 0.7 else []
        return Sent("GET", path, [*fields, *last], None, who.host, streams=True)
    if kind < 0.08:
        return Sent("POST", path, fields, {"jsonrpc": "2.0", "id": "ostiary-x", "result": {}}, who.host)
    method = dice.choice((*("tools/call",) * 6, *METHODS[1:18]))
    params = _params(dice, who, method, "echo")
    if method == "initialize":
        fields = speech.common(who.token)
        params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    ident = None if method.startswith("notifications/") else dice.randrange(4)
    return Sent("POST", path, fields, speech.message(ident, method, params), who.host)


# What is done to it: to the message


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        node = stack.pop()
        pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, inner in pairs:
            found.append((node, key))
            stack.append(inner)
    return found


def swap_value(dice: random.Random, sent: Sent) -> None:
    """Put a value of another type anywhere."""
    places = _places(sent.message)
    if places:
        node, key = dice.choice(places)
        node[key] = copy.deepcopy(dice.choice(ODD_VALUES))


def drop_member(dice: random.Random, sent: Sent) -> None:
    """Leave a member out."""
    places = _places(sent.message)
    if places:
        node, key = dice.choice(places)
        del node[key]


def add_member(dice: random.Random, sent: Sent) -> None:
    """Add a member nobody asked for, or one that looks like another."""
    nodes = [sent.message, *(node[key] for node, key in _places(sent.message))]
    node = dice.choice([each for each in nodes if isinstance(each, dict)] or [{}])
    name = dice.choice(("x", "Name", "NAME", "_meta", "params", "result", "error", "id", "method", "", "arguments"))
    node[name] = copy.deepcopy(dice.choice(ODD_VALUES))


def odd_id(dice: random.Random, sent: Sent) -> None:
    """Use an id that is none."""
    if isinstance(sent.message, dict):
        sent.message["id"] = copy.deepcopy(dice.choice(ODD_VALUES))


def odd_method(dice: random.Random, sent: Sent) -> None:
    """Call another method, with or without telling the headers."""
    if not isinstance(sent.message, dict):
        return
    method = dice.choice(METHODS)
    sent.message["method"] = method
    sent.streams = True
    if dice.random() < 0.5:
        sent.fields = [(name, method if name == "Mcp-Method" else value) for name, value in sent.fields]


def odd_params(dice: random.Random, sent: Sent) -> None:
    """Put something else in place of the parameters, or of one of them."""
    if isinstance(sent.message, dict):
        params = sent.message.get("params")
        if isinstance(params, dict) and dice.random() < 0.7:
            key = dice.choice(("name", "arguments", "uri", "cursor", "_meta", "ref", "level", "requestId"))
            params[key] = copy.deepcopy(dice.choice(ODD_VALUES))
        else:
            sent.message["params"] = copy.deepcopy(dice.choice(ODD_VALUES))


def envelope(dice: random.Random, sent: Sent) -> None:
    """Tamper with the envelope."""
    params = sent.message.get("params") if isinstance(sent.message, dict) else None
    meta = params.get("_meta") if isinstance(params, dict) else None
    if isinstance(meta, dict):
        name = dice.choice(("protocolVersion", "clientCapabilities", "clientInfo", "logLevel", "subscriptionId"))
        key = dice.choice((speech.META + name, "progressToken"))
        meta[key] = copy.deepcopy(dice.choice((*ODD_VALUES, "2025-11-25", {"elicitation": {}}, {"roots": 1})))


def batch(dice: random.Random, sent: Sent) -> None:
    """Send several at once, or something that is no message."""
    sent.message = dice.choice(([sent.message], [sent.message] * 3, [], "x", 7, None, True))


def nest(dice: random.Random, sent: Sent) -> None:
    """Nest deeply."""
    depth = dice.choice((60, 64, 65, 200, 1000, 20_000))
    kind = dice.choice(((b"[", b"]"), (b'{"a":', b"}")))
    deep = kind[0] * depth + (b"1" if dice.random() < 0.8 else b"") + kind[1] * (depth if dice.random() < 0.9 else 0)
    body = sent.body()
    at = body.find(b'"arguments":{')
    sent.raw_body = deep if at < 0 else body[: at + 13] + b'"more":' + deep + b"," + body[at + 13 :]


def bulk(dice: random.Random, sent: Sent) -> None:
    """Send much."""
    size = dice.choice((10_000, 100_000, 1_000_000, 4_300_000))
    body = sent.body()
    sent.raw_body = body[:-1] + b',"bulk":"' + b"x" * size + b'"}' if body.endswith(b"}") else b"x" * size


# To the bytes of the body


def flip(dice: random.Random, sent: Sent) -> None:
    """Change bytes."""
    body = bytearray(sent.body())
    for _ in range(dice.randrange(1, 6)):
        if body:
            body[dice.randrange(len(body))] = dice.randrange(256)
    sent.raw_body = bytes(body)


def cut(dice: random.Random, sent: Sent) -> None:
    """Cut the body short, with a length that is right."""
    body = sent.body()
    sent.raw_body = body[: dice.randrange(len(body) + 1)]


def odd_json(dice: random.Random, sent: Sent) -> None:
    """Write JSON that readers read differently."""
    body = sent.body()
    sent.raw_body = dice.choice(
        (
            b"\xef\xbb\xbf" + body, body.decode("utf-8", "replace").encode("utf-16"), body + body, body + b"\x00",
            b"\n\t " + body, body.replace(b'"2.0"', b"2.0"), body.replace(b'"id":', b'"id":01,"i":'),
            body.replace(b'"id":', b'"id":1,"id":'), body.replace(b'"method":', b'"method":"ping","method":'),
            body.replace(b'"params":', b'"params":{},"params":'), body.replace(b'"name"', b'"na\\u006de"'),
            body.replace(b":", b" : "), body.replace(b'"secret"', b'"secret":NaN,"x"'), b"'" + body[1:],
            body.replace(b"s", b"\\ud800", 1), body.replace(b'"id":', b'"id":1e999,"x":'), body.replace(b",", b",,", 1),
            body.replace(b'"id":', b'"id":' + b"9" * 6000 + b',"x":'), body.replace(b"}", b",}", 1), b"", b" ", b"\xff" * 40,
        )
    )  # fmt: skip


# To the head


def odd_header(dice: random.Random, sent: Sent) -> None:
    """Add an odd header, or put it in the place of its namesake."""
    name, value = dice.choice(ODD_HEADERS)
    if dice.random() < 0.5:
        sent.fields = [each for each in sent.fields if each[0].lower() != name.lower()]
    sent.fields.insert(dice.randrange(len(sent.fields) + 1), (name, value))


def double_header(dice: random.Random, sent: Sent) -> None:
    """Send a header twice, with the same value or another."""
    if sent.fields:
        name, value = dice.choice(sent.fields)
        other = dice.choice((value, value[::-1], "", value.upper(), *ODD_TEXT[5:8]))
        sent.fields.insert(
            dice.randrange(len(sent.fields) + 1), (dice.choice((name, name.lower(), name.upper())), other)
        )


def drop_header(dice: random.Random, sent: Sent) -> None:
    """Leave a header out."""
    if sent.fields:
        del sent.fields[dice.randrange(len(sent.fields))]


def spoil_header(dice: random.Random, sent: Sent) -> None:
    """Change a header's value a little, or altogether."""
    if not sent.fields:
        return
    at = dice.randrange(len(sent.fields))
    name, value = sent.fields[at]
    spot = dice.randrange(len(value) + 1)
    changed = (value[:spot] + chr(dice.randrange(1, 256)) + value[spot:], value[:spot], value + value, f"\t{value} \t")
    sent.fields[at] = (name, dice.choice((*changed, *ODD_TEXT)))


def odd_base64(dice: random.Random, sent: Sent) -> None:
    """Write a routing header in the base64 form, rightly or wrongly."""
    wrapped = []
    for name, value in sent.fields:
        said = value
        if name.startswith("Mcp-"):
            packed = base64.b64encode(value.encode("utf-8", "replace")).decode()
            forms = (
                packed,
                packed.rstrip("="),
                packed + "=",
                packed[:-1],
                "!" + packed,
                "",
                "/w==",
                packed[:-2] + "==",
            )
            said = f"=?{dice.choice(('base64', 'base64', 'BASE64', 'q'))}?{dice.choice(forms)}?="
        wrapped.append((name, said))
    sent.fields = wrapped


def odd_verb(dice: random.Random, sent: Sent) -> None:
    """Use another verb."""
    sent.verb = dice.choice(VERBS)
    sent.streams |= sent.verb == "GET"


def odd_path(dice: random.Random, sent: Sent) -> None:
    """Go somewhere else."""
    sent.path = dice.choice(PATHS)


def tamper(dice: random.Random, sent: Sent) -> None:
    """Change a bit of what the gateway sealed: the session, the cursor, the event's id."""
    sent.fields = [
        (name, _bent(dice, value) if name in {"Mcp-Session-Id", "Last-Event-ID"} else value)
        for name, value in sent.fields
    ]
    params = sent.message.get("params") if isinstance(sent.message, dict) else None
    if isinstance(params, dict) and isinstance(params.get("cursor"), str):
        params["cursor"] = _bent(dice, params["cursor"])


def _bent(dice: random.Random, text: str) -> str:
    if not text:
        return "x"
    at = dice.randrange(len(text))
    return dice.choice((text[:at] + "A" + text[at + 1 :], text[:at], text + "A", text[::-1], text + text, text.lower()))


MUTATIONS: Final[tuple[Callable[[random.Random, Sent], None], ...]] = (
    swap_value, swap_value, drop_member, add_member, odd_id, odd_method, odd_params, envelope, batch, nest, flip, flip,
    cut, odd_json, odd_json, odd_header, odd_header, double_header, drop_header, spoil_header, odd_base64, odd_verb,
    odd_path, tamper, tamper,
)  # fmt: skip
RARE: Final = 0.002
"""How often a request is bulky: megabytes take time on both sides."""


def mutated(seed: int, number: int, who: Speaker) -> tuple[bytes, Sent]:
    """Return request `number` of a seed as bytes, and what it was made of."""
    dice = random.Random(f"{seed}:{number}")
    sent = base(dice, who)
    sent.message = copy.deepcopy(sent.message)
    chosen = [dice.choice(MUTATIONS) for _ in range(dice.choice((0, 1, 1, 1, 2, 2, 3)))]
    if dice.random() < RARE:
        chosen.append(bulk)
    for mutation in chosen:
        mutation(dice, sent)
        sent.done.append(mutation.__name__)
    return framed(dice, sent), sent


def framed(dice: random.Random, sent: Sent) -> bytes:
    """Return the request as bytes: mostly well framed, sometimes not."""
    body, lines = sent.body(), "".join(f"{name}: {value}\r\n" for name, value in sent.fields)
    kind = dice.random()
    framing, tail = f"Content-Length: {len(body)}\r\n", body
    if kind < 0.06:
        sent.done.append("chunked")
        framing, tail = "Transfer-Encoding: chunked\r\n", _chunks(dice, body, sent)
    elif kind < 0.12:
        sent.done.append("odd length")
        framing = _length(dice, len(body), sent)
    head = f"{sent.verb} {sent.path} {_version(dice, sent)}\r\nHost: {sent.host}\r\n{lines}{framing}\r\n"
    data = head.encode("utf-8", "replace") + tail
    if kind > 0.985:
        sent.done.append("torn")
        sent.incomplete = True
        return data[: dice.randrange(len(data))]
    return data


def _version(dice: random.Random, sent: Sent) -> str:
    if dice.random() > 0.01:
        return "HTTP/1.1"
    sent.done.append("odd version")
    return dice.choice(("HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTPS/1.1", "", "HTTP/1.1 x"))


def _length(dice: random.Random, length: int, sent: Sent) -> str:
    more = length + dice.randrange(1, 50)
    said = dice.choice(
        (str(more), str(max(0, length - 3)), "-1", "0x10", "9" * 30, "", "+5", f"{length}, {length}", " 5 ")
    )
    sent.incomplete = True
    doubled = f"Content-Length: {length}\r\n" if dice.random() < 0.3 else ""
    return f"{doubled}Content-Length: {said}\r\n"


def _chunks(dice: random.Random, body: bytes, sent: Sent) -> bytes:
    size = dice.choice((1, 7, 100, 5000))
    parts = [body[at : at + size] for at in range(0, len(body[:20_000]), size)]
    extension = dice.choice((b"", b"", b";x=y", b";" + b"e" * 200))
    data = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    ends = (b"0\r\n\r\n",) * 4 + (
        b"0\r\nAuthorization: Bearer x\r\n\r\n",
        b"",
        b"0\r\n",
        b"zz\r\n\r\n",
        b"-1\r\n\r\n",
        b"0\n\n",
    )
    end = dice.choice(ends)
    sent.incomplete = end not in ends[:5]
    if dice.random() < 0.1:
        data = data.replace(b"\r\n", b"\n", 1)
        sent.incomplete = True
    return data + end
