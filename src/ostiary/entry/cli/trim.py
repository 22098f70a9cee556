"""`ostiary trim`: what nobody used of what the rules grant, and rules that would have been enough."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from ruamel.yaml import YAML

from ostiary.entry.cli.audit import Since, instant
from ostiary.entry.cli.replaying import Data, approved, calls, opened, replay
from ostiary.entry.cli.terminal import CONFIG, AsJson, ConfigFile, data, line, plural, raw, say
from ostiary.operate.trim import Trimmed, Unused, Uses

_NAMED: Final = 12
"""Labels of one line."""
_WIDE: Final = 1_000_000


def trim(config: ConfigFile = CONFIG, *, since: Since = "30d", folder: Data = None, as_json: AsJson = False) -> None:
    """Report what nobody used of what the rules grant, and propose the smallest rules that would have been enough.

    Calls of the last 30 days count, unless --since says otherwise. Whoever comes once a quarter does not show in them.
    The rules that are proposed replace all allow rules; those that deny, or are rehearsed, stay as they are.
    Try them first: ostiary simulate -c NEW

    Example: ostiary trim --since 30d
    """
    it = opened(config, folder)
    uses = Uses(it.config, replay(it))
    for call in calls(it.data, instant("--since", since), "reading"):
        uses.add(call)
    found = uses.trimmed(approved(it))
    if as_json:
        data(msgspec.to_builtins(found))
        return
    _tell(found)


def _tell(found: Trimmed) -> None:
    for each in found.unused:
        line(f"{each.rule}: {_used(each)}", "yellow" if each.calls else "red")
        for said in _left(each) if each.calls else ():
            line(f"  {said}")
    if found.calls and found.unused:
        say("These allow rules would have been enough:", "bold")
        raw(pasted(found.rules))
    elif not found.unused:
        say("Everything that the rules grant was used.", "bold")
    say(f"{plural(found.calls, 'call')} looked at.", "bold")
    if found.lost:
        say(f"{plural(found.lost, 'call')} would not be allowed any more, and did not count.", "yellow")
    if found.beyond:
        say(f"{plural(found.beyond, 'call')} did not count: there are too many uses. Shorten --since.", "red")
    if found.strangers:
        say(
            f"{plural(found.strangers, 'call')} did not count, for the ledger does not say which roles and teams their "
            "callers had: what these used is not among the rules above.", "yellow",
        )  # fmt: skip


def _used(each: Unused) -> str:
    return f"{plural(each.calls, 'call')}; nobody used" if each.calls else "nobody used it"


def _left(each: Unused) -> Iterable[str]:
    named = {"patterns": each.patterns, **each.who, "of what was approved": each.labels}
    for key, names in named.items():
        if names:
            more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
            yield f"{key}: {', '.join(names[:_NAMED])}{more}"


def pasted(rules: Iterable[Mapping[str, Any]]) -> str:
    """Return rules as they are written in a file."""
    yaml: Any = YAML(typ="safe")
    text = io.StringIO()
    yaml.default_flow_style, yaml.width, yaml.sort_base_mapping_type_on_output = None, _WIDE, False
    yaml.dump({"rules": [dict(rule) for rule in rules]}, text)
    return text.getvalue()
