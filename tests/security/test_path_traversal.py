"""A path in an argument leads where a rule says it may, in every form in which servers read paths, or the call stays here."""

from __future__ import annotations

import pytest

from tests.security.composed import config, stage, told, tool

RULES = config('{name: docs, allow: ["*.*"], subjects: ["*"], checks: {path: inside:/srv/docs}}')
TOOL = tool("read", {"path": {"type": "string"}})

FORMS = {
    "dots": "/srv/docs/../../etc/passwd", "dots from within": "/srv/docs/a/../../x", "dots at the end": "/srv/docs/..", "relative": "../../etc/passwd", "bare": "etc/passwd", "absolute": "/etc/passwd", "sibling": "/srv/docs-old/a", "parent": "/srv",
    "encoded dots": "/srv/docs/%2e%2e/x", "encoded slash": "/srv/docs/..%2fx", "encoded twice": "/srv/docs/%252e%252e%252fx", "encoded thrice": "/srv/docs/%25252e%25252e/x", "mixed": "/srv/docs/.%2e/x", "overlong": "/srv/docs/%c0%ae%c0%ae%c0%afx",
    "overlong three": "/srv/docs/%e0%80%ae/x", "%u": "/srv/docs/%u002e%u002e%u2215x", "broken escape": "/srv/docs/%ff/x", "backslashes": "/srv/docs\\..\\..\\x", "one backslash": "/srv/docs/..\\x", "encoded backslash": "/srv/docs/..%5cx",
    "quadruple dots": "/srv/docs/..../x", "dot blank dot": "/srv/docs/. ./x", "trailing blank": "/srv/docs/.. /x", "NUL": "/srv/docs/a\0/../x", "encoded NUL": "/srv/docs/a%00.png", "line end": "/srv/docs/a\n../x", "tab": "/srv/docs/\t../x",
    "home": "~/x", "somebody's home": "~root/.ssh/id_rsa", "file URL": "file:///etc/passwd", "file URL with dots": "file:///srv/docs/../x", "file URL of a host": "file://evil/srv/docs/a", "file URL odd": "file:/\\/srv/docs/a", "other scheme": "smb://host/srv/docs",
    "UNC": "\\\\host\\share\\x", "UNC forward": "//host/srv/docs/a", "device": "\\\\.\\PhysicalDrive0", "long UNC": "\\\\?\\C:\\x", "drive": "C:\\Windows\\x", "drive forward": "C:/srv/docs/a", "drive relative": "C:x", "stream on a drive": "C:/srv/docs/a::$DATA",
    "full-width dots": "/srv/docs/．．/x", "two dot leader": "/srv/docs/‥/x", "full-width slash": "/srv/docs/..／x", "division slash": "/srv/docs/..∕x", "fraction slash": "/srv/docs/..⁄x", "full-width backslash": "/srv/docs/..＼x", "yen": "/srv/docs/..¥x",
    "full-width percent": "/srv/docs/％2e％2e/x", "full-width letters": "/ｓrv/docs/a", "invisible": "/srv/docs/.\u200b./x", "soft hyphen": "/srv/docs/.\u00ad./x", "bidi": "/srv/docs/\u202e/x", "byte order mark": "\ufeff/srv/docs/a", "blank in front": " /srv/docs/a",
    "case": "/SRV/DOCS/a", "proc": "/proc/self/cwd/../x", "very long": "/srv/docs/" + "a/" * 5000, "nothing": "", "dot": ".", "variable": "$HOME/x", "pattern outside": "/srv/*/x", "jar": "jar:file:/srv/docs/a!/x", "php": "php://filter/resource=/srv/docs/a",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_leading_out_stays_here(form: str) -> None:
    assert "args.path" in told(stage(RULES, [TOOL]), {"path": FORMS[form]})


@pytest.mark.parametrize("form", FORMS)
def test_and_so_it_does_in_a_list_of_good_ones(form: str) -> None:
    it = stage(RULES, [tool("read", {"path": {"type": "array", "items": {"type": "string"}}})])
    assert "args.path[1]" in told(it, {"path": ["/srv/docs/a", FORMS[form], "/srv/docs/b"]})


@pytest.mark.parametrize(
    "path",
    [
        "/srv/docs",
        "/srv/docs/a.txt",
        "/srv/docs/a b/c",
        "/srv//docs/./a",
        "/srv/docs/a%20b",
        "/srv/docs/été",
        "file:///srv/docs/a",
        "/srv/docs/..a",
        "/srv/docs/a..b",
    ],
)
def test_what_leads_nowhere_else_goes_through_as_it_was_written(path: str) -> None:
    assert told(stage(RULES, [TOOL]), {"path": path}) == ""


def test_the_list_is_long_enough_to_be_worth_its_name() -> None:
    assert len(FORMS) >= 50
    assert len(set(FORMS.values())) == len(FORMS)
