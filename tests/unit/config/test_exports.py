"""Where the ledger is pushed to: each kind of receiver has its own keys, and none is reached without encryption unsaid."""

from __future__ import annotations

import pytest

from ostiary.config.exports import Export
from ostiary.config.parse import parse
from ostiary.config.problems import Invalid
from ostiary.config.schema import Config, weakened

HEAD = 'gateway: {url: "http://127.0.0.1:8080"}\nexports:\n'


def read(*entries: str) -> Config:
    return parse(HEAD + "".join(f"  - {{{entry}}}\n" for entry in entries), "ostiary.yaml")


def only(entry: str) -> Export:
    return read(entry).exports[0]


def test_each_kind_of_receiver_says_where_it_is() -> None:
    assert only("name: a, to: otlp, url: 'https://c.example.com/v1/logs'").url == "https://c.example.com/v1/logs"
    found = only("name: a, to: syslog, address: 'siem.example.com:6514', format: cef, ca: 'file:/ca.pem'")
    assert found.address is not None
    assert (found.address.host, found.address.port, found.format) == ("siem.example.com", 6514, "cef")
    assert only("name: a, to: file, file: out.jsonl, records: all").records == "all"
    assert only("name: a, to: http, url: 'http://127.0.0.1:9/x', headers: {X-Key: 'env:KEY'}").batch == 500


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("name: a, to: otlp", "needs url"),
        ("name: a, to: syslog, url: 'https://x.example.com'", "has no url"),
        ("name: a, to: file, file: x, address: '127.0.0.1:1'", "has no address"),
        ("name: a, to: pigeon, url: 'https://x.example.com'", "to"),
        ("name: a, to: otlp, url: 'https://x.example.com', format: cef", "a form of its own"),
        ("name: a, to: http, url: 'https://x.example.com', format: leef, records: all", "no other format"),
        ("name: a, to: file, file: x, headers: {X-Key: 'env:KEY'}", "only requests over HTTP"),
        ("name: a, to: file, file: x, authorization: 'env:KEY'", "only requests over HTTP"),
        ("name: a, to: http, url: 'http://x.example.com/in'", "not encrypted"),
        ("name: a, to: syslog, address: 'x:1', ca: 'file:/ca', unsafe_plain: true", "nothing is encrypted"),
        ("name: a, to: file, file: x, ca: 'file:/ca'", "a file has no TLS"),
        ("name: a, to: file, file: x, unsafe_plain: true", "a file has no TLS"),
        ("name: a, to: syslog, address: 'x:1', certificate: 'file:/c'", "go together"),
        ("name: a, to: file, file: x, batch: 0", "batch"),
    ],
)
def test_what_does_not_fit_together_is_named(entry: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read(entry)


def test_two_exports_of_one_name_would_share_their_place() -> None:
    with pytest.raises(Invalid, match="two exports are named a"):
        read("name: a, to: file, file: x", "name: a, to: file, file: y")


def test_an_export_without_encryption_is_among_what_is_weakened() -> None:
    found = read("name: a, to: http, url: 'http://x.example.com', unsafe_plain: true", "name: b, to: file, file: y")
    assert weakened(found) == ("exports.a.unsafe_plain",)


def test_headers_are_in_no_repr() -> None:
    assert "env:KEY" not in repr(only("name: a, to: http, url: 'https://x.example.com', headers: {X-Key: 'env:KEY'}"))
