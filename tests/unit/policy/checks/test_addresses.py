"""A URL in an argument is held to where servers may be sent."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.policy.checks.addresses import encrypted, hosts, public
from ostiary.policy.egress import Kind, classify

GOOD = [
    "https://example.com", "http://example.com/", "https://EXAMPLE.com/a/b?c=d", "https://example.com:8443/x", "https://93.184.215.14/", "https://[2606:2800:21f:cb07::1]/",
    "https://example.com/a#part", "https://example.com/#", "https://xn--bcher-kva.example.com/", "https://a.b.c.example.org/%20", "https://v1.2.3.example.com/", "https://8-8-8-8.example.com/",
]  # fmt: skip
BAD = [
    "", "example.com", "//example.com", "ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "javascript:alert(1)", "data:text/plain,x", "jar:http://x!/", "dict://localhost:11211/",
    "http://127.0.0.1/", "http://127.1/", "http://0177.0.0.1/", "http://0x7f.0.0.1/", "http://0x7f000001/", "http://2130706433/", "http://017700000001/", "http://0/", "http://0.0.0.0/", "http://127.0.0.1./",
    "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[fe80::1%25eth0]/", "http://[fd00:ec2::254]/", "http://::1/",
    "http://169.254.169.254/latest/meta-data/", "http://169.254.169.254.nip.io/", "http://[::ffff:a9fe:a9fe]/", "http://168.63.129.16/", "http://100.100.100.200/", "http://metadata.google.internal/", "http://instance-data/",
    "http://10.0.0.1/", "http://192.168.1.1/", "http://172.16.0.1/", "http://100.64.0.1/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://localhost/", "http://LOCALHOST:80/", "http://a.localhost/", "http://localhost./", "http://printer.local/", "http://db.internal/", "http://intranet/", "http://kubernetes.default.svc/", "http://router.lan/", "http://x.home.arpa/",
    "http://localtest.me/", "http://a.lvh.me/", "http://127-0-0-1.sslip.io/", "http://ip-10-0-0-1.eu.compute.example.com/", "http://10.0.0.1.example.com/", "http://a.192-168-0-1.example.org/",
    "http://user@example.com/", "http://example.com@127.0.0.1/", "http://127.0.0.1#@example.com/", "http://127.0.0.1\\@example.com/", "http://example.com\\@127.0.0.1/", "http://example.com#@127.0.0.1/", "http://example.com?@127.0.0.1/x#y",
    "http://exa mple.com/", " http://example.com/", "http://example.com/\r\nHost: x", "http://example.com/\t", "http://ⓔxample.com/", "http://127。0。0。1/", "http://①②⑦.0.0.1/", "http://example.com:0/", "http://example.com:99999/", "http://example.com:080/",
    "http:/example.com/", "http:///example.com/", "http:example.com", "https://example.com/../x", "https://example.com/%2e%2e/x", "http://%31%32%37.0.0.1/", "https://example.com/é", "http://" + "a" * 9000,
]  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_a_public_place_is_one(url: str) -> None:
    assert public(url) is None


@pytest.mark.parametrize("url", BAD)
def test_every_other_spelling_is_refused(url: str) -> None:
    said = public(url)
    assert said
    assert len(url) < 8 or url not in said


@given(st.integers(0, 2**32 - 1))
def test_an_address_is_judged_as_the_dialler_would(number: int) -> None:
    address = IPv4Address(number)
    wanted = classify(address) is Kind.PUBLIC
    assert (public(f"http://{address}/") is None) is wanted
    assert (public(f"http://[::ffff:{address}]/") is None) is wanted
    assert public(f"http://{number}/")
    assert public(f"http://{number:#x}/")


def test_encrypted_is_public_and_https() -> None:
    assert encrypted("https://example.com/") is None
    assert "https://" in (encrypted("http://example.com/") or "")
    assert encrypted("https://127.0.0.1/")


@pytest.mark.parametrize(
    ("rule", "url", "good"),
    [
        ("a.example.com", "https://a.example.com/x", True), ("a.example.com", "https://A.EXAMPLE.com/x", True), ("a.example.com", "https://b.example.com/x", False),
        ("a.example.com", "https://a.example.com.evil.example/x", False), ("a.example.com", "https://a.example.com@evil.example/x", False), ("a.example.com", "https://evil.example/a.example.com", False),
        ("a.example.com", "https://a.example.com:8443/", False), ("a.example.com:8443", "https://a.example.com:8443/", True), ("a.example.com:8443", "https://a.example.com/", False),
        ("a.example.com", "http://a.example.com/", True), ("a.example.com", "http://a.example.com:443/", False), ("a.example.com, b.example.com", "https://b.example.com/", True),
        ("*.example.com", "https://a.example.com/", True), ("*.example.com", "https://a.b.example.com/", True), ("*.example.com", "https://example.com/", False), ("*.example.com", "https://xexample.com/", False),
        ("10.0.0.5", "http://10.0.0.5/", True), ("10.0.0.5", "http://10.0.0.6/", False), ("10.0.0.5", "http://a.example/", False), ("[::1]:8080", "http://[0:0::1]:8080/", True), ("a.example.com", "ftp://a.example.com/", False),
        ("a.example.com", "not a url", False), ("a.example.com", "https://a.example.com/#x", True),
    ],
)  # fmt: skip
def test_a_host_is_that_host(rule: str, url: str, good: bool) -> None:
    assert (hosts(rule)(url) is None) is good


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "https://a.example",
        "a.example/x",
        "*",
        "*.",
        "a.*.b",
        "A.example",
        "a_b c",
        "a.example:0",
        "a.example:99999",
        "*.10.0.0.1",
        "169.254.169.254",
        "x,",
        "a.example:80:80",
        "2130706433",
    ],
)
def test_a_rule_names_hosts_plainly(rule: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        hosts(rule)
