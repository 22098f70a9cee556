"""What one value of a configuration may be: references, addresses, names, patterns. Pure.

Each function returns the value as the gateway uses it, or raises `Unfit`. None repeats a value that could be a secret.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from ostiary.config.problems import Unfit
from ostiary.policy import conditions, redirects
from ostiary.policy.checks import demands
from ostiary.policy.syntax import Misread

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SERVER_NAME: Final = "^[a-z][a-z0-9-]{0,31}$"
EXPOSED_NAME: Final = "^[A-Za-z0-9_-]{1,64}$"
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RULE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# RFC 9110, section 5.6.2: a field name is a token.
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_HOST: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_PATTERN: Final = re.compile(r"(?P<server>[a-z0-9*-]+)(?P<kind>\.prompt/|\.|:)(?P<name>.+)", re.DOTALL)
_LONGEST: Final = 2_048

# Connection-bound fields (RFC 9110, 7.6.1), framing, what names the target, and what the protocol itself sends.
_OURS: Final = frozenset({
    "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "upgrade", "transfer-encoding", "content-length", "content-type", "content-encoding", "accept", "accept-encoding",
    "host", "expect", "last-event-id", "origin", "cookie",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is kept. It never holds the secret itself, so it may be printed."""

    kind: Literal["env", "file"]
    where: str

    def __repr__(self) -> str:
        return f"Secret({self})"

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}"


class Address(NamedTuple):
    """A host and a port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def secret(value: object) -> Secret:
    """Return the reference `env:NAME` or `file:/path`; anything else may be the secret itself and is not repeated."""
    if not isinstance(value, str):
        raise Unfit("must be a reference to a secret", "write env:NAME or file:/path")
    kind, _, where = value.partition(":")
    if kind == "env" and _VARIABLE.fullmatch(where):
        return Secret("env", where)
    if kind == "env":
        raise Unfit("env: must be followed by the name of an environment variable", "write env:NAME")
    if kind == "file":
        return file(value)
    raise Unfit(
        "a secret may not stand in the configuration",
        "put it in a file or the environment and write file:/path or env:NAME",
    )


def file(value: object) -> Secret:
    """Return the reference `file:/path`."""
    if not isinstance(value, str) or not value.startswith("file:"):
        raise Unfit("must be a reference to a file", "write file:/path")
    where = value.removeprefix("file:")
    if not where or not where.isprintable():
        raise Unfit("file: must be followed by a path", "write file:/path")
    if where.startswith("~"):
        raise Unfit("~ is not expanded here", "write the whole path")
    return Secret("file", where)


def literal_or_secret(value: object) -> str | Secret:
    """Return the text, or the reference if it begins with `env:` or `file:`."""
    if not isinstance(value, str):
        raise Unfit("must be text", "put it in quotes")
    if value.startswith(("env:", "file:")):
        return secret(value)
    if any(character in value for character in "\0\r\n"):
        raise Unfit("must be one line", "keep it in a file and write file:/path")
    return value


def word(value: object) -> str | Secret:
    """Return one word of a command line, or the reference to it."""
    found = literal_or_secret(value)
    if not found:
        raise Unfit("may not be empty", "write the program, then its arguments")
    if isinstance(found, str) and len(found) > _LONGEST * 2:
        raise Unfit(f"must be at most {_LONGEST * 2} characters", "keep it in a file and write file:/path")
    return found


def directory(value: str) -> str:
    """Return a path that names a folder."""
    if not value or not value.isprintable():
        raise Unfit("must be a path", "such as ./ostiary-data")
    if value.startswith("~"):
        raise Unfit("~ is not expanded here", "write the whole path")
    return value


def is_loopback(host: str) -> bool:
    """Say whether a host can only be this machine. A name other than `localhost` may lead anywhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def listen(value: object) -> Address:
    """Return the address `host:port`."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise Unfit("must be host:port", f"write 127.0.0.1:{value}")
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not colon or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65_535:  # noqa: PLR2004  # a port has 16 bits
        raise Unfit("must be host:port", "such as 127.0.0.1:8080 or [::1]:8080")
    if not host or host == "*":
        raise Unfit("must name a host", f"write 127.0.0.1:{port}, or 0.0.0.0:{port} to listen on every interface")
    return Address(_host(host.strip("[]") if host.startswith("[") else host), int(port))


def gateway_url(value: str) -> str:
    """Return our own URL in its one spelling: scheme, host and, unless it is the scheme's own, port."""
    parts = _url(value)
    if parts.path not in ("", "/") or parts.query:
        raise Unfit("must have no path and no query", "write only https://host; clients use https://host/mcp")
    host = _host(parts.hostname or "")
    if parts.scheme == "http" and not is_loopback(host):
        raise Unfit("must be https, except on loopback", "put TLS in front, or set gateway.tls, and write https://...")
    shown = f"[{host}]" if ":" in host else host
    own = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{shown}" + (f":{parts.port}" if parts.port not in (None, own) else "")


