"""A URL in an argument leads to a public place in whatever notation, or the call stays here.

What this cannot see: a public name that leads to a private address when a server resolves it. That is for the network
that the server is in; or for `host:`, which names those who may be asked.
"""

from __future__ import annotations

import pytest

from tests.security.composed import config, stage, told, tool

TOOL = tool("read", {"url": {"type": "string"}})
PUBLIC = config('{name: web, allow: ["*.*"], subjects: ["*"], checks: {url: public}}')
HOSTS = config('{name: web, allow: ["*.*"], subjects: ["*"], checks: {url: "host:api.example.com"}}')

FORMS = {
    "loopback": "http://127.0.0.1/", "short": "http://127.1/", "octal": "http://0177.0.0.1/", "hex": "http://0x7f.0.0.1/", "one hex": "http://0x7f000001/", "one number": "http://2130706433/", "overflow": "http://4294967297/", "zero": "http://0/", "all": "http://0.0.0.0/",
    "other loopback": "http://127.127.127.127/", "IPv6 loopback": "http://[::1]/", "IPv6 all": "http://[::]/", "long IPv6": "http://[0:0:0:0:0:0:0:1]/", "mapped": "http://[::ffff:127.0.0.1]/", "mapped hex": "http://[::ffff:7f00:1]/", "compatible": "http://[::127.0.0.1]/",
    "NAT64": "http://[64:ff9b::a9fe:a9fe]/", "6to4": "http://[2002:7f00:1::]/", "Teredo": "http://[2001:0:7f00:1::80ff:fffe]/", "zone": "http://[fe80::1%25eth0]/", "unique local": "http://[fd00::1]/", "site local": "http://[fec0::1]/",
    "metadata": "http://169.254.169.254/latest/meta-data/", "metadata number": "http://2852039166/", "metadata hex": "http://0xa9fea9fe/", "metadata mapped": "http://[::ffff:a9fe:a9fe]/", "metadata IPv6": "http://[fd00:ec2::254]/", "metadata name": "http://metadata.google.internal/",
    "Azure": "http://168.63.129.16/", "Alibaba": "http://100.100.100.200/", "task roles": "http://169.254.170.2/v2/credentials", "ten": "http://10.1.2.3/", "172": "http://172.31.0.1/", "192": "http://192.168.0.1/", "carrier": "http://100.64.0.1/", "broadcast": "http://255.255.255.255/",
    "localhost": "http://localhost/", "LOCALHOST": "http://LoCaLhOsT:6379/", "under localhost": "http://a.localhost/", "dot": "http://localhost./", "single label": "http://redis:6379/", "local": "http://printer.local/", "internal": "http://db.prod.internal/", "cluster": "http://a.default.svc.cluster.local/",
    "wildcard DNS": "http://127.0.0.1.nip.io/", "wildcard dashes": "http://10-0-0-1.sslip.io/", "rebinding": "http://7f000001.c0a80001.rbndr.us/", "leads home": "http://localtest.me/", "spelled": "http://ip-10-0-0-1.eu-west-1.compute.amazonaws.com/", "dotted name": "http://192.168.0.1.example.com/",
    "user": "http://example.com@127.0.0.1/", "user and port": "http://example.com:80@127.0.0.1/", "password": "http://a:b@example.com/", "fragment before": "http://127.0.0.1#@example.com/", "fragment": "http://example.com#@127.0.0.1/", "backslash": "http://example.com\\@127.0.0.1/", "backslash before": "http://127.0.0.1\\@example.com/",
    "question": "http://127.0.0.1?@example.com/", "blank": "http://127.0.0.1 @example.com/", "line end": "http://example.com/\r\nHost: 127.0.0.1", "tab": "http://127.0.\t0.1/", "encoded host": "http://%31%32%37.0.0.1/", "full-width": "http://１２７.０.０.１/", "circled": "http://①②⑦.0.0.1/", "ideographic dot": "http://127。0。0。1/",
    "soft hyphen": "http://local\u00adhost/", "Kelvin": "http://loca\u212ahost/", "IDN": "http://ℓocalhost/", "file": "file:///etc/passwd", "gopher": "gopher://127.0.0.1:6379/_FLUSHALL", "dict": "dict://127.0.0.1:11211/stat", "ftp": "ftp://127.0.0.1/", "ldap": "ldap://127.0.0.1/", "tftp": "tftp://127.0.0.1/x", "jar": "jar:http://127.0.0.1!/x",
    "data": "data:text/html,x", "javascript": "javascript:alert(1)", "netdoc": "netdoc:///etc/passwd", "no scheme": "//127.0.0.1/", "no slashes": "http:127.0.0.1", "one slash": "http:/127.0.0.1/", "three": "http:///127.0.0.1/", "nested scheme": "http://http://127.0.0.1/", "URL of a URL": "url:http://127.0.0.1/", "quoted": '"http://127.0.0.1/"', "angle": "<http://127.0.0.1/>",
    "blank in front": " http://127.0.0.1/", "port 0": "http://example.com:0/", "port too high": "http://example.com:65616/", "port octal": "http://example.com:0080/", "dots in the path": "http://example.com/../x", "encoded dots": "http://example.com/%2e%2e/x", "nothing": "", "very long": "http://example.com/" + "a" * 9000,
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rules", [PUBLIC, HOSTS], ids=["public", "host"])
def test_a_form_of_leading_inside_stays_here(rules: str, form: str) -> None:
    assert "args.url" in told(stage(rules, [TOOL]), {"url": FORMS[form]})


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "http://example.com:8080/a?b=c",
        "https://93.184.215.14/",
        "https://[2606:2800:21f:cb07::1]/",
        "https://xn--bcher-kva.example.org/",
        "https://example.com/a#b",
    ],
)
def test_what_leads_outside_goes_through(url: str) -> None:
    assert told(stage(PUBLIC, [TOOL]), {"url": url}) == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com.evil.com/",
        "https://evil.com/api.example.com",
        "https://api.example.com:8443/",
        "https://xapi.example.com/",
        "https://api.example.com@evil.com/",
        "https://evil.com#api.example.com/",
        "https://api.example.com%2eevil.com/",
        "https://api-example.com/",
    ],
)
def test_a_host_is_no_part_of_another(url: str) -> None:
    assert "args.url" in told(stage(HOSTS, [TOOL]), {"url": url})


def test_a_named_host_goes_through() -> None:
    assert told(stage(HOSTS, [TOOL]), {"url": "https://api.example.com/v1?x=http://127.0.0.1/"}) == ""


def test_the_list_is_long_enough_to_be_worth_its_name() -> None:
    assert len(set(FORMS.values())) == len(FORMS) >= 80
