"""Configuration text: what is read, and that everything wrong is told at once, at its place, without a secret."""

from __future__ import annotations

import json
import re
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml.error import YAMLError

from ostiary.config import values
from ostiary.config.limits import DEFAULT_LIMITS
from ostiary.config.parse import parse, read
from ostiary.config.problems import Invalid, Problem, Unfit, rendered_path
from ostiary.config.schema import LATER, BearerCredential, Config, weakened
from ostiary.config.tree import Place, _syntax
from ostiary.config.units import Rate
from ostiary.config.values import Address, Secret

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data" / "config"
GOOD = sorted((DATA / "good").glob("*.yaml"))
GATEWAY = "gateway: {url: https://mcp.example.com}\n"


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(Invalid) as caught:
        parse(text, "ostiary.yaml")
    return caught.value.problems


def outcome(text: str) -> tuple[Problem, ...]:
    try:
        parse(text, "x")
    except Invalid as invalid:
        return invalid.problems
    return ()


def good(name: str) -> Config:
    return parse((DATA / "good" / f"{name}.yaml").read_text("utf-8"), name)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_parses_and_editors_agree(path: Path) -> None:
    """Ours: what the gateway takes, the JSON Schema that editors use takes too."""
    config = parse(path.read_text("utf-8"), path.name)
    schema = json.loads((ROOT / "docs" / "reference" / "ostiary.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(config.model_dump(mode="json", exclude_none=True))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_configuration_written_out_reads_back_the_same(path: Path) -> None:
    config = parse(path.read_text("utf-8"), path.name)
    written = json.dumps(config.model_dump(mode="json", exclude_unset=True))
    assert parse(written, "written") == config


def test_what_is_left_out_has_the_documented_defaults() -> None:
    config = good("smallest")
    assert config.gateway.listen == Address("127.0.0.1", 8080)
    assert (config.gateway.timeouts.call, config.gateway.timeouts.session) == (60.0, 86_400.0)
    assert (config.gateway.bounds.body, config.gateway.bounds.answer) == (4 * 2**20, 32 * 2**20)
    assert config.limits == DEFAULT_LIMITS
    assert (DEFAULT_LIMITS[0].per, DEFAULT_LIMITS[0].calls, DEFAULT_LIMITS[0].concurrent) == (
        "caller",
        Rate(1200, "min"),
        64,
    )
    assert not config.rules
    assert not weakened(config)


def test_the_surface_example_says_what_it_means() -> None:
    config = good("surface")
    crm = config.servers["crm"]
    assert isinstance(crm.credential, BearerCredential)
    assert crm.credential.token == Secret("env", "CRM_SECRET")
    assert crm.allow_private == (ip_network("10.1.0.0/16"),)
    assert crm.tools["export"].destructive
    assert config.gateway.tls is not None
    assert config.gateway.tls.key == Secret("file", "/etc/ostiary/tls.key")
    assert config.views["support"].rename == {"crm.search_people": "find_person"}
    assert config.rules[0].limit == Rate(60, "min")
    assert config.rules[2].deny == ("*.delete_*",)


def test_our_url_has_one_spelling() -> None:
    assert good("loopback").gateway.url == "http://localhost:8080"
    assert good("everywhere").gateway.url == "https://mcp.example.com"


def test_every_weakening_in_force_is_listed() -> None:
    assert weakened(good("everywhere")) == ("gateway.unsafe_listen_without_identity",)
    assert weakened(good("loopback")) == ("gateway.unsafe_open_metrics",)
    assert weakened(good("credentials")) == ("servers.plain.unsafe_plain_http",)


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        good("smallest").gateway.url = "https://evil.example.com"


def test_printing_a_configuration_shows_no_literal_environment_and_no_headers() -> None:
    shown = repr(good("credentials"))
    assert "8080" not in shown.partition("process")[2]
    assert "acme" not in shown
    assert "Secret(env:A)" in shown


def test_all_problems_come_at_once_and_in_the_order_of_the_file() -> None:
    found = problems("gateway: {url: ftp://x, lisen: a}\nservers: {A: {}}\nrules: [{allow: [b.c]}]\n")
    assert [(it.line, it.column) for it in found] == sorted((it.line, it.column) for it in found)
    assert {it.path for it in found} >= {
        "gateway.url",
        "gateway.lisen",
        "servers.A",
        "rules[0].name",
        "rules[0].allow[0]",
    }


def test_a_problem_is_rendered_as_editors_follow_it() -> None:
    problem = Problem("servers.files.tiemout", 12, 5, "unknown key", 'did you mean "timeout"?')
    assert (
        problem.rendered("ostiary.yaml")
        == 'ostiary.yaml:12:5: servers.files.tiemout: unknown key; did you mean "timeout"?'
    )


def test_a_path_cannot_play_with_a_terminal() -> None:
    assert rendered_path(("servers", "a\x1b[2J", 0, "b c", "x" * 99)) == f"servers.'a\\x1b[2J'[0].'b c'.{'x' * 61}..."


def test_a_problem_found_later_knows_its_place() -> None:
    document = read(
        f"{GATEWAY}servers:\n  a: {{command: [x]}}\nexpect:\n  - who: {{}}\n    can: [a.b]\n", "ostiary.yaml"
    )
    problem = document.problem(("expect", 0, "can", 0), "nobody may")
    assert (problem.path, problem.line, problem.column) == ("expect[0].can[0]", 6, 11)


@pytest.mark.parametrize("pattern", LATER)
def test_what_a_later_version_will_know_is_refused_by_name(pattern: str) -> None:
    message, _ = LATER[pattern]
    assert message in (DATA / "broken" / "later.txt").read_text("utf-8")


def test_the_problem_of_a_key_for_later_is_its_only_problem() -> None:
    """Ours: nobody is told that a promised key is unknown."""
    assert not any("unknown key" in it.message for it in problems((DATA / "broken" / "later.yaml").read_text("utf-8")))


def test_a_billion_laughs_are_refused_before_they_are_told() -> None:
    names = [f"n{index}" for index in range(60)]
    lines = [f"{names[0]}: &{names[0]} [x, x]"]
    lines += [f"{after}: &{after} [*{before}, *{before}, *{before}]" for before, after in pairwise(names)]
    assert "far too large" in problems("\n".join(lines))[-1].message


@pytest.mark.parametrize("text", ["[" * 5000, "a: " + "{b: " * 5000, "- " * 5000, "? " * 5000])
def test_depth_is_bounded_before_the_stack_is(text: str) -> None:
    assert "deeper" in problems(text)[-1].message


def test_a_file_that_is_too_large_is_not_read() -> None:
    assert "larger than" in problems("#" * (1024 * 1024 + 1))[0].message


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "Yes", "OFF", "y", "n"])
def test_only_true_and_false_are_booleans(word: str) -> None:
    """YAML 1.2.2, 10.3.2: the words of YAML 1.1 are text."""
    (problem,) = problems(f"{GATEWAY}servers: {{a: {{command: [x], shared: {word}}}}}")
    assert problem.message == "must be true or false"


