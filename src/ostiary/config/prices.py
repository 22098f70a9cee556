"""What calls of tools cost, and tokens of models; and that limits on spending go together with them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, model_validator

from ostiary.config import units
from ostiary.config.fields import Amount, PerMillion, Section, may, must
from ostiary.config.problems import Path, Problem, Unfit
from ostiary.config.tree import Node, Scalar, Table, child, problem_at, select
from ostiary.config.values import covers
from ostiary.core import costs

_TEXT: Final[dict[str, Any]] = {"type": "string", "pattern": "^[0-9]+([.][0-9]{1,6})? ?[A-Z]{3}$"}
_PARTS: Final = ("call", "per_mb", "per_second", "at_most")
_RATES: Final = ("input", "output")


def _either(schema: dict[str, Any]) -> None:
    """Let a price be an amount by itself, too."""
    whole = {key: schema.pop(key) for key in list(schema)}
    schema["anyOf"] = [{**_TEXT, "$comment": "price of a call"}, whole]


class Price(Section):
    """What a call costs that was let through, however it ends; an amount by itself is that of `call`."""

    model_config = ConfigDict(json_schema_extra=_either)

    call: Amount | None = may(None, "For each call, such as `0.02 USD`.")
    per_mb: Amount | None = may(None, "For a million bytes of request and answer.")
    per_second: Amount | None = may(None, "For each second of the server's time.")
    reported: bool = may(
        False, "The server says in `_meta` of a result what it cost (`ostiary/cost`), or the tokens it took (`usage`)."
    )
    at_most: Amount | None = may(
        None, "What a call never costs more than: so much of a budget is held for it, else all that is left."
    )
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = may(
        None, "The currency of what is reported, where no amount says it."
    )

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, value: Any) -> Any:
        return {"call": value} if isinstance(value, str) else value


class Tokens(Section):
    """What a model's tokens cost."""

    input: PerMillion = must("A million tokens that it reads, such as `3 USD/M`.")
    output: PerMillion = must("A million tokens that it writes.")


Models = Annotated[Mapping[Annotated[str, Field(min_length=1, max_length=256)], Tokens], Field(max_length=256)]


class Prices(Section):
    """What tokens of models cost, where servers, or clients that were asked by servers, report their use."""

    models: Models = may({}, "By the name that is reported.")


def priced(written: Price | None, prices: Prices) -> costs.Price | None:
    """Return a price as calls are priced by it; None: a call costs nothing."""
    if written is None:
        return None
    amounts = {part: each for part in _PARTS if (each := getattr(written, part)) is not None}
    currency = next((each.currency for each in amounts.values()), written.currency or "")
    micros = {part: each.micros for part, each in amounts.items()}
    models = prices.models if written.reported else {}
    return costs.Price(
        currency, micros.get("call", 0), micros.get("per_mb", 0), micros.get("per_second", 0), written.reported,
        micros.get("at_most"), tuple((name, _rate(each)) for name, each in models.items()),
    )  # fmt: skip


def _rate(tokens: Tokens) -> costs.Rate:
    return costs.Rate(tokens.input.micros, tokens.output.micros, tokens.input.currency)


# What no single key can know. It is asked of the tree: what has the wrong shape is passed over, and said elsewhere.


def check(root: Table) -> Iterator[Problem]:
    """Yield prices and budgets that do not go together."""
    found: dict[str, str] = {}
    for path, node in select(root, "servers", "*", "tools", "*", "price"):
        said = _currencies(node)
        yield from _price(root, path, node, said)
        if len(said) == 1:
            found[f"{path[1]}.{path[3]}"] = said[0]
    for path, node in select(root, "prices", "models", "*"):
        pair = [currency for key in _RATES for currency in _of(child(node, key), units.tokens)]
        if len(set(pair)) > 1:
            yield problem_at(
                root, path, f"has prices in {' and '.join(sorted(set(pair)))}", "write both in one currency"
            )
    for path, node in select(root, "limits", "*"):
        if isinstance(node, Table):
            yield from _limit(root, path, node, found)


def _price(root: Table, path: Path, node: Node, said: list[str]) -> Iterator[Problem]:
    if len(said) > 1:
        yield problem_at(root, path, f"has amounts in {' and '.join(said)}", "write all of them in one currency")
    if not isinstance(node, Table):
        return
    reported = _true(node, "reported")
    if not said and reported:
        yield problem_at(root, path, "does not say its currency", "add currency: USD, or at_most: 1 USD")
    if not reported and not any(key in node.items for key in _PARTS[:-1]):
        yield problem_at(root, path, "is the price of nothing", "add call: 0.02 USD, or reported: true")


def _limit(root: Table, path: Path, node: Table, found: Mapping[str, str]) -> Iterator[Problem]:
    for key, needed in (("queue", "concurrent"), ("warn_at", "spend"), ("zone", "spend")):
        if key in node.items and needed not in node.items:
            yield problem_at(root, (*path, key), f"means nothing without {needed}", f"add {needed}, or remove {key}")
    budget = next(iter(_of(child(node, "spend"), units.spend)), "")
    if not budget:
        return
    patterns = [each.value for _, each in select(node, "on", "*") if isinstance(each, Scalar)] or ["*"]
    counted = {tool: each for tool, each in found.items() if any(_covers(pattern, tool) for pattern in patterns)}
    if not counted:
        yield problem_at(
            root, (*path, "spend"), "bounds nothing: no tool that it counts has a price",
            "give one a price: servers.NAME.tools.TOOL.price: 0.02 USD",
        )  # fmt: skip
    foreign = sorted(tool for tool, currency in counted.items() if currency != budget)
    if foreign:
        yield problem_at(
            root, (*path, "spend"), f"is in {budget}, and {foreign[0]} has its price in {counted[foreign[0]]}",
            "write both in one currency, or narrow `on`",
        )  # fmt: skip


def _currencies(node: Node) -> list[str]:
    """Return the currencies that a price speaks of."""
    if isinstance(node, Scalar):
        return _of(node, units.money)
    said = {currency for part in _PARTS for currency in _of(child(node, part), units.money)}
    alone = child(node, "currency")
    if isinstance(alone, Scalar) and isinstance(alone.value, str):
        said.add(alone.value)
    return sorted(said)


def _of(node: Node | None, reading: Any) -> list[str]:
    try:
        return [reading(node.value).currency] if isinstance(node, Scalar) else []
    except Unfit:
        return []


def _true(node: Table, key: str) -> bool:
    found = node.items.get(key)
    return isinstance(found, Scalar) and found.value is True


def _covers(pattern: object, label: str) -> bool:
    return isinstance(pattern, str) and covers(pattern, label)
