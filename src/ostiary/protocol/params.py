"""What the parameters of each request look like, by revision: the published schemas as data. Pure.

A member that a revision does not name may come, as all of them say, and is none of ours. One that it names has the form
it says: what does not is refused before anything is looked up, and no server sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from ostiary.core.errors import BadParams
from ostiary.core.model import HANDSHAKES, MODERN, Json
from ostiary.protocol.methods import LEVELS
from ostiary.protocol.uris import absolute

Form = Callable[[Any, str], None]
"""A value and where it is; raises `BadParams` where the value is of another form."""
_SHOWN: Final = 80


class Member(Struct, frozen=True):
    """One member of an object."""

    form: Form
    needed: bool = False


Members = Mapping[str, Member]


def fit(params: Json, method: str, version: str) -> None:
    """Return if the parameters are what this revision of the protocol says of this method, or raise `BadParams`."""
    _fit(params, _PARAMS[version].get(method, _ENVELOPES[version]), "params")


def _fit(value: Json, members: Members, at: str) -> None:
    for name, member in members.items():
        if name in value:
            member.form(value[name], f"{at}.{name}")
        elif member.needed:
            raise BadParams(hint=f"{at}.{name} is missing")


def _wrong(at: str, expected: str, value: Any) -> BadParams:
    return BadParams(hint=f"{at} must be {expected}, and is {_called(value)}")


def _called(value: Any) -> str:
    """Return what a value is, in JSON's words, and never the value."""
    match value:
        case None:
            return "null: leave it out if there is none"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "another text" if value else "empty"
        case list():
            return "an array"
    return "an object"


# Forms


def text(value: Any, at: str) -> None:
    """Demand a string."""
    if not isinstance(value, str):
        raise _wrong(at, "a string", value)


def filled(value: Any, at: str) -> None:
    """Demand a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise _wrong(at, "a string that is not empty", value)


def truth(value: Any, at: str) -> None:
    """Demand a boolean."""
    if not isinstance(value, bool):
        raise _wrong(at, "true or false", value)


def ident(value: Any, at: str) -> None:
    """Demand what tells one thing from another: a string or an integer."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise _wrong(at, "a string or an integer", value)


def span(value: Any, at: str) -> None:
    """Demand a number of milliseconds."""
    if type(value) is not int or value < 0:
        raise _wrong(at, "a number of milliseconds: an integer of at least 0", value)


def level(value: Any, at: str) -> None:
    """Demand a log level."""
    if not isinstance(value, str) or value not in LEVELS:
        raise _wrong(at, f"one of {', '.join(LEVELS)}", value)


def anything(value: Any, at: str) -> None:
    """Demand an object, whatever it holds."""
    if not isinstance(value, dict):
        raise _wrong(at, "an object", value)


def uri(value: Any, at: str) -> None:
    """Demand what can name a resource."""
    if not isinstance(value, str) or not absolute(value):
        raise _wrong(at, "a URI: a scheme, a colon, and printable characters", value)


def within(members: Members) -> Form:
    """Return the form of an object with these members."""

    def form(value: Any, at: str) -> None:
        anything(value, at)
        _fit(value, members, at)

    return form


def each(inner: Form) -> Form:
    """Return the form of an object whose members are all of one form."""

    def form(value: Any, at: str) -> None:
        anything(value, at)
        for key, item in value.items():
            inner(item, f"{at}.{key[:_SHOWN]}")

    return form


def items(inner: Form) -> Form:
    """Return the form of an array whose items are all of one form."""

    def form(value: Any, at: str) -> None:
        if not isinstance(value, list):
            raise _wrong(at, "an array", value)
        for place, item in enumerate(value):
            inner(item, f"{at}.{place}")

    return form


def reference(value: Any, at: str) -> None:
    """Demand what names a prompt or a resource template."""
    anything(value, at)
    named = _REFERRED.get(value["type"]) if isinstance(value.get("type"), str) else None
    if named is None:
        raise BadParams(hint=f"{at}.type must be one of {', '.join(_REFERRED)}")
    _fit(value, named, at)


# Revisions


def _need(form: Form) -> Member:
    return Member(form, needed=True)


def _may(form: Form) -> Member:
    return Member(form)