@given(st.text())
@settings(max_examples=300, deadline=None)
@example("%YAML 1.2\n--- &a\n*a")
@example('"\\UFFFFFFFF"')
@example("\ufeffgateway: {}")
@example("gateway: {url: 1_0, x: 0o7, y: .inf, z: -0x1}")
@example("[key]: {'[key]': 1}")
def test_arbitrary_text_never_raises_anything_but_invalid(text: str) -> None:
    assert all(problem.message for problem in outcome(text))


_WORDS = (
    "gateway servers rules url command allow name credential kind bearer [key] views rename env:A 30s null true 12 1.5"
)
_MARKS = (
    ": ",
    ":\n",
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "*",
    "&a ",
    "*a",
    "!t ",
    "? ",
    "|\n",
    ">-\n",
)
_ODD = ("'", '"', "\\", "#", "%", "---\n", "...\n", "\t", "\u2028", "\x85", "<<", "files.*", "https://x.example.com")
_PIECES = st.sampled_from((*_WORDS.split(), *_MARKS, *_ODD))


@given(st.lists(_PIECES, max_size=40).map("".join))
@settings(max_examples=500, deadline=None)
def test_text_that_almost_is_a_configuration_never_raises_anything_but_invalid(text: str) -> None:
    assert all(problem.line >= 1 and problem.column >= 1 for problem in outcome(text))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["url", "allow", "kind", "rename", "[key]"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["gateway", "servers", "views", "rules", "limits", "ledger", "expect", "identity"]), _JSON
    )
)
@settings(max_examples=300, deadline=None)
def test_wrong_shapes_never_raise_anything_but_invalid(document: object) -> None:
    assert all(problem.rendered("x") for problem in outcome(json.dumps(document)))


