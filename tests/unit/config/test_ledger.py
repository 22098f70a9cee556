"""Second places for checkpoints: what goes together, what is weakened, and that nothing is sent in the clear unasked."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ostiary.config.ledger import Ledger, weakened

S3 = {"endpoint": "https://s3.example.com", "bucket": "evidence", "access_key": "env:A", "secret_key": "env:S"}
PLAIN = {**S3, "endpoint": "http://minio.example.com:9000"}


def ledger(**places: Any) -> Ledger:
    return Ledger.model_validate({"checkpoints": places})


def told(**places: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        ledger(**places)
    return str(refused.value)


def test_without_a_second_place_nothing_is_weakened_and_calls_survive_the_process() -> None:
    plain = Ledger.model_validate({})
    assert (plain.durability, plain.checkpoints, weakened(plain)) == ("process", None, ())


@pytest.mark.parametrize(
    "places", [{"file": "/mnt/x"}, {"s3": S3}, {"syslog": {"address": "log.example.com:6514"}},
               {"file": "/mnt/x", "s3": S3, "required": True}],
)  # fmt: skip
def test_each_place_is_enough_and_all_of_them_may_be_there(places: dict[str, Any]) -> None:
    assert weakened(ledger(**places)) == ()


@pytest.mark.parametrize("places", [{}, {"required": True}])
def test_checkpoints_without_a_place_are_told(places: dict[str, Any]) -> None:
    assert "there is no second place" in told(**places)


def test_what_is_wrong_with_a_place_is_told_once() -> None:
    assert "there is no second place" not in told(s3={**S3, "bucket": "-"})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"endpoint": "http://minio.example.com:9000"}, "not encrypted"),
        ({"endpoint": "https://s3.example.com/?x=y"}, "no query"),
        ({"endpoint": "s3.example.com"}, "endpoint"),
        ({"bucket": "../other"}, "bucket"),
        ({"prefix": "../"}, "prefix"),
        ({"prefix": "no-slash"}, "prefix"),
        ({"region": "a b"}, "region"),
        ({"secret_key": "secret"}, "a secret may not stand in the configuration"),
        ({"lock": "COMPLIANCE"}, "lock"),
    ],
)
def test_what_no_object_store_can_use_is_refused(change: dict[str, Any], why: str) -> None:
    assert why in told(s3={**S3, **change})


def test_an_endpoint_is_what_paths_are_appended_to() -> None:
    made = ledger(s3={**S3, "endpoint": "http://127.0.0.1:9000/"})
    assert made.checkpoints is not None
    assert made.checkpoints.s3 is not None
    assert made.checkpoints.s3.endpoint == "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"certificate": "file:/c.pem"}, "go together"),
        ({"key": "file:/k.pem"}, "go together"),
        ({"unsafe_plain": True, "ca": "file:/ca.pem"}, "ca means nothing"),
        ({"address": "log.example.com"}, "host:port"),
    ],
)
def test_what_no_receiver_can_use_is_refused(change: dict[str, Any], why: str) -> None:
    assert why in told(syslog={"address": "log.example.com:6514", **change})


def test_what_is_sent_in_the_clear_is_named() -> None:
    syslog = {"address": "log.example.com:514", "unsafe_plain": True}
    made = ledger(s3={**PLAIN, "unsafe_plain_http": True}, syslog=syslog)
    assert weakened(made) == ("ledger.checkpoints.s3.unsafe_plain_http", "ledger.checkpoints.syslog.unsafe_plain")
