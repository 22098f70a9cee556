"""Guards of other packages: found by their metadata, loaded only where configured, and held to what a guard may say."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from ostiary.adapters.plugins import Unloadable, loaded, named, registered
from ostiary.config.guards import GuardEntry
from ostiary.core.screening import Block, Note, Pass, Payload, Redact, Side, Text
from ostiary.entry.plugins import Plugins
from ostiary.entry.proving import Proving
from ostiary.operate.contract import CHECKS
from tests.contract import test_cli
from tests.contract.guards import config
from tests.contract.plugging import installed, removed, seen
from tests.contract.test_cli import CONFIG, Shell

shell = test_cli.shell
OWN = "  - {name: own, use: plugin, load: acme-words, in: [answer], settings: {words: [bluebird], level: 2}}\n"
SECRET = "hunter2-of-the-house"
Patch = pytest.MonkeyPatch


@pytest.fixture
def site(tmp_path: Path, monkeypatch: Patch) -> Path:
    """Return a folder in which the example is installed."""
    folder = installed(tmp_path / "site")
    seen(folder, monkeypatch)
    return folder


def entry(**more: Any) -> GuardEntry:
    plain = {"load": "acme-words", "settings": {"words": ["bluebird"], "level": 2}}
    return config(use="plugin", **{**plain, **more}).guards[0]


def said(text: str) -> Payload:
    return Payload(Side.ANSWER, "crm", "crm.find", "tools/call", "run", (Text(("text",), text),))


def test_what_is_registered_is_known_without_running_it(site: Path) -> None:
    (site / "acme_words.py").write_text("raise RuntimeError('it ran')\n")
    found = named("acme-words", registered())
    assert (found.package, found.version, found.place) == ("acme-words", "1.2.0", "acme_words:make")
    assert "acme_words" not in sys.modules


@pytest.mark.usefixtures("site")
def test_a_configured_guard_is_loaded_and_looks() -> None:
    kept = Plugins()(entry())
    assert asyncio.run(_looked(kept.guard, "The Bluebird flies.")) == Redact(
        "words of the house in 1 texts", {("text",): "The [acme] flies."}
    )
    assert asyncio.run(_looked(kept.guard, "Nothing.")) == Pass()
    assert kept.told() == {"guard": "it", "load": "acme-words", "package": "acme-words", "version": "1.2.0"}


async def _looked(guard: Any, text: str) -> Any:
    return await guard(said(text))


@pytest.mark.usefixtures("site")
def test_what_a_plugin_learnt_outlives_a_snapshot_and_not_its_entry() -> None:
    plugins = Plugins()
    first = plugins(entry())
    assert plugins(entry()) is first
    assert plugins(entry(settings={"words": ["zebra"]})) is not first


@pytest.mark.usefixtures("site")
def test_a_gateway_keeps_a_bounded_number_of_plugins() -> None:
    plugins = Plugins()
    first = plugins(entry())
    for at in range(64):
        plugins(entry(name=f"n{at}"))
    assert plugins(entry()) is not first


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"raise RuntimeError({SECRET!r})", "cannot be imported: RuntimeError"),
        ("import nothing_of_this_name", "cannot be imported: ModuleNotFoundError"),
        ("made = 1", "cannot be imported: AttributeError"),
        ("import sys\nsys.exit(3)", "cannot be imported: SystemExit"),
        (f"def make(settings): raise ValueError({SECRET!r})", "does not take these settings: ValueError"),
        ("def make(settings): raise SystemExit", "does not take these settings: SystemExit"),
        ("def make(): ...", "does not take these settings: TypeError"),
        ("def make(settings): return 7", "is no guard: it has no `look` or no `canaries`"),
        ("def make(settings): return type('X', (), {'look': print})()", "is no guard"),
    ],
)
def test_what_cannot_be_loaded_is_named_and_its_words_are_not(
    site: Path, monkeypatch: Patch, text: str, reason: str
) -> None:
    (site / "acme_words.py").write_text(f"{text}\n")
    seen(site, monkeypatch)
    with pytest.raises(Unloadable, match=r"acme-words 1\.2\.0") as caught:
        Plugins()(entry())
    assert reason in str(caught.value)
    assert str(caught.value).startswith("guard it: ")
    assert SECRET not in str(caught.value)


def test_a_name_that_nobody_or_more_than_one_registered_is_refused(site: Path, monkeypatch: Patch) -> None:
    with pytest.raises(Unloadable, match="no package registered a guard as 'other'; installed are: acme-words"):
        named("other", registered())
    with pytest.raises(Unloadable, match="no package that is installed brings guards"):
        named("other", {})
    seen(installed(site.parent / "more", package="evil-words", version="9.9", module="evil"), monkeypatch)
    with pytest.raises(
        Unloadable, match=r"acme-words 1.2.0 and evil-words 9.9 both registered .* uninstall all but one"
    ):
        named("acme-words", registered())


@pytest.mark.usefixtures("site")
def test_settings_are_the_plugin_s_own_copy() -> None:
    settings: dict[str, Any] = {"words": ["bluebird"]}
    what = named("acme-words", registered())
    asyncio.run(_changed(loaded(what, settings)))
    here = entry(settings=settings)
    Plugins()(here)
    assert here.settings == {"words": ["bluebird"]}


async def _changed(plugin: Any) -> None:
    assert isinstance(await plugin.look(said("bluebird")), Block)


# What it may do at a running gateway


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(("level", "left"), [(1, Note), (3, Block)])
async def test_its_canaries_prove_it(level: int, left: type) -> None:
    found = config(use="plugin", load="acme-words", settings={"words": ["bluebird"], "level": level})
    made = Proving(lambda _: {}, lambda: found, lambda *_: None)
    guard = made.made(found)["it"]
    await made.round()
    assert made.failing() == {}
    assert made.told() == {
        "plugins": [{"guard": "it", "load": "acme-words", "package": "acme-words", "version": "1.2.0"}]
    }
    assert isinstance(await guard(said("a bluebird")), left)


BROKEN = """
from ostiary.guards.plugin import Block, Canary, Pass, Redact
class It:
    async def look(self, payload):
        {look}
    def canaries(self):
        {canaries}
