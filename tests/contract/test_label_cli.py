"""Labels of tools and rules about runs, as people meet them: `ostiary tools label`, `check` and `why --after`."""

from __future__ import annotations

from ostiary.config.parse import parse
from tests.contract.test_cli import Shell, offered, shell, tool

__all__ = ["shell"]

CONFIG = """\
gateway: {url: "http://127.0.0.1:8080", data: data}
servers:
  files: {command: [files]}
  crm: {command: [crm], reads: private, sends: nothing, changes: false}
rules:
  - {name: all, allow: ["*"], roles: [dev]}
  - {name: trifecta, deny: ["*"], sends: outside, after: [private, untrusted]}
"""
TOOLS = (tool("read_customer"), tool("send_mail"), tool("zip"))


def opened(it: Shell, text: str = CONFIG) -> None:
    it.file.write_text(text)
    offered(it, *TOOLS, tool("later"), approved=TOOLS)


def test_labels_are_suggested_with_their_reasons_and_nothing_is_written(shell: Shell) -> None:
    opened(shell)
    done = shell.good("tools", "label")
    assert shell.file.read_text() == CONFIG
    assert 'reads: private  # private: its name says "customer"' in done.out
    assert 'sends: outside  # its name says "send"' in done.out
    assert '"zip": {}\n        # reads: ?' in done.out
    assert "later" not in done.out, "what is not approved is not called"
    assert "3 tools of 3 without a label; nothing was changed." in done.err
    assert "files.zip is taken for everything by trifecta." in done.out + done.err


def test_what_is_suggested_can_be_pasted(shell: Shell) -> None:
    opened(shell)
    data = shell.good("tools", "label", "files", "--json").data
    assert [(each["label"], each["rules"]) for each in data] == [
        (f"files.{name}", ["trifecta"]) for name in ("read_customer", "send_mail", "zip")
    ]
    out = shell.good("tools", "label", "files").out
    pasted = out[: out.index("files.read_customer is taken")] if "is taken" in out else out
    tools = pasted.removeprefix("servers:\n  files:\n")
    text = CONFIG.replace("  files: {command: [files]}\n", f"  files:\n    command: [files]\n{tools}")
    labelled = parse(text, "x").servers["files"].tools
    assert labelled["send_mail"].sends == "outside"
    assert labelled["read_customer"].reads == ("private",)
    assert labelled["zip"].reads is None


def test_what_is_labelled_is_said_to_be(shell: Shell) -> None:
    opened(
        shell, CONFIG.replace("{command: [files]}", "{command: [files], reads: private, sends: nothing, changes: true}")
    )
    done = shell.good("tools", "label")
    assert done.out == ""
    assert "Every tool is labelled." in done.err
    assert "Nothing was approved yet" in shell.good("tools", "label", "crm").err


def test_a_server_that_there_is_not_is_refused(shell: Shell) -> None:
    opened(shell)
    done = shell("tools", "label", "fils")
    assert done.code == 2
    assert "files" in done.err


def test_check_notes_what_is_taken_for_everything(shell: Shell) -> None:
    shell.file.write_text(CONFIG)
    assert "servers.files: nobody said what is read and what is sent outside by its tools" in shell.good("check").out
    opened(shell)
    said = shell.good("check").out
    assert "by later, read_customer, send_mail and 1 more, so that trifecta takes them for everything" in said
    assert "servers.crm" not in said


def test_why_tells_what_a_run_that_met_something_may_do(shell: Shell) -> None:
    opened(shell)
    before = shell.good("why", "role=dev", "files.send_mail", "--json").data["answers"][0]
    assert before["allowed"]
    rule = next(each for each in before["rules"] if each["rule"] == "trifecta")
    assert rule["parts"] == [{"text": "after private and untrusted", "outcome": "may hold"}]
    told = shell.good("why", "role=dev", "files.send_mail", "--after", "private, untrusted", "--json").data["answers"][
        0
    ]
    assert not told["allowed"]
    assert (told["rule"], told["because"]) == ("trifecta", "rule trifecta denies it in such a run")
    said = shell.good("why", "role=dev", "files.send_mail", "--after", "private,untrusted").out
    assert "after private and untrusted: holds" in said
    listed = shell.good("why", "role=dev", "--after", "private,untrusted", "--json").data["answers"][0]["can"]
    assert listed == []
    wrong = shell("why", "role=dev", "files.send_mail", "--after", "privat")
    assert wrong.code == 2
    assert "private" in wrong.err


WRITTEN = """\
# Ours.
gateway: {url: "http://127.0.0.1:8080", data: data}  # here
servers:
  files:
    command: [files]
    # What we know better.
    tools:
      zip: {timeout: 5s}
  crm: {command: [crm], reads: private, sends: nothing, changes: false}
rules:
  - {name: all, allow: ["*"], roles: [dev]}
"""


def test_labels_are_written_once_somebody_said_yes_and_comments_stay(shell: Shell) -> None:
    opened(shell, WRITTEN)
    refused = shell("tools", "label", "--write")
    assert refused.code == 1
    assert "Nobody is there to say yes" in refused.err
    assert shell.file.read_text() == WRITTEN
    done = shell.good("tools", "label", "--write", "--yes")
    assert "2 tools labelled" in done.err
    text = shell.file.read_text()
    for kept in ("# Ours.", "# here", "# What we know better.", "zip: {timeout: 5s}"):
        assert kept in text
    assert "reads: private" in text
    assert '# its name says "send"' in text
    tools = parse(text, "x").servers["files"].tools
    assert (tools["send_mail"].sends, tools["read_customer"].reads, tools["zip"].reads) == (
        "outside",
        ("private",),
        None,
    )
    assert "2 tools" not in shell.good("tools", "label", "--write", "--yes").err, "what is said stays"


def test_labels_are_written_into_braces_without_their_reasons(shell: Shell) -> None:
    opened(shell)
    shell.good("tools", "label", "--write", "--yes")
    assert parse(shell.file.read_text(), "x").servers["files"].tools["send_mail"].sends == "outside"
