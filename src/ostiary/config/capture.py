"""What is kept of the words of calls, sealed for auditors; and that rules name a class that there is. Pure."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from pydantic import AfterValidator, ConfigDict, Field, Strict, model_validator

from ostiary.config.fields import Name, Octets, Seconds, Section, may, must
from ostiary.config.problems import Path, Problem, Unfit, did_you_mean
from ostiary.config.tree import Node, Scalar, Table, child, problem_at, select
from ostiary.core.capturing import Capture as Kept
from ostiary.core.capturing import Half

_SOME: Final = X25519PrivateKey.from_private_bytes(bytes(31) + b"\x40")
_MAKE: Final = "make one with: ostiary audit keygen --out FILE"
_NAME: Final = "^[a-z][a-z0-9-]{0,31}$"


def recipient(value: str) -> str:
    """Return a public key as it is written: 32 bytes of X25519 in base64, for which something can be sealed."""
    try:
        found = b64decode(value, validate=True)
        # RFC 7748, section 6.1: with a point of low order the shared secret is zero, and everybody knows it.
        _SOME.exchange(X25519PublicKey.from_public_bytes(found))
    except (Error, ValueError):
        raise Unfit("is not a public key of X25519", _MAKE) from None
    return b64encode(found).decode()


class Class(Section):
    """Payloads that are kept equally long."""

    keep: Seconds = must("For how long; afterwards payloads and their keys are destroyed, within a day.")
    size: Octets = may("64KiB", "What is kept of one payload; of a larger one only its beginning is.")


Classes = Annotated[Mapping[Name, Class], Field(min_length=1, max_length=64)]


class Capture(Section):
    """Payloads of calls, kept sealed where rules want that; without it none are."""

    to: Annotated[str, AfterValidator(recipient)] = must(
        "The auditors' public key, as `ostiary audit keygen` prints it: the gateway seals for it, and can open nothing."
    )
    classes: Classes = must("What rules name: for how long payloads are kept, and how much of one.")
    spare: Octets = may(
        "256MiB", "What stays free on the disk: with less, calls whose payloads have to be kept are refused."
    )


def _either(schema: dict[str, Any]) -> None:
    """Let the name of a class stand by itself, too."""
    whole = {key: schema.pop(key) for key in list(schema)}
    schema["anyOf"] = [{"type": "string", "pattern": _NAME, "$comment": "class"}, whole]


class Wanted(Section):
    """What a rule has kept of the calls that it allows; the name of a class by itself means all."""

    model_config = ConfigDict(json_schema_extra=_either, serialize_by_alias=True)

    class_: Name = must("The class, of `capture.classes`.", alias="class")
    what: Annotated[
        tuple[Literal["arguments", "result"], ...], Field(min_length=1, max_length=2), Strict(strict=False)
    ] = may(("arguments", "result"), "What is kept: what leaves for the server, what is handed on of its answer.")

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, value: Any) -> Any:
        return {"class": value} if isinstance(value, str) else value


def kept(wanted: Wanted | None) -> Kept | None:
    """Return what a rule has kept, as calls are decided by it."""
    return None if wanted is None else Kept(wanted.class_, frozenset(map(Half, wanted.what)))


def check(root: Table) -> Iterator[Problem]:
    """Yield what is wrong between rules and classes."""
    section = child(root, "capture")
    listed = child(section, "classes")
    known = tuple(listed.items) if isinstance(listed, Table) else ()
    for path, rule in select(root, "rules", "*"):
        said = child(rule, "capture")
        if said is None or (isinstance(said, Scalar) and said.value is None):
            continue
        at = (*path, "capture")
        if child(rule, "deny") is not None and child(rule, "allow") is None:
            yield problem_at(root, at, "is only for rules that allow", "remove it")
        elif _true(child(rule, "shadow")):
            yield problem_at(root, at, "a rule that is rehearsed decides nothing", "remove it, or remove shadow")
        elif section is None:
            todo = f"add capture: {{to: ..., classes: {{...}}}} to the file; {_MAKE}"
            yield problem_at(root, at, "there is no key that payloads are sealed for", todo)
        else:
            yield from _known(root, at, said, known)


def _known(root: Table, at: Path, said: Node, known: tuple[str, ...]) -> Iterator[Problem]:
    own = child(said, "class")
    at, name = (at, said) if own is None else ((*at, "class"), own)
    if isinstance(name, Scalar) and isinstance(name.value, str) and name.value not in known:
        listed = f"in capture.classes are {', '.join(sorted(known)[:10])}" if known else "add it to capture.classes"
        todo = did_you_mean(name.value, known) or listed
        yield problem_at(root, at, f'no class of payloads is called "{name.value}"', todo, of_value=True)


def _true(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.value is True