def make(settings):
    return It()
"""


@pytest.mark.parametrize(
    ("look", "canaries", "reason"),
    [
        ("return Pass()", "return [Canary('x')]", "it does not find what its package brings in a request"),
        ("return Block('all')", "return [Canary('x')]", "it objects to harmless words in a request: all"),
        (f"raise RuntimeError({SECRET!r})", "return [Canary('x')]", "it fails with RuntimeError"),
        ("return 'pass'", "return [Canary('x')]", "it fails with Unsound"),
        ("raise SystemExit", "return [Canary('x')]", "it fails with Unsound"),
        ("return Redact('x', {('other',): ''})", "return [Canary('x')]", "it fails with Unsound"),
        ("return Pass()", "return []", "its package brings nothing that proves it in a request"),
        ("return Pass()", "return [Canary('x', key='note')]", "its package brings nothing that proves it in a request"),
        ("return Pass()", f"raise RuntimeError({SECRET!r})", "its proof failed with RuntimeError"),
        ("return Pass()", "return 7", "its proof failed with TypeError"),
    ],
)
async def test_one_that_is_broken_is_told(
    site: Path, monkeypatch: Patch, look: str, canaries: str, reason: str
) -> None:
    (site / "acme_words.py").write_text(BROKEN.format(look=look, canaries=canaries))
    seen(site, monkeypatch)
    found = config(use="plugin", load="acme-words", skip=["note"])
    made = Proving(lambda _: {}, lambda: found, lambda *_: None)
    made.made(found)
    await made.round()
    assert made.failing() == {"it": reason}


# What commands say of it


def guarded(shell: Shell, lines: str = OWN) -> Shell:
    shell.file.write_text(f"{CONFIG}guards:\n{lines}")
    return shell


@pytest.mark.usefixtures("site")
def test_check_looks_a_package_up_and_loads_it_when_told_to(shell: Shell, monkeypatch: Patch) -> None:
    guarded(shell).good("check")
    assert "acme_words" not in sys.modules
    shell.good("check", "--load")
    guarded(shell, OWN.replace("level: 2", "level: 7")).good("check")
    done = shell("check", "--load")
    assert done.code == 1
    assert "guards[0].load: the guard 'acme-words' of acme-words 1.2.0 does not take these settings" in done.out


def test_check_refuses_what_is_not_installed(site: Path, shell: Shell) -> None:
    removed(site)
    done = guarded(shell)("check")
    assert done.code == 1
    assert "guards[0].load: no package registered a guard as 'acme-words'" in done.out


@pytest.mark.usefixtures("site")
def test_the_list_says_which_package_looks(shell: Shell) -> None:
    table = guarded(shell).good("guards", "list").out
    assert "acme-words of acme-words 1.2.0" in table
    [own] = shell.good("guards", "list", "--json").data["guards"]
    assert own["package"] == "acme-words 1.2.0"
    assert "acme_words" not in sys.modules


def test_the_list_says_that_a_package_is_gone(site: Path, shell: Shell) -> None:
    removed(site)
    assert "acme-words of no package" in guarded(shell).good("guards", "list").out


# The page


def test_the_guard_of_the_page_is_one(tmp_path: Path, monkeypatch: Patch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "guards-plugins.md").read_text("utf-8")
    text, test = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    seen(installed(tmp_path / "site", name="house-words", module="house_words", text=text), monkeypatch)
    kept = Plugins()(entry(load="house-words"))
    assert asyncio.run(_looked(kept.guard, "a bluebird")) == Redact("words of the house", {("text",): "[house]"})
    told = dict[str, Any]()
    exec(compile(test, "page", "exec"), told)
    failed = set()
    for check in CHECKS:
        try:
            told["test_our_guard_holds_the_contract"](check)
        except AssertionError:
            failed.add(check)
    assert failed == {"reads_long_texts_in_turns"}
