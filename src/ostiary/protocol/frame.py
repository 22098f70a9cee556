"""The text around the id and the arguments of a tool call, as a value. Pure."""

from __future__ import annotations

from msgspec import Struct


class Frame(Struct, frozen=True, gc=False):
    """Three parts, with the two between them."""

    start: bytes
    middle: bytes
    end: bytes
    ident_first: bool
