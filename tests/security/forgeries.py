"""What attackers send instead of tokens and proofs, each with the reason that the ledger must give for refusing it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ostiary.adapters.identity.issuers import Issuers
from ostiary.core.model import Inbound
from tests.contract.identity.provider import NOW, URL, Clock, Provider, issuers, made, public, said, signed
from tests.contract.identity.proving import ELLIPTIC, TOKEN, asked, certificate, proof, shown, thumbprint

KEY = made()
OURS = [
    ("RS256", "one"),
    ("ES256", "curve"),
    ("ES384", "wide"),
    ("EdDSA", "edwards"),
    ("PS256", "other"),
    ("ES512", "huge"),
]


def house() -> tuple[Provider, Issuers]:
    provider = Provider()
    provider.keys = {kid: made(algorithm) for algorithm, kid in OURS}
    return provider, issuers(provider, Clock())


def b64(data: bytes | str) -> str:
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def unsigned(header: Any, claims: Any = None, signature: bytes = b"") -> str:
    head = header if isinstance(header, str) else json.dumps(header)
    body = claims if isinstance(claims, str) else json.dumps(said() if claims is None else claims)
    return f"{b64(head)}.{b64(body)}.{b64(signature)}"


def keyed_with(secret: bytes, algorithm: str = "HS256") -> str:
    """A token signed with a secret that everybody knows: the public key (RFC 8725 section 2.1)."""
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    start = unsigned({"alg": algorithm, "kid": "one"}).rpartition(".")[0]
    return f"{start}.{b64(hmac.new(secret, start.encode(), digest).digest())}"


def pem() -> bytes:
    return KEY.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def foreign(**header: Any) -> str:
    """Signed by a key of the attacker's, who says so in the header."""
    return signed(made(number=1), said(), **header)


def cut(token: str, **parts: str) -> str:
    head, body, signature = token.split(".")
    return f"{parts.get('head', head)}.{parts.get('body', body)}.{parts.get('signature', signature)}"


