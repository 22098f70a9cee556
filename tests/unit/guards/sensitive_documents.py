"""Documents with and without something sensitive in them, drawn from a seed; some ways of writing are held back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Final, NamedTuple

from tests.unit.guards.sensitive_people import PEOPLE
from tests.unit.guards.sensitive_secrets import ALNUM, B64, HEX, KEYED, SHAPED, URLSAFE, drawn, shaped, uuid

Wrap = Callable[[Random, str, str], str]


class Document(NamedTuple):
    text: str
    kind: str
    family: str
    way: str
    value: str
    """What must be covered; empty for a document in which nothing may be found."""


def slug(name: str) -> str:
    return name.strip().replace(" ", "_").replace("-", "_")


def prose(rng: Random) -> str:
    return rng.choice(
        [
            "The deploy finished at 10:42 and all three checks are green. ",
            "Customer asked about the invoice from last month; see ticket below. ",
            "Please review the attached notes before the meeting on Thursday. ",
            "The service restarted twice, memory was at 71 % and latency at 120 ms. ",
            "We agreed to move the release to version 2.14.3 next week. ",
        ]
    )


def as_json(rng: Random, name: str, value: str) -> str:
    return json.dumps(
        {"id": rng.randrange(10**6), "status": "ok", slug(name): value, "tags": ["a", "b"]},
        indent=rng.choice([None, 2]),
        ensure_ascii=False,
    )


def as_log(rng: Random, name: str, value: str) -> str:
    return f"2025-11-{rng.randrange(1, 29):02d}T10:{rng.randrange(60):02d}:11Z INFO worker-{rng.randrange(9)} request done {slug(name)}={value} took=12ms"


def as_prose(rng: Random, name: str, value: str) -> str:
    return f"{prose(rng)}The {name} is {value}. {prose(rng)}"


def as_yaml(rng: Random, name: str, value: str) -> str:
    return f"service:\n  name: billing\n  replicas: {rng.randrange(9)}\n  {slug(name)}: {json.dumps(value, ensure_ascii=False)}\n  region: eu-west-1\n"


def as_code(rng: Random, name: str, value: str) -> str:
    return f"import requests\n\n{slug(name)} = {value!r}\n\ndef run():\n    return requests.get('https://api.corp.io/v{rng.randrange(3)}/items')\n"


def as_xml(rng: Random, name: str, value: str) -> str:
    return f"<config><region>eu</region><{slug(name)}>{value}</{slug(name)}><port>{rng.randrange(9999)}</port></config>"


def as_env(rng: Random, name: str, value: str) -> str:
    return f"# production\nPORT={rng.randrange(9999)}\nexport {slug(name).upper()}={value}\nDEBUG=false\n"


def as_csv(rng: Random, name: str, value: str) -> str:
    return (
        f"row,{slug(name)},city\n1,{value.replace(', ', ' ')},Graz\n" if "\n" not in value else as_xml(rng, name, value)
    )


def as_table(rng: Random, name: str, value: str) -> str:
    return f"| field | value |\n|---|---|\n| {name} | {value} |\n| region | eu |\n"


def as_chat(rng: Random, name: str, value: str) -> str:
    return f"bob: hey, can you send me the {name}?\nann: sure, {name}: {value}\nbob: thanks!"


def as_escaped(rng: Random, name: str, value: str) -> str:
    return json.dumps(
        {"body": json.dumps({slug(name): value, "n": rng.randrange(99)}, ensure_ascii=False)}, ensure_ascii=False
    )


def as_java(rng: Random, name: str, value: str) -> str:
    return (
        f'  private static final String {slug(name).upper()} = "{value}";\n  private int port = {rng.randrange(9999)};'
    )


KNOWN: Final[dict[str, Wrap]] = {"json": as_json, "log": as_log, "prose": as_prose, "yaml": as_yaml, "code": as_code}
HELD_BACK: Final[dict[str, Wrap]] = {
    "xml": as_xml, "env": as_env, "csv": as_csv, "table": as_table, "chat": as_chat, "escaped": as_escaped, "java": as_java,
}  # fmt: skip


def long_hex(size: int) -> Callable[[Random], str]:
    return shaped((HEX, size))


# name and value of what looks sensitive and is not.
HARMLESS: Final[dict[str, tuple[str, Callable[[Random], str]]]] = {
    "git-sha": ("commit", long_hex(40)),
    "short-sha": ("revision", long_hex(8)),
    "sha256": ("digest", lambda rng: "sha256:" + drawn(rng, HEX, 64)),
    "integrity": ("integrity", lambda rng: "sha512-" + drawn(rng, B64, 86) + "=="),
    "uuid": ("request id", uuid),
    "trace": ("traceparent", lambda rng: f"00-{drawn(rng, HEX, 32)}-{drawn(rng, HEX, 16)}-01"),
    "order": ("order number", lambda rng: str(rng.randrange(10**15, 10**16))),
    "order-short": ("order id", lambda rng: f"{rng.randrange(100, 999)}-{rng.randrange(10**6, 10**7)}-{rng.randrange(10**6, 10**7)}"),
    "invoice": ("invoice no", lambda rng: f"INV-{rng.randrange(2000, 2026)}-{rng.randrange(10**5, 10**6)}"),
    "tracking": ("tracking number", lambda rng: f"1Z{drawn(rng, '0123456789ABCDEF', 16)}"),
    "timestamp": ("created", lambda rng: str(rng.randrange(16 * 10**11, 18 * 10**11))),
    "timestamp-ns": ("ts", lambda rng: str(rng.randrange(16 * 10**17, 18 * 10**17))),
    "iso": ("updated at", lambda rng: f"2025-0{rng.randrange(1, 9)}-1{rng.randrange(9)}T0{rng.randrange(9)}:{rng.randrange(10, 59)}:12.{rng.randrange(10**6)}Z"),
    "version": ("version", lambda rng: f"{rng.randrange(9)}.{rng.randrange(99)}.{rng.randrange(99)}.{rng.randrange(9)}"),
    "isbn": ("ISBN", lambda rng: f"978-3-16-{rng.randrange(10**5, 10**6)}-{rng.randrange(10)}"),
    "ean": ("ean", lambda rng: "40" + drawn(rng, "0123456789", 11)),
    "colour": ("colour", lambda rng: "#" + drawn(rng, HEX, 6)),
    "image": ("image", lambda rng: "data:image/png;base64,iVBORw0KGgo" + drawn(rng, B64, 400)),
    "aws-example": ("aws_access_key_id", lambda _: "AKIA" + "IOSFODNN7" + "EXAMPLE"),
    "aws-example-secret": ("aws_secret_access_key", lambda _: "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"),
    "placeholder": ("api_key", lambda rng: rng.choice(["<your-api-key>", "YOUR_API_KEY_HERE", "${API_KEY}", "{{ api_key }}", "xxxxxxxxxxxxxxxxxxxx", "sk-your-key-here", "changeme", "****************", "REPLACE_ME"])),
    "password-placeholder": ("password", lambda rng: rng.choice(["${DB_PASSWORD}", "<password>", "changeme", "********", "required", "string", "null", "your-password", "{{password}}", "%PASSWORD%"])),
    "expression": ("password", lambda rng: rng.choice(["os.environ['DB_PASSWORD']", "getpass.getpass()", "config.db.password", "process.env.PASSWORD", "settings.PASSWORD"])),
    "page-token": ("next_page_token", shaped((URLSAFE, 32))),
    "tokens": ("max_tokens", lambda rng: str(rng.randrange(100, 9000))),
    "cursor": ("cursor", lambda rng: base64.b64encode(f"id:{rng.randrange(10**9)}".encode()).decode()),
    "etag": ("etag", lambda rng: f'W/"{drawn(rng, HEX, 32)}"'),
    "idempotency": ("idempotency_key", uuid),
    "public-key": ("public_key", lambda rng: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + drawn(rng, B64, 43) + " bob"),
    "certificate": ("cert", lambda rng: "-----BEGIN CERTIFICATE-----\n" + "\n".join(drawn(rng, B64, 64) for _ in range(4)) + "\n-----END CERTIFICATE-----"),
    "float": ("score", lambda rng: f"{rng.random():.16f}"),
    "coordinates": ("location", lambda rng: f"{rng.uniform(-90, 90):.7f}, {rng.uniform(-180, 180):.7f}"),
    "loopback": ("listen", lambda rng: rng.choice(["127.0.0.1:8080", "0.0.0.0:443", "192.0.2.17", "10.0.12.7", "::1", "2001:db8::1", "192.168.1.20"])),
    "snowflake-id": ("message id", lambda rng: str(rng.randrange(10**17, 10**18))),
    "sku": ("sku", lambda rng: f"SKU-{drawn(rng, '0123456789', 10)}"),
    "bytes": ("bytes", lambda rng: str(rng.randrange(10**8, 10**10))),
    "package": ("package", lambda rng: f"lodash@4.{rng.randrange(20)}.{rng.randrange(30)}"),
    "asset": ("icon", lambda rng: f"logo-{drawn(rng, HEX, 8)}@2x.png"),
    "path": ("secret_file", lambda rng: f"/run/secrets/{drawn(rng, 'abcdef', 6)}/token"),
    "secret-name": ("secret_name", lambda rng: f"billing-{drawn(rng, 'abcdef', 4)}-credentials"),
    "token-url": ("token_endpoint", lambda rng: f"https://login.corp.io/{uuid(rng)}/oauth2/token"),
    "slug": ("access_key_alias", lambda rng: "production-read-only-user"),
    "amount": ("total", lambda rng: f"{rng.randrange(10**6):,}.{rng.randrange(10, 99)} EUR"),
    "range": ("pages", lambda rng: f"{rng.randrange(100, 999)}-{rng.randrange(100, 999)}"),
    "ticket": ("ticket", lambda rng: f"OPS-{rng.randrange(1000, 99999)}"),
    "build": ("build", lambda rng: f"20251122.{rng.randrange(99)}"),
    "model": ("model", lambda rng: rng.choice(["gpt-4o-2024-08-06", "claude-sonnet-4-20250514", "text-embedding-3-large"])),
    "arn": ("role", lambda rng: f"arn:aws:iam::{rng.randrange(10**11, 10**12)}:role/deploy"),
    "npm-lock": ("resolved", lambda rng: f"https://registry.example/pkg/-/pkg-1.{rng.randrange(9)}.0.tgz#{drawn(rng, HEX, 40)}"),
    "mac": ("mac", lambda rng: ":".join(drawn(rng, HEX, 2) for _ in range(6))),
    "kid": ("kid", shaped((ALNUM, 22))),
}  # fmt: skip


def _document(text: str, kind: str, family: str, way: str, value: str) -> Document:
    """Return a document whose value, or the part of it between marks, must be covered."""
    heart = value.partition("«")[2].partition("»")[0] or value
    return Document(text.replace("«", "").replace("»", ""), kind, family, way, heart.replace("\\", ""))


def sensitive(seed: int, ways: dict[str, Wrap], each: int) -> Iterator[Document]:
    """Yield documents with one secret or one piece of personal data, `each` times for each family and way."""
    rng = Random(seed)
    for way, wrap in ways.items():
        for _ in range(each):
            for family, made in SHAPED.items():
                value = made(rng)
                name = rng.choice(["note", "value", "data", "output"])
                yield _document(wrap(rng, name, value), "secret", family, way, value)
            for family, (names, made) in KEYED.items():
                value = made(rng)
                yield _document(wrap(rng, rng.choice(names), value), "secret", family, way, value)
            for family, (names, makers) in PEOPLE.items():
                value = rng.choice(makers)(rng)
                yield _document(wrap(rng, rng.choice(names), value), "personal", family, way, value)


def harmless(seed: int, ways: dict[str, Wrap], each: int) -> Iterator[Document]:
    """Yield documents in which nothing may be found."""
    rng = Random(seed)
    for way, wrap in ways.items():
        for _ in range(each):
            for family, (name, made) in HARMLESS.items():
                yield Document(wrap(rng, name, made(rng)), "harmless", family, way, "")
