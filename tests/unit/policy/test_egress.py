"""Where we may connect to: every spelling that has fooled somebody's egress filter, as a row."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.policy.egress import METADATA, Kind, Network, Origin, allowed, classify, faces, parse_url

PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255"),
    *("192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
    *("2001:4860:4860::8888", "2606:4700:4700::1111", "2a00:1450:4001:830::200e", "2001:200::1", "3ffe::1"),
    *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8"),
]

CLOSED = [
    ("127.0.0.1", Kind.LOOPBACK),
    ("127.255.255.255", Kind.LOOPBACK),
    ("::1", Kind.LOOPBACK),
    ("10.0.0.1", Kind.PRIVATE),
    ("10.255.255.255", Kind.PRIVATE),
    ("172.16.0.1", Kind.PRIVATE),
    ("172.31.255.255", Kind.PRIVATE),
    ("192.168.1.1", Kind.PRIVATE),
    ("fec0::1", Kind.PRIVATE),
    ("169.254.1.1", Kind.LINK_LOCAL),
    ("fe80::1", Kind.LINK_LOCAL),
    ("fe80::1%eth0", Kind.LINK_LOCAL),
    ("febf::1", Kind.LINK_LOCAL),
    ("fc00::1", Kind.UNIQUE_LOCAL),
    ("fd12:3456::1", Kind.UNIQUE_LOCAL),
    ("100.64.0.1", Kind.SHARED),
    ("100.127.255.255", Kind.SHARED),
    ("224.0.0.1", Kind.MULTICAST),
    ("239.255.255.255", Kind.MULTICAST),
    ("ff02::1", Kind.MULTICAST),
    ("0.0.0.0", Kind.RESERVED),
    ("0.1.2.3", Kind.RESERVED),
    ("192.0.0.1", Kind.RESERVED),
    ("192.0.2.1", Kind.RESERVED),
    ("192.88.99.1", Kind.RESERVED),
    ("198.18.0.1", Kind.RESERVED),
    ("198.19.255.255", Kind.RESERVED),
    ("198.51.100.1", Kind.RESERVED),
    ("203.0.113.1", Kind.RESERVED),
    ("240.0.0.1", Kind.RESERVED),
    ("255.255.255.255", Kind.RESERVED),
    ("::", Kind.RESERVED),
    ("100::1", Kind.RESERVED),
    ("2001:2::1", Kind.RESERVED),
    ("2001:10::1", Kind.RESERVED),
    ("2001:20::1", Kind.RESERVED),
    ("2001:db8::1", Kind.RESERVED),
    ("3fff::1", Kind.RESERVED),
    ("4000::1", Kind.RESERVED),
    ("5f00::1", Kind.RESERVED),
    ("::ffff:127.0.0.1", Kind.LOOPBACK),
    ("::ffff:10.0.0.1", Kind.PRIVATE),
    ("::ffff:0.0.0.0", Kind.RESERVED),
    ("::ffff:0:10.0.0.1", Kind.PRIVATE),
    ("::ffff:0:8.8.8.8", Kind.RESERVED),
    ("::127.0.0.1", Kind.LOOPBACK),
    ("::10.0.0.1", Kind.PRIVATE),
    ("::8.8.8.8", Kind.RESERVED),
    ("::2", Kind.RESERVED),
    ("2002:7f00:1::", Kind.LOOPBACK),
    ("2002:a00:1::1", Kind.PRIVATE),
    ("2002:808:808::", Kind.RESERVED),
    ("64:ff9b::127.0.0.1", Kind.LOOPBACK),
    ("64:ff9b::192.168.0.1", Kind.PRIVATE),
    ("64:ff9b:1::10.0.0.1", Kind.PRIVATE),
    ("64:ff9b:1:a00:0:100::", Kind.PRIVATE),
    ("64:ff9b:1::8.8.8.8", Kind.RESERVED),
    ("2001:0:808:808::f5ff:fffe", Kind.PRIVATE),
    ("2001:0:7f00:1::f7f7:f7f7", Kind.LOOPBACK),
    ("2001:0:808:808::f7f7:f7f7", Kind.RESERVED),
    ("169.254.169.254", Kind.METADATA),
    ("169.254.170.2", Kind.METADATA),
    ("100.100.100.200", Kind.METADATA),
    ("168.63.129.16", Kind.METADATA),
    ("192.0.0.192", Kind.METADATA),
    ("fd00:ec2::254", Kind.METADATA),
    ("fd20:ce::254", Kind.METADATA),
    ("fe80::a9fe:a9fe", Kind.METADATA),
    ("fe80::a9fe:a9fe%eth0", Kind.METADATA),
    ("::ffff:169.254.169.254", Kind.METADATA),
    ("::169.254.169.254", Kind.METADATA),
    ("::ffff:0:a9fe:a9fe", Kind.METADATA),
    ("64:ff9b::a9fe:a9fe", Kind.METADATA),
    ("64:ff9b:1::a9fe:a9fe", Kind.METADATA),
    ("64:ff9b:1:a9fe:a9:fe00::", Kind.METADATA),
    ("2002:a9fe:a9fe::", Kind.METADATA),
    ("2001:0:a9fe:a9fe::f7f7:f7f7", Kind.METADATA),
    ("2001:0:808:808::5601:5601", Kind.METADATA),
]

EVERYTHING: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_reached(address: str) -> None:
    assert classify(ip_address(address)) is Kind.PUBLIC
    assert allowed(ip_address(address))


@pytest.mark.parametrize(("address", "kind"), CLOSED)
def test_any_other_address_may_not(address: str, kind: Kind) -> None:
    assert classify(ip_address(address)) is kind
    assert not allowed(ip_address(address))


@pytest.mark.parametrize(("address", "kind"), [row for row in CLOSED if row[1] is not Kind.METADATA])
def test_what_was_permitted_may_be_reached(address: str, kind: Kind) -> None:
    assert allowed(ip_address(address), EVERYTHING)


@pytest.mark.parametrize("address", [address for address, kind in CLOSED if kind is Kind.METADATA])
def test_permitting_everything_does_not_permit_metadata(address: str) -> None:
    assert not allowed(ip_address(address), EVERYTHING)


@pytest.mark.parametrize("address", sorted(METADATA, key=str))
def test_a_permit_for_exactly_that_address_permits_metadata(address: IPv6Address) -> None:
    assert not allowed(address)
    assert allowed(address, (ip_network(address),))


@pytest.mark.parametrize(
    ("address", "permits", "answer"),
    [
        ("10.1.2.3", ["10.1.2.3/32"], True),
        ("10.1.2.4", ["10.1.2.3/32"], False),
        ("10.1.2.3", ["10.2.0.0/16", "10.1.0.0/16"], True),
        ("10.1.2.3", ["::/0"], False),
        ("fd12::1", ["fd12::/16"], True),
        ("::ffff:10.1.2.3", ["10.1.0.0/16"], True),
        ("::ffff:10.1.2.3", ["::/0"], False),
        ("::10.1.2.3", ["10.1.0.0/16"], False),
        ("64:ff9b::10.1.2.3", ["10.1.0.0/16"], True),
        ("64:ff9b:1::8.8.8.8", ["64:ff9b:1::/48"], True),
        ("64:ff9b:1::10.1.2.3", ["64:ff9b:1::/48"], False),
        ("64:ff9b:1::10.1.2.3", ["64:ff9b:1::/48", "10.1.0.0/16"], True),
        ("2002:808:808::", ["2002::/16"], True),
        ("2002:a00:1::", ["2002::/16"], False),
        ("169.254.169.254", ["169.254.0.0/16"], False),
        ("169.254.169.254", ["169.254.169.254/31"], False),
        ("64:ff9b::a9fe:a9fe", ["169.254.169.254/32"], True),
        ("fe80::1%eth0", ["fe80::/10"], True),
    ],
)
def test_a_permit_covers_every_face_of_an_address_or_none(address: str, permits: list[str], answer: bool) -> None:
    assert allowed(ip_address(address), tuple(map(ip_network, permits))) is answer


@given(st.ip_addresses())
def test_what_may_be_reached_without_a_permit_is_public(address: IPv6Address) -> None:
    assert allowed(address) is (classify(address) is Kind.PUBLIC)


@given(st.ip_addresses(v=4))
def test_writing_an_ipv4_address_as_mapped_changes_nothing(address: IPv6Address) -> None:
    for notation in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert faces(ip_address(notation)) == (address,)


@given(st.ip_addresses(v=4))
def test_no_tunnel_is_public(address: IPv6Address) -> None:
    tunnel = IPv6Address(0x2002 << 112 | int(address) << 80)
    assert address in faces(tunnel)
    assert not allowed(tunnel)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://mcp.example.com/mcp", Origin("https", "mcp.example.com", 443, "/mcp")),
        ("https://mcp.example.com", Origin("https", "mcp.example.com", 443, "/")),
        ("http://mcp.example.com:8080/", Origin("http", "mcp.example.com", 8080, "/")),
        ("HTTPS://MCP.Example.COM/Path", Origin("https", "mcp.example.com", 443, "/Path")),
        ("https://h/a/b?c=d&e=%2F", Origin("https", "h", 443, "/a/b?c=d&e=%2F")),
        ("https://h?c=/../x", Origin("https", "h", 443, "/?c=/../x")),
        ("https://h/a..b/...c/.well-known", Origin("https", "h", 443, "/a..b/...c/.well-known")),
        ("http://127.0.0.1:9/mcp", Origin("http", "127.0.0.1", 9, "/mcp")),
        ("http://[::1]:9/mcp", Origin("http", "::1", 9, "/mcp")),
        ("http://[2001:DB8:0:0::1]/", Origin("http", "2001:db8::1", 80, "/")),
        ("http://my_service:80/", Origin("http", "my_service", 80, "/")),
        ("https://xn--bcher-kva.example/", Origin("https", "xn--bcher-kva.example", 443, "/")),
        ("https://1password.com/", Origin("https", "1password.com", 443, "/")),
    ],
)
def test_a_plain_url_has_an_origin(url: str, origin: Origin) -> None:
    assert parse_url(url) == origin


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "http://"),
        ("mcp.example.com/mcp", "http://"),
        ("//mcp.example.com/mcp", "http://"),
        ("ftp://mcp.example.com/", "http://"),
        ("file:///etc/passwd", "http://"),
        ("gopher://mcp.example.com/", "http://"),
        ("https:/mcp.example.com/", "http://"),
        ("https:mcp.example.com/", "http://"),
        ("https:///mcp", "malformed"),
        ("https://", "malformed"),
        ("https://:443/", "malformed"),
        ("https://user@h/", "user name"),
        ("https://user:word@h/", "user name"),
        ("https://good.example@127.0.0.1/", "user name"),
        ("https://h%40x/", "not a name"),
        ("https://h/#", "fragment"),
        ("https://h/#part", "fragment"),
        ("https://h\\@evil.example/", "backslash"),
        ("https://h /", "spaces"),
        (" https://h/", "spaces"),
        ("https://h/\n", "spaces"),
        ("https://h/\r\nHost: x", "spaces"),
        ("https://h/\t", "spaces"),
        ("https://h/\x00", "spaces"),
        ("https://h/\x7f", "spaces"),
        ("https://bücher.example/", "non-ASCII"),
        ("https://h/ü", "non-ASCII"),
        ("https://127。0。0。1/", "non-ASCII"),
        ("https://①②⑦.0.0.1/", "non-ASCII"),
        ("https://h:0/", "malformed"),
        ("https://h:65536/", "malformed"),
        ("https://h:080/", "malformed"),
        ("https://h:/", "malformed"),
        ("https://h:+80/", "malformed"),
        ("https://h:80:80/", "malformed"),
        ("https://2130706433/", "number"),
        ("https://0/", "number"),
        ("https://0x7f000001/", "number"),
        ("https://0x7f.0.0.1/", "number"),
        ("https://017700000001/", "number"),
        ("https://0177.0.0.1/", "number"),
        ("https://127.0.0.01/", "number"),
        ("https://127.1/", "number"),
        ("https://127.0.1/", "number"),
        ("https://127.0.0.0x1/", "number"),
        ("https://1.2.3.4.5/", "number"),
        ("https://256.1.1.1/", "number"),
        ("https://example.1/", "number"),
        ("https://0x/", "number"),
        ("https://127.0.0.1./", "not a name"),
        ("https://example.com./", "not a name"),
        ("https://.example.com/", "not a name"),
        ("https://a..b/", "not a name"),
        ("https://-a.example/", "not a name"),
        ("https://a-.example/", "not a name"),
        ("https://a,b/", "not a name"),
        ("https://*.example/", "not a name"),
        ("https://%31%32%37.0.0.1/", "number"),
        (f"https://{'a' * 64}.example/", "not a name"),
        (f"https://{'a.' * 127}example/", "not a name"),
        ("https://::1/", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://::1]/", "malformed"),
        ("https://[::1]x/", "malformed"),
        ("https://[127.0.0.1]/", "not an IPv6"),
        ("https://[::1%25eth0]/", "malformed"),
        ("https://[fe80::1%eth0]/", "malformed"),
        ("https://[v1.x]/", "malformed"),
        ("https://h/../admin", ". or .."),
        ("https://h/a/..", ". or .."),
        ("https://h/./a", ". or .."),
        ("https://h/%2e%2E/admin", ". or .."),
        ("https://h/.%2e/admin", ". or .."),
        ("https://h/%zz", "percent"),
        ("https://h/%2", "percent"),
        ("https://h/a<b", "percent"),
        ('https://h/?q="', "percent"),
        ("https://h/{x}", "percent"),
        ("https://h/" + "a" * 8192, "longer"),
    ],
)
def test_every_other_spelling_is_refused_with_its_reason(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace(".", r"\.")):
        parse_url(url)


def test_a_refusal_does_not_repeat_what_may_be_secret() -> None:
    with pytest.raises(ValueError, match="user name") as caught:
        parse_url("https://user:word@h/?key=word")
    assert "word@" not in str(caught.value)
    assert "key" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://h/", "h"),
        ("https://h:443/", "h"),
        ("http://h:443/", "h:443"),
        ("http://[::1]/", "[::1]"),
        ("http://[::1]:81/", "[::1]:81"),
    ],
)
def test_the_host_header_names_the_port_only_where_it_is_not_the_usual_one(url: str, authority: str) -> None:
    assert parse_url(url).authority == authority


@pytest.mark.parametrize(("url", "address"), [("http://[::1]/", "::1"), ("http://10.0.0.1/", "10.0.0.1")])
def test_an_origin_knows_its_address(url: str, address: str) -> None:
    assert parse_url(url).address == ip_address(address)


def test_a_name_has_no_address_until_it_is_resolved() -> None:
    assert parse_url("http://localhost/").address is None


@given(st.text(max_size=40) | st.text(alphabet="htps:/[]@.%0x17f#?\\", max_size=30).map("http://".__add__))
def test_whatever_is_accepted_is_accepted_again_as_it_is_written(url: str) -> None:
    try:
        origin = parse_url(url)
    except ValueError:
        return
    assert parse_url(f"{origin.scheme}://{origin.authority}{origin.target}") == origin
