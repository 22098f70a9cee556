"""What a server may ask of a client."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.core.model import Client, Era, Json
from ostiary.protocol import questions

ANYTHING = Client(Era.MODERN, "2026-07-28", {}, "context,form,roots,sampling,tools,url", {})
NOTHING = Client(Era.MODERN, "2026-07-28", {}, "", {})


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("elicitation/create", {"message": "?"}),
        ("elicitation/create", {"mode": "url", "url": "https://id.example/a?b=c"}),
        ("elicitation/create", {"mode": "url", "url": "http://127.0.0.1:8080/x"}),
        ("sampling/createMessage", {"messages": [], "tools": []}),
        ("roots/list", {}),
    ],
)
def test_what_was_declared_may_be_asked(method: str, params: Json) -> None:
    assert questions.objection(ANYTHING, method, params) == ""
    assert "did not declare" in questions.objection(NOTHING, method, params)


@pytest.mark.parametrize(
    "url", [None, 7, "", "javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "https://a b", "https://a\n"]
)
def test_only_addresses_of_the_web_are_put_to_a_user(url: Any) -> None:
    """Checklist 61."""
    assert "URL" in questions.objection(ANYTHING, "elicitation/create", {"mode": "url", "url": url})


def test_a_server_may_ask_nothing_else() -> None:
    assert "not something" in questions.objection(ANYTHING, "tools/call", {})


def test_an_answer_that_never_came_is_a_cancelled_form_or_an_error() -> None:
    assert questions.unanswered("elicitation/create") == {"result": {"action": "cancel"}}
    assert "error" in questions.unanswered("roots/list")
    assert questions.refusal("why")["error"]["message"] == "why"


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"inputRequests": []},
        {"inputRequests": {"a": 1}},
        {"inputRequests": {"a": {"method": 1}}},
        {"inputRequests": {"a": {"method": "roots/list", "params": 1}}},
        {"requestState": None},
    ],
)
def test_a_malformed_result_asks_nothing(result: Json) -> None:
    assert questions.asked(result) is None


def test_questions_are_read_by_their_keys() -> None:
    requests = {"a": {"method": "roots/list"}, "b": {"method": "elicitation/create", "params": {"message": "?"}}}
    assert questions.asked({"inputRequests": requests}) == {
        "a": ("roots/list", {}),
        "b": ("elicitation/create", {"message": "?"}),
    }
    assert questions.asked({"requestState": ""}) == {}


def test_what_is_needed_first_becomes_url_questions() -> None:
    error = {"code": -32042, "data": {"elicitations": [{"url": "https://a", "elicitationId": "1", "message": "m"}]}}
    params = {"url": "https://a", "message": "m", "mode": "url"}
    assert questions.first_needed(error) == {"url1": {"method": "elicitation/create", "params": params}}


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32603, "data": {"elicitations": [{}]}},
        {"code": -32042},
        {"code": -32042, "data": {"elicitations": []}},
        {"code": -32042, "data": {"elicitations": ["x"]}},
    ],
)
def test_other_errors_need_nothing_first(error: Json) -> None:
    assert questions.first_needed(error) is None