GOOD = signed(KEY, said())
ATTACKS: dict[str, tuple[Callable[[], str], str]] = {
    **{f"alg {alg!r}": (lambda alg=alg: unsigned({"alg": alg, "kid": "one"}), "jwt_alg_none") for alg in ("none", "None", "NONE", "nOnE", " none", "none ", "")},
    "alg none under a true signature": (lambda: cut(GOOD, head=b64('{"alg":"none","kid":"one"}')), "jwt_alg_none"),
    "no alg": (lambda: unsigned({"kid": "one"}), "jwt_alg_refused"),
    "alg is a list": (lambda: unsigned({"alg": ["RS256"], "kid": "one"}), "jwt_alg_refused"),
    "alg unknown": (lambda: unsigned({"alg": "RS1", "kid": "one"}), "jwt_alg_refused"),
    "alg of encryption": (lambda: unsigned({"alg": "dir", "kid": "one"}), "jwt_alg_refused"),
    "HMAC with the public key in PEM": (lambda: keyed_with(pem()), "jwt_alg_refused"),
    "HMAC with the public key as JSON": (lambda: keyed_with(json.dumps(public(KEY)).encode(), "HS384"), "jwt_alg_refused"),
    "HMAC with the modulus": (lambda: keyed_with(str(public(KEY)["n"]).encode(), "HS512"), "jwt_alg_refused"),
    "an RSA token called an elliptic one": (lambda: cut(GOOD, head=b64('{"alg":"ES256","kid":"one"}')), "jwt_key_mismatch"),
    "an elliptic key for an RSA token": (lambda: signed(KEY, said(), kid="curve"), "jwt_key_mismatch"),
    "PKCS 1 called PSS": (lambda: cut(GOOD, head=b64('{"alg":"PS256","kid":"one"}')), "jwt_signature"),
    "a curve that is not the algorithm's": (lambda: unsigned({"alg": "ES256", "kid": "wide"}, None, b"\1" * 64), "jwt_key_mismatch"),
    "a zero signature": (lambda: unsigned({"alg": "ES256", "kid": "curve"}, None, bytes(64)), "jwt_signature"),
    "a zero signature of Ed25519": (lambda: unsigned({"alg": "EdDSA", "kid": "edwards"}, None, bytes(64)), "jwt_signature"),
    "a signature in DER": (lambda: unsigned({"alg": "ES256", "kid": "curve"}, None, bytes.fromhex("3006020101020101")), "jwt_signature"),
    "no signature": (lambda: cut(GOOD, signature=""), "jwt_signature"),
    "somebody else's signature": (foreign, "jwt_signature"),
    "other claims under the same signature": (lambda: cut(GOOD, body=b64(json.dumps(said(sub="root")))), "jwt_signature"),
    "the wrong audience": (lambda: signed(KEY, said(aud="https://other.example.com")), "jwt_wrong_audience"),
    "an audience that only begins like ours": (lambda: signed(KEY, said(aud=f"{URL}.evil.example")), "jwt_wrong_audience"),
    "many audiences, none ours": (lambda: signed(KEY, said(aud=["a", "b"])), "jwt_wrong_audience"),
    "an audience hidden in another type": (lambda: signed(KEY, said(aud={"0": URL})), "jwt_wrong_audience"),
    "an audience beside what is none": (lambda: signed(KEY, said(aud=[URL, 7])), "jwt_wrong_audience"),
    "no audience": (lambda: signed(KEY, said(aud=None)), "jwt_wrong_audience"),
    "for another resource of ours": (lambda: signed(KEY, said(aud=f"{URL}/servers/crm/mcp")), "jwt_wrong_resource"),
    "the wrong issuer": (lambda: signed(KEY, said("https://id.evil.example")), "jwt_wrong_issuer"),
    "an issuer with a slash more": (lambda: signed(KEY, said("https://id.example.com/realm/")), "jwt_wrong_issuer"),
    "an issuer in capitals": (lambda: signed(KEY, said("https://ID.example.com/realm")), "jwt_wrong_issuer"),
    "two issuers": (lambda: signed(KEY, said(iss=["https://id.example.com/realm"])), "jwt_wrong_issuer"),
    "expired": (lambda: signed(KEY, said(exp=NOW - 31)), "jwt_expired"),
    "never expiring": (lambda: signed(KEY, said(exp=None)), "jwt_no_expiry"),
    "not before tomorrow": (lambda: signed(KEY, said(nbf=NOW + 86_400)), "jwt_not_yet"),
    "issued in the future": (lambda: signed(KEY, said(iat=NOW + 31)), "jwt_not_yet"),
    "an expiry that is no number": (lambda: signed(KEY, json.dumps(said()).replace(str(int(NOW) + 300), "NaN")), "jwt_malformed"),
    "an infinite expiry": (lambda: signed(KEY, json.dumps(said()).replace(str(int(NOW) + 300), "1e999")), "jwt_malformed"),
    "an expiry in text": (lambda: signed(KEY, said(exp=str(NOW + 300))), "jwt_number"),
    "an expiry that is true": (lambda: signed(KEY, said(exp=True)), "jwt_number"),
    "an expiry before time began": (lambda: signed(KEY, said(exp=-1)), "jwt_number"),
    "an expiry after time ends": (lambda: signed(KEY, said(exp=10**30)), "jwt_number"),
    "a start of null": (lambda: signed(KEY, json.dumps({**said(), "nbf": None})), "jwt_number"),
    "a kid that climbs": (lambda: foreign(kid="../../../../dev/null"), "jwt_kid_traversal"),
    "a kid that begins at the root": (lambda: foreign(kid="/proc/self/environ"), "jwt_kid_traversal"),
    "a kid that climbs on Windows": (lambda: foreign(kid="..\\..\\boot.ini"), "jwt_kid_traversal"),
    "a kid of nobody": (lambda: foreign(kid="two"), "jwt_kid_unknown"),
    "a kid that queries": (lambda: foreign(kid="x' UNION SELECT 'secret' -- "), "jwt_kid_injection"),
    "a kid that runs": (lambda: foreign(kid="one;$(id)"), "jwt_kid_injection"),
    "a kid that fetches": (lambda: foreign(kid="https://evil.example/key"), "jwt_kid_traversal"),
    "a kid with a zero byte": (lambda: foreign(kid="one\0"), "jwt_kid_malformed"),
    "a kid with lines": (lambda: foreign(kid="one\nlevel=info"), "jwt_kid_malformed"),
    "an endless kid": (lambda: foreign(kid="a" * 257), "jwt_kid_malformed"),
    "a kid that is an object": (lambda: unsigned({"alg": "RS256", "kid": {"$ne": ""}}), "jwt_kid_malformed"),
    "no kid among many keys": (lambda: signed(KEY, said(), kid=None), "jwt_key_mismatch"),
    "its own key": (lambda: foreign(jwk=public(made(number=1))), "jwt_header_key"),
    "the place of its own keys": (lambda: foreign(jku="https://evil.example/keys"), "jwt_header_key"),
    "the place of its own certificate": (lambda: foreign(x5u="https://evil.example/cert"), "jwt_header_key"),
    "a certificate of its own": (lambda: foreign(x5c=["MIIB"]), "jwt_signature"),
    "oversized": (lambda: signed(KEY, said(pad="a" * 16_384)), "jwt_oversized"),
    "a doubled claim": (lambda: signed(KEY, json.dumps(said())[:-1] + ',"sub":"root"}'), "jwt_duplicate"),
    "a doubled claim inside": (lambda: signed(KEY, json.dumps(said())[:-1] + ',"act":{"sub":"a","sub":"b"}}'), "jwt_duplicate"),
    "a doubled header": (lambda: unsigned('{"alg":"RS256","alg":"none","kid":"one"}'), "jwt_duplicate"),
    "unknown crit": (lambda: unsigned({"alg": "RS256", "kid": "one", "crit": ["exp"], "exp": 1}), "jwt_crit"),
    "raw payload": (lambda: unsigned({"alg": "RS256", "kid": "one", "crit": ["b64"], "b64": False}), "jwt_crit"),
    "raw payload, not marked": (lambda: unsigned({"alg": "RS256", "kid": "one", "b64": False}), "jwt_crit"),
    "nested, as it says": (lambda: signed(KEY, GOOD, cty="JWT"), "jwt_nested"),
    "nested, in silence": (lambda: signed(KEY, GOOD), "jwt_nested"),
    "a proof of possession": (lambda: signed(KEY, said(), typ="dpop+jwt"), "jwt_typ"),
    "a logout token": (lambda: signed(KEY, said(), typ="logout+jwt"), "jwt_typ"),
    "a logout token without a type": (lambda: signed(KEY, said(events={})), "jwt_typ"),
    "an ID token": (lambda: signed(KEY, said(at_hash="x")), "jwt_typ"),
    "an identity assertion": (lambda: signed(KEY, said(), typ="oauth-id-jag+jwt"), "jwt_typ"),
    "bound to a key that nobody checks": (lambda: signed(KEY, said(cnf={"jkt": "x"})), "jwt_bound"),
    "of nobody": (lambda: signed(KEY, said(sub=None)), "jwt_nobody"),
    "too deep": (lambda: signed(KEY, said(deep=json.loads("[" * 40 + "]" * 40))), "jwt_malformed"),
    "a list": (lambda: signed(KEY, json.dumps([said()])), "jwt_malformed"),
    "padded": (lambda: cut(GOOD, head=GOOD.partition(".")[0] + "=="), "jwt_malformed"),
    "two parts": (lambda: GOOD.rpartition(".")[0], "credential_unknown"),
    "five parts, as if encrypted": (lambda: f"{GOOD}.a.b", "credential_unknown"),
    "a token of ours that never was": (lambda: "ost_" + "a" * 43 + "_00000000", "token_off"),
    "noise": (lambda: "noise", "credential_unknown"),
}  # fmt: skip


