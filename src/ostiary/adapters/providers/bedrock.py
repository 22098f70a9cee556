"""Amazon Bedrock Guardrails: a guardrail of an account, applied to any text (ApplyGuardrail). Pure.

Format: the service model of `bedrock-runtime` 2023-09-30, operation ApplyGuardrail. Signed by Signature Version 4, or
with an API key of Bedrock as a bearer token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from ostiary.adapters.providers.formats import (
    Answer,
    Asked,
    Outgoing,
    Portion,
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
from ostiary.adapters.providers.placing import placed
from ostiary.protocol.jsonrpc import encode
from ostiary.protocol.sigv4 import Keys, Request, Scope, Unusable, keys, signed

_MOST: Final = 20_000
"""Characters of one request: accounts begin with 25 text units of 1,000 characters a second and policy."""
_BLOCKS: Final = 50
_OVERLAP: Final = 500
_GUARDRAIL: Final = re.compile(
    r"[a-z0-9]{1,64}|arn:aws(-[^:]+)?:bedrock:([a-z0-9-]{1,20}):[0-9]{12}:guardrail/[a-z0-9]{1,64}"
)
_VERSION: Final = re.compile(r"[1-9][0-9]{0,7}|DRAFT")
_REGION: Final = re.compile(r"[a-z]{2,3}(-[a-z]+)+-[0-9]{1,2}")
_POLICIES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    # What a policy lists, and the member that names what was found; never `match`, which quotes what was sent.
    "topicPolicy": (("topics", "name"),),
    "contentPolicy": (("filters", "type"),),
    "wordPolicy": (("customWords", ""), ("managedWordLists", "type")),
    "sensitiveInformationPolicy": (("piiEntities", "type"), ("regexes", "name")),
    "contextualGroundingPolicy": (("filters", "type"),),
}
_ACTIONS: Final = frozenset({"NONE", "BLOCKED", "ANONYMIZED"})
_STATUSES: Final[Mapping[int, str]] = {
    400: "it refuses the request; check `profile` and `version`, and that the region has this guardrail",
    403: "the key is wrong, has expired, or may not call bedrock:ApplyGuardrail on this guardrail",
    404: "it knows no such guardrail or version; check `profile`, `version` and `region`",
    424: "the guardrail depends on something that failed",
}


class Bedrock:
    """One version of one guardrail."""

    name = "bedrock-guardrails"

    def __init__(self, setting: Setting) -> None:
        """Read the guardrail (`profile`, an id or ARN), its `version`, the `region` and the key."""
        region = _region(setting)
        if not _VERSION.fullmatch(setting.version):
            raise ValueError("`version` is missing or none: the number of a version of the guardrail, or DRAFT")
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        base = setting.url.rstrip("/") or f"https://bedrock-runtime.{region}.{suffix}"
        self._url = f"{base}/guardrail/{quote(setting.profile, safe='')}/version/{setting.version}/apply"
        self._scope = Scope(region, "bedrock")
        self._key, self._keys = setting.key, _keys(setting.key)

    def request(self, asked: Asked, now: float, /) -> tuple[Outgoing, ...]:
        """Show all texts as input of a model, whichever way they go.

        The filter for prompt attacks reads nothing else (CreateGuardrail has no strength for it on output), and what
        tools answer is what a model reads next.
        """
        groups = batches(portions(asked.texts, _MOST, _OVERLAP), _BLOCKS, _MOST)
        return tuple(self._outgoing(group, now) for group in groups)

    def read(self, sent: Outgoing, got: Answer, /) -> Said:
        """Object where the guardrail intervened; what it only anonymises can be put in place."""
        answer = told(got, _STATUSES)
        action = member(answer, "action", str)
        reference = word(got.headers["x-amzn-requestid"]) if "x-amzn-requestid" in got.headers else ""
        try:
            findings = [each for one in member(answer, "assessments", list) for each in _findings(one)]
        except Unreadable:
            if action != "GUARDRAIL_INTERVENED":
                raise
            # That it intervened is sure, whatever the reasons are that cannot be read.
            return Said(flagged=True, categories=("intervened",), reference=reference)
        categories = tuple(sorted({name for name, _ in findings}))
        acted = [did for _, did in findings if did != "NONE"]
        if action == "GUARDRAIL_INTERVENED" or acted:
            only_masked = action == "GUARDRAIL_INTERVENED" and set(acted) == {"ANONYMIZED"} and _covered(answer)
            masked = placed(sent.portions, _outputs(answer)) if only_masked else None
            return Said(flagged=True, categories=categories or ("intervened",), masked=masked, reference=reference)
        if action != "NONE":
            raise Unreadable("its answer has an action that its format does not have")
        if not _covered(answer):
            raise Unreadable("it read only a part of what it was sent")
        return Said(flagged=False, categories=categories, reference=reference)

    def _outgoing(self, group: tuple[Portion, ...], now: float) -> Outgoing:
        value = {"source": "INPUT", "content": [{"text": {"text": each.value}} for each in group]}
        if self._keys is None:
            return posted(self._url, {"authorization": f"Bearer {self._key}"}, value, group)
        body = encode(value)
        request = Request("POST", self._url, {"content-type": "application/json"}, body)
        headers = signed(self._keys, self._scope, request, now)
        return Outgoing(self._url, headers, body, group)


def provider(setting: Setting) -> Bedrock:
    """Make it, or raise `ValueError`."""
    return Bedrock(setting)


def _region(setting: Setting) -> str:
    found = _GUARDRAIL.fullmatch(setting.profile)
    if not found:
        raise ValueError("`profile` is missing or none: the id or the ARN of a guardrail")
    region = setting.region or found[2] or ""
    if not _REGION.fullmatch(region):
        raise ValueError("`region` is missing or none: where the guardrail is, such as eu-central-1")
    return region


def _keys(key: str) -> Keys | None:
    """Return access keys; None where it is an API key of Bedrock, which has no colon."""
    if not key:
        raise ValueError("`key` is missing: an API key of Bedrock, or ACCESS:SECRET of an access key")
    if ":" not in key:
        return None
    try:
        return keys(key)
    except Unusable as error:
        raise ValueError(f"`key` is no pair of access keys: {error}") from error


def _findings(assessment: Any) -> Iterator[tuple[str, str]]:
    """Yield what an assessment lists: a category, and what was done about it."""
    if not isinstance(assessment, dict):
        raise Unreadable("an assessment in its answer is not what its format has")
    for policy, lists in _POLICIES.items():
        found = member(assessment, policy, dict, {})
        for name, naming in lists:
            yield from (_finding(policy, naming, each) for each in member(found, name, list, []))


def _finding(policy: str, naming: str, entry: Any) -> tuple[str, str]:
    if not isinstance(entry, dict):
        raise Unreadable("an assessment in its answer is not what its format has")
    action = member(entry, "action", str)
    if action not in _ACTIONS:
        raise Unreadable("an assessment in its answer has an action that its format does not have")
    named = word(entry[naming]) if naming and entry.get(naming) else "listed"
    return f"{policy.removesuffix('Policy')}/{named}", action


def _outputs(answer: Mapping[str, Any]) -> list[str]:
    outputs = member(answer, "outputs", list)
    return [str(member(each, "text", str)) if isinstance(each, dict) else "" for each in outputs]


def _covered(answer: Mapping[str, Any]) -> bool:
    """Say whether it read all characters, as far as it says so: the member is optional."""
    coverage = member(member(answer, "guardrailCoverage", dict, {}), "textCharacters", dict, {})
    guarded, total = member(coverage, "guarded", int, 0), member(coverage, "total", int, 0)
    return bool(guarded >= total)
