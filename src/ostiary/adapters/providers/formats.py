"""What every provider of screening shares: what it is asked, what goes out, what came back, what was said. Pure.

A provider knows one published format. It turns what is asked into requests, and an answer into what was said; it
raises `Unreadable` for whatever does not follow the format, because nobody can know what such an answer means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol, runtime_checkable

from msgspec import Struct

from ostiary.core.errors import GatewayError
from ostiary.core.screening import Path, Side, Text
from ostiary.protocol.jsonrpc import encode, read

_DEPTH: Final = 64
_OK: Final = 200
_LONGEST_WAIT: Final = 3600.0
_WORD: Final = 48
_JSON: Final = "application/json"
_STATUSES: Final[Mapping[int, str]] = {
    400: "it refuses the request as malformed; check its profile and version",
    401: "it does not accept the key; check `key`",
    403: "the key may not do this; check `key` and `profile`",
    404: "it knows no such address or profile; check `url`, `profile`, `region` and `version`",
    413: "it takes no request of this size",
    422: "it refuses the request as malformed; check its profile and version",
    429: "it is asked too often",
}
_OF_THE_WORDS: Final = frozenset({400, 413, 414, 415, 422})
"""Refusals that another payload would not meet: they say nothing of whether the provider is well."""


class Asked(Struct, frozen=True):
    """What a provider is asked about: the words of one message, masked where that was wanted."""

    side: Side
    server: str
    label: str
    """The tool, prompt or resource, as rules say it."""
    method: str
    run: str
    """A digest that is the same for all that belongs to one agent run, and tells nobody whose run it is."""
    texts: tuple[Text, ...]

    def __repr__(self) -> str:
        """Show whose words they are and how many, and none of them."""
        return f"Asked({self.side.value} of {self.label!r} at {self.server!r}, {len(self.texts)} texts)"


class Portion(Struct, frozen=True):
    """A text, or a part of a long one, as it was sent."""

    path: Path
    value: str
    whole: bool = True
    """Whether it is all of the text: only then can what a provider masked be put in its place."""
    rigid: bool = False

    def __repr__(self) -> str:
        """Show how much it is and no word of it."""
        return f"Portion({len(self.value)} characters)"


class Outgoing(Struct, frozen=True):
    """One request to a provider."""

    url: str
    headers: Mapping[str, str]
    """Without Host and Content-Length."""
    body: bytes
    portions: tuple[Portion, ...] = ()
    """What it carries, in the order in which it was sent; `read` gets it back with the answer."""
    method: str = "POST"

    def __repr__(self) -> str:
        """Show where it goes, and neither keys nor words."""
        return f"Outgoing({self.method} {self.url.partition('?')[0]}, {len(self.body)} bytes)"


class Answer(Struct, frozen=True):
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes

    def __repr__(self) -> str:
        """Show what kind of answer it is, and nothing that it quotes."""
        return f"Answer({self.status}, {len(self.body)} bytes)"


class Said(Struct, frozen=True):
    """What a provider says of one request."""

    flagged: bool
    """Whether it objects. What is not flagged and has categories is noted."""
    categories: tuple[str, ...] = ()
    """What it objects to, in words of the provider's list (see `word`); never anything of what was sent."""
    certainty: float = 1.0
    """How sure it is, 0 to 1; 1 where its format has no such number."""
    masked: Mapping[Path, str] | None = None
    """What to put where, if everything that it objects to is gone then; None: it gave nothing that can be placed."""
    reference: str = ""
    """The provider's own id for this answer, to look it up there."""

    def __repr__(self) -> str:
        """Show the verdict, and no text."""
        return f"Said(flagged={self.flagged}, categories={self.categories}, reference={self.reference!r})"


class Unreadable(Exception):
    """An answer that is no answer; the reason quotes nothing of it."""

    def __init__(self, reason: str, *, words: bool = False, retry_after: float = 0.0) -> None:
        """`words`: it was refused for what was in it; another payload may pass. `retry_after`: seconds to leave it."""
        super().__init__(reason)
        self.reason, self.words, self.retry_after = reason, words, retry_after


class Setting(Struct, frozen=True):
    """What a configuration says of a provider; empty where it says nothing."""

    url: str = ""
    key: str = ""
    """The secret itself."""
    profile: str = ""
    region: str = ""
    version: str = ""
    at: float = 0.5

    def __repr__(self) -> str:
        """Show everything but the key."""
        return f"Setting(url={self.url!r}, profile={self.profile!r}, region={self.region!r}, key=…)"


