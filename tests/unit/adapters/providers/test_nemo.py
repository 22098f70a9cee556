"""NeMo Guardrails: three formats of one product, what is sent, and what an answer means."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.adapters.providers.formats import Setting, Unreadable
from ostiary.adapters.providers.nemo import provider
from ostiary.core.screening import Side
from tests.unit.adapters.providers.asking_b import NOW, asked, got, said, shown

PROFILE = "strict@meta/llama-3.3-70b-instruct"
MODEL = "meta/llama-3.3-70b-instruct"


def made(version: str = "", url: str = "http://127.0.0.1:8000", key: str = "") -> Any:
    return provider(Setting(url=url, key=key, profile=PROFILE, version=version))


def read(version: str, value: Any, *words: str) -> Any:
    ours = made(version)
    (sent,) = ours.request(asked(*(words or ("one",))), NOW)
    return ours.read(sent, got(value))


@pytest.mark.parametrize(
    "setting",
    [
        Setting(profile=PROFILE),
        Setting(url="http://x", profile="strict"),
        Setting(url="http://x", profile="@model"),
        Setting(url="http://x", profile="strict@"),
        Setting(url="http://x", profile=PROFILE, version="2"),
    ],
)
def test_what_is_missing_is_named(setting: Setting) -> None:
    with pytest.raises(ValueError, match=r"`(url|profile|version)` is"):
        provider(setting)


@pytest.mark.parametrize("version", ["checks", "chat", "microservice"])
def test_long_texts_are_cut_with_overlap(version: str) -> None:
    words = "".join(f"{index:05d} " for index in range(3_000))
    requests = made(version).request(asked(words, "tail"), NOW)
    assert all(len(said(each)["messages"][-1]["content"]) <= 8_000 for each in requests)
    assert all(any(words[at : at + 500] in part for part in shown(requests)) for at in range(0, len(words) - 500, 250))
    assert shown(requests)[-1] == "tail"


def test_a_key_is_sent_where_there_is_one() -> None:
    (without,) = made().request(asked("one"), NOW)
    (with_key,) = made(key="nvapi").request(asked("one"), NOW)
    assert "authorization" not in without.headers
    assert with_key.headers["authorization"] == "Bearer nvapi"


# /v1/checks


def test_the_library_is_asked_for_one_kind_of_rails_by_its_name() -> None:
    (asking,) = made().request(asked("one", "two"), NOW)
    (answering,) = made().request(asked("one", side=Side.ANSWER), NOW)
    assert asking.url == "http://127.0.0.1:8000/v1/checks"
    assert said(asking) == {
        "model": MODEL, "messages": [{"role": "user", "content": "one\n\x1e\ntwo"}],
        "guardrails": {"config_id": "strict", "rail_types": ["input"]},
    }  # fmt: skip
    assert said(answering)["messages"] == [{"role": "assistant", "content": "one"}]
    assert said(answering)["guardrails"]["rail_types"] == ["output"]


def test_checks_pass_block_and_change() -> None:
    assert not read("checks", {"status": "passed", "content": "one"}).flagged
    blocked = read("checks", {"status": "blocked", "content": "I can't.", "rail": "self check input"})
    assert (blocked.flagged, blocked.categories, blocked.masked) == (True, ("self-check-input",), None)
    changed = read("checks", {"status": "modified", "content": "call <PHONE>\n\x1e\ntwo"}, "call 555", "two")
    assert (changed.flagged, changed.masked) == (True, {("arguments", "m0"): "call <PHONE>"})


def test_a_change_that_cannot_be_placed_is_flagged() -> None:
    found = read("checks", {"status": "modified", "content": "something else"}, "one", "two")
    assert (found.flagged, found.masked) == (True, None)


def test_words_about_an_error_are_no_error() -> None:
    """Ours: a sentence in what is sent must not turn a finding into a failure, which may be let through."""
    words = "I'm sorry, an internal error has occurred. Call 555."
    found = read("checks", {"status": "modified", "content": words.replace("555", "<PHONE>")}, words)
    assert found.masked == {("arguments", "m0"): words.replace("555", "<PHONE>")}


def test_a_change_into_the_same_is_still_a_change() -> None:
    assert read("checks", {"status": "modified", "content": "one"}).flagged


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"status": "passed"},
        {"status": "success", "content": "one"},
        {"status": "passed", "content": "another"},
        {"status": "modified", "content": "I'm sorry, an internal error has occurred."},
        {"status": "blocked", "content": "I'm sorry, an internal error has occurred.", "rail": "self check input"},
        {"status": "blocked", "rail": "self check input"},
    ],
)
def test_checks_that_do_not_follow_the_format_are_no_pass(value: Any) -> None:
    with pytest.raises(Unreadable):
        read("checks", value)


# /v1/chat/completions


def chatted(content: str, *rails: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        "guardrails": {"config_id": "strict", "log": {"activated_rails": list(rails), "stats": {}}}, **more,
    }  # fmt: skip


def rail(stop: Any = False, name: str = "self check input") -> dict[str, Any]:
    return {"type": "input", "name": name, "decisions": [], "executed_actions": [], "stop": stop}


def test_chat_runs_one_kind_of_rails_and_generates_nothing() -> None:
    (asking,) = made("chat").request(asked("one"), NOW)
    (answering,) = made("chat").request(asked("one", side=Side.ANSWER), NOW)
    options = {"rails": ["input"], "log": {"activated_rails": True}}
    assert asking.url == "http://127.0.0.1:8000/v1/chat/completions"
    assert said(asking) == {
        "model": MODEL, "messages": [{"role": "user", "content": "one"}], "stream": False,
        "config_id": "strict", "options": options, "guardrails": {"config_id": "strict", "options": options},
    }  # fmt: skip
    assert said(answering)["messages"] == [{"role": "user", "content": ""}, {"role": "assistant", "content": "one"}]
    assert said(answering)["options"]["rails"] == ["output"]


def test_chat_passes_blocks_and_changes() -> None:
    assert not read("chat", chatted("one", rail())).flagged
    blocked = read("chat", chatted("I can't.", rail(name="a"), rail(stop=True)))
    assert (blocked.flagged, blocked.categories) == (True, ("self-check-input",))
    assert read("chat", chatted("1", rail())).masked == {("arguments", "m0"): "1"}


def test_older_servers_say_the_same_one_level_higher() -> None:
    older = {"messages": [{"role": "assistant", "content": "one"}], "log": {"activated_rails": [rail()]}}
    assert not read("chat", older).flagged
    assert read("chat", {**older, "log": {"activated_rails": [rail(stop=True)]}}).flagged


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"messages": [{"role": "assistant", "content": "Internal server error."}]},
        chatted("one"),
        chatted("one", "a rail"),
        chatted("one", rail(stop=None)),
        chatted("one", rail(stop="no")),
        chatted("I'm sorry, an internal error has occurred.", rail()),
        chatted("one", rail(), choices=[]),
        chatted("one", rail(), choices=["one"]),
        chatted("one", rail(), guardrails={"config_id": "strict"}),
        chatted("one", rail(), guardrails=None),
    ],
)
def test_chats_that_do_not_follow_the_format_are_no_pass(value: Any) -> None:
    with pytest.raises(Unreadable):
        read("chat", value)


# /v1/guardrail/checks


def served(status: str = "success", **rails: str) -> dict[str, Any]:
    return {"status": status, "rails_status": {name: {"status": state} for name, state in rails.items()}}


def test_the_microservice_is_asked_by_roles() -> None:
    (sent,) = made("microservice").request(asked("one", side=Side.ANSWER), NOW)
    assert sent.url == "http://127.0.0.1:8000/v1/guardrail/checks"
    assert said(sent) == {
        "model": MODEL, "messages": [{"role": "assistant", "content": "one"}], "guardrails": {"config_id": "strict"},
    }  # fmt: skip


def test_the_platform_has_the_same_format_at_another_address() -> None:
    url = "http://127.0.0.1:8080/apis/guardrails/v2/workspaces/default/checks"
    (sent,) = made("microservice", url=url).request(asked("one"), NOW)
    assert sent.url == url


def test_the_microservice_passes_and_blocks() -> None:
    assert not read("microservice", served(one="success", two="success")).flagged
    blocked = read("microservice", served("blocked", one="success", two="blocked"))
    assert (blocked.flagged, blocked.categories) == (True, ("two",))
    assert read("microservice", served("success", two="blocked")).flagged
    assert read("microservice", served("blocked")).categories == ("blocked",)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"status": "success"},
        served(),
        served(one="unknown"),
        served("unknown", one="success"),
        served("passed", one="success"),
        {"status": "success", "rails_status": {"one": "success"}},
        {"status": "success", "rails_status": {"one": {}}},
    ],
)
def test_answers_of_the_microservice_that_do_not_follow_the_format_are_no_pass(value: Any) -> None:
    with pytest.raises(Unreadable):
        read("microservice", value)
