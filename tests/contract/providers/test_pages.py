"""What the pages about providers say is what happens: every example in them is used as it stands."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any, Final

import pytest

from ostiary.adapters.providers.formats import Answer, Asked, Setting
from ostiary.adapters.providers.providers import PROVIDERS
from ostiary.adapters.providers.webhook import provider
from ostiary.config.parse import parse
from ostiary.core.screening import Side, Text

DOCS: Final = Path(__file__).resolve().parents[3] / "docs"
PAGES: Final = ("providers.md", "guards-webhook.md")
AROUND: Final = 'gateway: {url: "http://127.0.0.1:8080"}\nservers: {}\nrules: []\n'
TEXTS: Final = (
    Text(("arguments", "query", -1), "query", rigid=True),
    Text(("arguments", "query"), "who lives in Main Street 5?"),
)
ASKED: Final = Asked(Side.REQUEST, "crm", "crm.find", "tools/call", "8f2b0c6d4e5a49b1a2c3d4e5f6a7b8c9", TEXTS)


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page(name), re.DOTALL)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name in PAGES for text in blocks(name, "yaml")])
def test_every_configuration_is_one(name: str, text: str) -> None:
    assert parse(AROUND + text, name).guards


def test_the_request_is_what_is_sent_and_the_signature_is_what_the_page_computes() -> None:
    (sent,) = provider(Setting(url="https://guard.example.com", key="a key")).request(ASKED, time.time())
    request, _ = blocks("guards-webhook.md", "json")
    assert json.loads(sent.body) == json.loads(request)
    there: dict[str, Any] = {}
    (program,) = blocks("guards-webhook.md", "python")
    exec(program, there)
    stamp, signature = sent.headers["ostiary-timestamp"], sent.headers["ostiary-signature"]
    assert there["genuine"](b"a key", stamp, signature, sent.body)
    assert not there["genuine"](b"a key", str(int(stamp) - 1), signature, sent.body)
    assert not there["genuine"](b"another", stamp, signature, sent.body)
    assert not there["genuine"](b"a key", stamp, signature, sent.body + b" ")


def test_the_answer_is_read_as_the_page_says() -> None:
    hook = provider(Setting(url="https://guard.example.com"))
    (sent,) = hook.request(ASKED, 0.0)
    _, answer = blocks("guards-webhook.md", "json")
    said = hook.read(sent, Answer(200, {"content-type": "application/json"}, answer.encode()))
    assert said.masked == {("arguments", "query"): "who lives in […]?"}
    assert (said.categories, said.reference) == (("street",), "case-17")


def test_every_provider_has_a_section() -> None:
    assert [use for use in PROVIDERS if f"`use: {use}`" not in page("providers.md")] == []
