"""Find what a form asks for that no form may ask for (2026-07-28, elicitation, "Form Mode Security"). Pure.

"Servers MUST NOT use form mode elicitation to request sensitive information such as passwords, API keys, access tokens,
or payment credentials": those belong behind a URL, where neither the client nor the model sees them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ostiary.core.model import Json

_FREE: Final = frozenset({"string", "number", "integer"})
_CHOICES: Final = ("enum", "oneOf", "anyOf", "const")
_MOST: Final = 256
"""Fields of a form that are looked at; one with more is refused."""
_LONGEST: Final = 8_192
_SPLIT: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_.\-/:]+")
_SECRET: Final = re.compile(
    r"""
    \b(?: pass (?:word|phrase|code|wd) s? | pwds? | secrets? (?:\s(?:access|key|token|value))*
      | (?:api|access|secret|private|signing|encryption|ssh|account|license) \s? keys?
      | (?:access|auth(?:entication|orization)?|bearer|refresh|id|session|api|security|github|slack) \s? tokens?
      | (?:session|login) \s cookies? | credentials? | client \s secrets?
      | (?:seed|recovery|backup) \s (?:phrase|words?|codes?) | mnemonics? (?=\s|$)
      | (?:one[\s-]?time|verification|2fa|mfa|totp|otp|authenticator|sms|login) \s? (?:pass)?(?:codes?|passwords?|pins?)
      | otps? | pins? (?:\s(?:codes?|numbers?))? | cvv2? | cvc2?
      | card \s (?:verification|security) \s (?:codes?|values?|numbers?)
      | (?:credit|debit|payment|bank) \s? cards? (?:\s(?:numbers?|details|data|info\w*))* | card \s? numbers? | iban
      | passwort\w* | kennw[oö]rt\w* | zugangsdaten | kreditkarten\w* | geheimzahl | sicherheitscode
      | mot \s de \s passe | code \s (?:secret|pin) | cl[eé] \s (?:api|secr[eè]te|priv[eé]e)
      | carte \s (?:bancaire|de\scr[eé]dit)
      | contrase(?:ñ|n)a s? | clave \s (?:secreta|privada|de\sapi) | tarjeta \s de \s cr[eé]dito
      | senhas? | chave \s (?:secreta|privada|de\sapi) | cart[aã]o \s de \s cr[eé]dito
      | parola \s d\W?accesso | chiave \s (?:segreta|privata|api) | carta \s di \s credito
      | wachtwoord\w* | has[lł]o | l[oö]senord | [sş]ifre | creditcard\w*
    )\b
    | парол[ьяеию] | секретн\w+\s+ключ | номер\s+карты | ключ\s+доступа
    | 密码 | 密碼 | 口令 | 验证码 | 驗證碼 | 密钥 | 密鑰 | 信用卡
    | パスワード | 暗証番号 | 認証コード | 秘密鍵 | クレジットカード
    | 비밀번호 | 인증번호 | 신용카드 | كلمة\s+(?:المرور|السر) | סיסמה | पासवर्ड
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SPEAKS_OF: Final = re.compile(
    r"\b(?:never|not|n['\u2019]t|without|no|nicht|keine?|nie|jamais|pas|nunca|não|non|mai|geen|niet)\b[^.!?]{0,40}$",
    re.IGNORECASE,
)
"""What stands before a secret that is not asked for: `never enter your password here`."""
_ABOUT: Final = re.compile(
    r"^\s*(?:reset|expir\w*|polic\w*|length|rotation|rules?|manager|strength|names?|ids?)\b",
    re.IGNORECASE,
)
"""What follows a word when something about a secret is meant: `password policy`, `secret name`."""


def secret(params: Json) -> str:
    """Return which field of a form asks for a secret; empty: none does, or it is no form."""
    schema = params.get("requestedSchema")
    if params.get("mode") == "url" or not isinstance(schema, Mapping):
        return ""
    fields = schema.get("properties")
    free = [each for each in fields.items() if _free(each[1])] if isinstance(fields, Mapping) else []
    if len(free) > _MOST:
        return "more fields than can be looked at"
    for name, field in free:
        if any(_asks(text) for text in _words(name, field)):
            return f"the field {name[:64]!r}"
    message = params.get("message")
    return "its message" if free and isinstance(message, str) and _asks(message) else ""


def _free(field: Any) -> bool:
    """Say whether anything can be typed into a field."""
    if not isinstance(field, Mapping):
        return True
    kind = field.get("type", "string")
    return (not isinstance(kind, str) or kind in _FREE) and not any(each in field for each in _CHOICES)


def _words(name: str, field: Any) -> Iterator[str]:
    yield _SPLIT.sub(" ", name)
    if isinstance(field, Mapping):
        if field.get("format") == "password":
            yield "password"
        yield from (text for key in ("title", "description", "default") if isinstance(text := field.get(key), str))


def _asks(text: str) -> bool:
    # Letters that only look alike, and marks that cannot be seen, must not hide the word.
    shown = "".join(
        each for each in unicodedata.normalize("NFKC", text[:_LONGEST]) if unicodedata.category(each) != "Cf"
    )
    return any(
        not _SPEAKS_OF.search(shown[: match.start()][-80:]) and not _ABOUT.match(shown[match.end() :][:40])
        for match in _SECRET.finditer(shown)
    )