def server_url(value: str) -> str:
    """Return the URL of a server's endpoint."""
    parts = _url(value)
    _host(parts.hostname or "")
    return value


def issuer(value: str) -> str:
    """Return an issuer exactly as it is written: issuers are compared as texts (RFC 8414 section 3.3)."""
    parts = _url(value)
    if parts.query:
        raise Unfit("must have no query", "write it as the issuer writes itself in its metadata")
    if parts.scheme != "https" and not is_loopback(_host(parts.hostname or "")):
        raise Unfit("must be an https URL", "keys that come without TLS are anybody's")
    return value


def origin(value: str) -> str:
    """Return a browser origin (RFC 6454): scheme, host and port, and nothing else."""
    if value in ("*", "null"):
        raise Unfit("must name one origin: any page could reach the gateway otherwise", "write https://app.example.com")
    parts = _url(value)
    if parts.path or parts.query:
        raise Unfit("must be an origin, without a path", f"write {parts.scheme}://{parts.netloc}")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def redirect(value: str) -> str:
    """Return an address that people may be sent back to after they were asked (RFC 8252 section 7)."""
    try:
        return redirects.parsed(value, ("*",)).text
    except ValueError as error:
        raise Unfit(f"cannot be sent back to: {error}", "write https://app.example.com/callback") from error


def host_name(value: str) -> str:
    """Return an extra name for the Host header, in lower case, with a port if one is given."""
    name, colon, port = value.rpartition(":") if re.search(r"[^:\]]:[0-9]+$|\]:[0-9]+$", value) else (value, "", "")
    host = _host(name.strip("[]") if name.startswith("[") else name)
    return f"[{host}]{colon}{port}" if ":" in host else f"{host}{colon}{port}"


def network(value: str) -> Network:
    """Return a network that egress may reach although it is private."""
    try:
        found = ipaddress.ip_network(value)
    except ValueError:
        raise Unfit("is not a network", "write it like 10.1.0.0/16, 127.0.0.1/32 or fd00::/8") from None
    if found.prefixlen == 0:
        raise Unfit("is every address there is", "name the networks the server is in")
    return found


def header_name(value: str) -> str:
    """Return the name of a header that may be set on the way to a server."""
    if not _TOKEN.fullmatch(value):
        raise Unfit("is not the name of a header", "use letters, digits and hyphens")
    folded = value.casefold()
    if folded == "authorization":
        raise Unfit("this header is a credential", "use credential: {kind: bearer, token: env:NAME}")
    if folded in _OURS or folded.startswith("mcp-"):
        raise Unfit("this header belongs to the protocol or the connection", "remove it; the gateway sends it itself")
    return value


def credential_header(value: str) -> str:
    """Return the name of a header that may carry a credential; `Authorization` may."""
    return value if value.casefold() == "authorization" else header_name(value)


def variable(value: str) -> str:
    """Return the name of an environment variable."""
    if not _VARIABLE.fullmatch(value):
        raise Unfit("is not the name of an environment variable", "use letters, digits and _")
    return value


def rule_name(value: str) -> str:
    """Return a name that the ledger and `ostiary why` can show."""
    if not _RULE_NAME.fullmatch(value):
        raise Unfit("must be 1 to 64 letters, digits, hyphens, underscores or dots", "such as developers-read")
    return value


def somebody(value: str) -> str:
    """Return the name of a role, team, client or scope, which is never a pattern."""
    if not value or not value.isprintable() or value != value.strip():
        raise Unfit("must be a name", "remove the blanks or control characters")
    if "*" in value:
        raise Unfit("is not a pattern", 'name them one by one; subjects: ["*"] means everyone with a valid token')
    return value


def scope(value: str) -> str:
    """Return a scope that a challenge can name (RFC 6749 section 3.3)."""
    if not _SCOPE.fullmatch(value):
        raise Unfit("is not a scope", 'write it without blanks, quotes and backslashes, such as "crm.read"')
    return value


def subject(value: str) -> str:
    """Return a subject, or `*` for everyone with a valid token."""
    return value if value == "*" else somebody(value)


def user(value: str) -> str:
    """Return the user of a basic credential (RFC 7617, section 2: no colon)."""
    if not value or not value.isprintable() or ":" in value:
        raise Unfit("is not a user", "remove the colon or the control characters")
    return value


