"""`ostiary simulate`, `diff` and `trim`, as people meet them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ostiary.adapters.store.ledger import Ledger
from ostiary.config.parse import parse
from ostiary.core.model import Allow, Call, Caller, Client, Deny, Era, Inbound, Kind, Reason, Target
from ostiary.core.trail import Trail
from tests.contract.test_cli import Shell, offered, shell, tool

__all__ = ["shell"]

HEAD = """\
gateway: {url: "http://127.0.0.1:8080", data: data}
servers: {files: {command: [files]}, crm: {command: [crm]}}
"""
OLD = f"""{HEAD}\
rules:
  - {{name: readers, allow: [files.*], roles: [dev, lead]}}
  - {{name: nobody-deletes, deny: ["*.delete"]}}
"""
NEW = f"""{HEAD}\
rules:
  - {{name: devs, allow: [files.read_file], roles: [dev], when: args.path == "/a"}}
  - {{name: leads, allow: [files.read_file, files.delete], roles: [lead]}}
  - {{name: trial, deny: [files.*], roles: [lead], shadow: true}}
"""


async def no_body() -> bytes:
    return b""


def person(name: str, *roles: str) -> Caller:
    tags = frozenset(
        {"*", "issuer:ostiary", f"subject:{name}", f"client:tok_{name}", *(f"role:{each}" for each in roles)}
    )
    return Caller(name, "ostiary", f"tok_{name}", f"token:tok_{name}", 9e9, frozenset(roles), tags=tags)


ANN, BOB = person("ann", "dev"), person("bob", "lead")
DAY = 86_400.0


def trail(number: int, caller: Caller, name: str, *, allowed: bool, time: float) -> Trail:
    message = Inbound("POST", "/mcp", {}, frozenset(), "credential", "127.0.0.1", no_body)
    call = Call(1, "tools/call", f"files__{name}", {"arguments": {"path": "/a"}}, Client(Era.MODERN, "v", {}, "", {}))
    target = Target("files", Kind.TOOL, name, f"files.{name}", f"files__{name}")
    decision = Allow("readers") if allowed else Deny(Reason.DENY_RULE, "nobody-deletes")
    return Trail(message, f"ref-{number}", 1, 1.0, time, caller, call, target, decision, outcome="not_found")


def past(it: Shell, *calls: tuple[Caller, str, bool], at: float = 1_790_000_000.0) -> None:
    """Leave a ledger of these calls, and what was approved."""
    approved = (tool("read_file"), tool("list"), tool("delete"))
    offered(it, *approved, approved=approved)
    ledger = Ledger(it.data, clock=lambda: at)
    for number, (caller, name, allowed) in enumerate(calls):
        made = trail(number, caller, name, allowed=allowed, time=at + number)
        if allowed:
            ledger.begin(made)
            made.outcome = "answered"
        ledger.end(made)
    ledger.close()


CALLS = [
    (ANN, "read_file", True),
    (ANN, "list", True),
    (BOB, "read_file", True),
    (BOB, "delete", False),
    (BOB, "list", True),
]


def file(it: Shell, name: str, text: str) -> str:
    (it.folder / name).write_text(text)
    return name


# simulate


def test_a_replay_says_what_would_change_and_for_whom(shell: Shell) -> None:
    past(shell, *CALLS)
    new = file(shell, "new.yaml", NEW)
    told = shell.good("simulate", "-c", new, "--json").data
    assert told["calls"] == 5
    assert [(it["subject"], it["what"]) for it in told["newly_refused"]["groups"]] == [
        ("ann", "files.list"),
        ("bob", "files.list"),
    ]
    assert [(it["subject"], it["what"], it["rule"]) for it in told["newly_allowed"]["groups"]] == [
        ("bob", "files.delete", "leads")
    ]
    (open_,) = told["undecided"]["groups"]
    assert (open_["subject"], open_["rule"], open_["reference"]) == ("ann", "devs", "ref-0")
    (rule,) = told["undecided_rules"]
    assert (rule["rule"], rule["calls"], rule["examples"][0]["reference"]) == ("devs", 1, "ref-0")
    assert {it["because"] for it in told["shadow"]["groups"]} == {"shadow: trial would deny"}
    assert (told["still_allowed"], told["still_refused"]) == (1, 0)
    said = shell.good("simulate", "-c", new)
    assert "2 calls would be refused, and were allowed then" in said.out
    assert "1 call would be allowed, and were refused then" in said.out
    assert "of which the ledger keeps the shape only (devs)" in said.out
    assert "COULD NOT DECIDE" in said.out
    assert "ref-0 (ann, files.read_file)" in said.out
    assert "2 newly refused, 1 newly allowed, 1 not decided, 1 still allowed, 0 still refused" in said.err


def test_the_same_configuration_changes_nothing(shell: Shell) -> None:
    past(shell, *CALLS)
    told = shell.good("simulate", "-c", file(shell, "same.yaml", OLD), "--json").data
    assert (told["newly_refused"]["calls"], told["newly_allowed"]["calls"], told["undecided"]["calls"]) == (0, 0, 0)
    assert (told["still_allowed"], told["still_refused"]) == (4, 1)


def test_only_calls_since_then_count_and_the_folder_can_be_named(shell: Shell) -> None:
    past(shell, *CALLS)
    elsewhere = shell.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "new.yaml").write_text(NEW)
    words = ("simulate", "-c", "elsewhere/new.yaml", "--json")
    assert "There is no ledger" in shell(*words).err
    assert not (elsewhere / "data").exists()
    told = shell.good(*words, "--data", "data", "--since", "2026-09-21T14:13:23Z").data
    assert told["calls"] == 2
    assert shell(*words, "--data", "nowhere").code == 1
    assert shell(*words, "--data", "data", "--since", "yesterday").code == 2


def test_what_is_not_there_any_more_is_told_apart_from_what_is_not_known(shell: Shell) -> None:
    past(shell, *CALLS[:1])
    gone = NEW.replace("files: {command: [files]}, ", "").replace("files.", "crm.")
    (group,) = shell.good("simulate", "-c", file(shell, "gone.yaml", gone), "--json").data["newly_refused"]["groups"]
    assert group["because"] == "not_found: there is no server files any more"
    off = OLD.replace("{command: [files]}", "{command: [files], tools: {read_file: {disabled: true}}}")
    (group,) = shell.good("simulate", "-c", file(shell, "off.yaml", off), "--json").data["newly_refused"]["groups"]
    assert "not offered at /mcp under this name" in group["because"]
    shell.good("tools", "reject", "files.read_file", "-c", file(shell, "old.yaml", OLD))
    (group,) = shell.good("simulate", "-c", "old.yaml", "--json").data["undecided"]["groups"]
    assert "approved catalogue" in group["because"]


def test_a_configuration_that_does_not_fit_is_told_as_such(shell: Shell) -> None:
    past(shell, *CALLS[:1])
    wrong = file(shell, "wrong.yaml", NEW.replace("args.path", "args.pat"))
    assert "a gateway would not activate this file" in shell.good("simulate", "-c", wrong).err


# diff


def test_a_comparison_tells_who_gains_and_who_loses(shell: Shell) -> None:
    past(shell, *CALLS[:1])
    old, new = file(shell, "old.yaml", OLD), file(shell, "new.yaml", NEW)
    done = shell("diff", old, new)
    assert done.code == 1
    assert done.out.splitlines() == [
        'Whoever has role dev keeps files.read_file, now if args.path == "/a"; before, always.',
        "Whoever has role lead gains files.delete.",
        "Whoever has role dev loses files.list.",
        "Whoever has role lead loses files.list.",
    ]
    told = shell("diff", old, new, "--json").data
    assert not told["same"]
    assert [each["kind"] for each in told["changes"]] == ["changes", "gains", "loses", "loses"]
    assert told["changes"][0]["after"] == {"if": ['args.path == "/a"'], "unless": []}


def test_rules_that_say_the_same_in_other_words_are_the_same(shell: Shell) -> None:
    split = OLD.replace(
        "  - {name: readers, allow: [files.*], roles: [dev, lead]}",
        "  - {name: b, allow: [files.*], roles: [lead]}\n  - {name: a, allow: [files.*], roles: [dev]}",
    )
    assert split != OLD
    done = shell("diff", file(shell, "old.yaml", OLD), file(shell, "split.yaml", split))
    assert (done.code, done.out) == (0, "")
    assert "Nobody gains or loses anything." in done.err
    assert not shell.data.exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "  - {name: no, deny: [files.drop], teams: [x]}", "Whoever has role dev and team x loses files.drop."),
        ("", "  - {name: all, allow: [crm.find], subjects: ['*']}", "Everyone gains crm.find."),
        ("", "  - {name: s, allow: [crm.find], subjects: [ana], scopes: [w]}",
         "Whoever has the name ana and scope w gains crm.find."),
        ("  - {name: x, deny: [files.drop], when: args.path == 'x'}", "",
         "Whoever has role dev keeps files.drop, now always; before, unless args.path == 'x'."),
        ("", "  - {name: v, allow: [crm.find], roles: [dev], views: [desk]}",
         "Whoever has role dev gains crm.find at the view desk."),
    ],
)  # fmt: skip
def test_each_kind_of_change_has_its_sentence(shell: Shell, old: str, new: str, said: str) -> None:
    text = f"{HEAD}views: {{desk: {{include: ['*']}}}}\nrules:\n  - {{name: base, allow: [files.*], roles: [dev]}}\n"
    done = shell("diff", file(shell, "a.yaml", text + old), file(shell, "b.yaml", text + new))
    assert done.code == 1
    assert said in done.out.splitlines()


def test_what_changes_besides_is_said(shell: Shell) -> None:
    more = OLD.replace("servers: {", "servers: {new: {command: [new]}, ").replace(
        "roles: [dev, lead]", "roles: [dev, lead], limit: 1/s"
    )
    done = shell("diff", file(shell, "a.yaml", OLD), file(shell, "b.yaml", more))
    assert done.code == 1
    assert "The server new is added." in done.out
    assert "The limit of rule readers changes." in done.out


def test_what_is_kept_of_calls_is_said_before_it_changes_and_to_whom_it_happens(shell: Shell) -> None:
    sealed = 'capture: {to: "Oth5GSVQecMlmSrf0i02D3trSJvPr5iqLs/H0uGumDk=", classes: {legal: {keep: 30d}}}\n'
    kept = OLD.replace("servers:", f"{sealed}servers:").replace("roles: [dev, lead]", "roles: [dev], capture: legal")
    part = kept.replace("capture: legal", "capture: {class: legal, what: [result]}")
    old, new, less = (file(shell, f"{name}.yaml", text) for name, text in (("a", OLD), ("b", kept), ("c", part)))
    done = shell("diff", old, new)
    assert done.code == 1
    said = "Of calls that rule readers allows is kept: arguments and result in the class legal; before: nothing."
    assert said in done.out.replace("\n", " ")
    assert "is kept: result in the class legal; before: arguments and result in the" in shell("diff", new, less).out
    offered(shell, tool("list"), approved=(tool("list"),))
    told = shell.good("why", "role=dev", "files.list", "-c", new)
    assert "Kept, sealed for auditors: arguments and result in the class legal." in told.out
    (answer,) = shell.good("why", "role=dev", "files.list", "-c", less, "--json").data["answers"]
    assert answer["kept"] == "result in the class legal"
    assert "Kept" not in shell.good("why", "role=dev", "files.list", "-c", old).out


# trim


def test_what_nobody_used_is_reported_with_rules_to_paste(shell: Shell) -> None:
    past(shell, (ANN, "read_file", True), (ANN, "read_file", True))
    wide = file(shell, "ostiary.yaml", OLD)
    words = ("trim", "-c", wide, "--since", "2026-01-01")
    done = shell.good(*words)
    assert "readers: 2 calls; nobody used" in done.out
    assert "roles: lead" in done.out
    assert "of what was approved: files.delete, files.list" in done.out
    rules = done.out[done.out.index("rules:") :]
    proposed = parse(f"{HEAD}{rules}", "proposed.yaml").rules
    assert [(rule.name, rule.allow, rule.roles) for rule in proposed] == [("readers", ("files.read_file",), ("dev",))]
    told = shell.good(*words, "--json").data
    assert told["rules"] == [{"name": "readers", "allow": ["files.read_file"], "roles": ["dev"]}]
    after = shell.good("simulate", "-c", file(shell, "less.yaml", HEAD + rules), "--json").data
    assert (after["newly_refused"]["calls"], after["still_allowed"]) == (0, 2)


def test_rules_that_were_all_used_are_left_alone(shell: Shell) -> None:
    past(shell, (ANN, "read_file", True))
    narrow = file(shell, "ostiary.yaml", f"{HEAD}rules:\n  - {{name: r, allow: [files.read_file], roles: [dev]}}\n")
    assert "Everything that the rules grant was used." in shell.good("trim", "-c", narrow, "--since", "2026-01-01").err
    assert "nobody used it" in shell.good("trim", "-c", narrow, "--since", "2030-01-01").out


# All


@pytest.mark.parametrize("words", [("simulate",), ("diff",), ("trim",)])
def test_each_has_help_with_an_example(shell: Shell, words: tuple[str, ...]) -> None:
    assert f"Example: ostiary {words[0]}" in shell.good(*words, "--help").out
    assert shell(*words, "--no-such-option").code == 2


def test_nothing_is_written_where_there_is_nothing(shell: Shell, tmp_path: Path) -> None:
    for words in (("simulate",), ("trim",)):
        done = shell(*words)
        assert done.code == 1
        assert "There is no ledger" in done.err
    assert not shell.data.exists()
