"""Which literals look like secrets, by their name, their shape or their randomness. Pure.

Being wrong is cheap in one direction only: a harmless value taken for a secret costs one environment variable,
a secret taken for harmless is copied into a file that people commit. So in doubt it is a secret.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

# Prefixes that issuers document for exactly this purpose: to be recognised by scanners.
_TOKEN: Final = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      gh[pousr]_[A-Za-z0-9]{6,} | github_pat_\w{6,} | gl(?:pat|ptt|dt|rt|soat|cbt|ft|imt|agent)-[\w-]{8,}
    | sk-(?=[\w-]{0,64}[0-9A-Z])[\w-]{8,} | [sr]k_(?:live|test)_\w{6,} | whsec_\w{8,}
    | xox[a-z]-[\w-]{6,} | xapp-[\w-]{8,} | (?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{8,} | AIza[\w-]{16,} | ya29\.[\w-]{8,}
    | GOCSPX-[\w-]{8,} | eyJ[\w-]{8,}\.[\w-]{4,} | npm_[A-Za-z0-9]{16,} | pypi-[A-Za-z0-9_]{16,} | hf_[A-Za-z0-9]{10,}
    | r8_[A-Za-z0-9]{16,} | SG\.[\w-]{8,} | do[opr]_v1_\w{8,} | shp(?:at|ss|ca|pa)_\w{8,} | lin_(?:api|oauth)_\w{8,}
    | ntn_\w{8,} | secret_[A-Za-z0-9]{16,} | tvly-[\w-]{8,} | pplx-\w{8,} | gsk_\w{12,} | xai-\w{12,} | fc-[0-9a-f]{16,}
    | dapi[0-9a-f]{16,} | fig[dou]_[\w-]{8,} | ATATT[\w-]{8,} | ATCTT[\w-]{8,} | sntry[su]_[\w=-]{8,}
    | dckr_pat_[\w-]{8,} | hv[sb]\.[\w-]{8,} | AGE-SECRET-KEY-\w{8,} | \d{8,10}:[\w-]{30,} | ost[a-z]*_[A-Za-z0-9]{16,}
    )
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY
    | \b(?i:bearer|basic)\s+(?!\$|\{)[\w.~+/=-]{6,}
    | hooks\.slack\.com/services/\w+""",
    re.VERBOSE,
)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
# Pinned images and commits look random and are public.
_DIGEST: Final = re.compile(r"sha(?:256|512)[:-][0-9A-Za-z+/=]{40,}|git\+[^\s@]+@[0-9a-f]{7,40}\b")
_RUN: Final = re.compile(r"[A-Za-z0-9]{16,}")
_LONG_RUN: Final = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_PATH: Final = re.compile(r"~|\.{0,2}/|[A-Za-z]:[\\/]")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

# Bits per character: English words stay below 3 in a run with digits, base64 and hexadecimal keys reach 3.2 to 6.
RANDOM_RUN: Final = 3.0
RANDOM_TEXT: Final = 4.2
DIGITS: Final = 3
SHORTEST: Final = 6
"""What is shorter stands by chance in other texts too."""

_SECRET_WORDS: Final = frozenset({
    "token", "tokens", "key", "keys", "apikey", "apikeys", "secret", "secrets", "password", "passwords",
    "passwd", "pwd", "pass", "passphrase", "credential", "credentials", "cred", "creds", "auth",
    "authorization", "cookie", "cookies", "dsn", "bearer", "jwt", "pat", "sas", "signature", "session", "otp",
    "webhook",
})  # fmt: skip
_SECRET_ENDS: Final = (
    "token",
    "secret",
    "password",
    "passwd",
    "apikey",
    "accesskey",
    "secretkey",
    "authkey",
    "privatekey",
)
# `AUTH_MODE`, `TOKEN_URL`, `KEY_FILE`: about a secret, not one. Their values are still looked at.
_ABOUT: Final = frozenset({
    "path", "file", "dir", "directory", "url", "uri", "endpoint", "mode", "type", "method", "enabled", "issuer",
    "host", "hostname", "port", "provider", "scope", "scopes", "ttl", "expiry", "limit", "budget", "count",
    "length", "size", "max", "min",
})  # fmt: skip
_NEVER: Final = frozenset({
    "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null",
})  # fmt: skip
# Wider than RFC 3986: people write `#`, `?` and `/` into passwords unescaped. A port before a path is not a password.
_USERINFO: Final = re.compile(r"://([^\s/@]*|[^\s/@:]+:(?!\d*/)[^\s@]*)@")
# A shell's line, a connection string, JSON: `--api-key x`, `Password=x;`, `X-Key: x`, `"token": "x"`. A colon alone is
# too common (image:tag, /from:/to).
_VALUE: Final = r"""["']?([^\s"';,&-][^\s"';,&]*)"""
_INLINE: Final = (
    re.compile(r"(?<![\w-])(--?[A-Za-z][\w-]*+)\s++" + _VALUE),
    re.compile(r"""(?<![\w-])([\w-]++)["']?(?:\s*+=\s*+|\s*+:\s++|(?<=["']):)""" + _VALUE),
)
_SCHEME: Final = re.compile(r"(?:[\w-]+:\s*)?(?:bearer|basic|token|apikey|api-key|key|digest)?\s*", re.IGNORECASE)


