"""What the pages of docs/guide say of five identity providers, held against documents in the providers' own formats.

The documents are written after what the providers publish, with hosts and tenants that are examples. Only the numbers of
one key are put in here, so that something can be signed with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Set  # noqa: PYI025 - the promise may be any
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from msgspec.structs import replace

from ostiary.adapters.identity import discovery
from ostiary.adapters.identity.issuers import Issuers, Setup
from ostiary.adapters.identity.jwks import key_set
from ostiary.adapters.identity.outbound import Fetched
from ostiary.adapters.identity.signing_in import Tokens
from ostiary.adapters.login import pages, relying
from ostiary.adapters.login.ports import Client, Provider
from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.config.problems import Invalid
from ostiary.config.schema import Config, weakened
from ostiary.core.errors import Garbled, Overloaded, Unauthenticated
from ostiary.core.model import Caller
from ostiary.entry import identities
from ostiary.entry.offline import checked
from ostiary.policy.claims import caller
from ostiary.protocol.challenge import metadata
from tests.contract.identity.provider import Clock, inbound, made, public, signed

ROOT: Final = Path(__file__).resolve().parents[3]
GUIDE: Final = ROOT / "docs" / "guide"
RECORDED: Final = ROOT / "tests" / "data" / "discovery"
GATEWAY: Final = "https://mcp.example.com"
PAGES: Final = {path.stem: path.read_text("utf-8") for path in sorted(GUIDE.glob("*.md")) if path.name != "README.md"}
BLOCKS: Final = {
    name: re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) for name, text in PAGES.items()
}
EVERY: Final = [(name, number) for name, blocks in BLOCKS.items() for number in range(len(blocks))]
TENANT: Final = "11111111-2222-4333-8444-555555555555"


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return found


def config(page: str, block: int = 0, **changed: str) -> Config:
    """Return a configuration as it stands on a page, with changes of its text."""
    text = BLOCKS[page][block]
    for old, new in changed.items():
        text = re.sub(rf"^(\s+){old}:.*$", rf"\1{old}: {new}", text, count=1, flags=re.MULTILINE)
    return parse(text, page)


class Recorded:
    """A provider that answers what was recorded, and 404 everywhere else; implements `Fetch`."""

    def __init__(self, name: str) -> None:
        found = recorded(name)
        kid = next(key["kid"] for key in found["keys"]["keys"] if key["use"] == "sig")
        ours = {part: public(made())[part] for part in ("n", "e")}
        keys = [key | (ours if key["kid"] == kid else {}) for key in found["keys"]["keys"]]
        self.answers = {found["place"]: found["metadata"], found["metadata"]["jwks_uri"]: {"keys": keys}}

    async def __call__(self, method: str, url: str, /, *, deadline: float, headers: Any = None, form: Any = None, basic: Any = None) -> Fetched:  # fmt: skip
        if method == "GET" and url in self.answers:
            return Fetched(200, {"cache-control": "public, max-age=86400"}, json.dumps(self.answers[url]).encode())
        return Fetched(404, {}, b"{}")


def token(name: str, which: str) -> str:
    found = recorded(name)["tokens"][which]
    header = dict(found["header"])
    return signed(made(), found["claims"], header.pop("alg"), header.pop("kid"), **header)


def setup(found: Config, name: str) -> Setup:
    """Return what the gateway makes of the one identity of a configuration, towards what was recorded."""
    ((ident, each),) = found.identity.items()
    tools = identities.Tools(found.gateway.url, lambda _: "s3cret")
    return replace(identities._issuer(ident, each, found.gateway.url, tools), fetch=Recorded(name))


def issuers(found: Config, name: str) -> Issuers:
    clock = Clock()
    return Issuers([setup(found, name)], clock, clock, clock.sleep)


async def called(found: Config, name: str, text: str, endpoint: str = "/mcp") -> Caller:
    return await issuers(found, name)(inbound(text, endpoint=endpoint))


# The pages themselves


def test_there_is_a_page_for_each_of_five_providers() -> None:
    assert list(PAGES) == ["auth0", "entra-id", "google", "keycloak", "okta"]
    assert all(blocks for blocks in BLOCKS.values())


@pytest.mark.parametrize("path", sorted(GUIDE.glob("*.md")), ids=lambda path: path.name)
def test_a_page_is_short_and_its_links_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 120
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert (GUIDE / link).exists(), link


@pytest.mark.parametrize(("page", "block"), EVERY)
def test_every_configuration_in_the_guide_passes_the_check_and_compiles(page: str, block: int, tmp_path: Path) -> None:
    path = tmp_path / "ostiary.yaml"
    path.write_text(BLOCKS[page][block], "utf-8")
    found = checked(path).config
    assert weakened(found) == ()
    assert compiled(found, {}, 1, "d").notes == ()
    clients = [each.client for each in found.identity.values() if each.client is not None]
    assert all(each.secret is not None and each.secret.kind == "env" for each in clients)


@pytest.mark.parametrize(("page", "block"), EVERY)
def test_clients_are_told_to_sign_in_where_the_guide_says(page: str, block: int) -> None:
    found = config(page, block)
    told = metadata(identities.protection(found), "/mcp")["authorization_servers"]
    own = [each.issuer for each in found.identity.values()]
    assert told == ([GATEWAY] if found.authorization is not None else own)


def test_the_addresses_to_register_are_addresses_of_the_login() -> None:
    known = {path for _, path in pages.OPEN} | {"/mcp", "/roles", "/.well-known/oauth-protected-resource/mcp"}
    for text in [*PAGES.values(), (GUIDE / "README.md").read_text("utf-8")]:
        named = set(re.findall(rf"{GATEWAY}(/[a-z./-]+[a-z])", text))
        assert {"/login/callback"} <= named <= known


# Discovery and keys

ISSUERS: Final = [
    ("okta", 0, "okta"), ("okta", 1, "okta-org"), ("entra-id", 0, "entra-v2"), ("entra-id", 1, "entra-v1"),
    ("auth0", 0, "auth0"), ("keycloak", 0, "keycloak"), ("google", 0, "google"), ("google", 1, "google"),
]  # fmt: skip


@pytest.mark.parametrize(("page", "block", "name"), ISSUERS)
async def test_each_page_has_the_issuer_as_it_writes_itself(page: str, block: int, name: str) -> None:
    ((_, each),) = config(page, block).identity.items()
    found = await discovery.discovered(str(each.issuer), Recorded(name))
    assert found.jwks_uri == recorded(name)["metadata"]["jwks_uri"]


OTHERWISE: Final = [
    ("auth0", "https://example.us.auth0.com"),
    ("okta", "https://example.okta.com/oauth2/aus1ostiary/"),
    ("keycloak", "https://sso.example.com/realms/acme/"),
    ("google", "https://accounts.google.com/"),
    ("entra-v1", f"https://sts.windows.net/{TENANT}"),
    ("entra-common", "https://login.microsoftonline.com/common/v2.0"),
]


@pytest.mark.parametrize(("name", "issuer"), OTHERWISE)
async def test_an_issuer_that_is_written_otherwise_is_refused_in_clear_words(name: str, issuer: str) -> None:
    with pytest.raises(Garbled, match="names another issuer than the one configured; they must be identical"):
        await discovery.discovered(issuer, Recorded(name))


@pytest.mark.parametrize("name", sorted(path.stem for path in RECORDED.glob("*.json")))
def test_the_keys_are_read_whatever_else_is_in_them(name: str) -> None:
    """Certificates, thumbprints and, with Entra, an issuer stand beside the numbers; Keycloak has one for encryption."""
    listed = recorded(name)["keys"]
    found = key_set(listed)
    assert [key.kid for key in found.keys] == [key["kid"] for key in listed["keys"] if key["use"] == "sig"]
    assert [len(found.refused), "not for signatures" in "".join(found.refused)] == [name == "keycloak"] * 2


async def test_entras_common_issuer_is_no_issuer_of_any_token() -> None:
    """Neither its address nor its placeholder is what a token says."""
    for issuer in (
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/{tenantid}/v2.0",
    ):
        with pytest.raises(Unauthenticated, match=r"^jwt_wrong_issuer"):
            await called(config("entra-id", issuer=issuer), "entra-common", token("entra-v2", "access"))


async def test_a_slash_too_few_stops_calls_and_says_why() -> None:
    slashless = config("auth0", issuer="https://example.us.auth0.com")
    text = signed(made(), recorded("auth0")["tokens"]["access"]["claims"] | {"iss": "https://example.us.auth0.com"}, kid="Auth0-Key-1", typ="at+jwt")  # fmt: skip
    with pytest.raises(Overloaded, match=r"^keys_unreachable: .*the metadata names another issuer"):
        await called(slashless, "auth0", text)


# Access tokens


class Promise(NamedTuple):
    subject: str
    roles: Set[str] = frozenset()
    teams: Set[str] = frozenset()
    scopes: Set[str] = frozenset()
    client: str = ""


ANA, AGENT = "cccccccc-1111-4222-8333-444444444444", "99999999-1111-4222-8333-444444444444"
EDITOR: Final = "eeeeeeee-1111-4222-8333-444444444444"
PROMISED: Final[list[tuple[str, int, str, str, Promise]]] = [
    ("okta", 0, "okta", "access", Promise("ana@example.com", {"developer"}, scopes={"openid", "mcp"}, client="0oa2editor")),
    ("okta", 0, "okta", "service", Promise("0oa3agent", scopes={"mcp"}, client="0oa3agent")),
    ("entra-id", 0, "entra-v2", "access", Promise(ANA, {"developer"}, {"support"}, {"mcp"}, EDITOR)),
    ("entra-id", 0, "entra-v2", "overage", Promise(ANA, {"developer"}, set(), {"mcp"}, EDITOR)),
    ("entra-id", 0, "entra-v2", "service", Promise(AGENT, {"auditor"}, client="ffffffff-1111-4222-8333-444444444444")),
    ("entra-id", 0, "entra-v2", "unassigned", Promise(AGENT, client="ffffffff-1111-4222-8333-444444444444")),
    ("entra-id", 1, "entra-v1", "access", Promise(ANA, {"developer"}, set(), {"mcp"}, EDITOR)),
    ("auth0", 0, "auth0", "access", Promise("auth0|6400ana", {"developer"}, set(), {"openid", "profile", "mcp"}, "Client0Editor")),
    ("auth0", 0, "auth0", "service", Promise("Client0Agent@clients", scopes={"mcp"}, client="Client0Agent")),
    ("keycloak", 0, "keycloak", "access", Promise("5f0e7a3c-1111-4222-8333-444444444444", {"developer"}, {"support"}, {"openid", "profile", "email", "mcp"}, "editor")),
    ("keycloak", 0, "keycloak", "service", Promise("6a1f8b4d-1111-4222-8333-444444444444", {"auditor"}, set(), {"openid", "profile", "email", "mcp"}, "nightly-agent")),
    ("keycloak", 0, "keycloak", "lightweight", Promise("5f0e7a3c-1111-4222-8333-444444444444", set(), set(), {"openid", "profile", "email", "mcp"}, "editor")),
    ("google", 1, "google", "service", Promise("115000000000000000002", {"builder"}, client="115000000000000000002")),
    ("google", 1, "google", "foreign-service", Promise("116000000000000000003", client="116000000000000000003")),
]  # fmt: skip


@pytest.mark.parametrize(("page", "block", "name", "which", "promise"), PROMISED, ids=lambda each: str(each)[:20])
async def test_a_token_becomes_the_caller_that_the_page_promises(page: str, block: int, name: str, which: str, promise: Promise) -> None:  # fmt: skip
    found = await called(config(page, block), name, token(name, which))
    assert Promise(found.subject, set(found.roles), set(found.teams), set(found.scopes), found.client) == promise


REFUSED: Final = [
    ("okta", 1, "okta-org", "access", "jwt_wrong_audience"),
    ("entra-id", 0, "entra-v2", "graph", "jwt_wrong_issuer"),
    ("entra-id", 1, "entra-v2", "graph", "jwt_wrong_audience"),
    ("entra-id", 1, "entra-v2", "access", "jwt_wrong_issuer"),
    ("entra-id", 0, "entra-v1", "access", "jwt_wrong_issuer"),
    ("auth0", 0, "auth0", "auth0-profile", "jwt_typ"),
    ("keycloak", 0, "keycloak", "no-mapper", "jwt_wrong_audience"),
    ("keycloak", 0, "keycloak", "no-audience", "jwt_wrong_audience"),
    ("keycloak", 0, "keycloak", "logout", "jwt_typ"),
    ("google", 0, "google", "service", "jwt_wrong_issuer"),
]


@pytest.mark.parametrize(("page", "block", "name", "which", "reason"), REFUSED)
async def test_a_token_is_refused_for_the_reason_that_the_page_gives(page: str, block: int, name: str, which: str, reason: str) -> None:  # fmt: skip
    with pytest.raises(Unauthenticated, match=f"^{reason}: "):
        await called(config(page, block), name, token(name, which))


@pytest.mark.parametrize(
    ("page", "text"), [("google", "ya29.a0Opaque"), ("auth0", "eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn")]
)
async def test_what_is_no_json_web_token_is_refused_as_unknown(page: str, text: str) -> None:
    with pytest.raises(Unauthenticated, match=r"^credential_unknown: "):
        await called(config(page), page, text)


async def test_oktas_own_tokens_are_signed_with_a_key_that_is_not_published() -> None:
    """So that naming their audience does not help."""
    named = parse(
        BLOCKS["okta"][1].replace("    roles:", "    audience: [https://example.okta.com]\n    roles:"), "okta"
    )
    with pytest.raises(Unauthenticated, match=r"^jwt_kid_unknown: "):
        await called(named, "okta-org", token("okta-org", "access"))


async def test_auth0s_default_profile_is_taken_where_the_page_says_so() -> None:
    found = await called(config("auth0", access_tokens_only="false"), "auth0", token("auth0", "auth0-profile"))
    assert (set(found.roles), found.client) == ({"developer"}, "Client0Editor")
    by_permission = config("auth0", access_tokens_only="true\n    scopes: permissions")
    assert (await called(by_permission, "auth0", token("auth0", "access"))).scopes == {"files:read"}


async def test_a_token_for_one_endpoint_is_good_there_and_nowhere_else() -> None:
    """Auth0 with an API for one endpoint; Entra cannot say which, so its tokens are good at all."""
    claims = recorded("auth0")["tokens"]["access"]["claims"] | {"aud": f"{GATEWAY}/mcp"}
    text = signed(made(), claims, kid="Auth0-Key-1", typ="at+jwt")
    assert (await called(config("auth0"), "auth0", text)).roles == {"developer"}
    with pytest.raises(Unauthenticated, match=r"^jwt_wrong_resource: "):
        await called(config("auth0"), "auth0", text, "/servers/files/mcp")
    assert (await called(config("entra-id"), "entra-v2", token("entra-v2", "access"), "/servers/files/mcp")).roles


# People

SIGNED_IN: Final = [
    ("okta", 0, "okta", "id", Promise("00u1ana", {"developer"})),
    ("okta", 1, "okta-org", "id", Promise("00u1ana", {"developer"})),
    ("entra-id", 0, "entra-v2", "id", Promise(ANA, {"developer"}, {"support"})),
    ("auth0", 0, "auth0", "id", Promise("auth0|6400ana", {"developer"})),
    ("keycloak", 0, "keycloak", "id", Promise("5f0e7a3c-1111-4222-8333-444444444444", {"developer"}, {"support"})),
    ("google", 0, "google", "id", Promise("110169484474386276334", {"admin"}, {"staff"})),
    ("google", 1, "google", "id", Promise("110169484474386276334", {"admin"}, {"staff"})),
    ("google", 0, "google", "stranger", Promise("118000000000000000001")),
]


def relying_party(found: Config, name: str) -> tuple[Provider, Tokens]:
    ((ident, each),) = found.identity.items()
    made_of = setup(found, name)
    assert each.client is not None

    async def described() -> Any:
        return recorded(name)["metadata"]

    keys = issuers(found, name)
    tokens = Tokens(
        issuer=str(each.issuer), client=each.client.id, keys=lambda: keys.keys(str(each.issuer)),
        algorithms=frozenset(each.algorithms), time=Clock(),
    )  # fmt: skip
    provider = Provider(
        ident, str(each.issuer), Client(each.client.id, "s3cret"), made_of.reading, described, made_of.fetch,
        tokens.identity, tokens.logout, each.client.scopes, each.client.title,
    )  # fmt: skip
    return provider, tokens


@pytest.mark.parametrize(("page", "block", "name", "which", "promise"), SIGNED_IN, ids=lambda each: str(each)[:20])
async def test_who_signs_in_is_whom_the_page_promises(page: str, block: int, name: str, which: str, promise: Promise) -> None:  # fmt: skip
    provider, _ = relying_party(config(page, block), name)
    claims = await provider.verify(token(name, which))
    relying.judge(claims, provider, "n")
    found = caller(claims, provider.reading, "login", 0.0)
    assert (found.subject, set(found.roles), set(found.teams)) == (promise.subject, promise.roles, promise.teams)


@pytest.mark.parametrize(("page", "block", "name", "which", "_promise"), SIGNED_IN, ids=lambda each: str(each)[:20])
async def test_what_signs_people_in_is_no_access_token(page: str, block: int, name: str, which: str, _promise: Promise) -> None:  # fmt: skip
    with pytest.raises(Unauthenticated, match=r"^jwt_(typ|wrong_audience|wrong_issuer): "):
        await called(config(page, block), name, token(name, which))


def test_a_registration_that_is_both_is_refused() -> None:
    """With it, Entra's ID tokens would be access tokens."""
    with pytest.raises(Invalid, match="the audience of ID tokens"):
        parse(BLOCKS["entra-id"][0].replace("aaaaaaaa-1111", "bbbbbbbb-1111"), "entra-id")


@pytest.mark.parametrize(("page", "block", "name"), ISSUERS)
def test_the_metadata_says_what_the_table_of_the_guide_says(page: str, block: int, name: str) -> None:
    said = recorded(name)["metadata"]
    to = relying.endpoints(said)
    assert (to.authorize, to.token) == (said["authorization_endpoint"], said["token_endpoint"])
    assert not to.posts_secret
    assert bool(to.end_session) == (page != "google")
    assert to.says_iss == (page == "keycloak")
    assert ("registration_endpoint" in said) == (page in {"okta", "auth0", "keycloak"})
    assert said.get("backchannel_logout_supported", False) == (page in {"auth0", "keycloak"})
    assert str(said["issuer"]).endswith("/") == (name in {"auth0", "entra-v1"})


async def test_keycloaks_logout_token_is_known_by_its_signature() -> None:
    _, tokens = relying_party(config("keycloak"), "keycloak")
    assert (await tokens.logout(token("keycloak", "logout")))["sid"] == "ks1"
