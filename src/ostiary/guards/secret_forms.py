"""Secrets that a standard gave a form: private keys, JWTs, credentials in URLs and headers, hashes of passwords. Pure."""

# ruff: noqa: E501
# A row is one line and a pattern is one string: cut in two, neither can be read against its maker's page.

from __future__ import annotations

from typing import Final

from ostiary.guards.secret_kinds import SecretKind

# A number alone says nothing; `pin code` is what a place in India has, and it has six digits.
_PIN: Final = r"(?:(?:\b|_)(?i:pin|geheimzahl)|[a-z]P(?i:in))(?i:[ _\-]?(?:number|no|nr))?\b"
_ONCE: Final = r"\b(?:t?otp|tan|one[ _\-]?time[ _\-]?(?:pass)?(?:code|word)|(?:verification|2fa|mfa|authentication|authenticator|login|sms|confirmation)[ _\-]?code)\b"
_GIVES: Final = r"(?:[\"'\s]{0,4}[:=][\"'\s]{0,4}| (?i:is|ist|est|es|war|was)(?: now)?:? )"
_HOSTED: Final = r"[a-zA-Z][a-zA-Z0-9+.\-]{1,30}://"

FORMS: Final = (
    SecretKind("jwt", r"eyJ[A-Za-z0-9]", r"(?:^|[^\w\-.])(eyJ[\w\-]{8,}\.[\w\-]{2,}\.[\w\-]*)", "jwt", 0.95),
    SecretKind(
        "jwe",
        r"eyJ[A-Za-z0-9]",
        r"(?:^|[^\w\-.])(eyJ[\w\-]{8,}\.[\w\-]*\.[\w\-]{8,64}\.[\w\-]{2,}\.[\w\-]{16,64})",
        "jwt",
        0.95,
    ),
    SecretKind(
        "url-password",
        r"://[^\s/:@]*:[^\s/@]*(?:@|\[(?:redacted:|email~))",
        # What is behind it may be masked already: together they look like somebody's mail address.
        rf"{_HOSTED}[^\s:/@?#\"'<>]{{0,128}}:([^\s/@\"'<>]{{1,}}?)(?:@[^\s/@:,\"'<>]|\[(?:redacted:email\]|email~))",
        "password",
        0.9,
    ),
    SecretKind("url-token", r"://[A-Za-z0-9_-]+@", rf"{_HOSTED}([A-Za-z0-9_\-]{{20,}})@[\w.\-]{{3,}}", "mixed", 0.8),
    SecretKind(
        "dsn-password", r"(?i);\s?(?:pwd|password)=", r"(?i:;\s?(?:pwd|password))=([^;\s\"'<>]{3,})", "password", 0.9
    ),
    SecretKind(
        "netrc-password",
        r"(?i)\blogin\s",
        r"\blogin\s{1,4}\S{1,100}\s{1,8}(?:account\s{1,4}\S{1,64}\s{1,8})?password\s{1,4}([^\s<>\"']{3,})",
        "password",
        0.9,
    ),
    SecretKind("bearer-token", r"(?i)\bbearer\s", r"(?i:\bbearer)\s{1,3}([\w\-.~+/]{16,}={0,2})", "opaque", 0.85),
    SecretKind("basic-credentials", r"(?i)\bbasic\s", r"(?i:\bbasic)\s{1,3}([A-Za-z0-9+/_\-]{8,}={0,2})", "basic", 0.9),
    SecretKind(
        "curl-password",
        r"\bcurl\s",
        r"\bcurl\s[^\n]{0,200}?(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,100}:([^\s\"']{4,})",
        "password",
        0.85,
    ),
    SecretKind(
        "sql-password",
        r"(?i)identified by|with (?:encrypted )?password",
        r"(?i:identified by|with (?:encrypted )?password)\s{1,3}'([^'\n]{4,})'",
        "password",
        0.9,
    ),
    SecretKind(
        "login-password",
        r"\b(?:sshpass|docker login|podman login|mysql|mysqldump|mariadb|mongosh?|smbclient|helm registry login) ",
        r"\b(?:sshpass|docker login|podman login|mysql|mysqldump|mariadb|mongosh?|smbclient|helm registry login) [^\n]{0,120}?(?:-p|--password)[ =]?[\"']?([^\s\"']{5,})",
        "random",
        0.85,
    ),
    SecretKind(
        "session-cookie",
        r"(?i)cookie",
        r"(?i:cookie)[\"']?\s{0,2}[:=,]\s{0,2}[\"']?[^\n\"']{0,300}?(?i:[\w.\-]{0,30}(?:sess|sid|auth|jwt|token|remember)[\w.\-]{0,30})=([^\s;,\"']{16,})",
        "opaque",
        0.85,
    ),
    SecretKind("pin", r"(?i)pin[^a-z]|geheimzahl", rf"{_PIN}{_GIVES}(\d{{4,6}})\b", "password", 0.7),
    SecretKind(
        "one-time-code",
        r"(?i)otp\b|\btan\b|one[ _\-]?time|(?:n|r|s|fa)[ _\-]?code",
        rf"(?i:{_ONCE}){_GIVES}(\d{{4,8}}|\d{{3}}[ \-]\d{{3}})\b",
        "any",
        0.75,
    ),
    SecretKind("bcrypt-hash", r"\$2[abxy]\$", r"(\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53})", "any"),
    SecretKind(
        "crypt-hash",
        r"\$(?:apr1|1|5|6|y|sha1|7)\$",
        r"(\$(?:apr1|1)\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}|\$[56]\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43,86}|\$(?:y|7)\$[./A-Za-z0-9]{1,10}\$[./A-Za-z0-9]{1,90}\$[./A-Za-z0-9]{43})",
        "any",
    ),
    SecretKind(
        "argon2-hash",
        r"\$argon2|\$scrypt\$",
        r"(\$argon2(?:id|i|d)\$v=\d{1,3}\$m=\d{1,9},t=\d{1,4},p=\d{1,4}\$[A-Za-z0-9+/]{8,90}\$[A-Za-z0-9+/]{20,}|\$scrypt\$ln=\d{1,2},r=\d{1,2},p=\d{1,2}\$[A-Za-z0-9+/]{8,90}\$[A-Za-z0-9+/]{20,})",
        "any",
    ),
    SecretKind(
        "django-hash",
        r"pbkdf2_sha",
        r"(pbkdf2_sha(?:1|256)\$\d{1,8}\$[A-Za-z0-9]{1,64}\$[A-Za-z0-9+/]{27,44}=?)",
        "any",
    ),
    SecretKind("ldap-hash", r"\{S?SHA", r"(\{S?SHA(?:256|512)?\}[A-Za-z0-9+/]{27,}={0,2})", "any"),
    SecretKind("htpasswd-hash", r":\{SHA\}", r":(\{SHA\}[A-Za-z0-9+/]{27}=)", "any"),
    SecretKind(
        "putty-key",
        r"PuTTY-User-Key-File",
        r"(?s:PuTTY-User-Key-File-\d.{0,800}?Private-Lines: \d{1,3}\s{1,3}((?:[A-Za-z0-9+/=]+\s{1,3})+))",
        "any",
        1.0,
    ),
    SecretKind(
        "xml-private-key", r"<RSAKeyValue>", r"(?s:<RSAKeyValue>.{20,}<D>([A-Za-z0-9+/=\s]{20,})</D>)", "any", 1.0
    ),
    SecretKind(
        "jwk-private-key", r"\\?\"d\\?\"\s{0,2}:", r"\\?\"d\\?\"\s{0,3}:\s{0,3}\\?\"([\w\-]{40,})\\?\"", "random", 0.9
    ),
    SecretKind(
        "wireguard-key",
        r"PrivateKey\s{0,3}=",
        r"PrivateKey\s{0,3}=\s{0,3}([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)",
        "random",
        1.0,
    ),
    SecretKind("totp-secret", r"otpauth://", r"otpauth://[^\s\"'<>]{1,300}?[?&]secret=([A-Z2-7]{16,})", "any", 1.0),
    SecretKind(
        "seed-phrase",
        r"(?i)(?:seed|mnemonic|recovery)",
        r"(?i:(?:seed|mnemonic|recovery)[ _\-]?(?:phrase|words?)?)[\"']?\s{0,3}(?:is|[:=])\s{0,3}[\"']?((?:[a-z]{3,8}[ ,]{1,2}){11,23}[a-z]{3,8})\b",
        "any",
        0.85,
    ),
)
