"""Checkpoints in an S3-compatible store: every one once, none overwritten, and an older copy of the folder is noticed."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from msgspec import structs

from ostiary.adapters.store.checkpoint_files import checkpoint_file
from ostiary.adapters.store.ledger_read import ledger_directory
from ostiary.adapters.store.ledger_start import LedgerUnusable, ledger_keys
from ostiary.adapters.store.object_place import ObjectPlace
from ostiary.adapters.store.object_store import Bucket, ObjectStore
from ostiary.adapters.store.second_place import Astray
from ostiary.config.ledger import Ledger as LedgerSection
from ostiary.entry.anchoring import opened
from ostiary.integrity.chain import chain_id
from tests.contract.object_double import KEYS, REGION, Objects, served
from tests.contract.tampered import Anchored

SECRETS = {"ACCESS_KEY": KEYS.access, "SECRET_KEY": KEYS.secret}


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture
def endpoint(objects: Objects) -> Iterator[str]:
    with served(objects) as url:
        yield url


@pytest.fixture
def house(tmp_path: Path, endpoint: str) -> Anchored:
    made = Anchored(tmp_path)
    made.place = place(made, endpoint)
    return made


def store(endpoint: str, **changes: Any) -> ObjectStore:
    bucket = structs.replace(Bucket(endpoint, "evidence", REGION), **changes)
    return ObjectStore(bucket, lambda: KEYS)


def place(house: Anchored, endpoint: str, **changes: Any) -> ObjectPlace:
    return ObjectPlace(store(endpoint, **changes), "s3://evidence", "ostiary/", ledger_keys(house.data).public)


def everything(objects: Objects) -> bytes:
    return b"".join(objects.kept[name] for name in sorted(objects.kept))


def named(house: Anchored, n: int) -> str:
    return f"evidence/ostiary/{chain_id(house.key())}/{n:012d}.jsonl"


def test_every_checkpoint_is_an_object_and_all_of_them_are_the_file(house: Anchored, objects: Objects) -> None:
    house.run()
    assert everything(objects) == house.checkpoints.read_bytes()
    assert min(objects.kept) == named(house, 1)
    assert len(objects.kept) == house.checkpoints.read_bytes().count(b"\n")


def test_what_it_missed_is_one_object_once_it_is_back(house: Anchored, objects: Objects) -> None:
    ledger, checkpoints = house.start()
    objects.status = 503
    house.write(ledger, checkpoints)
    assert "answers 503 SlowDown" in checkpoints.failing()["s3://evidence/ostiary/" + chain_id(house.key()) + "/"]
    objects.status = 0
    house.write(ledger, checkpoints, 1)
    assert checkpoints.failing() == {}
    assert everything(objects) == house.checkpoints.read_bytes()
    assert len(objects.kept) == 2
    house.stop(ledger, checkpoints)


def test_an_object_whose_answer_was_lost_is_not_written_again(house: Anchored, objects: Objects) -> None:
    ledger, checkpoints = house.start()
    objects.forgets = True
    house.write(ledger, checkpoints, 8)
    objects.forgets = False
    house.write(ledger, checkpoints, 8)
    house.stop(ledger, checkpoints)
    assert checkpoints.failing() == {}
    assert everything(objects) == house.checkpoints.read_bytes()


def test_a_store_that_does_not_know_conditions_is_written_to_without(house: Anchored, objects: Objects) -> None:
    objects.old = True
    house.run()
    assert everything(objects) == house.checkpoints.read_bytes()


def test_somebody_elses_object_in_the_way_is_not_overwritten(house: Anchored, objects: Objects) -> None:
    house.run(2)
    before = dict(objects.kept)
    fresh = place(house, store(house.place._store._bucket.endpoint)._bucket.endpoint)
    source = checkpoint_file(ledger_directory(house.data))
    fresh._offset = 0
    with pytest.raises(OSError, match="already"):
        fresh.deliver(source, source.stat().st_size)
    assert objects.kept == before
    fresh.deliver(source, source.stat().st_size)
    assert objects.kept == before


def test_objects_are_locked_where_that_is_configured(tmp_path: Path, endpoint: str, objects: Objects) -> None:
    house = Anchored(tmp_path)
    house.place = place(house, endpoint, lock="COMPLIANCE", retain=86400.0)
    house.run(2)
    assert {mode for mode, _ in objects.locked.values()} == {"COMPLIANCE"}
    assert set(objects.locked) == set(objects.kept)
    assert all(until.endswith("Z") and len(until) == 20 for _, until in objects.locked.values())


def test_a_gateway_that_starts_again_goes_on_where_the_store_ends(house: Anchored, objects: Objects) -> None:
    house.run()
    house.place = place(house, house.place._store._bucket.endpoint)
    house.run()
    assert everything(objects) == house.checkpoints.read_bytes()


@pytest.mark.parametrize("most", [1, 2, 1000])
@pytest.mark.parametrize("behind", [0, 1, 3, 7])
def test_the_newest_object_is_found_however_far_behind_it_is(
    house: Anchored, objects: Objects, monkeypatch: pytest.MonkeyPatch, most: int, behind: int
) -> None:
    house.run()
    monkeypatch.setattr("ostiary.adapters.store.object_place._PAGE", 2)
    for name in sorted(objects.kept)[len(objects.kept) - behind :]:
        del objects.kept[name]
    objects.most = most
    fresh = place(house, house.place._store._bucket.endpoint)
    source = checkpoint_file(ledger_directory(house.data))
    fresh.deliver(source, source.stat().st_size)
    assert everything(objects) == source.read_bytes()


# What is found out


def configured(house: Anchored, endpoint: str) -> Any:
    section = {
        "endpoint": endpoint, "bucket": "evidence", "region": REGION, "access_key": "env:ACCESS_KEY",
        "secret_key": "env:SECRET_KEY",
    }  # fmt: skip
    return opened(
        LedgerSection.model_validate({"checkpoints": {"s3": section}}), house.data, house.data / "ostiary.yaml"
    )


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
def test_no_gateway_starts_on_an_older_copy_of_its_folder(house: Anchored, tmp_path: Path, endpoint: str) -> None:
    """Issue 7, must show 1: roll-back needs the second place."""
    house.run()
    shutil.copytree(house.data, tmp_path / "older")
    house.run()
    shutil.rmtree(house.data)
    shutil.copytree(tmp_path / "older", house.data)
    with pytest.raises(LedgerUnusable, match="put back to an older state"):
        configured(house, endpoint)


@pytest.mark.usefixtures("environment")
def test_a_gateway_starts_where_the_store_agrees_and_where_it_is_away(
    house: Anchored, endpoint: str, objects: Objects
) -> None:
    house.run()
    for status in (0, 403, 503):
        objects.status = status
        ledger, anchor = configured(house, endpoint)
        ledger.close()
        anchor.checkpoints.close()
    assert house.proof().ok


def test_keys_that_are_missing_or_no_keys_are_told_at_the_start(
    house: Anchored, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCESS_KEY", KEYS.access)
    with pytest.raises(LedgerUnusable, match="env:SECRET_KEY: the environment variable is not set"):
        configured(house, endpoint)
    monkeypatch.setenv("SECRET_KEY", "sec\nret")
    with pytest.raises(LedgerUnusable, match="is no key") as refused:
        configured(house, endpoint)
    assert "ret" not in str(refused.value).replace("secret", "").replace("SECRET", "")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"junk\n", "is not as it was written"), (b"", "no whole checkpoint"), (b'{"cause":', "no whole checkpoint"),
    ],
)  # fmt: skip
def test_an_object_that_is_no_checkpoint_is_not_built_upon(
    house: Anchored, objects: Objects, content: bytes, why: str
) -> None:
    house.run()
    objects.kept[named(house, 99)] = content
    with pytest.raises(Astray, match=why):
        place(house, house.place._store._bucket.endpoint).agreed(house.checkpoints)


def test_another_name_among_the_objects_is_told(house: Anchored, objects: Objects) -> None:
    house.run()
    objects.kept[named(house, 99).replace("099", "099x")] = b""
    with pytest.raises(Astray, match="no gateway writes"):
        place(house, house.place._store._bucket.endpoint).agreed(house.checkpoints)


def test_another_gateways_objects_lie_beside(house: Anchored, tmp_path: Path, objects: Objects, endpoint: str) -> None:
    house.run()
    other = Anchored(tmp_path, "other")
    other.place = place(other, endpoint)
    other.run()
    assert len({name.split("/")[2] for name in objects.kept}) == 2


# What a store may answer


@pytest.mark.parametrize("listing", [b"<Key>a</Key>", b"<Key>ostiary/b</Key><Key>ostiary/a</Key>"])
def test_a_store_that_lists_something_else_is_not_believed(objects: Objects, endpoint: str, listing: bytes) -> None:
    objects.status, objects.body = 200, listing
    with pytest.raises(OSError, match="lists other objects"):
        store(endpoint).names("ostiary/", "ostiary/")


def test_a_store_that_answers_without_an_end_is_left(objects: Objects, endpoint: str) -> None:
    objects.status, objects.body = 200, b"x" * (4 * 1024 * 1024 + 1)
    with pytest.raises(OSError, match="more than"):
        store(endpoint).fetch("x")


def test_an_object_that_is_not_there_is_told(endpoint: str) -> None:
    with pytest.raises(OSError, match="answers 404 NoSuchKey for the bucket evidence"):
        store(endpoint).fetch("x")


def test_what_is_not_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            connection, _ = server.accept()
            connection.sendall(b"220 ready\r\n")
            connection.close()

        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(OSError, match=r"not HTTP|reset"):
            store(f"http://127.0.0.1:{server.getsockname()[1]}").fetch("x")
        thread.join(5)


def test_tls_is_verified(objects: Objects) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    objects.kept["evidence/x"] = b"content"
    with served(objects, context) as url:
        bucket = Bucket(url, "evidence", REGION)
        assert ObjectStore(bucket, lambda: KEYS, trust=trusted).fetch("x") == b"content"
        with pytest.raises(ssl.SSLCertVerificationError):
            ObjectStore(bucket, lambda: KEYS).fetch("x")


def test_all_objects_are_gathered_once(house: Anchored, tmp_path: Path, objects: Objects) -> None:
    house.run()
    folder = tmp_path / "gathered"
    folder.mkdir()
    assert house.place.gathered(folder) == len(objects.kept)
    assert b"".join(path.read_bytes() for path in sorted(folder.iterdir())) == house.checkpoints.read_bytes()
    asked = len(objects.asked)
    assert house.place.gathered(folder) == len(objects.kept)
    assert {method for method, path in objects.asked[asked:] if path.count("/") > 1} == set()
