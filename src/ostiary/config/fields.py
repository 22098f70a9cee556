"""The kinds of values that keys of the configuration have, and what every section has in common. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic.fields import FieldInfo

from ostiary.config import digests, labels, moments, units, values
from ostiary.config.problems import Unfit
from ostiary.config.units import Money, Quota, Rate
from ostiary.config.values import Address, Network, Secret


def _text(parse: Callable[[Any], Any], kind: str, pattern: str, write: Callable[[Any], str] = str) -> tuple[Any, ...]:
    schema = {"type": "string", "pattern": pattern, "$comment": kind}
    return PlainValidator(parse), PlainSerializer(write, return_type=str), WithJsonSchema(schema)


def _checked(check: Callable[[str], Any], kind: str, pattern: str = "") -> tuple[Any, ...]:
    schema = {"type": "string", "$comment": kind} | ({"pattern": pattern} if pattern else {})
    return AfterValidator(check), WithJsonSchema(schema)


Seconds = Annotated[float, *_text(units.seconds, "duration", "^[0-9]+(ms|s|m|h|d)$", units.as_duration)]
Lasting = Annotated[
    float, *_text(units.lasting, "duration", "^(0s|[0-9]+(ms|s|m|h|d))$", units.as_lasting)
]  # fmt: skip
Span = Annotated[Seconds, AfterValidator(units.span)]
Octets = Annotated[int, *_text(units.octets, "size", "^[0-9]+([KMG]i?)?B$", units.as_size)]
Amount = Annotated[Money, *_text(units.money, "amount of money", "^[0-9]+([.][0-9]{1,6})? ?[A-Z]{3}$")]
PerMillion = Annotated[
    Money, *_text(units.tokens, "price of a million tokens", "^[0-9]+([.][0-9]{1,6})? ?[A-Z]{3}/M$", units.as_tokens)
]
Spend = Annotated[
    Quota, *_text(units.spend, "budget", "^[0-9]+([.][0-9]{1,6})? ?[A-Z]{3}/(h|day|month)$", units.as_spend)
]
Traffic = Annotated[
    Quota, *_text(units.traffic, "size in a time", "^[0-9]+ ?([KMG]i?)?B/(s|min|h|day)$", units.as_traffic)
]
Busy = Annotated[Quota, *_text(units.busy, "seconds in a time", "^[0-9]+/(s|min|h|day)$", units.as_busy)]
Percent = Annotated[int, *_text(units.percent, "percentage", "^[0-9]{1,3}%$", units.as_percent)]
Times = Annotated[Rate, *_text(units.rate, "rate", "^[0-9]+/(s|min|h|day)$")]
Reference = Annotated[Secret, *_text(values.secret, "secret reference", "^(env|file):.+$")]
File = Annotated[Secret, *_text(values.file, "file reference", "^file:.+$")]
Value = Annotated[str | Secret, *_text(values.literal_or_secret, "text or secret reference", "")]
Listen = Annotated[Address, *_text(values.listen, "host:port", ":[0-9]+$")]
Reachable = Annotated[Network, *_text(lambda it: values.network(_string(it)), "network", "^[0-9a-fA-F.:]+(/[0-9]+)?$")]

Name = Annotated[str, Field(pattern=values.SERVER_NAME)]
Exposed = Annotated[str, Field(pattern=values.EXPOSED_NAME)]
RuleName = Annotated[str, *_checked(values.rule_name, "name", "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Pattern = Annotated[str, *_checked(values.pattern, "pattern")]
Label = Annotated[str, *_checked(values.label, "label")]
Header = Annotated[str, *_checked(values.header_name, "header name")]
CredentialHeader = Annotated[str, *_checked(values.credential_header, "header name")]
Variable = Annotated[str, *_checked(values.variable, "variable name", "^[A-Za-z_][A-Za-z0-9_]*$")]
ToolName = Annotated[str, *_checked(values.tool_name, "tool name")]
User = Annotated[str, *_checked(values.user, "text")]
Somebody = Annotated[str, *_checked(values.somebody, "name")]
Subject = Annotated[str, *_checked(values.subject, "subject")]
Scope = Annotated[str, *_checked(values.scope, "scope")]
Folder = Annotated[str, *_checked(values.directory, "path")]
OwnURL = Annotated[str, *_checked(values.gateway_url, "URL")]
ServerURL = Annotated[str, *_checked(values.server_url, "URL")]
Origin = Annotated[str, *_checked(values.origin, "origin")]
Redirect = Annotated[str, *_checked(values.redirect, "URL")]
HostName = Annotated[str, *_checked(values.host_name, "host name")]
Filled = Annotated[str, Field(min_length=1, max_length=4096)]
Word = Annotated[str | Secret, *_text(values.word, "text or secret reference", "")]
Condition = Annotated[str, *_checked(values.condition, "CEL expression")]
Check = Annotated[str, *_checked(values.check, "check")]
Checked = Annotated[str, *_checked(values.checked, "argument")]
Days = Annotated[
    str, *_checked(moments.days, "day or days", "^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$")
]
Hours = Annotated[str, *_checked(moments.hours, "hours", "^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$")]
Zone = Annotated[str, *_checked(moments.zone, "time zone")]
Instant = Annotated[float, *_text(moments.instant, "time", "^[0-9]{4}-", moments.as_instant)]
Reads = Annotated[
    tuple[str, ...],
    PlainValidator(labels.reads),
    PlainSerializer(labels.as_reads),
    WithJsonSchema({
        "$comment": "what is read",
        "anyOf": [
            {"enum": ["private", "untrusted", "nothing"]},
            {"type": "array", "items": {"enum": ["private", "untrusted"]}, "minItems": 1, "uniqueItems": True},
        ],
    }),
]  # fmt: skip
Taint = Annotated[str, *_checked(labels.taint, "what a run meets")]
Described = Annotated[str, Field(min_length=1, max_length=4096)]
Fixed = Annotated[Any, PlainValidator(values.fixed), WithJsonSchema({"$comment": "any value"})]
Arguments = Mapping[str, Fixed]
Key = Annotated[str, *_checked(digests.key, "key digest", "^sha256:[0-9a-f]{64}$")]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=1, le=100_000)]


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    raise Unfit("must be text", "put it in quotes")


def may(default: Any, description: str, **more: Any) -> Any:
    """Return a key that may be left out."""
    # Defaults are written as a person would write them, and read by the same code; the reference page shows them.
    return Field(default, description=description, validate_default=True, **more)


def must(description: str, **more: Any) -> Any:
    """Return a key that must be there."""
    return Field(description=description, **more)


def keys(section: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Return the keys of a section as they are written: one that is a word of Python's has an alias."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


class Section(BaseModel):
    """What every section has in common: it cannot change, knows all its keys, and converts nothing silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)
