"""Signing keys: by the calendar, sealed, shown before and after they sign; and tokens bound to keys of clients."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws

from ostiary.adapters.oauth.keys import Keyring, Rotation
from ostiary.adapters.store.keys import Sealer
from tests.contract.oauth.house import NOW, Time

PERIOD = Rotation(1000.0, 100.0, 60.0)
START = 1_800_000_000.0


@pytest.fixture
def time() -> Time:
    found = Time()
    assert found.now % PERIOD.period == 0
    return found


def ring(folder: Path, time: Time, seal: Any = None) -> Keyring:
    return Keyring(folder, seal or Sealer(b"k" * 32), time, PERIOD)


def kids(keys: Keyring) -> list[str]:
    return [each["kid"] for each in keys.public()["keys"]]


def signer(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers()["kid"])


def test_a_key_is_shown_before_it_signs_and_after_it_signed(tmp_path: Path, time: Time) -> None:
    keys = ring(tmp_path, time)
    first = signer(keys.sign("at+jwt", {}))
    assert kids(keys) == [first]
    time.now += 901
    assert signer(keys.sign("at+jwt", {})) == first
    shown = kids(keys)
    assert len(shown) == 2
    assert shown[0] == first
    time.now += 100
    assert signer(keys.sign("at+jwt", {})) == shown[1]
    assert set(kids(keys)) == set(shown)
    time.now += 60
    assert kids(keys) == [shown[1]]


def test_what_an_old_key_signed_stays_readable_for_as_long_as_it_may_be_good(tmp_path: Path, time: Time) -> None:
    keys = ring(tmp_path, time)
    time.now += 999
    token = keys.sign("at+jwt", {"jti": "x"})
    time.now += 60
    assert keys.read(token) == {"jti": "x"}
    time.now += 2
    assert keys.read(token) is None
    assert keys.read("noise") is None


def test_all_processes_agree_on_the_keys(tmp_path: Path, time: Time) -> None:
    one, other = ring(tmp_path, time), ring(tmp_path, time)
    assert signer(one.sign("at+jwt", {})) == signer(other.sign("at+jwt", {}))
    assert kids(one) == kids(other)
    time.now += 5000
    assert kids(one) == kids(other)
    assert signer(ring(tmp_path, time).sign("at+jwt", {})) == kids(one)[0]


def test_a_key_that_was_discarded_is_replaced_everywhere(tmp_path: Path, time: Time) -> None:
    one, other = ring(tmp_path, time), ring(tmp_path, time)
    token = other.sign("at+jwt", {"jti": "x"})
    assert one.discard(signer(token))
    assert not one.discard("nobody")
    assert one.read(token) is None
    assert other.read(token) is None
    assert signer(other.sign("at+jwt", {})) == signer(one.sign("at+jwt", {})) != signer(token)


def test_keys_lie_sealed_and_only_for_their_owner(tmp_path: Path, time: Time) -> None:
    keys = ring(tmp_path, time)
    keys.sign("at+jwt", {})
    (path,) = (tmp_path / "keys").glob("*")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"PRIVATE" not in path.read_bytes()
    assert "d" not in keys.public()["keys"][0]
    assert "pair=…" in repr(next(iter(keys._keys.values())))
    with pytest.raises(ValueError, match="was not sealed by this gateway"):
        ring(tmp_path, time, Sealer(b"x" * 32)).public()


def test_old_keys_are_removed(tmp_path: Path, time: Time) -> None:
    keys = ring(tmp_path, time)
    for _ in range(5):
        time.now += 1000
        keys.public()
    assert len(list((tmp_path / "keys").glob("*"))) == 2
    assert time.now == NOW + 5000 == START + 5000