@given(st.text(alphabet="ab*", max_size=12), st.text(alphabet="ab", max_size=12))
def test_a_pattern_fits_what_its_regular_expression_fits(pattern: str, text: str) -> None:
    wanted = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None
    assert values.globbed(pattern, text) is wanted


@pytest.mark.parametrize(
    ("pattern", "label", "covered"),
    [
        ("*", "files:file:///a", True),
        ("files.*", "files.read", True),
        ("files.*", "files.prompt/greet", False),
        ("files.*", "files:file:///a.b", False),
        ("files.prompt/*", "files.prompt/greet", True),
        ("files:file:///srv/*", "files:file:///srv/a", True),
        ("*.read_*", "crm.read_all", True),
        ("*.read_*", "crm:notes.read_me", False),
        ("crm.*", "crmx.read", False),
        ("", "files.read", False),
        ("files.read", "not a label", False),
    ],
)
def test_a_pattern_covers_one_kind_only(pattern: str, label: str, *, covered: bool) -> None:
    """Ours: `allow: [files.*]` must not open resources or prompts."""
    assert values.covers(pattern, label) is covered


@pytest.mark.parametrize("text", ["hunter2", "ENV:X", "env:", "env:A B", "file:", "file:a\nb", "file:~/x", " env:A"])
def test_what_is_no_reference_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(Unfit) as caught:
        values.secret(text)
    assert "hunter2" not in f"{caught.value}{caught.value.suggestion}"


@pytest.mark.parametrize(
    "text",
    [
        "https://a b",
        "https://a\\@b",
        "https://a#b",
        "https://",
        "https://a:0",
        "https://[::1",
        "https://1",
        "https://-a.b",
        "https://b\u00fccher.example",
        "https://a\tb",
    ],
)
def test_what_parsers_of_urls_disagree_about_is_refused(text: str) -> None:
    with pytest.raises(Unfit):
        values.server_url(text)


@pytest.mark.parametrize("text", ["8080", "a:99999", "[::1]", "*:80", ":80", "a:b", ""])
def test_what_is_no_address_to_listen_on_is_refused(text: str) -> None:
    with pytest.raises(Unfit):
        values.listen(text)


def test_an_address_is_written_as_it_was_read() -> None:
    assert str(values.listen("[::1]:80")) == "[::1]:80"
    assert str(values.listen("LOCALHOST:0")) == "localhost:0"


def test_text_beyond_its_bound_is_refused() -> None:
    (problem,) = problems(f"{GATEWAY}servers: {{a: {{command: [{'x' * 5000}]}}}}")
    assert (problem.path, problem.message) == ("servers.a.command[0]", "must be at most 4096 characters")


def test_an_error_of_the_parser_without_a_place_is_still_told() -> None:
    assert _syntax(YAMLError("odd")) == (Place(1, 1), "not YAML", "check quotes, brackets and the indentation")


def test_an_empty_word_in_a_command_is_refused() -> None:
    (problem,) = problems(f'{GATEWAY}servers: {{a: {{command: [npx, ""]}}}}')
    assert (problem.path, problem.message) == ("servers.a.command[1]", "may not be empty")


def test_keys_of_what_has_no_kind_yet_are_told_too() -> None:
    text = 'gateway: {url: "http://127.0.0.1:8080"}\nservers: {a: {url: "https://x.example/mcp", credential: {sausage: 3}}}\n'
    with pytest.raises(Invalid) as caught:
        parse(text, "t")
    assert "credential.sausage: unknown key" in str(caught.value)