def tool_name(value: str) -> str:
    """Return an upstream's own name for a tool."""
    if not value or len(value) > 128 or not value.isprintable() or "*" in value:  # noqa: PLR2004  # MCP, server/tools
        raise Unfit("is not the name of a tool", "write the server's own name for it; patterns are for rules")
    return value


def condition(value: str) -> str:
    """Return a condition that can be read, whatever it is about."""
    try:
        return conditions.condition(value).text
    except Misread as error:
        raise Unfit(error.message, error.suggestion, error.more) from None


def check(value: str) -> str:
    """Return a check that can be used: `inside:/srv/docs`, `public`, `read-only-sql:postgres`."""
    if fault := demands.problem(value):
        raise Unfit(*fault)
    return value


def checked(value: str) -> str:
    """Return the way to an argument that a check is for: `path`, `options.cwd`, `cwd?`."""
    if fault := demands.wrong_way(value):
        raise Unfit(*fault)
    return value


def fixed(value: object) -> object:
    """Return an argument's value as JSON has it."""
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, dict) and all(isinstance(key, str) for key in each):
            stack += each.values()
        elif isinstance(each, list):
            stack += each
        elif each is not None and not isinstance(each, str | int | float):
            raise Unfit("is not a value of JSON", "put it in quotes")
    return value


def pattern(value: str) -> str:
    """Return a pattern over labels: `files.read_*`, `files:file:///*`, `files.prompt/greet`, or `*` for everything."""
    if value == "*":
        return value
    if re.fullmatch(r"[a-z0-9-]+", value):
        raise Unfit("names a server, but nothing of it", f'write "{value}.*" for all of its tools')
    if len(value) > _LONGEST or not value.isprintable() or not _PATTERN.fullmatch(value):
        raise Unfit("is not a pattern", "write server.tool, server:uri or server.prompt/name, with * for any text")
    return value


def label(value: str) -> str:
    """Return the label of one thing: a pattern without `*`."""
    if "*" in value:
        raise Unfit("must name one thing, not a pattern", "write it out, such as files.read_file")
    return pattern(value)


def server_of(value: str) -> str:
    """Return the part of a pattern or label that names servers; for what is neither, nothing."""
    found = _PATTERN.fullmatch(value)
    return found["server"] if found else ""


def parts(value: str) -> tuple[str, str, str] | None:
    """Return server, kind (`.`, `:` or `.prompt/`) and name of a pattern or label; None: it is neither, or `*`."""
    found = _PATTERN.fullmatch(value)
    return (found["server"], found["kind"], found["name"]) if found else None


def covers(value: str, labelled: str) -> bool:
    """Say whether a pattern covers a label; tools, resources and prompts are kinds: `files.*` is tools only."""
    wanted, given = _PATTERN.fullmatch(value), _PATTERN.fullmatch(labelled)
    if value == "*" or wanted is None or given is None:
        return value == "*"
    same_kind = wanted["kind"] == given["kind"]
    return same_kind and globbed(wanted["server"], given["server"]) and globbed(wanted["name"], given["name"])


def globbed(pattern: str, text: str) -> bool:
    """Say whether text fits a pattern in which only `*` is special. Linear: no pattern can make it slow."""
    head, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *middle, tail = rest
    if not text.startswith(head) or len(text) < len(head) + len(tail) or not text.endswith(tail):
        return False
    end, at = len(text) - len(tail), len(head)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _url(value: str) -> SplitResult:
    # urlsplit drops tabs and newlines and takes a backslash as it is; other parsers read both differently.
    if not value.isascii() or not value.isprintable() or any(it in value for it in " \\") or len(value) > _LONGEST:
        raise Unfit("is not a URL", "write https://host/path; a host with other letters in its xn-- form")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise Unfit("is not a URL: its host or port cannot be read", "write https://host:port/path") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise Unfit("is not an http or https URL", "write https://host/path")
    if parts.username is not None or parts.password is not None:
        raise Unfit("must not carry a user or password", "remove them; those of a server belong in its credential")
    if "#" in value:
        raise Unfit("must have no fragment", "remove what follows #")
    return parts


def _host(value: str) -> str:
    folded = value.casefold().removesuffix(".")
    try:
        return str(ipaddress.ip_address(folded))
    except ValueError:
        pass
    # "0x7f.1" and "2130706433" are addresses to some resolvers and names to others.
    if not _HOST.fullmatch(folded) or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", folded.rpartition(".")[2]):
        raise Unfit("does not name a host", "write a DNS name or an IP address")
    return folded
