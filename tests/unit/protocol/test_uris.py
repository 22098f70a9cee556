"""URI templates as matchers: linear, and deaf to spellings that rules cannot see through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.protocol import uris


@pytest.mark.parametrize(
    ("template", "uri", "expected"),
    [
        ("file:///{name}", "file:///a.txt", True), ("file:///{name}", "file:///a/b", False), ("file:///{name}", "file:///", False),
        ("file:///{name}", "file:///a?b", False), ("file:///{name}", "file:///a#b", False), ("file:///{name}", "FILE:///a", False),
        ("file:///{+path}", "file:///a/b?c#d", True), ("x:{+path}y", "x:ay", True), ("x:{+path}y", "x:az", False),
        ("x:a{#frag}", "x:a#b", True), ("x:a{#frag}", "x:a", True), ("x:a{#frag}", "x:ab", False),
        ("x:a{?q,r}", "x:a?q=1&r=2", True), ("x:a{?q}", "x:a", True), ("x:a{?q}", "x:a#f", False), ("x:a?b=1{&q}", "x:a?b=1&q=2", True),
        ("x:a{/seg}", "x:a/b", True), ("x:a{/seg,other}", "x:a/b/c", True), ("x:a{/seg}", "x:a", True), ("x:a{/seg}", "x:a/b?c", False),
        ("x:a{/seg*}", "x:a/b/c?d", True), ("x:a{.ext}", "x:a.txt", True), ("x:a{.ext}", "x:a", True), ("x:a{;p}", "x:a;p=1", True),
        ("x:a{;p}", "x:a/p", False), ("x:a.b", "x:a.b", True), ("x:a.b", "x:aXb", False), ("x:(a)*[b]", "x:(a)*[b]", True),
        ("x:{a}-{b}", "x:1-2", True), ("x:{a}-{b}", "x:12", False), ("x:{", "x:{", True), ("x:{a\n}", "x:a", True), ("", "", True),
        ("x:{a}", "x:é", True),
    ],
)  # fmt: skip
def test_a_template_fits_its_expansions(template: str, uri: str, expected: bool) -> None:
    assert uris.fits(template)(uri) is expected


@pytest.mark.parametrize(
    "tail",
    [
        "../etc/passwd", "pub/../../etc/passwd", "pub/..", ".", "./x", "pub/./x", "%2E%2E/x", "%2e%2e/x", "pub/%2E./x", "..%2Fx", "pub%2F..%2Fx",
        "pub/..%5Cx", "..\\x", "pub\\..\\x", "%65tc/passwd", "a%7Eb", "a%2D", "%5F", "a%2fb", "a\0b", "a\nb", "a\x7f", "x?../..", "pub/..?x", "pub/..#x",
    ],
)  # fmt: skip
def test_a_uri_that_rules_would_misread_fits_no_template(tail: str) -> None:
    """RFC 3986 section 6.2.2: `pub/../etc` begins like what `pub/*` allows; `%65tc` does not begin like what `etc/*` denies."""
    assert tail == "x?../.." or not uris.fits("file:///{+path}")(f"file:///{tail}")


@pytest.mark.parametrize(
    "tail", ["a..b", "...", "..a", "a.", ".hidden", "a%20b", "a%2Fb", "%C3%A9", "a/b.c/d", "a?b=/../c", "é"]
)
def test_an_ordinary_uri_is_not_suspect(tail: str) -> None:
    assert tail == "a?b=/../c" or uris.fits("file:///{+path}")(f"file:///{tail}")


@given(st.text(max_size=60))
def test_a_simple_variable_stays_in_its_segment(text: str) -> None:
    if uris.fits("file:///pub/{name}/x")(f"file:///pub/{text}/x"):
        assert text not in {"", ".", ".."}
        assert not set(text) & set("/?#")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_any_text_is_a_template_of_something(template: str) -> None:
    """Servers write them; whatever they write, nothing breaks."""
    assert isinstance(uris.fits(template)("x:y"), bool)


@pytest.mark.parametrize("template", ["{a}" * 682, "{+a}" * 512, "{/a*}" * 400, "{?a}" * 500])
def test_a_nasty_template_stays_linear(template: str) -> None:
    """CVE-2026-0621."""
    assert isinstance(uris.fits(template)("/a" * 1000 + "!"), bool)


def test_what_is_too_long_is_not_trusted() -> None:
    with pytest.raises(ValueError, match="too long"):
        uris.fits("x" * 2049)
    assert not uris.fits("x:{+a}")("x:" + "a" * 2048)


@pytest.mark.parametrize(
    ("glob", "text", "expected"),
    [
        ("files.read", "files.read", True), ("files.read", "files.reads", False), ("files.*", "files.read", True), ("files.*", "files.", True),
        ("files.*", "filesXread", False), ("*", "a\nb", True), ("a*c", "abc", True), ("a*c", "ab", False), ("a.b*", "axb", False), ("[a]*", "a", False),
    ],
)  # fmt: skip
def test_only_the_star_is_special_in_a_pattern(glob: str, text: str, expected: bool) -> None:
    assert uris.pattern(glob)(text) is expected


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("note:1", ["note:1"]),
        ("file:///a/b", ["file:///a/b", "file:", "file:/", "file://", "file:///", "file:///a", "file:///a/"]),
        ("a://b/?q#f", ["a://b/?q#f", "a:", "a:/", "a://", "a://b", "a://b/", "a://b/?", "a://b/?q", "a://b/?q#"]),
        ("a://b/", ["a://b/", "a:", "a:/", "a://", "a://b"]),
        ("/x", ["/x", "/"]),
        ("file:///a/../b", ["file:///a/../b"]),
        ("", [""]),
    ],
)
def test_a_resource_is_a_part_of_what_it_lies_in_and_of_nothing_that_only_begins_alike(
    uri: str, expected: list[str]
) -> None:
    assert list(uris.wholes(uri)) == expected
