"""Secrets that only their key gives away: `"password": "…"`, `api_key=…`, `--token …`, `<secret>…</secret>`. Pure.

A key that tells is not enough: what stands beside it must look like a value that somebody chose or drew, and not like
a placeholder, a variable, a type, a path, a count or a digest.
"""

# ruff: noqa: E501, PLR2004, RUF001, SIM905
# The thresholds were set by tests/unit/guards/sensitive_report.py; patterns and lists of words are one string each, and
# quotation marks are those that people write.

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

import re2

from ostiary.guards.columns import Columns
from ostiary.guards.engine import encoded
from ostiary.guards.matching import Candidate, compiled, hits
from ostiary.guards.pace import breathe
from ostiary.guards.secret_checks import classes, entropy, noise, placeholder, running

CHOSEN_KEYS: Final = (
    r"passw(?:or)?ds?|passwort|passphrase|passcode|passwd|pwd|contrase(?:ñ|n)a|senha|mot[ _\-]?de[ _\-]?passe|wachtwoord"
    r"|kennwort|palavra[ \-]passe|\bmdp\b|l(?:ö|o)senord|adgangskode|has(?:ł|l)o|\bheslo\b|parola|пароль|パスワード|密码|密碼|비밀번호|[_\-]pass|userpass|dbpass|[\"']pass\b|\bpw\b"
)
DRAWN_KEYS: Final = (
    r"secret|token|credential|authorization|api[ _\-.]?key|session[_\-]?id|webhook[_\-]?key|x-auth"
    r"|(?:access|auth|private|secret|encrypt(?:ion)?|decryption|sign(?:ing)?|signature|master|account|shared|storage|subscription"
    r"|service|client|app|application|consumer|session|jwt|hmac|aes|admin|root|server|deploy|write|read|function|host|license)[ _\-]?key"
)
_KEY: Final = rf"(?:{CHOSEN_KEYS}|{DRAWN_KEYS})[\w\-]{{0,24}}"
_QUOTE: Final = r"\\{0,3}[\"'`]"
_ASSIGNS: Final = (
    rf"(?:{_QUOTE}|\])?\]?[ \t]{{0,8}}(?:=>|:=|={{1,3}}|:)[ \t]{{0,8}}"  # an assignment in a file, in code, in JSON, in a URL
    rf"|{_QUOTE}?,?\s{{1,20}}(?:-\s)?\\{{0,3}}[\"']?(?:value|content)\\{{0,3}}[\"']?[ \t]{{0,3}}[:=][ \t]{{0,3}}"  # name and value apart
    rf"|{_QUOTE},\\{{0,3}}[\"'](?:value|content)\\{{0,3}}[\"']:"  # the same in compact JSON
    r"|(?:[ \t]xsi?:[^<>]{0,40})?>"  # XML
    r"|(?:[ ](?:for|of|to)[ ][\w .@\-]{1,30})?[ ](?:is|was|ist|lautet|est|es|to|=)[ :][ ]?"  # prose
    r"|[ ]\|[ ]"  # a row of a table in Markdown
)
QUOTED: Final = r"\\{1,3}\"([^\"\\\n]{3,})\\{1,3}\"|\"((?:[^\"\\\n]|\\[^\n]){3,})\"|'((?:[^'\\\n]|\\[^\n]){3,})'|`([^`\n]{3,})`|[«„“”‘‹][\s\x{a0}\x{202f}]?([^\s«»„“”‘’‹›]{3,})[\s\x{a0}\x{202f}]?[»“”’›]"
UNQUOTED: Final = r"([^\s\"'`,;<>\\«„“‹]{3,})"
_VALUE: Final = rf"{QUOTED}|{UNQUOTED}"
_PAIR: Final = rf"(?i:({_KEY})(?:{_ASSIGNS})(?:{_VALUE}))"
# A blank alone, or a comma in a call, assigns too; but so much stands behind a blank that only disorder counts there.
_SPACED: Final = rf"(?i:({_KEY})(?:[ \t]{{1,4}}|{_QUOTE},[ ]?)[\"']?([^\s\"'`,;<>]*\d[^\s\"'`,;<>]*))"
_FLAG: Final = rf"(?i:--[\w\-]{{0,24}}?(?:{CHOSEN_KEYS}|{DRAWN_KEYS})[\w\-]{{0,16}}[ =](?:\"([^\"\n]{{3,}})\"|'([^'\n]{{3,}})'|([^\s\"'`<>\-][^\s\"'`<>]{{2,}})))"
HINT: Final = rf"(?i)(?:{CHOSEN_KEYS}|{DRAWN_KEYS})[\w\-]*(?:[\"'`\\\]]+[ \t]*[:=,]|[ \t]*[:=>]|[ ](?:is|was|ist|lautet|est|es|to|for|of)[ ]|[ ]\||\s+(?:value|-))"
CELL_HINT: Final = rf"(?i)(?:{CHOSEN_KEYS}|{DRAWN_KEYS})[\w\-]*[\"']?[ ]?[,;|\t\n]"
SPACED_HINT: Final = rf"(?i)(?:{CHOSEN_KEYS}|{DRAWN_KEYS})[\w\-]*(?:[ \t]+|[\"'`],[ ]?)[\"']?[^\s\"']*\d"
FLAG_HINT: Final = rf"(?i)--[\w\-]*(?:{CHOSEN_KEYS}|{DRAWN_KEYS})"
_TELLING: Final = rf"(?i)(?:{CHOSEN_KEYS}|{DRAWN_KEYS}|^pass$)"

