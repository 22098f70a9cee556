"""What a story of an attack is: where words lie that somebody planted, what they make an agent do, and what gets out."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

Json = dict[str, Any]


class Call(Struct, frozen=True):
    """One call of a tool, as rules name it; `${name}` in an argument stands for what the agent read."""

    tool: str
    arguments: Mapping[str, Any] = {}


class Order(Struct, frozen=True):
    """What an agent does that believes every word it reads."""

    cue: str
    """The words that make it do so, as a pattern; what its groups match may be used in the call."""
    call: Call
    keep: str = ""
    """Under which name the answer is remembered."""
    spelt: Callable[[str], str] = str
    """How what was remembered has to be written in this call, such as within an address."""


class Story(Struct, frozen=True):
    """One published attack, played with servers of ours."""

    name: str
    source: str
    """Who published it, when, and its CVE, if it has one."""
    task: tuple[Call, ...]
    """What the agent's person asked for: honest work, by which the words are read."""
    place: str
    """Where the words lie (`town.py`)."""
    poison: str
    """The words."""
    orders: tuple[Order, ...]
    """What they make the agent do; the last one carries private data out."""
    private: str
    """Where the private data lies."""
    egress: Mapping[str, Json]
    """What stands for egress in this story, by tool: what narrows the rule that allows it; nothing: it is denied."""
    egress_said: str
    """The same in words."""
    leak: str
    """What gets out without any layer, and to where."""
    role: str = "staff"
    """The role of the person whose agent it is."""
    seen: bool = True
    """Whether the injection guard sees the words: as it is, and not as we would like it."""

    @property
    def sink(self) -> Call:
        """What carries the data out."""
        return self.orders[-1].call

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers that take part."""
        calls = (*self.task, *(order.call for order in self.orders))
        return tuple(dict.fromkeys(each.tool.partition(".")[0] for each in calls))
