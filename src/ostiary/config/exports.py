"""Where the ledger is pushed to, as it is written: security systems, collectors, files. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, Strict, ValidationInfo

from ostiary.config.fields import (
    File,
    Folder,
    Header,
    Listen,
    Name,
    Reference,
    Seconds,
    Section,
    ServerURL,
    Value,
    may,
    must,
)
from ostiary.config.problems import Unfit
from ostiary.config.values import is_loopback

_WHERE = {"http": "url", "otlp": "url", "syslog": "address", "file": "file"}
_OF_TLS = ("ca", "certificate", "key")


def _place(value: Any, info: ValidationInfo) -> Any:
    to, key = info.data.get("to"), info.field_name
    if to in _WHERE and (value is None) is (_WHERE[to] == key):
        if value is None:
            raise Unfit(f"to: {to} needs {key}", f"write {key}")
        raise Unfit(f"to: {to} has no {key}", f"write {_WHERE[to]} instead")
    return value


def _formatted(value: str, info: ValidationInfo) -> str:
    if info.data.get("to") == "otlp" and value != "json":
        raise Unfit("OTLP has a form of its own", "remove format")
    return value


def _chosen(value: str, info: ValidationInfo) -> str:
    if value == "all" and info.data.get("format", "json") != "json":
        raise Unfit("records as they are have no other format", "remove format, or write records: ended")
    return value


def _headed(value: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
    if value and info.data.get("to") not in ("http", "otlp", None):
        raise Unfit("only requests over HTTP have headers", "remove headers")
    return value


def _authorized(value: Any, info: ValidationInfo) -> Any:
    if value is not None and info.data.get("to") not in ("http", "otlp", None):
        raise Unfit("only requests over HTTP have it", "remove authorization")
    return value


def _encrypted(value: bool, info: ValidationInfo) -> bool:
    keys = [key for key in _OF_TLS if info.data.get(key) is not None]
    if info.data.get("to") == "file" and (keys or value):
        raise Unfit("a file has no TLS", f"remove {keys[0] if keys else 'unsafe_plain'}")
    if value and keys:
        raise Unfit(f"nothing is encrypted then, and {keys[0]} means nothing", f"remove {keys[0]}, or set it to false")
    url = info.data.get("url")
    parts = urlsplit(url) if url else None
    if parts is not None and parts.scheme == "http" and not value and not is_loopback(parts.hostname or ""):
        raise Unfit("the receiver is not encrypted and leads off this machine", "write https://..., or set it to true")
    return value


def _pair(value: Any, info: ValidationInfo) -> Any:
    if (value is None) is not (info.data.get("certificate") is None):
        raise Unfit("a certificate and its key go together", "write both certificate and key, or neither")
    return value


class Export(Section):
    """One receiver of the ledger. The ledger itself is the queue: an outage of any length loses nothing."""

    name: Name = must("Its name, in messages, metrics and the file that says how far it has come.")
    to: Literal["http", "otlp", "syslog", "file"] = must(
        "How it is spoken to: lines posted to a URL, OpenTelemetry logs over HTTP, syslog over TLS, lines in a file."
    )
    url: Annotated[ServerURL | None, AfterValidator(_place)] = may(
        None, "For `http` and `otlp`: where to post, such as https://collector.example.com/v1/logs."
    )
    address: Annotated[Listen | None, AfterValidator(_place)] = may(
        None, "For `syslog`: its host and port; 6514 is the port of syslog over TLS."
    )
    file: Annotated[Folder | None, AfterValidator(_place)] = may(
        None, "For `file`: the file that lines are appended to; a relative one lies beside the configuration."
    )
    format: Annotated[Literal["json", "ocsf", "cef", "leef"], AfterValidator(_formatted)] = may(
        "json", "How a record is written: as in the ledger, or as OCSF 1.3, CEF or LEEF 2.0; OTLP has its own form."
    )
    records: Annotated[Literal["ended", "all"], AfterValidator(_chosen)] = may(
        "ended", "Calls once they ended, with what their intents said, and events; or every record as it is."
    )
    headers: Annotated[Mapping[Header, Value], AfterValidator(_headed)] = may(
        {}, "Headers of requests: text, or a reference to a secret.", repr=False
    )
    authorization: Annotated[Reference | None, AfterValidator(_authorized)] = may(
        None, "For `http` and `otlp`: where the whole value of the Authorization header is kept, such as `Bearer ...`."
    )
    ca: File | None = may(None, "The authorities to trust instead of the system's, PEM.")
    certificate: File | None = may(None, "Our client certificate, PEM.")
    key: Annotated[File | None, AfterValidator(_pair)] = may(None, "Its private key, PEM.")
    batch: Annotated[int, Field(ge=1, le=10_000)] = may(500, "Records that are sent at a time, at most.")
    every: Seconds = may("1s", "How long what is new may wait for others to be sent with it.")
    unsafe_plain: Annotated[bool, AfterValidator(_encrypted)] = may(
        False, "Send who called what without encryption: everyone in between reads it."
    )


def weakened(exports: tuple[Export, ...]) -> tuple[str, ...]:
    """Return every `unsafe_` key of exports in force, by its path."""
    return tuple(f"exports.{export.name}.unsafe_plain" for export in exports if export.unsafe_plain)


def doubled(exports: tuple[Export, ...]) -> tuple[Export, ...]:
    """Return the exports; two of one name would share what says how far they have come."""
    names = [export.name for export in exports]
    for name in names:
        if names.count(name) > 1:
            raise Unfit(f"two exports are named {name}", "give each a name of its own")
    return exports


Exports = Annotated[tuple[Export, ...], Field(max_length=16), AfterValidator(doubled), Strict(strict=False)]