_BEFORE, _LONGEST_KNOWN = 40, 64
_LAST_GROUP: Final = 7
_BARE_FLAG: Final = 3
# What a key's last word, or any of its words, makes of it: a name of the secret, its length, its end; a cursor, a count.
_NOT_LAST: Final = re2.compile(
    r"(?:^|[ _\-.])(?:ids?|name|names|count|counts|type|types|length|len|size|url|uri|endpoint|path|file|dir|folder|policy|version"
    r"|expir\w*|ttl|age|status|enabled|disabled|required|optional|hint|label|field|format|pattern|regex|algorithm|alg|hash|hashes|digest"
    r"|checksum|limits?|usage|used|budget|index|arn|ref|refs|manager|store|rotation|at|on|date|time|timestamp|scopes?|class"
    r"|provider|prefix|env|var|param|params|header|placeholder|title|description|message|strength|reset|changed|updated"
    r"|created|valid|validity|window|rate|cost|price|s|source|mode|kind|method|error|errors|help|text|issuer|owner|lifetime)$"
)
_NOT_ANY: Final = re2.compile(
    r"(?:^|[ _\-.])(?:next|page|pages|cursor|continuation|continue|sync|max|min|num|total|csrf|xsrf|public|prompt|completion|cached?|idempotency"
    r"|primary|foreign|partition|sort|input|output|reasoning|tokenizer|tokenize|forgot|show|hide|resume|progress|delta|upload"
    r"|no|has|is|use|uses|requires?|allow|invalid|missing|wrong|incorrect|end|eos|bos|pad|unk|stop|special|mask|token[ _\-]?uri)(?:[ _\-.]|$)"
)
_SESSION: Final = re2.compile(r"sess(?:ion)?[_\- ]?id$")
_CAMEL: Final = re2.compile(r"([a-z0-9])([A-Z])")
_IS_CHOSEN: Final = re2.compile(rf"(?i){CHOSEN_KEYS}|^pass$")
_STRONG: Final = re2.compile(
    r"(?i)secret|password|api[ _\-.]?key|(?:access|auth|refresh|bearer|id|session|api)[ _\-]?token|(?:private|access)[ _\-]?key"
)
_UUID: Final = re2.compile(r"(?i)^\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$")
_NOT_VALUE: Final = re2.compile(
    r"(?i)^(?:https?:|file:|env:|vault:|arn:|ref:|op://|secret:|sha\d{1,3}[:\-]|md5[:\-]|projects/|/[\w.\-]+(?:/[\w.\-]*)*$|\./|~/|\d{4}-\d\d-\d\d|\d+(?:\.\d+)+$"
    r"|[\w.+\-]+@[\w\-]+\.[\w.\-]+$|[a-z_]\w*(?:\.[a-z_]\w*)*[(\[]|(?:process\.env|os\.environ|config|settings|self|this|args|env|secrets|vars?|request|req|params|options|data|user|props|ctx|input)\.\w)"
)
_SHOUTED: Final = re2.compile(r"^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$")
_SLUG: Final = re2.compile(r"^[A-Za-z]{2,}(?:[-_./: ][A-Za-z]{1,}|[-_./: ]v?\d{1,4})*$")
# What begins as a maker's tokens do and has not the length of one was written for show.
_SHORTENED: Final = re2.compile(
    r"^(?:gh[pousr]_\w{0,29}|github_pat_\w{0,59}|npm_\w{0,29}|glpat-[\w\-]{0,15}|AKIA\w{0,11}|xox[a-z]-[\w\-]{0,15}|[sr]k_(?:live|test)_\w{0,15}|hf_\w{0,25})$"
)
_IDENTIFIER: Final = re2.compile(r"^[A-Za-z_]+(?:\.[A-Za-z_]\w*)*$")
_COUNTED: Final = re2.compile(r"^\d{1,3}-\p{L}{3,}$")
_ORDINARY: Final = frozenset(
    "required optional string text number boolean true false null none undefined nil empty blank hidden missing invalid incorrect"
    " wrong expired valid unknown unset default password passwd passwort contraseña secret token bearer basic digest oauth"
    " oauth2 apikey plain plaintext encrypted hashed bcrypt argon2 scrypt sha256 md5 disabled enabled read write readonly admin"
    " user username email login enter confirm forgot reset show hide change update weak strong medium protected private public"
    " unavailable unauthorized forbidden denied failed error success ok yes no any all auto generated random kept here there"
    " used sent stored set given never always self this value input field jwt opaque access refresh id session name file".split()
)
_ENDS: Final = ".,:;!?"
_STOPS: Final = ".,:;"
"""What ends a sentence and hardly a password, as marks of exclamation do."""
_BEHIND_ONE: Final = frozenset("@:/")
_QUERY: Final = re2.compile(rb"[?&][^\s?]*$")
_CUT: Final = re2.compile(r"[&#\s]")


