"""What a guard found in one text, where, and how sure it is. Pure."""

from __future__ import annotations

from msgspec import Struct


class Found(Struct, frozen=True):
    """One thing that was found; it says where to cut and what to tell, and never quotes a secret."""

    start: int
    end: int
    """Offsets in the text as it was written, whatever view showed the match; `start <= end`."""
    kind: str
    """What it is of: "injection", "secret" or "personal"."""
    rule: str
    """The rule's stable id, such as `role.template-token`."""
    score: float
    """How sure the rule is, 0 to 1, before anything around the text is weighed."""
    view: str = ""
    """The path of the view that it was found in, such as `base64`; empty: in the text as it was written."""
    words: str = ""
    """The evidence in a few words that may be logged."""
