"""NVIDIA NeMo Guardrails: the library's server by its schemas, and the microservice by the types of its SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ostiary.core.screening import Side
from tests.contract.providers.case import Case
from tests.contract.providers.house import KEY, Answer, Heard, Reply

BETWEEN = "\n\x1e\n"
MODEL = "meta/llama-3.3-70b-instruct"
KEYS = {"key": "env:KEY", "profile": f"strict@{MODEL}"}
REFUSED = "I'm sorry, I can't respond to that."
FAILED = "I'm sorry, an internal error has occurred."


def text(heard: Heard) -> str:
    return str(heard.json["messages"][-1]["content"])


def shown(heard: Heard) -> list[str]:
    return text(heard).split(BETWEEN)


def reached(heard: Heard, side: Side, path: str) -> Any:
    assert (heard.method, heard.path) == ("POST", path)
    assert heard.headers["authorization"] == f"Bearer {KEY}"
    said = heard.json
    assert said["model"] == MODEL
    assert said["messages"][-1].keys() == {"role", "content"}
    assert said["messages"][-1]["role"] == ("user" if side is Side.REQUEST else "assistant")
    assert 0 < len(text(heard)) <= 8_000
    return said


def kind(side: Side) -> str:
    return "input" if side is Side.REQUEST else "output"


# The library's /v1/checks


def checks(heard: Heard, side: Side) -> None:
    said = reached(heard, side, "/v1/checks")
    assert said.keys() == {"model", "messages", "guardrails"}
    assert said["guardrails"] == {"config_id": "strict", "rail_types": [kind(side)]}
    assert len(said["messages"]) == 1


def checked(status: Any, content: Any, **more: Any) -> Reply:
    return Reply(
        {key: value for key, value in {"status": status, "content": content, **more}.items() if value is not ...}
    )


def check_masked(heard: Heard, secret: str, mask: str) -> Reply:
    left = text(heard).replace(secret, mask)
    return checked("passed" if left == text(heard) else "modified", left)


# The library's /v1/chat/completions, and that of versions before 0.20


def chat(heard: Heard, side: Side) -> None:
    said = reached(heard, side, "/v1/chat/completions")
    options = {"rails": [kind(side)], "log": {"activated_rails": True}}
    assert said.keys() == {"model", "messages", "stream", "config_id", "options", "guardrails"}
    assert said["guardrails"] == {"config_id": "strict", "options": options}
    assert (said["config_id"], said["options"], said["stream"]) == ("strict", options, False)
    assert len(said["messages"]) == (1 if side is Side.REQUEST else 2)


def rail(stop: Any = False) -> Mapping[str, Any]:
    return {"type": "input", "name": "self check input", "decisions": [], "executed_actions": [], "stop": stop}


def newer(content: Any, *rails: Any, **more: Any) -> Reply:
    return Reply({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        "guardrails": {"config_id": "strict", "log": {"activated_rails": list(rails), "stats": {}}}, **more,
    })  # fmt: skip


def older(content: Any, *rails: Any, **more: Any) -> Reply:
    said = {"messages": [{"role": "assistant", "content": content}], "log": {"activated_rails": list(rails)}, **more}
    return Reply(said)


def chat_masked(make: Any) -> Any:
    return lambda heard, secret, mask: make(text(heard).replace(secret, mask), rail())


def odd_chats(make: Any) -> Mapping[str, Answer]:
    return {
        "no rail ran": lambda heard: make(text(heard)),
        "a rail that does not say": lambda heard: make(text(heard), rail(None)),
        "a rail of another shape": lambda heard: make(text(heard), "self check input"),
        "a rail failed": lambda _: make(FAILED, rail()),
        "a rail failed, and stopped": lambda _: make(FAILED, rail(stop=True)),
        "the server failed": lambda _: Reply(
            {"messages": [{"role": "assistant", "content": "Internal server error."}]}
        ),
        "other words came back": lambda _: make(REFUSED, rail()),
        "no words came back": lambda _: make(None, rail()),
        "no log": lambda heard: make(text(heard), rail(), guardrails={}, log=None),
    }


def chatting(make: Any) -> Case:
    return Case(
        use="nemo-guardrails",
        keys={**KEYS, "version": "chat"},
        check=chat,
        shown=shown,
        allow=lambda heard: make(text(heard), rail()),
        block=lambda _: make(REFUSED, rail(stop=True)),
        named="self-check-input",
        masked=chat_masked(make),
        not_a_pass=odd_chats(make),
    )


# The microservice's /v1/guardrail/checks


def service(heard: Heard, side: Side) -> None:
    said = reached(heard, side, "/v1/guardrail/checks")
    assert said.keys() == {"model", "messages", "guardrails"}
    assert said["guardrails"] == {"config_id": "strict"}


def served(status: Any = "success", **rails: Any) -> Reply:
    return Reply({"status": status, "rails_status": {name: {"status": state} for name, state in rails.items()}})


NEMO_CHECKS = Case(
    use="nemo-guardrails",
    keys=KEYS,
    check=checks,
    shown=shown,
    allow=lambda heard: checked("passed", text(heard)),
    block=lambda _: checked("blocked", REFUSED, rail="self check input"),
    named="self-check-input",
    masked=check_masked,
    not_a_pass={
        "no status": lambda heard: checked(..., text(heard)),
        "a status nobody knows": lambda heard: checked("success", text(heard)),
        "no words came back": lambda _: checked("passed", ...),
        "other words came back": lambda _: checked("passed", REFUSED),
        "a rail failed": lambda _: checked("modified", FAILED),
        "a rail failed, and stopped": lambda _: checked("blocked", FAILED, rail="self check input"),
    },
)

NEMO_CHAT, NEMO_CHAT_BEFORE = chatting(newer), chatting(older)

NEMO_SERVICE = Case(
    use="nemo-guardrails",
    keys={**KEYS, "version": "microservice"},
    check=service,
    shown=shown,
    allow=lambda _: served(one="success", two="success"),
    block=lambda _: served("blocked", one="success", self_check_input="blocked"),
    named="self_check_input",
    not_a_pass={
        "no rail ran": lambda _: served(),
        "a rail that does not know": lambda _: served(one="unknown"),
        "a service that does not know": lambda _: served("unknown", one="success"),
        "a block that the summary forgets": lambda _: served(one="blocked"),
        "no rails": lambda _: Reply({"status": "success"}),
        "no status": lambda _: Reply({"rails_status": {"one": {"status": "success"}}}),
        "a rail of another shape": lambda _: Reply({"status": "success", "rails_status": {"one": "success"}}),
    },
)