JKT = thumbprint(ELLIPTIC)
OTHER = made("ES256", 1)
WEAK = {"kty": "RSA", "n": b64(b"\xc1" * 128), "e": "AQAB"}
SLOW = {"kty": "RSA", "n": b64(b"\xc1" * 256), "e": b64(b"\xc1" * 255 + b"\1")}
HUGE = {"kty": "RSA", "n": b64(b"\xc1" * 1024), "e": "AQAB"}
OFF_CURVE = {"kty": "EC", "crv": "P-256", "x": b64(b"\1" * 32), "y": b64(b"\1" * 32)}


def brings(key: dict[str, Any], algorithm: str = "ES256") -> tuple[str, str]:
    """Return a proof with a key in its header that cannot have signed it, and the thumbprint of that key."""
    text = json.dumps({name: key[name] for name in sorted(key) if name in {"crv", "e", "kty", "n", "x", "y"}}, separators=(",", ":"))  # fmt: skip
    sent = cut(proof(), head=b64(json.dumps({"alg": algorithm, "typ": "dpop+jwt", "jwk": key})))
    return sent, b64(hashlib.sha256(text.encode()).digest())


def headed(**header: Any) -> str:
    return cut(proof(), head=b64(json.dumps({"alg": "ES256", "typ": "dpop+jwt", "jwk": shown(ELLIPTIC)} | header)))


