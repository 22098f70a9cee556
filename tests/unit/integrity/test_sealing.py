"""A sealed payload opens with its own key, whole and in its own place, and says until when there is one."""

from __future__ import annotations

import msgspec
import pytest

from ostiary.core.capturing import Half
from ostiary.integrity.sealing import (
    Head,
    Sealed,
    Unopenable,
    closed,
    digest,
    ends,
    fingerprint,
    head,
    ident,
    is_class,
    is_ident,
    is_reference,
    made,
    opened,
    until,
)

NOON = 1_790_000_000.9
DAY = 86_400.0
KEY, NONCE = bytes(range(32)), bytes(12)
NAME = ident(NOON, 30 * DAY, b"eightbyt")
HEAD = Head("0a1b2c3d-7", Half.RESULT, "legal", NAME, "ab" * 32, 11)
LATER = msgspec.json.encode(msgspec.structs.replace(HEAD, v=2))
PAYLOAD = closed(KEY, NONCE, HEAD, b"clear words")


def test_what_was_sealed_opens_and_says_what_it_is() -> None:
    assert opened(KEY, PAYLOAD) == b"clear words"
    assert head(PAYLOAD) == HEAD
    assert b"clear" not in PAYLOAD


def test_a_payload_of_another_call_or_half_does_not_pass_for_this_one() -> None:
    _, _, rest = PAYLOAD.partition(b"\n")
    for other in (
        msgspec.structs.replace(HEAD, reference="0a1b2c3d-8"),
        msgspec.structs.replace(HEAD, half=Half.ARGUMENTS),
        msgspec.structs.replace(HEAD, cut=True),
    ):
        with pytest.raises(Unopenable, match="put in another's place"):
            opened(KEY, msgspec.json.encode(other) + b"\n" + rest)


@pytest.mark.parametrize("at", [len(PAYLOAD) - 1, len(PAYLOAD) - 30, PAYLOAD.index(b"\n") + 3])
def test_a_byte_that_was_changed_opens_nothing(at: int) -> None:
    with pytest.raises(Unopenable):
        opened(KEY, PAYLOAD[:at] + bytes([PAYLOAD[at] ^ 1]) + PAYLOAD[at + 1 :])


@pytest.mark.parametrize("left", range(0, len(PAYLOAD), 7))
def test_a_payload_that_was_cut_opens_nothing(left: int) -> None:
    with pytest.raises(Unopenable):
        opened(KEY, PAYLOAD[:left])


def test_another_key_opens_nothing() -> None:
    with pytest.raises(Unopenable):
        opened(bytes(32), PAYLOAD)


@pytest.mark.parametrize(
    "payload",
    [b"", b"\n", b"{}\n", b'{"v":2}\n', b"\xff\n", b"x" * 9000, msgspec.json.encode(HEAD), LATER + b"\n"],
)
def test_what_is_no_payload_says_so(payload: bytes) -> None:
    with pytest.raises(Unopenable):
        head(payload)


def test_a_key_says_when_it_was_made_and_until_when_it_seals() -> None:
    assert NAME == "20260921T141320Z-2592000-6569676874627974"
    assert is_ident(NAME)
    assert made(NAME) == 1_790_000_000.0
    assert until(NAME) == made(NAME) + DAY
    brief = ident(NOON, 60.0, bytes(8))
    assert until(brief) == made(brief) + 60


@pytest.mark.parametrize(
    ("keep", "days"), [(None, 31), (30 * DAY, 31), (900 * DAY, 31), (DAY, 2)]
)  # fmt: skip
def test_what_was_promised_may_end_sooner_and_never_later(keep: float | None, days: int) -> None:
    assert ends(NAME, keep) == made(NAME) + days * DAY


@pytest.mark.parametrize("name", ["", "../x", "20260921T133320Z-1-zz", NAME + "0", NAME[:-1]])
def test_what_is_no_key_has_no_time(name: str) -> None:
    assert not is_ident(name)
    assert (made(name), until(name), ends(name, None)) == (0.0, 0.0, 0.0)


def test_only_what_the_gateway_calls_a_call_can_name_a_file() -> None:
    assert is_reference("0a1b2c3d-7f")
    assert not any(map(is_reference, ("", "../../x", "0a1b2c3d-", "0a1b2c3d-7/../x", "0a1b2c3d-7\n")))


def test_only_what_can_be_a_class_can_name_a_folder() -> None:
    assert is_class("legal-2")
    assert not any(map(is_class, ("", "..", "a/b", "Legal", "x" * 33)))


def test_a_sealed_key_is_bound_to_whose_words_it_seals() -> None:
    sealed = Sealed(NAME, "legal", "https://id", "ana", fingerprint(KEY), b"secret")
    assert b"secret" not in sealed.info()
    assert sealed.info() == msgspec.structs.replace(sealed, sealed=b"other").info()
    assert sealed.info() != msgspec.structs.replace(sealed, subject="bob").info()


def test_names_of_keys_and_payloads_are_sha256() -> None:
    assert fingerprint(b"") == "e3b0c44298fc1c14"
    assert digest(b"").startswith("e3b0c44298fc1c149afb")
