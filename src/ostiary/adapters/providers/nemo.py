"""NVIDIA NeMo Guardrails: rails of a configuration, run by the library's server or by the microservice. Pure.

Formats, by `version`: `checks` is POST /v1/checks of the library's server (nemoguardrails 0.24); `chat` is POST
/v1/chat/completions of that server and of older ones (0.17), with only one kind of rails and no generation;
`microservice` is POST /v1/guardrail/checks (nemo-microservices 1.5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ostiary.adapters.providers.formats import (
    Answer,
    Asked,
    Outgoing,
    Said,
    Setting,
    Unreadable,
    batches,
    member,
    portions,
    posted,
    told,
    word,
)
from ostiary.adapters.providers.placing import BETWEEN, joined, parted, placed
from ostiary.core.screening import Side

_MOST: Final = 8_000
"""Characters of one message: what a rail can read is up to its model, and none of today's reads less."""
_JOINED: Final = 200
_OVERLAP: Final = 500
_BROKEN: Final = frozenset({"I'm sorry, an internal error has occurred.", "Internal server error."})
"""What the server says where a rail fails. It calls that blocked, or changed, and not a failure; only the whole message
counts, because words that are sent could have the sentence in them."""
_PATHS: Final[Mapping[str, str]] = {
    "checks": "/v1/checks",
    "chat": "/v1/chat/completions",
    "microservice": "/v1/guardrail/checks",
}


class NeMo:
    """One configuration of rails."""

    name = "nemo-guardrails"

    def __init__(self, setting: Setting) -> None:
        """Read the address, the configuration and its main model (`profile`), and which server it is (`version`)."""
        self._version = setting.version or "checks"
        if self._version not in _PATHS:
            raise ValueError(f"`version` is none of {', '.join(_PATHS)}")
        if not setting.url:
            raise ValueError("`url` is missing: where the server of NeMo Guardrails is")
        self._config, _, self._model = setting.profile.partition("@")
        if not (self._config and self._model):
            raise ValueError("`profile` is missing or none: CONFIG@MODEL, a configuration's id and its main model")
        path = _PATHS[self._version]
        # The platform has the microservice's format at other addresses, which are given as they are.
        self._url = setting.url if setting.url.endswith("/checks") else f"{setting.url.rstrip('/')}{path}"
        self._headers = {"authorization": f"Bearer {setting.key}"} if setting.key else {}

    def request(self, asked: Asked, now: float, /) -> tuple[Outgoing, ...]:  # noqa: ARG002 - the formats have no time
        """Show what clients say to the input rails, and what servers say to the output rails."""
        room = (_JOINED - 1) * len(BETWEEN)
        groups = batches(portions(asked.texts, _MOST - room, _OVERLAP), _JOINED, _MOST - room)
        rails = "input" if asked.side is Side.REQUEST else "output"
        return tuple(
            posted(self._url, self._headers, {"model": self._model, **self._body(joined(group), rails)}, group)
            for group in groups
        )

    def read(self, sent: Outgoing, got: Answer, /) -> Said:
        """Object where a rail stopped or changed what was sent."""
        return _READERS[self._version](sent, told(got))

    def _body(self, text: str, rails: str) -> dict[str, Any]:
        messages = [{"role": "user" if rails == "input" else "assistant", "content": text}]
        guardrails: dict[str, Any] = {"config_id": self._config}
        if self._version == "microservice":
            return {"messages": messages, "guardrails": guardrails}
        if self._version == "checks":
            # Naming the kind makes a server refuse where none of it is configured, instead of passing everything.
            return {"messages": messages, "guardrails": {**guardrails, "rail_types": [rails]}}
        options = {"rails": [rails], "log": {"activated_rails": True}}
        before = [{"role": "user", "content": ""}] if rails == "output" else []
        # Servers before 0.20 read the same members one level higher.
        older = {**guardrails, "options": options}
        return {"messages": [*before, *messages], "stream": False, "guardrails": older, **older}


def provider(setting: Setting) -> NeMo:
    """Make it, or raise `ValueError`."""
    return NeMo(setting)


def _checked(sent: Outgoing, answer: Mapping[str, Any]) -> Said:
    status, content = member(answer, "status", str), member(answer, "content", str)
    if status == "blocked":
        return _stopped([member(answer, "rail", str, "unnamed")], content)
    if status not in {"passed", "modified"}:
        raise Unreadable("its answer has a status that its format does not have")
    return _left(sent, content, changed=status == "modified")


def _chatted(sent: Outgoing, answer: Mapping[str, Any]) -> Said:
    newer = "choices" in answer
    about = member(answer, "guardrails", dict) if newer else answer
    rails = [_rail(each) for each in member(member(about, "log", dict), "activated_rails", list)]
    if not rails:
        raise Unreadable("none of its rails ran; check that the configuration has rails of this kind")
    messages = member(answer, "choices" if newer else "messages", list)
    if len(messages) != 1 or not isinstance(messages[0], dict):
        raise Unreadable("its answer has not the one message that its format has")
    message = member(messages[0], "message", dict) if newer else messages[0]
    content, stopped = member(message, "content", str), [name for name, stop in rails if stop]
    return _stopped(stopped, content) if stopped else _left(sent, content, changed=None)


def _served(sent: Outgoing, answer: Mapping[str, Any]) -> Said:  # noqa: ARG001 - it gives verdicts and no text
    rails = member(answer, "rails_status", dict)
    states = {name: member(each, "status", str) if isinstance(each, dict) else "" for name, each in rails.items()}
    status = member(answer, "status", str)
    if status == "blocked" or "blocked" in states.values():
        return _stopped([name for name, state in states.items() if state == "blocked"])
    if not states:
        raise Unreadable("none of its rails ran; check that the configuration has rails of this kind")
    if status != "success" or set(states.values()) != {"success"}:
        raise Unreadable("it does not know what one of its rails said")
    return Said(flagged=False)


def _rail(entry: Any) -> tuple[str, bool]:
    if not isinstance(entry, dict):
        raise Unreadable("a rail in its answer is not what its format has")
    return member(entry, "name", str), member(entry, "stop", bool)


def _stopped(rails: list[str], content: str = "") -> Said:
    if content in _BROKEN:
        raise Unreadable("one of its rails failed")
    return Said(flagged=True, categories=tuple(sorted({word(each) for each in rails})) or ("blocked",))


def _left(sent: Outgoing, content: str, *, changed: bool | None) -> Said:
    """Compare what rails left with what was sent; `changed` is what the answer says of it, if it does."""
    same = content == joined(sent.portions)
    if not same and content in _BROKEN:
        raise Unreadable("one of its rails failed")
    if same and not changed:
        return Said(flagged=False)
    if changed is False:
        raise Unreadable("its answer calls passed what it changed")
    return Said(flagged=True, categories=("modified",), masked=placed(sent.portions, parted(sent.portions, content)))


_READERS: Final[Mapping[str, Callable[[Outgoing, Mapping[str, Any]], Said]]] = {
    "checks": _checked,
    "chat": _chatted,
    "microservice": _served,
}