def pairs(raw: bytes) -> Iterator[Candidate]:
    """Yield the secrets that stand beside telling keys."""
    for hit in hits(_PAIR, raw):
        key = _whole_key(raw, hit.whole, hit.head)
        yield from weighed(raw, key, (hit.start, hit.end), quoted=hit.group != _LAST_GROUP, inside=hit.whole)


def spaced(raw: bytes) -> Iterator[Candidate]:
    """Yield the secrets that stand behind a telling word and a blank, as in a Dockerfile, a shell or a sentence."""
    for hit in hits(_SPACED, raw):
        value = raw[hit.start : hit.end].decode("utf-8", "replace")
        if "=" in value.rstrip("="):
            continue
        if (len(value) >= 6 and classes(value.rstrip(_ENDS)) >= 3) or (
            len(value) >= 32 and value.isalnum() and not value.isalpha()
        ):
            key = _whole_key(raw, hit.whole, hit.head)
            yield from weighed(raw, key, (hit.start, hit.end), quoted=False, inside=hit.whole)


def flags(raw: bytes) -> Iterator[Candidate]:
    """Yield the secrets that a command line names."""
    for hit in hits(_FLAG, raw):
        key = raw[hit.whole : hit.start].decode("utf-8", "replace").strip("-= \"'")
        yield from weighed(raw, key, (hit.start, hit.end), quoted=hit.group < _BARE_FLAG, inside=hit.whole)


def cells(raw: bytes) -> Iterator[Candidate]:
    """Yield the secrets that stand below telling heads of columns."""
    for cell in Columns(raw).cells():
        breathe()
        if telling(cell.head):
            score = judged(cell.head, raw[cell.start : cell.end].decode("utf-8", "replace"), quoted=True)
            if score:
                yield Candidate(cell.start, cell.end, _slug(cell.head), score)


def leaf(key: str, value: str) -> tuple[str, float]:
    """Return what a whole string is, and how sure that is, from the telling key that it is kept under; 0.0 is no secret."""
    return _slug(key), judged(key, value.strip(), quoted=True)


def telling(key: str) -> bool:
    """Say whether a key may name a secret; the keys of a program are few, so most are known."""
    return _tells(key) if len(key) <= _LONGEST_KNOWN else _tells.__wrapped__(key)


@lru_cache(maxsize=2048)
def _tells(key: str) -> bool:
    return compiled(_TELLING).search(encoded(key)) is not None


def judged(key: str, value: str, *, quoted: bool) -> float:
    """Say how sure it is that a value beside a key is a secret: 0.0 is not at all."""
    if names_something_else(key) or placeholder_value(value):
        return 0.0
    if _IS_CHOSEN.search(key):
        return _chosen(key, value, quoted=quoted)
    return _drawn(key, value, quoted=quoted)