_REFERRED: Final[Mapping[str, Members]] = {
    "ref/prompt": {"name": _need(filled), "title": _may(text)},
    "ref/resource": {"uri": _need(filled)},
}
_CAPABILITIES: Final[Members] = {
    "elicitation": _may(within({"form": _may(anything), "url": _may(anything)})),
    "sampling": _may(within({"tools": _may(anything), "context": _may(anything)})),
    "roots": _may(anything),
    "experimental": _may(anything),
    "extensions": _may(each(anything)),
    "tasks": _may(anything),
}
_IMPLEMENTATION: Final[Members] = {"name": _may(text), "version": _may(text), "title": _may(text)}
_OLD_META: Final[Members] = {"_meta": _may(within({"progressToken": _may(ident)}))}
# The members that name the revision are read before this page, and tell eras apart.
_PREFIX: Final = "io.modelcontextprotocol/"
_META: Final[Members] = {
    "_meta": _need(
        within({
            f"{_PREFIX}protocolVersion": _need(text),
            f"{_PREFIX}clientCapabilities": _need(within(_CAPABILITIES)),
            f"{_PREFIX}clientInfo": _may(within(_IMPLEMENTATION)),
            f"{_PREFIX}logLevel": _may(level),
            "progressToken": _may(ident),
        })
    )
}  # fmt: skip
_ASKED: Final[Members] = {"argument": _need(within({"name": _need(text), "value": _need(text)}))}
_CONTEXT: Final[Members] = {"context": _may(within({"arguments": _may(each(text))}))}
_ROUND: Final[Members] = {"inputResponses": _may(each(anything)), "requestState": _may(text)}
_FILTERS: Final[Members] = {
    "toolsListChanged": _may(truth),
    "promptsListChanged": _may(truth),
    "resourcesListChanged": _may(truth),
    "resourceSubscriptions": _may(items(text)),
    "taskIds": _may(items(text)),
}

_LISTING: Final[Members] = {"cursor": _may(text)}
_CALLING: Final[Members] = {"name": _need(filled), "arguments": _may(anything)}
_PROMPTING: Final[Members] = {"name": _need(filled), "arguments": _may(each(text))}
_READING: Final[Members] = {"uri": _need(uri)}
_COMPLETING: Final[Members] = {"ref": _need(reference), **_ASKED}
_TASK: Final[Members] = {"taskId": _need(filled)}

_OLDEST: Final[Mapping[str, Members]] = {
    # Clients that have nothing to say of themselves leave the two out, though every revision asks for them.
    "initialize": {
        "protocolVersion": _need(text),
        "capabilities": _may(within(_CAPABILITIES)),
        "clientInfo": _may(within(_IMPLEMENTATION)),
    },
    "ping": {},
    "tools/list": _LISTING,
    "prompts/list": _LISTING,
    "resources/list": _LISTING,
    "resources/templates/list": _LISTING,
    "tools/call": _CALLING,
    "prompts/get": _PROMPTING,
    "resources/read": _READING,
    "resources/subscribe": _READING,
    "resources/unsubscribe": _READING,
    "logging/setLevel": {"level": _need(level)},
    "completion/complete": _COMPLETING,
}
_SINCE_2025_06: Final[Mapping[str, Members]] = {**_OLDEST, "completion/complete": {**_COMPLETING, **_CONTEXT}}
_SINCE_2025_11: Final[Mapping[str, Members]] = {
    **_SINCE_2025_06, "tools/call": {**_CALLING, "task": _may(within({"ttl": _may(span)}))},
}  # fmt: skip
_SINCE_2026_07: Final[Mapping[str, Members]] = {
    "server/discover": {},
    "subscriptions/listen": {"notifications": _need(within(_FILTERS))},
    "tools/list": _LISTING,
    "prompts/list": _LISTING,
    "resources/list": _LISTING,
    "resources/templates/list": _LISTING,
    "tools/call": {**_CALLING, **_ROUND},
    "prompts/get": {**_PROMPTING, **_ROUND},
    "resources/read": {**_READING, **_ROUND},
    "completion/complete": {**_COMPLETING, **_CONTEXT},
    # The extension for tasks (SEP-2663).
    "tasks/get": _TASK,
    "tasks/cancel": _TASK,
    "tasks/update": {**_TASK, "inputResponses": _need(each(anything))},
}


def _enveloped(methods: Mapping[str, Members], envelope: Members) -> Mapping[str, Members]:
    return MappingProxyType({method: {**envelope, **members} for method, members in methods.items()})


_ENVELOPES: Final[Mapping[str, Members]] = {**dict.fromkeys(HANDSHAKES, _OLD_META), MODERN: _META}
_PARAMS: Final[Mapping[str, Mapping[str, Members]]] = {
    version: _enveloped(methods, _ENVELOPES[version])
    for version, methods in zip(
        (*HANDSHAKES, MODERN), (_OLDEST, _OLDEST, _SINCE_2025_06, _SINCE_2025_11, _SINCE_2026_07), strict=True
    )
}


def named(version: str) -> frozenset[str]:
    """Return the methods of which this page knows what they take in a revision."""
    return frozenset(_PARAMS[version])