PROOFS: dict[str, tuple[Any, str]] = {
    "no proof": (None, "dpop_missing"),
    "an empty proof": ("", "dpop_malformed"),
    "two proofs in one header": (f"{proof()}, {proof()}", "dpop_malformed"),
    "an oversized proof": (proof(pad="a" * 8192), "dpop_oversized"),
    "a proof in other letters": ("é.é.é", "dpop_malformed"),
    "a doubled claim": (cut(proof(), body=b64('{"htm":"GET","htm":"POST"}')), "dpop_malformed"),
    "an access token as a proof": (GOOD, "dpop_typ"),
    "a JWT as a proof": (proof(header={"typ": "jwt"}), "dpop_typ"),
    "no type": (proof(header={"typ": None}), "dpop_typ"),
    "alg none": (headed(alg="none"), "dpop_alg_refused"),
    "alg of a secret": (headed(alg="HS256"), "dpop_alg_refused"),
    "alg is a list": (headed(alg=["ES256"]), "dpop_alg_refused"),
    "unknown crit": (headed(crit=["x"]), "dpop_crit"),
    "raw payload": (headed(b64=False), "dpop_crit"),
    "no key": (proof(header={"jwk": None}), "dpop_key"),
    "a key by name": (headed(jwk="one"), "dpop_key"),
    "a symmetric key": (headed(jwk={"kty": "oct", "k": "AAAA"}), "dpop_key"),
    "a key of no type": (headed(jwk={"kty": ["EC"]}), "dpop_key"),
    "a key with a part missing": (headed(jwk={"kty": "EC", "crv": "P-256", "x": "AA"}), "dpop_key"),
    "a key in other letters": (headed(jwk=shown(ELLIPTIC, x="A+/=")), "dpop_key"),
    "a private key": (headed(jwk=ELLIPTIC.as_dict(private=True)), "dpop_private"),
    "a private part of RSA": (headed(jwk={**WEAK, "dp": "AA"}), "dpop_private"),
    "a short RSA key": (brings(WEAK, "RS256"), "dpop_key"),
    "an RSA key with an endless exponent": (brings(SLOW, "RS256"), "dpop_key"),
    "an endless RSA key": (brings(HUGE, "RS256"), "dpop_key"),
    "a point off its curve": (brings(OFF_CURVE), "dpop_key"),
    "a key for another algorithm": (headed(alg="ES384"), "dpop_key"),
    "somebody else's key": (proof(key=OTHER), "dpop_wrong_key"),
    "our key over somebody else's signature": (cut(proof(key=OTHER), head=proof().partition(".")[0]), "dpop_signature"),
    "other claims under the same signature": (cut(proof(), body=proof().split(".")[1]), "dpop_signature"),
    "no signature": (cut(proof(), signature=""), "dpop_signature"),
    "for another method": (proof(htm="GET"), "dpop_method"),
    "for a method in small letters": (proof(htm="post"), "dpop_method"),
    "for no method": (proof(htm=None), "dpop_method"),
    "for another endpoint": (proof(htu=f"{URL}/servers/crm/mcp"), "dpop_url"),
    "for another gateway": (proof(htu="https://mcp.example.com.evil.example/mcp"), "dpop_url"),
    "without encryption": (proof(htu="http://mcp.example.com/mcp"), "dpop_url"),
    "for the address with a query": (proof(htu=f"{URL}/mcp?x=1"), "dpop_url"),
    "for the address with a fragment": (proof(htu=f"{URL}/mcp#x"), "dpop_url"),
    "for several addresses": (proof(htu=[f"{URL}/mcp"]), "dpop_url"),
    "for another token": (proof("another"), "dpop_token"),
    "for no token": (proof(ath=None), "dpop_token"),
    "from yesterday": (proof(iat=int(NOW) - 86_400), "dpop_stale"),
    "from tomorrow": (proof(iat=int(NOW) + 86_400), "dpop_stale"),
    "from no time": (proof(iat=None), "dpop_stale"),
    "from a time in text": (proof(iat=str(int(NOW))), "dpop_time"),
    "from a time that is true": (proof(iat=True), "dpop_time"),
    "expired by its own word": (proof(exp=int(NOW) - 60), "dpop_stale"),
    "without a jti": (proof(jti=None), "dpop_jti"),
    "with an empty jti": (proof(jti=""), "dpop_jti"),
    "with an endless jti": (proof(jti="a" * 257), "dpop_jti"),
    "with a jti that is a list": (proof(jti=["a"]), "dpop_jti"),
}  # fmt: skip