def suspicious(name: str | None, value: str) -> str | None:
    """Return why a value under this name looks like a secret, or None; the answer never quotes the value."""
    if not value.strip() or value.strip().lower() in _NEVER:
        return None
    if _TOKEN.search(value):
        return "it has the form of a known kind of token"
    if any(_credentials(value)):
        return "it holds credentials inside a URL"
    if name is not None and _secret_name(name, value):
        return "its name says so"
    if any(_inline(value)):
        return "it sets something secret in its midst"
    if _random(value):
        return "it looks random"
    return None


def token_shaped(text: str) -> bool:
    """Whether a name, a place or a reference itself carries a token."""
    return bool(_TOKEN.search(text)) or any(_credentials(text))


def _secret_name(name: str, value: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or "webhook" in words:
        return bool(words)
    if words[-1] in _ABOUT or (value.isdigit() and _ABOUT & set(words)):
        return False
    return any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDS) for word in words)


def _credentials(value: str) -> Iterator[str]:
    """Yield the parts of URLs in a value that carry credentials: user information, telling query parameters."""
    for found in _USERINFO.finditer(value):
        # What is left of a reference is judged without it, by whoever took it out.
        if found[1].strip(":") and not re.search(r"\$\{|\{env:|\{\{", found[1]):
            yield found[1]
    if "://" in value and "?" in value:
        yield from (
            part for name, part in _query(value) if part and not part.startswith("$") and _secret_name(name, part)
        )


def _inline(value: str) -> Iterator[str]:
    for found in (found for pattern in _INLINE for found in pattern.finditer(value)):
        name, part = found[1], found[2]
        if not part.startswith("$") and part.lower() not in _NEVER and _secret_name(name, part):
            yield part


def _query(value: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(value).query, keep_blank_values=True)
    except ValueError:
        # Not a URL that anything can fetch; what comes after the question mark may still be telling.
        return [(name, text) for name, _, text in (part.partition("=") for part in value.split("?", 1)[1].split("&"))]


def _random(value: str) -> bool:
    value = _DIGEST.sub("", value)
    if _UUID.search(value):
        return True
    if any(_mixed(run) and _entropy(run) >= RANDOM_RUN for run in _RUN.findall(value)):
        return True
    if _PATH.match(value):
        return False
    return any(_dense(run) for run in _LONG_RUN.findall(value))


def _mixed(run: str) -> bool:
    return any(c.isdigit() for c in run) and any(c.isalpha() for c in run)


def _dense(run: str) -> bool:
    digits = sum(c.isdigit() for c in run)
    return (
        digits >= DIGITS
        and any(c.islower() for c in run)
        and any(c.isupper() for c in run)
        and _entropy(run) >= RANDOM_TEXT
    )


def _entropy(text: str) -> float:
    """Shannon's, in bits per character."""
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares)


def pieces(value: str) -> frozenset[str]:
    """Return the parts of a secret that must not appear anywhere else either.

    Short parts and plain lower-case words are left out: a password `postgres` is also the name of a database, and
    hunting for it would make every mention of the database a secret.
    """
    bare = value[match.end() :] if (match := _SCHEME.match(value)) else value
    user, _, password = next(_USERINFO.finditer(value), ["", ""])[1].partition(":")
    found = {
        value,
        bare,
        user,
        password,
        unquote(password),
        value.partition("=")[2],
        *_credentials(value),
        *_inline(value),
    }
    return frozenset(part for part in found if len(part) >= SHORTEST and not (part.isalpha() and part.islower()))


def only_scheme(text: str) -> bool:
    """Whether the literal rest of a template is nothing but `Bearer`, `Authorization: Basic` and the like."""
    return bool(_SCHEME.fullmatch(text.strip()))


def masked(text: str, known: frozenset[str]) -> str:
    """Return the text with every known secret and everything of a token's form taken out."""
    for part in sorted(known, key=len, reverse=True):
        text = text.replace(part, "[secret]")
    return _TOKEN.sub("[secret]", text)
