"""Signature Version 4: the published example, and signatures that the signer of botocore 1.44 made of the same requests."""

from __future__ import annotations

import json

import pytest

from ostiary.protocol.sigv4 import Keys, Request, Scope, Unusable, keys, signed

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
    return signed(Keys(ACCESS, SECRET, token), Scope(region, "bedrock"), Request("POST", url, headers, body), AT)


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
        Request("POST", "https://example.amazonaws.com/"), 1_440_938_160.0,
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
    "text", ["alone", "a:b:c:d", ":secret", "access:", "access:se\ncret", "access:secrét", '{"AccessKeyId": "a"}', "{"]
)
def test_what_is_no_pair_of_keys_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(Unusable) as refused:
        keys(text)
    assert "secret" not in str(refused.value).replace("SecretAccessKey", "").replace("SECRET", "")


def test_keys_are_not_shown() -> None:
    assert repr(Keys(ACCESS, SECRET, "token")) == f"Keys({ACCESS})"


BUCKET = "https://examplebucket.s3.amazonaws.com"
PUBLISHED = {
    "GET Object": (
        Request("GET", f"{BUCKET}/test.txt", {"Range": "bytes=0-9"}),
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    "PUT Object": (
        Request(
            "PUT", f"{BUCKET}/test%24file.text",
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
        ),
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    "Get Bucket (List Objects)": (
        Request("GET", f"{BUCKET}/?max-keys=2&prefix=J"),
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("request_", "signature"), PUBLISHED.values(), ids=PUBLISHED)
def test_the_examples_that_s3_publishes_have_their_signatures(request_: Request, signature: str) -> None:
    """Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header": what is escaped stays so."""
    pair = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    said = signed(pair, Scope("us-east-1", "s3"), request_, 1_369_353_600.0)
    assert said["Authorization"].endswith(f"Signature={signature}")
