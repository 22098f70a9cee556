"""One layer of defence at a time: how a gateway is configured that has this one, and none of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.e2e.stories.story import Story
from tests.e2e.stories.town import LABELS

Json = dict[str, Any]

TRIFECTA: Final[Json] = {
    "name": "trifecta", "deny": ["*"], "sends": "outside", "after": ["private", "untrusted"],
}  # fmt: skip
STRANGERS: Final[Json] = {
    "name": "strangers", "deny": ["*"], "sends": "outside", "after": ["private"], "roles": ["tinkerer"],
}  # fmt: skip
"""Definitions are read before anything is called, and taint no run: for whoever uses strangers' tools, less is enough."""
INJECTION: Final[Json] = {"name": "orders", "use": "injection", "in": ["answer", "catalogue"], "then": "block"}
STRANGE: Final = ("calc.add",)
"""Tools of strangers, and who may use them."""
_FOR_SOME: Final[Json] = {"name": "strange-tools", "roles": ["tinkerer"]}
CONTENT: Final[Json] = {"name": "content", "use": "flow", "then": "block"}


@dataclass(frozen=True, eq=False)
class Layer:
    """What a gateway has."""

    name: str
    rules: tuple[Json, ...] = ()
    guards: tuple[Json, ...] = ()
    egress: bool = False

    def configuration(self, stories: Iterable[Story]) -> Json:
        """Return the rules and guards."""
        # What a story asks of egress holds in all of them: there is one gateway, and one company.
        narrowed = {tool: more for each in stories for tool, more in each.egress.items()} if self.egress else {}
        usual = [tool for tool in LABELS if tool not in {*narrowed, *STRANGE}]
        strange = [{**_FOR_SOME, "allow": [tool]} for tool in STRANGE if tool not in narrowed]
        rules = [{"name": "everything", "allow": usual, "subjects": ["*"]}, *strange, *_egress(narrowed), *self.rules]
        return {"rules": rules, "guards": list(self.guards)}


def _egress(narrowed: Mapping[str, Json]) -> Iterable[Json]:
    """Yield a rule for each tool that only reaches what the company knows; what nothing is said of is denied."""
    for tool, more in narrowed.items():
        name = f"egress-{tool.replace('.', '-').replace('_', '-')}"
        who = {"roles": _FOR_SOME["roles"]} if tool in STRANGE else {"subjects": ["*"]}
        yield {"name": name, "allow" if more else "deny": [tool], **who, **more}


def stopped_by(layer: Layer, story: Story, ended: Json) -> bool:
    """Say whether a call, by what the ledger says of it, was stopped by a layer at the place that the story has for it."""
    looked = [(each["guard"], each["side"], each["verdict"]) for each in ended.get("guards") or ()]
    decision = ended.get("decision") or {}
    match layer.name:
        case "injection":
            return (ended["outcome"], looked) == ("blocked", [("orders", "answer", "block")])
        case "content":
            said = "first read from" in str(ended.get("detail"))
            return said and (ended["outcome"], looked) == ("blocked", [("content", "request", "block")])
        case "flow rule":
            named = {TRIFECTA["name"], STRANGERS["name"]}
            return decision.get("rule") in named and _denied(ended) and ended["tool"] == story.sink.tool
        case "egress":
            return str(decision.get("rule")).startswith("egress-") and _denied(ended) and ended["tool"] in story.egress
    return False


def _denied(ended: Json) -> bool:
    return ended["decision"]["effect"] == "deny" and ended["outcome"] in {"forbidden", "not_found"}


def row_of(story: Story) -> str:
    """Return what the page says of a story."""
    seen = "stops it" if story.seen else "**not seen**"
    flow = "strangers" if story.role == "tinkerer" else "trifecta"
    return f"| {story.name} | {story.source} | {story.leak} | {seen} | stops it ({flow}) | stops it | {story.egress_said} |"


NOTHING: Final = Layer("nothing")
ALONE: Final = (
    Layer("injection", guards=(INJECTION,)),
    Layer("flow rule", rules=(TRIFECTA, STRANGERS)),
    Layer("content", guards=(CONTENT,)),
    Layer("egress", egress=True),
)
UNDETECTED: Final = Layer("flows and egress", rules=(TRIFECTA, STRANGERS), egress=True)
LAYERS: Final = (NOTHING, *ALONE, UNDETECTED)