class Provider(Protocol):
    """One published format. Made by its module's `provider(setting)`, which raises `ValueError` for what is missing."""

    name: str
    """As `use` says it."""

    def request(self, asked: Asked, now: float, /) -> tuple[Outgoing, ...]:
        """Return the requests that show all of what is asked; `now` is seconds since the epoch.

        What is too long for one request is cut (`portions`, `batches`), and nothing is ever left out. Where nothing
        can be asked because of the words themselves, raise `Unreadable`.
        """

    def read(self, sent: Outgoing, got: Answer, /) -> Said:
        """Return what the provider says of one request, or raise `Unreadable`."""


class Send(Protocol):
    """Sends one request by a deadline on the loop's clock; raises `GatewayError` where there is no answer."""

    async def __call__(self, sent: Outgoing, deadline: float, /) -> Answer:
        """Return the answer, whatever its status."""


@runtime_checkable
class Prepared(Protocol):
    """A provider that needs something of somebody before it can be asked, such as an access token."""

    async def prepare(self, send: Send, now: float, deadline: float, /) -> None:
        """Obtain it, unless what was obtained before is good for longer than until `deadline`."""


# What goes out


def portions(texts: Iterable[Text], most: int, overlap: int = 0, *, names: bool = True) -> Iterator[Portion]:
    """Yield texts in parts of at most `most` characters; each stretch of `overlap` characters is whole in one part.

    Empty texts say nothing and are left out. `names=False` leaves out the names of members that are sent beside.
    """
    for text in texts:
        if not text.value or not (names or not _is_name(text)):
            continue
        if len(text.value) <= most:
            yield Portion(text.path, text.value, rigid=text.rigid)
            continue
        for start in range(0, len(text.value) - overlap, most - overlap):
            yield Portion(text.path, text.value[start : start + most], whole=False, rigid=text.rigid)


def batches(parts: Iterable[Portion], items: int, most: int) -> Iterator[tuple[Portion, ...]]:
    """Yield parts in groups of at most `items` parts and `most` characters, in their order."""
    group: list[Portion] = []
    size = 0
    for each in parts:
        if group and (len(group) >= items or size + len(each.value) > most):
            yield tuple(group)
            group, size = [], 0
        group.append(each)
        size += len(each.value)
    if group:
        yield tuple(group)


def posted(url: str, headers: Mapping[str, str], value: Any, parts: Iterable[Portion] = ()) -> Outgoing:
    """Return a POST of a JSON value."""
    return Outgoing(url, {"content-type": _JSON, **headers}, encode(value), tuple(parts))


def _is_name(text: Text) -> bool:
    return bool(text.path) and text.path[-1] == -1


# What came back


def told(got: Answer, statuses: Mapping[int, str] = _STATUSES) -> dict[str, Any]:
    """Return the JSON object of an answer with status 200, or raise `Unreadable`; redirects are no answers."""
    if got.status != _OK:
        raise refused(got, statuses)
    if got.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise Unreadable("its answer is not declared as JSON")
    try:
        value = read(got.body, _DEPTH)
    except GatewayError as error:
        # A doubled member is refused as well: two readers of it may see two different verdicts.
        raise Unreadable("its answer is not the JSON that its format has") from error
    if not isinstance(value, dict):
        raise Unreadable("its answer is not a JSON object")
    return value


def refused(got: Answer, statuses: Mapping[int, str] = _STATUSES) -> Unreadable:
    """Return the failure that a status other than 200 is."""
    known = statuses.get(got.status) or _STATUSES.get(got.status, "")
    reason = f"it answers with status {got.status}{f': {known}' if known else ''}"
    return Unreadable(reason, words=got.status in _OF_THE_WORDS, retry_after=retry_after(got))


def retry_after(got: Answer) -> float:
    """Return for how many seconds an answer asks to be left alone (RFC 9110 section 10.2.3); dates count as nothing."""
    said = got.headers.get("retry-after", "").strip()
    if got.status not in {429, 503} or not said.isascii() or not said.isdigit() or len(said) > len("86400"):
        return 0.0
    return min(float(said), _LONGEST_WAIT)


def member(value: Mapping[str, Any], name: str, kind: type[Any], default: Any = None) -> Any:
    """Return a member of the right JSON type; `default` where it is missing or null, `Unreadable` if it has neither.

    Booleans are no numbers; `float` takes any number.
    """
    found = value.get(name)
    if found is None and default is not None:
        return default
    if kind is float and isinstance(found, int) and not isinstance(found, bool):
        return float(found)
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
        raise Unreadable(f"`{name}` in its answer is not what its format has")
    return found


def word(value: object) -> str:
    """Return a name from a provider's list as it may be logged: letters, digits, `-`, `_`, `.`, `/`, not many."""
    kept = "".join(each if each.isascii() and (each.isalnum() or each in "-_./") else "-" for each in str(value))
    return kept.strip("-")[:_WORD] or "unnamed"
