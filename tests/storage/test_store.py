"""The contract of every store, run against each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from buckets import client_to, new_bucket

from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.errors import ArchiveConflictError, ConfigurationError, StagingLostError, StillLockedError
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.s3 import S3Store
from cloud9_archive.storage.s3_lock import LockRule
from cloud9_archive.storage.store import LockMode, Put, Store
from cloud9_archive.storage.wrappers import FaultyStore, MeteredStore, SlowStore

RULE = LockRule(LockMode.GOVERNANCE, parse_retention("7y"))


def _on_disk(request: pytest.FixtureRequest) -> Store:
    folder: Path = request.getfixturevalue("tmp_path")
    return LocalStore(folder / "archive")


def _wrapped(request: pytest.FixtureRequest) -> Store:
    return SlowStore(MeteredStore(FaultyStore(_on_disk(request), script=[])), wait=lambda _: None)


def _in_bucket(url: str, *, creates_only: bool, rule: LockRule | None = None, prefix: str = "the/archive") -> Store:
    client = client_to(url)
    return S3Store(new_bucket(client), prefix, client, rule=rule, creates_only=creates_only)


MAKERS: dict[str, Callable[[pytest.FixtureRequest], Store]] = {
    "local": _on_disk,
    "wrapped": _wrapped,
    # Locks at once, as AWS is spoken to; and in two steps, as every other server is.
    "moto": lambda request: _in_bucket(request.getfixturevalue("moto_url"), creates_only=True, rule=RULE),
    "moto-two-steps": lambda request: _in_bucket(request.getfixturevalue("moto_url"), creates_only=False, prefix=""),
    "ceph": lambda request: _in_bucket(request.getfixturevalue("ceph_url"), creates_only=False, rule=RULE),
    "ceph-unlocked": lambda request: _in_bucket(request.getfixturevalue("ceph_url"), creates_only=False),
}
PARAMS = [
    pytest.param(maker, id=name, marks=[pytest.mark.services] if "ceph" in name else [])
    for name, maker in MAKERS.items()
]


@pytest.fixture(params=PARAMS)
def store(request: pytest.FixtureRequest) -> Store:
    made: Store = request.param(request)
    made.check()
    return made


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("content", [b"", b"x", b"y" * 3_000_001])
def test_what_was_put_is_read_back(store: Store, content: bytes) -> None:
    stored = store.put("p/a/b.bin", content, sha256=sha256(content))
    assert (stored.key, stored.size, stored.sha256, stored.created) == (
        "p/a/b.bin",
        len(content),
        sha256(content),
        True,
    )
    assert store.read("p/a/b.bin") == content
    assert store.digest("p/a/b.bin") == sha256(content)
    assert store.size("p/a/b.bin") == len(content)
    assert store.exists("p/a/b.bin")
    assert list(store.versions("p")) == [("p/a/b.bin", stored.version_id)]
    with store.open("p/a/b.bin") as file:
        assert file.read(1) == content[:1]


def test_a_file_is_put_as_its_bytes(store: Store, tmp_path: Path) -> None:
    (tmp_path / "staged").write_bytes(b"s" * 2_500_000)
    stored = store.put("a", tmp_path / "staged", sha256=sha256(b"s" * 2_500_000))
    assert stored.size == 2_500_000
    assert store.digest("a") == stored.sha256


def test_the_same_bytes_again_are_already_there(store: Store) -> None:
    store.put("a", b"x", sha256=sha256(b"x"))
    again = store.put("a", b"x", sha256=sha256(b"x"))
    assert (again.created, again.size, again.sha256) == (False, 1, sha256(b"x"))


def test_other_bytes_are_refused_and_nothing_changes(store: Store) -> None:
    store.put("p/a", b"x", sha256=sha256(b"x"))
    with pytest.raises(ArchiveConflictError) as caught:
        store.put("p/a", b"y", sha256=sha256(b"y"))
    for part in ("p/a", sha256(b"x"), sha256(b"y")):
        assert part in str(caught.value)
    assert caught.value.subject == "p/a"
    assert store.read("p/a") == b"x"
    assert list(store.keys()) == ["p/a"]


def test_bytes_without_the_promised_digest_do_not_appear(store: Store, tmp_path: Path) -> None:
    (tmp_path / "staged").write_bytes(b"damaged")
    for content in (b"damaged", tmp_path / "staged"):
        with pytest.raises(StagingLostError, match=sha256(b"whole")):
            store.put("a", content, sha256=sha256(b"whole"))
    assert not store.exists("a")
    assert list(store.keys()) == []


def test_a_staged_file_that_is_gone_says_so(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StagingLostError, match="not on this host"):
        store.put("a", tmp_path / "gone", sha256=sha256(b""))
    assert not store.exists("a")


def test_put_all_answers_in_the_order_asked(store: Store) -> None:
    items = [Put(f"p/{n % 7}/{n:03d}", str(n).encode(), sha256(str(n).encode())) for n in range(30)]
    assert [stored.key for stored in store.put_all(items)] == [item.key for item in items]
    assert list(store.keys("p")) == sorted(item.key for item in items)
    assert not any(stored.created for stored in store.put_all(items, parallel=2))
    assert store.put_all([]) == ()


def test_put_all_tells_the_first_error(store: Store) -> None:
    items = [Put("a", b"a", sha256(b"a")), Put("b", b"b", sha256(b"?")), Put("c", b"c", sha256(b"!"))]
    with pytest.raises(StagingLostError) as caught:
        store.put_all(items)
    assert caught.value.subject == "b"


def test_eight_threads_put_one_key_and_one_creates_it(store: Store) -> None:
    content = b"z" * 200_000
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda _: store.put("p/d/one", content, sha256=sha256(content)), range(32)))
    assert sum(each.created for each in stored) == 1
    assert list(store.keys()) == ["p/d/one"]
    assert store.digest("p/d/one") == sha256(content)


def test_threads_with_different_bytes_have_one_winner(store: Store) -> None:
    contents = [bytes([n]) * 1000 for n in range(8)]

    def put(content: bytes) -> bool:
        try:
            return store.put("one", content, sha256=sha256(content)).created
        except ArchiveConflictError:
            return False

    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(put, contents))
    assert sum(created) == 1
    assert store.read("one") == contents[created.index(True)]


@pytest.mark.parametrize("key", ["", "/a", "a/../b", "../a", "a//b", "a/", ".incoming/x", "a\0b", "a\\b"])
def test_keys_that_could_lead_elsewhere_are_refused(store: Store, key: str) -> None:
    for act in (store.read, store.open, store.digest, store.size, store.exists):
        with pytest.raises(ConfigurationError):
            act(key)
    with pytest.raises(ConfigurationError):
        store.put(key, b"", sha256=sha256(b""))


def test_what_is_not_there(store: Store) -> None:
    for act in (store.read, store.open, store.digest, store.size):
        with pytest.raises(ConfigurationError) as caught:
            act("p/gone")
        assert caught.value.subject == "p/gone"
    assert not store.exists("p/gone")
    assert list(store.keys("p")) == []


def test_a_file_larger_than_expected_is_not_read_whole(store: Store) -> None:
    store.put("a", b"12345", sha256=sha256(b"12345"))
    assert store.read("a", limit=5) == b"12345"
    with pytest.raises(ConfigurationError, match="larger than 4 bytes"):
        store.read("a", limit=4)


def test_keys_come_sorted_as_whole_texts_and_below_the_folder_only(store: Store) -> None:
    names = ["p/a/z", "p/a-b/z", "p/a.b", "p/ab", "pq/x", "é/x"]
    for name in names:
        store.put(name, b"", sha256=sha256(b""))
    assert list(store.keys()) == sorted(names)
    assert list(store.keys("p")) == sorted(name for name in names if name.startswith("p/"))
    assert list(store.keys("p/a")) == ["p/a/z"]


def test_nothing_hides_what_was_put_once_or_again(store: Store) -> None:
    for _ in range(2):
        store.put("p/a", b"x", sha256=sha256(b"x"), retain_until=datetime(2100, 1, 1, tzinfo=UTC))
    assert list(store.hidden()) == []
    assert list(store.hidden("p")) == []


def test_a_key_that_begins_like_another_is_another(store: Store) -> None:
    store.put("p/ab", b"longer", sha256=sha256(b"longer"))
    assert not store.exists("p/a")
    assert store.put("p/a", b"x", sha256=sha256(b"x")).created
    assert store.put("p/a.b", b"y", sha256=sha256(b"y")).created
    assert (store.read("p/a"), store.read("p/ab")) == (b"x", b"longer")
    assert list(store.hidden()) == []


def test_what_is_removed_is_gone_and_can_be_put_anew(store: Store) -> None:
    content = b"what was said"
    store.put("p/a/b.bin", content, sha256=sha256(content))
    store.put("p/a/c.bin", content, sha256=sha256(content))
    assert list(store.keys()) == ["p/a/b.bin", "p/a/c.bin"]
    with pytest.raises(ArchiveConflictError, match="nothing was removed"):
        store.remove("p/a/b.bin", sha256=sha256(b"other"))
    assert store.read("p/a/b.bin") == content
    if (lock := store.lock_of("p/a/b.bin")) is not None and lock.mode is not None:
        with pytest.raises(StillLockedError, match=r"p/a/b\.bin is governance until .*; it was not removed"):
            store.remove("p/a/b.bin", sha256=sha256(content))
        assert store.read("p/a/b.bin") == content
        return
    assert store.remove("p/a/b.bin", sha256=sha256(content))
    assert not store.remove("p/a/b.bin", sha256=sha256(content))
    assert not store.exists("p/a/b.bin")
    assert list(store.keys()) == ["p/a/c.bin"]
    assert list(store.hidden()) == []
    assert store.put("p/a/b.bin", content, sha256=sha256(content)).created


def test_nothing_is_kept_or_locked_that_is_not_there(store: Store) -> None:
    for act in (store.lock_of, store.keep):
        with pytest.raises(ConfigurationError):
            act("p/a/b.bin")
    assert not store.remove("p/a/b.bin", sha256=sha256(b""))