def names_something_else(key: str) -> bool:
    """Say whether a key that tells names what a secret has, such as its length, or what only is called like one."""
    words = _CAMEL.sub(r"\1_\2", key).lower()
    return bool((_NOT_LAST.search(words) and not _SESSION.search(words)) or _NOT_ANY.search(words))


def placeholder_value(value: str) -> bool:
    """Say whether a value is an expression, a path, a name or a template rather than a secret itself."""
    if value.lower().strip(_ENDS) in _ORDINARY or (
        _NOT_VALUE.search(value) and not (value.startswith("/") and _disorder(value))
    ):
        return True
    return bool(_SHOUTED.search(value) or _SHORTENED.search(value)) or (
        placeholder(value) and not running(value) and not noise(value)
    )


def _chosen(key: str, value: str, *, quoted: bool) -> float:
    """Judge what a person may have chosen: nearly anything, so long as it is one word."""
    if "phrase" in key.lower() and quoted and value.replace(" ", "").isalpha():
        return 0.6 * (value.count(" ") >= 2)
    if any(map(str.isspace, value)) or value.startswith(("$", "{", "/", "(", "[", "<", "*", "&")):
        return 0.0
    if not quoted and (_IDENTIFIER.search(value) or _COUNTED.search(value)):
        return 0.0
    kinds = classes(value)
    if value.isdigit():
        return 0.6 * (quoted and len(value) >= 4)
    if kinds == 1 or (value.isalpha() and value[1:].islower()):
        return 0.6 * (quoted and len(value) >= 6 and value.islower())
    return 0.85 * (len(value) >= 5)


def _drawn(key: str, value: str, *, quoted: bool) -> float:
    """Judge what a program has drawn: long, mixed and without words."""
    if len(value) < 12 or any(map(str.isspace, value)):
        return 0.0
    if value.startswith(("{", "[", "(", "$")) and not (quoted and noise(value)):
        return 0.0
    written = _SLUG.search(value) or _IDENTIFIER.search(value)
    if written and not (quoted and _disorder(value)):
        return 0.0
    if _UUID.search(value):
        return 0.6 * bool(_STRONG.search(key))
    if value.isdigit() or classes(value) == 1:
        return 0.0
    return 0.75 * (entropy(value) >= (2.8 if len(value) < 20 else 3.0))


def _disorder(value: str) -> bool:
    """Say whether small letters, large ones and digits change places often, as they do in nothing that is written."""
    sorts = [0 if each.islower() else 1 if each.isupper() else 2 for each in value if each.isalnum()]
    changes = sum(before != after for before, after in pairwise(sorts))
    return changes * 3 > len(sorts)


def _slug(key: str) -> str:
    return "password" if _IS_CHOSEN.search(key) else "secret-value"


def _whole_key(raw: bytes, start: int, end: int) -> str:
    """Return the key with what stands before the telling word, as far as it is one word."""
    left = start
    while left > max(0, start - _BEFORE) and (
        raw[left - 1 : left].isalnum() or raw[left - 1 : left] in {b"_", b"-", b"."}
    ):
        left -= 1
    return raw[left:end].decode("utf-8", "replace")


def weighed(raw: bytes, key: str, span: tuple[int, int], *, quoted: bool, inside: int) -> Iterator[Candidate]:
    """Yield what stands at a place beside a key, if it is a secret; `inside` is where the key begins."""
    start, end = span
    value = raw[start:end].decode("utf-8", "replace")
    if raw[start - 1 : start] == b">" and value[:1] in _BEHIND_ONE and raw[end : end + 2] != b"</":
        # `<password>` in a URL stands for one, and is no element that holds it.
        return
    if not quoted:
        value = _bare(raw, value, inside)
        end = start + len(value.encode())
    score = judged(key, value, quoted=quoted) if value else 0.0
    if score:
        yield Candidate(start, end, _slug(key), score)


def _bare(raw: bytes, value: str, key_start: int) -> str:
    """Return a value without quotes as far as it goes: to the next parameter in a URL, and without a sentence's end."""
    if _QUERY.search(raw[max(0, key_start - _BEFORE) : key_start]):
        value = _CUT.split(value, 1)[0]
    stripped = value.rstrip(_STOPS)
    while (
        stripped
        and stripped[-1] in ")]}"
        and stripped.count(stripped[-1]) > stripped.count("([{"[")]}".index(stripped[-1])])
    ):
        stripped = stripped[:-1].rstrip(_STOPS)
    return stripped
