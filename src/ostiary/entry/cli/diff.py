"""`ostiary diff`: who gains and who loses what between two configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ostiary.adapters.store import database
from ostiary.config.schema import Config
from ostiary.core.model import Snapshot
from ostiary.entry.cli.replaying import Data
from ostiary.entry.cli.terminal import AsJson, data, line, say
from ostiary.entry.offline import checked, data_folder, digest, offline
from ostiary.operate.compare import Access, Change, Side, besides, compared
from ostiary.operate.revise import Revisions

_NAMED: Final = 12
"""Labels of one sentence."""
_COLOURS: Final = {"gains": "green", "loses": "red", "changes": "yellow"}


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The configuration to begin with.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The other one.")],
    *,
    folder: Data = None,
    as_json: AsJson = False,
) -> None:
    """Tell in sentences who gains and who loses what between two configurations.

    Everybody whom a rule of either names is looked at, and everything that was approved.
    Of servers that were not asked yet, patterns are compared as they are written; conditions, by their text.
    Exits 0 where nobody gains or loses anything, 1 where somebody does or where not
    everything could be compared (which is said), and 2 where the command is wrong.

    Example: ostiary diff ostiary.yaml new.yaml
    """
    sides = [checked(path).config for path in (old, new)]
    where = folder or next((each for each in map(data_folder, sides, (old, new)) if _kept(each)), None)
    if where is None:
        say("There is no data folder to say what the servers offer: patterns are compared as they are written.")
    files = zip(sides, (old, new), strict=True)
    before, after = (Side(config, _compiled(config, path, where)) for config, path in files)
    (changes, truncated), more = compared(before, after), besides(*sides)
    same = not (changes or more or truncated)
    if as_json:
        every = [_plain(each) for each in changes]
        data({"same": same, "changes": every, "besides": more, "truncated": list(truncated)})
    else:
        _tell(changes, more, truncated)
    if not same:
        raise typer.Exit(1)


def _kept(folder: Path) -> bool:
    # Opening a data folder would make it, and a comparison makes nothing.
    return (folder / database.NAME).exists()


def _compiled(config: Config, path: Path, folder: Path | None) -> Snapshot:
    if folder is None:
        return Revisions(config, digest(config))()
    return offline(path, folder.resolve()).snapshot


def _tell(changes: list[Change], more: list[str], truncated: tuple[str, ...]) -> None:
    for each in changes:
        line(sentence(each), _COLOURS[each.kind])
    for said in more:
        line(f"{said[:1].upper()}{said[1:]}.")
    for said in truncated:
        say(f"Not everything was compared: {said}.", "red")
    if not (changes or truncated):
        say("Nobody gains or loses anything." if not more else "By the rules, nobody gains or loses anything.", "bold")


def sentence(change: Change) -> str:
    """Return a change as one sentence."""
    labels = ", ".join(change.labels[:_NAMED])
    if len(change.labels) > _NAMED:
        labels += f" and {len(change.labels) - _NAMED:,} more"
    where = f" at the view {change.view}" if change.view else ""
    said = f"{change.person.said[:1].upper()}{change.person.said[1:]}"
    match change:
        case Change(before=None, after=Access() as after):
            return f"{said} gains {labels}{where}{_if(after)}."
        case Change(after=None):
            return f"{said} loses {labels}{where}."
        case Change(before=Access() as before, after=Access() as after):
            return f"{said} keeps {labels}{where}, now {_always(after)}; before, {_always(before)}."
    return ""


def _if(access: Access) -> str:
    return f", {access.said}" if access.said else ""


def _always(access: Access) -> str:
    return access.said or "always"


def _plain(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind, "who": change.person.said, "tags": sorted(change.person.tags),
        "alike": [list(each) for each in change.person.alike], "scopes": sorted(change.person.scopes),
        "view": change.view or None, "labels": list(change.labels),
        "before": _conditions(change.before), "after": _conditions(change.after), "sentence": sentence(change),
    }  # fmt: skip


def _conditions(access: Access | None) -> dict[str, Any] | None:
    if access is None:
        return None
    return {"if": sorted(filter(None, access.ways)), "unless": sorted(access.unless)}
