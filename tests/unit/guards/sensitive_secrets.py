"""Secrets that nobody issued, drawn from a seed in the shapes of their makers; built from parts, so that nothing here is one."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import Final

HEX: Final = "0123456789abcdef"
ALNUM: Final = ascii_letters + digits
URLSAFE: Final = ALNUM + "-_"
B64: Final = ALNUM + "+/"
B32: Final = ascii_uppercase + "234567"
Maker = Callable[[Random], str]


def drawn(rng: Random, alphabet: str, size: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(size))


def uuid(rng: Random) -> str:
    return "-".join(drawn(rng, HEX, size) for size in (8, 4, 4, 4, 12))


def shaped(*parts: str | tuple[str, int]) -> Maker:
    return lambda rng: "".join(each if isinstance(each, str) else drawn(rng, *each) for each in parts)


def crc62(body: str) -> str:
    rest, made = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        made = (digits + ascii_uppercase + ascii_lowercase)[digit] + made
    return made


def checked(prefix: str, size: int) -> Maker:
    def made(rng: Random) -> str:
        body = drawn(rng, ALNUM, size)
        return prefix + body + crc62(body)

    return made


def fine_grained(rng: Random) -> str:
    return "github_" + "pat_" + drawn(rng, ALNUM, 22) + "_" + drawn(rng, ALNUM, 59)


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def jwt(rng: Random) -> str:
    head = {"alg": rng.choice(["HS256", "RS256", "ES256"]), "typ": "JWT"}
    claims = {"sub": drawn(rng, HEX, 12), "iat": rng.randrange(10**9, 2 * 10**9), "scope": "read write"}
    return f"{segment(head)}.{segment(claims)}.{drawn(rng, URLSAFE, 43)}"


def pem(rng: Random) -> str:
    kind = rng.choice(["RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED "])
    join = rng.choice(["\n", "\\n"])
    body = join.join(drawn(rng, B64, 64) for _ in range(rng.randrange(3, 9)))
    return f"-----BEGIN {kind}PRIVATE " + f"KEY-----{join}{body}{join}-----END {kind}PRIVATE KEY-----"


def macaroon(rng: Random) -> str:
    return "pypi-" + "AgEIcHlwaS5vcmc" + drawn(rng, URLSAFE, 90)


def ostiary(rng: Random) -> str:
    body = drawn(rng, URLSAFE, 43)
    return f"ost_{body}_{zlib.crc32(body.encode()):08x}"


def password(rng: Random) -> str:
    return drawn(rng, ALNUM + "!#%+_~", rng.randrange(9, 18)) + rng.choice("7913") + rng.choice("aKxZ")


def basic(rng: Random) -> str:
    return base64.b64encode(f"{drawn(rng, ascii_lowercase, 6)}:{password(rng)}".encode()).decode()


# What a value is worth without a word beside it: its shape alone says what it is.
SHAPED: Final[dict[str, Maker]] = {
    "aws-access": shaped("AK" + "IA", (B32, 16)),
    "aws-temporary": shaped("AS" + "IA", (B32, 16)),
    "gcp-api": shaped("AI" + "za", (URLSAFE, 34), ("abcdef", 1)),
    "google-oauth": shaped("ya" + "29.", (URLSAFE, 80), ("abc", 1)),
    "google-secret": shaped("GOC" + "SPX-", (URLSAFE, 27), ("xyz", 1)),
    "azure-client": shaped((ALNUM, 3), "8" + "Q~", (ALNUM + "_.~-", 33), ("abc", 1)),
    "azure-storage-string": shaped(
        "DefaultEndpointsProtocol=https;AccountName=shop;Account" + "Key=«",
        (B64, 86),
        "==»;EndpointSuffix=core.windows.net",
    ),
    "github": checked("gh" + "p_", 30),
    "github-oauth": checked("gh" + "o_", 30),
    "github-server": checked("gh" + "s_", 30),
    "github-fine": fine_grained,
    "gitlab": shaped("gl" + "pat-", (URLSAFE, 20)),
    "bitbucket": shaped("AT" + "BB", (ALNUM, 32)),
    "atlassian": shaped("ATA" + "TT3", (URLSAFE, 180), "=", ("0123456789ABCDEF", 8)),
    "slack-bot": shaped("xo" + "xb-", (digits, 12), "-", (digits, 12), "-", (ALNUM, 24)),
    "slack-app": shaped("xa" + "pp-1-A", (ascii_uppercase + digits, 10), "-", (digits, 13), "-", (HEX, 64)),
    "aws-pair": lambda rng: f"{'AK' + 'IA'}{drawn(rng, B32, 16)} «{drawn(rng, B64, 39)}7»",
    "discord": lambda rng: (
        base64.b64encode(drawn(rng, "123456789", 18).encode()).decode()
        + "."
        + drawn(rng, URLSAFE, 6)
        + "."
        + drawn(rng, URLSAFE, 37)
        + "x"
    ),
    "slack-hook": shaped(
        "https://hooks.slack" + ".com/services/«T",
        (ascii_uppercase, 8),
        "/B",
        (ascii_uppercase, 8),
        "/",
        (ALNUM, 24),
        "»",
    ),
    "discord-hook": shaped("https://discord" + ".com/api/webhooks/«", (digits, 18), "/", (URLSAFE, 68), "»"),
    "telegram": shaped(("12345", 1), (digits, 9), ":" + "AA", (URLSAFE, 32), ("abc", 1)),
    "stripe": shaped("sk" + "_live_", (ALNUM, 24)),
    "stripe-restricted": shaped("rk" + "_live_", (ALNUM, 99)),
    "square": shaped("sq0" + "atp-", (URLSAFE, 21), ("abc", 1)),
    "braintree": shaped("access" + "_token$production$«", (ascii_lowercase + digits, 16), "$", (HEX, 32), "»"),
    "shopify": shaped("shp" + "at_", (HEX, 32)),
    "twilio": shaped("S" + "K", (HEX, 32)),
    "sendgrid": shaped("S" + "G.", (URLSAFE, 22), ".", (URLSAFE, 43)),
    "mailgun": shaped("key" + "-", (HEX, 32)),
    "mailchimp": shaped((HEX, 32), "-us" + "12"),
    "openai": shaped("sk" + "-", (ALNUM, 20), "T3Blbk" + "FJ", (ALNUM, 20)),
    "openai-project": shaped("sk" + "-proj-", (URLSAFE, 74), "T3Blbk" + "FJ", (URLSAFE, 73), ("abc", 1)),
    "anthropic": shaped("sk" + "-ant-api03-", (URLSAFE, 93), "AA"),
    "huggingface": shaped("h" + "f_", (ascii_letters, 34)),
    "groq": shaped("gs" + "k_", (ALNUM, 52)),
    "replicate": shaped("r" + "8_", (ALNUM, 37)),
    "npm": checked("np" + "m_", 30),
    "pypi": macaroon,
    "dockerhub": shaped("dckr" + "_pat_", (URLSAFE, 26), ("abc", 1)),
    "digitalocean": shaped("dop" + "_v1_", (HEX, 64)),
    "heroku": shaped("HRKU" + "-AA", (URLSAFE, 58)),
    "new-relic": shaped("NR" + "AK-", (ascii_uppercase + digits, 27)),
    "sentry": shaped("sntry" + "u_", (HEX, 64)),
    "grafana": shaped("gl" + "sa_", (ALNUM, 32), "_", (HEX, 8)),
    "postman": shaped("PM" + "AK-", (HEX, 24), "-", (HEX, 34)),
    "linear": shaped("lin" + "_api_", (ALNUM, 40)),
    "notion": shaped("nt" + "n_", (ALNUM, 46)),
    "airtable": shaped("pa" + "t", (ALNUM, 14), ".", (HEX, 64)),
    "databricks": shaped("da" + "pi", (HEX, 32)),
    "vault": shaped("hv" + "s.", (URLSAFE, 90), ("abc", 1)),
    "terraform": shaped((ALNUM, 14), ".atlas" + "v1.", (URLSAFE, 66), ("abc", 1)),
    "pulumi": shaped("pu" + "l-", (HEX, 40)),
    "doppler": shaped("dp" + ".pt.", (ALNUM, 43)),
    "1password": shaped("ops" + "_eyJ", (ALNUM, 320)),
    "age": shaped("AGE-SECRET" + "-KEY-1", ("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)),
    "rubygems": shaped("rubygems" + "_", (HEX, 48)),
    "figma": shaped("fig" + "d_", (URLSAFE, 40), ("abc", 1)),
    "dynatrace": shaped("dt0" + "c01.", (ascii_uppercase + digits, 24), ".", (ascii_uppercase + digits, 64)),
    "tailscale": shaped("tskey" + "-auth-", (ALNUM, 16), "CNTRL-", (ALNUM, 32)),
    "supabase": shaped("sb" + "p_", (HEX, 40)),
    "jwt": jwt,
    "private-key": pem,
    "ostiary": ostiary,
    "postgres-url": lambda rng: f"postgres://app:«{drawn(rng, ALNUM, 14)}»@db.internal:5432/shop",
    "mongodb-url": lambda rng: f"mongodb+srv://svc:«{drawn(rng, ALNUM, 16)}»@cluster0.mongodb.net/prod",
    "https-url": lambda rng: f"https://deploy:«{drawn(rng, ALNUM, 20)}»@git.corp.io/team/app.git",
    "bcrypt": shaped("$2" + "b$12$", ("./" + ALNUM, 53)),
    "netrc": lambda rng: f"machine api.corp.io login bot password «{password(rng)}»",
    "bearer": lambda rng: f"Authorization: Bearer «{drawn(rng, URLSAFE, 40)}7f»",
    "basic": lambda rng: f"Authorization: Basic «{basic(rng)}»",
    "cookie": lambda rng: f"Set-Cookie: session_id=«{drawn(rng, ALNUM, 32)}»; HttpOnly; Secure",
    "curl": lambda rng: f"curl -s -u admin:«{drawn(rng, ALNUM, 14)}» https://api.corp.io/v1/items",
    "azure-sas": lambda rng: (
        f"https://shop.blob.core.windows.net/c/f?sv=2022-11-02&sp=r&sig=«{drawn(rng, ALNUM, 43)}%3D»"
    ),
}
# What only its key tells: (keys, value).
KEYED: Final[dict[str, tuple[tuple[str, ...], Maker]]] = {
    "aws-secret": (("aws_secret_access_key", "SecretAccessKey", "AWS_SECRET_ACCESS_KEY"), shaped((B64, 40))),
    "password": (
        ("password", "db_password", "DB_PASSWORD", "adminPassword", "smtp_pass", "Passwort", "userPwd"),
        password,
    ),
    "api-key": (("api_key", "apiKey", "X-API-Key", "API_KEY", "apikey"), shaped((ALNUM, 32))),
    "api-key-hex": (("api_key", "apiKey", "service_api_key"), shaped((HEX, 32))),
    "secret": (("client_secret", "clientSecret", "JWT_SECRET", "signing_secret", "app_secret"), shaped((URLSAFE, 40))),
    "token": (("access_token", "refreshToken", "auth_token", "TOKEN", "bot_token"), shaped((ALNUM, 40))),
    "encryption-key": (
        ("encryption_key", "secretKey", "SECRET_KEY", "private_key", "signing_key"),
        shaped((B64, 43), "="),
    ),
    "twilio-auth": (("TWILIO_AUTH_TOKEN", "twilio_auth_token"), shaped((HEX, 32))),
    "cloudflare": (("CLOUDFLARE_API_TOKEN", "cloudflare_api_key"), shaped((URLSAFE, 40))),
    "datadog": (("DD_API_KEY", "datadog_api_key"), shaped((HEX, 32))),
    "cohere": (("COHERE_API_KEY", "cohere_api_key"), shaped((ALNUM, 40))),
    "okta": (("OKTA_API_TOKEN", "okta_token"), shaped("00", (URLSAFE, 40))),
    "auth0": (("AUTH0_CLIENT_SECRET", "auth0_client_secret"), shaped((URLSAFE, 64))),
    "heroku-uuid": (("HEROKU_API_KEY", "heroku_api_key"), uuid),
    "snowflake": (("SNOWFLAKE_PASSWORD", "snowflake_password"), password),
    "session": (("session_id", "sessionid", "SESSION_ID"), shaped((ALNUM, 32))),
    "webhook": (("webhook_secret", "WEBHOOK_SECRET"), shaped((HEX, 40))),
}