OURS_TOO = certificate()
BOUND: dict[str, tuple[str, Any, Inbound, str]] = {
    "a doubled proof": ("none", {"jkt": JKT}, asked(proof(), doubled=frozenset({"dpop"})), "dpop_doubled"),
    "a stolen token without its proof": ("none", {"jkt": JKT}, asked(None, TOKEN, "Bearer"), "dpop_scheme"),
    "the wrong certificate": ("none", {"x5t#S256": "x"}, asked(None, TOKEN, "Bearer", certificate=OURS_TOO), "mtls_wrong_certificate"),
    "a certificate of another kind": ("none", {"x5t#S256": None}, asked(None, TOKEN, "Bearer", certificate=OURS_TOO), "mtls_wrong_certificate"),
    "no certificate": ("mtls", {"x5t#S256": OURS_TOO.thumbprint}, asked(None, TOKEN, "Bearer"), "mtls_missing"),
    "a certificate that has expired": ("mtls", {"x5t#S256": certificate(expires=NOW).thumbprint}, asked(None, TOKEN, "Bearer", certificate=certificate(expires=NOW)), "mtls_expired"),
    "a certificate where a proof is demanded": ("dpop", {"x5t#S256": OURS_TOO.thumbprint}, asked(None, TOKEN, "Bearer", certificate=OURS_TOO), "binding_missing"),
    "a proof where a certificate is demanded": ("mtls", {"jkt": JKT}, asked(proof()), "binding_missing"),
    "a certificate without the proof that is bound, too": ("either", {"jkt": JKT, "x5t#S256": OURS_TOO.thumbprint}, asked(None, TOKEN, "Bearer", certificate=OURS_TOO), "dpop_scheme"),
    "a proof without the certificate that is bound, too": ("either", {"jkt": JKT, "x5t#S256": OURS_TOO.thumbprint}, asked(proof()), "mtls_missing"),
    "bound in a way that nobody knows": ("none", {"kid": "x"}, asked(proof()), "binding_unknown"),
    "bound in one way that nobody knows": ("none", {"jkt": JKT, "jwe": "x"}, asked(proof()), "binding_unknown"),
    "bound to nothing, as it says": ("none", {}, asked(proof()), "binding_unknown"),
    "bound to a text": ("none", JKT, asked(proof()), "binding_unknown"),
    "bound to null": ("none", None, asked(proof()), "binding_unknown"),
    "bound to a key that is no text": ("none", {"jkt": [JKT]}, asked(proof()), "dpop_wrong_key"),
}  # fmt: skip
