"""Signature Version 4: the published example, and signatures that the signer of botocore 1.44 made of the same requests."""

from __future__ import annotations

import json

import pytest

from ostiary.adapters.providers.sigv4 import Keys, Scope, Unusable, keys, signed

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
AT = 1_795_423_800.0
BODY = json.dumps({"source": "INPUT", "content": [{"text": {"text": "héllo"}}]}).encode()
PLAIN = "https://bedrock-runtime.us-east-1.amazonaws.com/guardrail/gr1abc/version/1/apply"
ARN = (
    "https://bedrock-runtime.eu-west-1.amazonaws.com/guardrail/"
    "arn%3Aaws%3Abedrock%3Aeu-west-1%3A111122223333%3Aguardrail%2Fgr1abc/version/DRAFT/apply"
)
QUERY = "http://127.0.0.1:8123/guardrail/x/version/2/apply?b=2&a=1"

CASES = {
    "an access key": (PLAIN, "us-east-1", "", "d28770891f48a9876720be60281555777ce2abe84b01ff3e15a1a7f1110f474a"),
    "lent keys and an ARN": (ARN, "eu-west-1", "tok+/==", "3c0908b3394fe37425f4078113df3d7d739b4d72f4fc2caa44ebf3440fecc7ae"),
    "a query and a port": (QUERY, "us-east-1", "", "e189eb5721fa475123974a88e54d3cd8d9f9476c55f6f6568fd2e9129517e4b4"),
}  # fmt: skip


def sign(url: str, region: str = "us-east-1", token: str = "", body: bytes = BODY) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    return signed(Keys(ACCESS, SECRET, token), Scope(region, "bedrock"), url, headers, body, AT)


@pytest.mark.parametrize(("url", "region", "token", "signature"), CASES.values(), ids=CASES)
def test_requests_are_signed_as_the_sdk_signs_them(url: str, region: str, token: str, signature: str) -> None:
    said = sign(url, region, token)
    assert said["Authorization"].endswith(f", Signature={signature}")
    assert said["X-Amz-Date"] == "20261123T085000Z"
    assert said.get("X-Amz-Security-Token", "") == token


def test_the_example_of_the_published_test_suite_has_its_signature() -> None:
    """AWS Signature Version 4 test suite, `post-vanilla`."""
    said = signed(
        Keys(ACCESS, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), Scope("us-east-1", "service"),
        "https://example.amazonaws.com/", {}, b"", 1_440_938_160.0,
    )  # fmt: skip
    assert said["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )


def test_the_port_of_the_scheme_changes_nothing_because_clients_leave_it_out() -> None:
    assert sign(PLAIN) == sign(PLAIN.replace(".com/", ".com:443/"))


def test_a_signature_covers_every_byte_of_the_body() -> None:
    assert sign(PLAIN)["Authorization"] != sign(PLAIN, body=BODY + b" ")["Authorization"]


@pytest.mark.parametrize(
    "text",
    [
        f"{ACCESS}:{SECRET}:token",
        f" {ACCESS}:{SECRET}:token\n",
        json.dumps({"Version": 1, "AccessKeyId": ACCESS, "SecretAccessKey": SECRET, "SessionToken": "token"}),
    ],
)
def test_keys_are_read_from_one_secret(text: str) -> None:
    assert keys(text) == Keys(ACCESS, SECRET, "token")


def test_keys_need_no_session() -> None:
    assert keys(f"{ACCESS}:{SECRET}") == Keys(ACCESS, SECRET)
    assert keys(json.dumps({"AccessKeyId": ACCESS, "SecretAccessKey": SECRET})) == Keys(ACCESS, SECRET)


@pytest.mark.parametrize(
    "text", ["alone", "a:b:c:d", ":secret", "access:", "access:se\ncret", '{"AccessKeyId": "a"}', "{"]
)
def test_what_is_no_pair_of_keys_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(Unusable) as refused:
        keys(text)
    assert "secret" not in str(refused.value).replace("SecretAccessKey", "").replace("SECRET", "")


def test_keys_are_not_shown() -> None:
    assert repr(Keys(ACCESS, SECRET, "token")) == f"Keys({ACCESS})"
