"""A path is inside in every way in which a server may read it, or it is refused."""

from __future__ import annotations

import posixpath
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.policy.checks.paths import LONGEST, folder, inside

DOCS = inside("/srv/docs")

GOOD = [
    "/srv/docs", "/srv/docs/", "/srv/docs/a.txt", "/srv/docs/a/b/c", "/srv//docs///a", "/srv/docs/./a", "/srv/./docs/a", "/srv/docs/.hidden",
    "/srv/docs/a b.txt", "/srv/docs/100%.txt", "/srv/docs/100%25.txt", "/srv/docs/a%20b", "/srv/docs/é", "/srv/docs/数据", "/srv/docs/a..b",
    "/srv/docs/foo….pdf", "/srv/docs/a:b", "/srv/docs/~$draft.docx", "/srv/docs/C:", "file:///srv/docs/a", "FILE://localhost/srv/docs/a%20b", "file:/srv/docs/a",
]  # fmt: skip
BAD = [
    "", "/", "/srv", "/srv/doc", "/srv/docsx/a", "/srv/docs2", "/SRV/docs/a", "a.txt", "./a", "docs/a", " /srv/docs/a", "~", "~/a", "~root/x",
    "/etc/passwd", "/srv/docs/..", "/srv/docs/../docs2/a", "/srv/docs/a/../b", "/srv/docs/a/../../../etc/passwd", "/srv/docs/a/..", "/../srv/docs/a",
    "/srv/docs/%2e%2e/x", "/srv/docs/%2E%2e%2Fx", "/srv/docs/..%2fx", "/srv/docs/%252e%252e/x", "/srv/docs/%25252e%25252e/x", "/srv/docs/.%2e/x", "%2fetc%2fpasswd",
    "/srv/docs/%c0%ae%c0%ae/x", "/srv/docs/..%c0%af..%c0%afetc", "/srv/docs/%u002e%u002e/x", "/srv/docs/%u2215x", "/srv/docs\\..\\x", "/srv/docs/..\\x",
    "/srv/docs/a\\..\\..\\x", "\\srv\\docs\\a", "/srv\\docs\\a", "\\\\host\\share", "//host/share", "//srv/docs/a", "///srv/docs/a", "\\\\?\\C:\\x", "C:\\x", "C:/srv/docs/a", "c:x",
    "/srv/docs/a\0.txt", "/srv/docs/a%00.txt", "/srv/docs/a\n", "/srv/docs/a\u200b", "/srv/docs/.\u200b./x", "/srv/docs/\u202ea", "/srv/docs/\u2028x", "/srv/docs/\x7f",
    "/srv/docs/．．/x", "/srv/docs/‥/x", "/srv/docs/․․/x", "/srv/docs/..／x", "/srv/docs／..／x", "/srv／docs／a", "/srv/docs/..∕x", "/srv/docs/..⁄x", "/srv/docs/..＼x", "/srv/docs/..¥x",
    "/srv/docs/％2e％2e/x", "/srv/docs/...", "/srv/docs/.. /x", "/srv/docs/. ./x", "/srv/docs/.. ", "/srv/docs/ /x", "/srv/docs./x", "/srv/docs /x", "/srv/docs/…",
    "file://host/srv/docs/a", "file:////srv/docs/a", "file:srv/docs/a", "file:///etc/passwd", "file:///srv/docs/../x", "file:///srv/docs/%2e%2e/x", "file:///srv/docs/a?x", "file:///srv/docs/a#x",
    "file://localhost:80/srv/docs/a", "http:///srv/docs/a", "view-source:file:///srv/docs/a", "/srv/docs/" + "a" * LONGEST, "/srv/docs/" + "%" + "25" * 40 + "2e",
    "/proc/self/root/etc/passwd", "/dev/stdin", "$HOME/x", "%HOME%/x",
]  # fmt: skip


@pytest.mark.parametrize("path", GOOD)
def test_what_is_inside_however_it_is_read_is_taken(path: str) -> None:
    assert DOCS(path) is None


@pytest.mark.parametrize("path", BAD)
def test_what_may_be_outside_in_some_reading_is_refused(path: str) -> None:
    said = DOCS(path)
    assert said
    assert "; " in said, "it says what to do"
    assert len(path) < 9 or path not in said, "it repeats no argument"


@given(st.text(alphabet=st.sampled_from("/\\.%2eEfFsrvdoc ~:\0a／．∕"), max_size=24))
def test_no_combination_leads_out(tail: str) -> None:
    """Read by the naive readers there are: joined, decoded once or twice, with backslashes, or folded."""
    path = f"/srv/docs/{tail}"
    if DOCS(path) is not None:
        return
    for text in (
        path,
        unquote(path),
        unquote(unquote(path)),
        path.replace("\\", "/"),
        unquote(path).replace("\\", "/"),
    ):
        found = posixpath.normpath(text)
        assert found == "/srv/docs" or found.startswith("/srv/docs/")


@given(st.lists(st.sampled_from(["a", "b.txt", ".c", "d e", "é"]), max_size=5))
def test_an_honest_path_passes_encoded_and_not(names: list[str]) -> None:
    path = "/".join(["/srv/docs", *names])
    assert DOCS(path) is None
    assert DOCS(quote(path)) is None
    assert DOCS(f"file://{quote(path)}") is None


@pytest.mark.parametrize(
    ("path", "good"),
    [
        ("/srv/docs/a", True), ("/srv/pub/a", True), ("/srv/a", False), ("/srv/docs/../pub/a", False), ("C:/data/a", False),
    ],
)  # fmt: skip
def test_there_may_be_several_folders(path: str, good: bool) -> None:
    assert (inside("/srv/docs, /srv/pub")(path) is None) is good


@pytest.mark.parametrize(
    ("path", "good"),
    [
        ("C:/data/a", True), ("c:\\DATA\\a", False), ("c:/Data/a", True), ("file:///C:/data/a", True), ("D:/data/a", False), ("C:/database", False), ("C:data/a", False),
        ("C:/data/../x", False), ("C:/data/a:stream", False), ("C:/data/a::$DATA", False), ("C:/data/con", False), ("C:/data/NUL.txt", False), ("C:/data/com1", False), ("C:/data/console", True),
        ("/data/a", False), ("\\\\.\\C:\\data", False), ("C:/data./a", False),
    ],
)  # fmt: skip
def test_a_folder_may_be_on_a_drive(path: str, good: bool) -> None:
    """Windows is a system of capital and small letters alike; a backslash is read as a name's part elsewhere, so slashes only."""
    assert (inside("C:/data")(path) is None) is good


def test_the_whole_disk_is_a_folder() -> None:
    everything = inside("/")
    assert everything("/etc/passwd") is None
    assert everything("etc/passwd")
    assert everything("/a/../b")


@pytest.mark.parametrize(
    "text",
    ["", "docs", "../docs", "/srv/../docs", "/srv//docs", "/srv/./docs", "~/docs", "/srv/docs\\x", "/srv/%64ocs", "/a\0b", "C:docs", "/srv/docs,", "/srv／docs", "/srv/a:b", "/srv/... /b"],
)  # fmt: skip
def test_a_rule_names_folders_plainly(text: str) -> None:
    with pytest.raises(ValueError, match="plain spelling"):
        inside(text)


def test_a_folder_is_its_names() -> None:
    assert folder("/srv/docs/").names == ("srv", "docs")
    assert folder("C:/Data").root == "c:/"
