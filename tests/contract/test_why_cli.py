"""Conditions, rehearsed rules and views, as `ostiary why`, `who-can` and `check` tell them."""

from __future__ import annotations

from tests.contract.test_cli import Shell, offered, shell, tool

__all__ = ["shell"]

CONFIG = """\
gateway: {url: "http://127.0.0.1:8080", data: data}
servers: {files: {command: [files]}, crm: {command: [crm]}}
views: {desk: {include: ["files.*"], set: {files.read_file: {path: /desk}}}}
rules:
  - {name: public, allow: [files.read_file], roles: [guest], when: 'args.path.startsWith("/pub/") && caller.claims.region == "eu"'}
  - {name: office, allow: [files.list], roles: [guest], during: {days: [mon-sun]}, when: caller.agent == "bot"}
  - {name: desk, allow: [files.read_file], roles: [clerk], views: [desk]}
  - {name: trial, deny: [files.read_file], roles: [guest], shadow: true}
  - {name: broken, deny: [files.list], roles: [guest], when: 1 / size(caller.teams) == 7}
"""


def opened(it: Shell, text: str = CONFIG) -> None:
    it.file.write_text(text)
    offered(it, tool("read_file"), tool("list"), approved=(tool("read_file"), tool("list")))


def test_a_condition_is_told_with_its_parts_and_values(shell: Shell) -> None:
    opened(shell)
    who, args = "role=guest,claim.region=eu", '{"path": "/etc/passwd"}'
    told = shell.good("why", who, "files.read_file", "--args", args, "--json").data["answers"][0]
    assert not told["allowed"]
    assert told["reason"] == "condition"
    line = next(each for each in told["rules"] if each["rule"] == "public")
    assert (line["applies"], line["outcome"]) == (False, "does not hold")
    assert line["parts"] == [
        {"text": 'args.path.startsWith("/pub/")', "outcome": "does not hold"},
        {"text": 'caller.claims.region == "eu"', "outcome": "holds"},
    ]
    assert line["reads"] == {"args.path": "/etc/passwd", "caller.claims.region": "eu"}
    said = shell.good("why", who, "files.read_file", "--args", args).out
    assert "would allow it if args.path" in said
    assert "args.path is '/etc/passwd'" in said


def test_without_arguments_a_condition_may_hold(shell: Shell) -> None:
    opened(shell)
    told = shell.good("why", "role=guest,claim.region=eu", "files.read_file", "--json").data["answers"][0]
    assert told["allowed"]
    assert next(each for each in told["rules"] if each["rule"] == "public")["outcome"] == "may hold"
    assert told["rehearsed"] == ["shadow: trial would deny"]
    assert "Rehearsed, and not enforced" in shell.good("why", "role=guest,claim.region=eu", "files.read_file").out


def test_a_deny_rule_whose_condition_fails_is_told_as_such(shell: Shell) -> None:
    opened(shell)
    told = shell.good("why", "role=guest,agent=bot,issuer=ostiary", "files.list", "--json").data["answers"][0]
    assert told["because"] == "rule broken denies it, for its condition cannot be evaluated"
    parts = next(each for each in told["rules"] if each["rule"] == "office")["parts"]
    assert [each["outcome"] for each in parts] == ["holds", "holds"]


def test_everything_somebody_can_use_is_listed_with_its_conditions(shell: Shell) -> None:
    opened(shell)
    told = shell.good("why", "role=guest,claim.region=eu", "--json").data["answers"][0]
    assert [(each["label"], each["rule"]) for each in told["can"]] == [("files.read_file", "public")]
    assert "args.path" in told["can"][0]["when"]
    assert "ONLY IF" in shell.good("why", "role=guest,claim.region=eu").out
    assert "No rule allows them anything" in shell.good("why", "role=nobody").out + shell.good("why", "role=nobody").err


def test_a_view_has_its_own_answers(shell: Shell) -> None:
    opened(shell)
    ask = ("why", "role=clerk", "files.read_file", "--json")
    assert not shell.good(*ask).data["answers"][0]["allowed"]
    assert shell.good(*ask, "--view", "desk").data["answers"][0]["allowed"]
    assert shell.good("why", "role=clerk", "--view", "desk", "--json").data["answers"][0]["can"][0]["rule"] == "desk"
    assert shell(*ask, "--view", "dask").code == 2


def test_who_can_says_under_which_condition(shell: Shell) -> None:
    opened(shell, CONFIG.replace(' && caller.claims.region == "eu"', ""))
    shell.good("token", "create", "--subject", "gus", "--role", "guest", "--json")
    able = shell.good("who-can", "files.read_file", "--json").data["tokens"]
    assert [(each["subject"], each["when"]) for each in able] == [("gus", 'args.path.startsWith("/pub/")')]
    assert "ONLY IF" in shell.good("who-can", "files.read_file").out


def test_a_token_for_views_is_told_as_such(shell: Shell) -> None:
    opened(shell)
    made = shell.good("token", "create", "--subject", "gus", "--role", "clerk", "--view", "desk", "--json").data
    assert "good at its views only" in shell.good("why", made["id"], "--json").data["answers"][0]["hindrance"]


# check


def test_an_argument_that_a_tool_does_not_have_is_a_problem(shell: Shell) -> None:
    opened(shell, CONFIG.replace("args.path", "args.pat"))
    done = shell("check")
    assert done.code == 1
    assert 'rules[0].when: does not fit files.read_file: it has no argument args.pat; did you mean "path"?' in done.out
    assert "denies" not in done.out


def test_what_cannot_be_checked_yet_is_noted(shell: Shell) -> None:
    text = CONFIG.replace("files.read_file], roles: [guest], when", "crm.find], roles: [guest], when")
    shell.file.write_text(text)
    said = "rule public: its condition is checked when the gateway knows the tools of crm"
    assert said in shell.good("check").out
    opened(shell, text)
    assert said in shell.good("check").out
    opened(shell)
    assert "is checked when" not in shell.good("check").out
