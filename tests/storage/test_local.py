"""The local store where disks, links and power fail it."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.errors import ArchiveConflictError, ConfigurationError, StagingLostError, TransientError
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.store import Put

CONTENT = b"c" * 2_500_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
KEY = "emea/bags/2026/11/22/b/data/original.ogg"
WATCHED = ["open", "write", "fsync", "fchmod", "mkdir", "link", "unlink", "close"]


class PowerCutError(BaseException):
    """Nothing in the code under test may catch it, as nothing survives a power cut."""


@contextmanager
def power_cut(*, at: int) -> Iterator[list[str]]:
    """From the ``at``-th call on, nothing reaches the disk: half of a write still does, and then every call fails."""
    real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in WATCHED}
    calls: list[str] = []

    def watch(name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            if len(calls) < at:
                return real[name](*args, **kwargs)
            if name == "close":
                real[name](*args)
            if name == "write" and len(calls) == at:
                real[name](args[0], bytes(args[1])[: len(args[1]) // 2])
            raise PowerCutError

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in WATCHED:
            patch.setattr(os, name, watch(name))
        yield calls


def test_a_power_cut_at_any_call_leaves_nothing_or_the_whole_and_a_retry_converges(tmp_path: Path) -> None:
    cut = 0
    while True:
        cut += 1
        root = tmp_path / str(cut)
        with power_cut(at=cut) as calls:
            try:
                LocalStore(root).put(KEY, CONTENT, sha256=DIGEST)
            except PowerCutError:
                pass
            else:
                break
        final = root / KEY
        assert not final.exists() or final.read_bytes() == CONTENT
        after = LocalStore(root)
        assert set(after.keys()) <= {KEY}
        assert after.put(KEY, CONTENT, sha256=DIGEST).sha256 == DIGEST
        assert final.read_bytes() == CONTENT
        assert list(after.keys()) == [KEY]
    assert cut > 30
    assert {"write", "fsync", "mkdir", "link", "fchmod"} <= set(calls)


def test_bytes_are_flushed_before_the_name_and_the_name_before_the_answer(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "a")
    with power_cut(at=10**9) as calls:
        store.put(KEY, CONTENT, sha256=DIGEST)
    order = [name for name in calls if name in {"write", "fchmod", "fsync", "link", "unlink"}]
    assert order[-6:] == ["write", "fchmod", "fsync", "link", "fsync", "unlink"]


def _items(*names: str) -> list[Put]:
    return [Put(f"p/{name}", CONTENT[:1000] + name.encode(), _sha256(name)) for name in names]


def _sha256(name: str) -> str:
    return hashlib.sha256(CONTENT[:1000] + name.encode()).hexdigest()


def test_bytes_of_several_are_flushed_before_any_name_and_their_folders_before_the_answer(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "a")
    store.put("p/first", CONTENT, sha256=DIGEST)
    with power_cut(at=10**9) as calls:
        stored = store.put_all(_items("x", "y", "z"), parallel=1)
    order = [name for name in calls if name in {"write", "fchmod", "fsync", "link", "unlink"}]
    assert order == ["write", "fchmod"] * 3 + ["fsync"] * 3 + ["link"] * 3 + ["fsync"] + ["unlink"] * 3
    assert all(file.proven and file.created for file in stored)
    assert all(file.proven and not file.created for file in store.put_all(_items("x", "y", "z")))


@pytest.mark.parametrize("name", ["write", "fsync", "link"])
def test_what_fails_for_one_of_several_leaves_whole_files_only_and_a_retry_converges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    store = LocalStore(tmp_path / "a")
    store.put("p/first", CONTENT, sha256=DIGEST)
    real, calls = getattr(os, name), []

    def second_fails(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, name, second_fails)
        with pytest.raises(TransientError) as caught:
            store.put_all(_items("x", "y", "z"), parallel=1)
    assert caught.value.subject == "p/y"
    assert list(store.keys()) == (["p/first", "p/x"] if name == "link" else ["p/first"])
    assert list((tmp_path / "a/.incoming").iterdir()) == []
    assert [file.created for file in store.put_all(_items("x", "y", "z"))] == [name != "link", True, True]


@pytest.mark.parametrize("names", ["x", "wxyz"])
def test_a_disk_that_keeps_other_bytes_is_found_by_reading_them_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, chunk: real(fd, bytes(chunk).replace(b"cx", b"c?")))
    with pytest.raises(ArchiveConflictError, match="p/x reads back as"):
        LocalStore(tmp_path / "a").put_all(_items(*names))


def test_a_folder_that_somebody_moves_meanwhile_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written through a folder's descriptor is somewhere, and not where it belongs."""
    real = os.link

    def moving(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        (tmp_path / "a/p").rename(tmp_path / "a/moved")

    monkeypatch.setattr(os, "link", moving)
    with pytest.raises(ConfigurationError):
        LocalStore(tmp_path / "a").put_all(_items("x"))


def test_each_new_folder_is_flushed_in_its_parent(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "a")
    with power_cut(at=10**9) as calls:
        store.put(KEY, CONTENT, sha256=DIGEST)
    made = [number for number, name in enumerate(calls) if name == "mkdir"]
    assert len(made) == 1 + 7 + 1  # the root, the folders of the key, and that of drafts
    for number in made:
        assert "fsync" in calls[number + 1 : number + 3]


def test_a_folder_that_another_process_made_is_flushed_too(tmp_path: Path) -> None:
    LocalStore(tmp_path / "a").put(KEY, CONTENT, sha256=DIGEST)
    with power_cut(at=10**9) as calls:
        LocalStore(tmp_path / "a").put(KEY, CONTENT, sha256=DIGEST)
    assert calls.count("fsync") >= 1 + 7 + 1
    assert "link" not in calls


def _put_in_process(root: Path, start: Any, answers: Any) -> None:
    store = LocalStore(root)
    start.wait()
    answers.put([store.put(f"p/{n}", CONTENT, sha256=DIGEST).created for n in range(6)])


def test_two_processes_put_the_same_keys(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn" if os.name == "nt" else "fork")
    start, answers = context.Barrier(2), context.Queue()
    workers = [context.Process(target=_put_in_process, args=(tmp_path / "a", start, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    created = [answers.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert all(one != other for one, other in zip(*created, strict=True))
    assert {LocalStore(tmp_path / "a").digest(f"p/{n}") for n in range(6)} == {DIGEST}


def test_files_end_read_only_and_no_draft_remains(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "a")
    store.put(KEY, CONTENT, sha256=DIGEST)
    with pytest.raises(StagingLostError):
        store.put("p/b", CONTENT, sha256="0" * 64)
    assert (tmp_path / "a" / KEY).stat().st_mode & 0o7777 == 0o444
    assert (tmp_path / "a" / KEY).stat().st_nlink == 1
    assert list((tmp_path / "a/.incoming").iterdir()) == []
    assert (tmp_path / "a").stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("name", ["emea", "emea/bags", "emea/bags/2026", ".incoming"])
def test_a_link_in_the_way_leads_no_byte_out_of_the_archive(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = tmp_path / "a" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(outside, target_is_directory=True)
    with pytest.raises(ConfigurationError, match="find out who put it there"):
        LocalStore(tmp_path / "a").put(KEY, CONTENT, sha256=DIGEST)
    assert list(outside.iterdir()) == []


def test_links_are_listed_and_never_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/x").write_bytes(b"x")
    store = LocalStore(tmp_path / "a")
    store.put("p/real", b"", sha256=hashlib.sha256().hexdigest())
    (tmp_path / "a/p/link").symlink_to(tmp_path / "secret")
    (tmp_path / "a/p/sub").symlink_to(tmp_path / "folder", target_is_directory=True)
    assert list(store.keys()) == ["p/link", "p/real", "p/sub"]
    assert list(store.keys("p/sub")) == []
    for act in (store.read, store.digest, store.size, store.open):
        for key in ("p/link", "p/sub/x", "p/sub"):
            with pytest.raises(ConfigurationError):
                act(key)
    with pytest.raises(ConfigurationError):
        store.put("p/link", b"secret", sha256=hashlib.sha256(b"secret").hexdigest())
    assert (tmp_path / "secret").read_bytes() == b"secret"


def test_a_named_pipe_does_not_hold_up_a_reader(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "a")
    store.put("p/real", b"", sha256=hashlib.sha256().hexdigest())
    os.mkfifo(tmp_path / "a/p/pipe")
    with pytest.raises(ConfigurationError, match="not a regular file"):
        store.read("p/pipe")


def test_names_that_nobody_of_us_gave_are_listed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "a")
    store.put("p/x", b"", sha256=hashlib.sha256().hexdigest())
    (tmp_path / "a/p/.hidden").touch()
    (tmp_path / "a/p/new\nline").touch()
    os.close(os.open(os.fsencode(tmp_path / "a/p") + b"/\xff", os.O_CREAT | os.O_WRONLY))
    assert list(store.keys()) == ["p/.hidden", "p/new\nline", "p/x", "p/\udcff"]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, TransientError),
        (errno.EDQUOT, TransientError),
        (errno.EIO, TransientError),
        (errno.EROFS, ConfigurationError),
        (errno.EACCES, ConfigurationError),
        (errno.EPERM, ConfigurationError),
    ],
)
@pytest.mark.parametrize("name", ["write", "fsync", "link", "mkdir"])
def test_a_disk_that_refuses_is_told_and_leaves_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int, kind: type[Exception]
) -> None:
    store = LocalStore(tmp_path / "a")
    store.put("p/first", CONTENT, sha256=DIGEST)

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, name, refuse)
        with pytest.raises(kind) as caught:
            store.put("q/second", CONTENT, sha256=DIGEST)
    assert caught.value.subject == "q/second"
    assert os.strerror(number) in str(caught.value)
    assert number == errno.EIO or caught.value.hint
    assert list((tmp_path / "a/.incoming").iterdir()) == []
    assert list(store.keys()) == ["p/first"]


def test_short_writes_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, chunk: real(fd, bytes(chunk)[:200_000]))
    store = LocalStore(tmp_path / "a")
    store.put("p/x", CONTENT, sha256=DIGEST)
    assert store.digest("p/x") == DIGEST


def test_only_old_drafts_are_removed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "a")
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert store.remove_leftovers(older_than=timedelta(hours=1), now=now) == 0
    store.put("p/x", CONTENT, sha256=DIGEST)
    incoming = tmp_path / "a/.incoming"
    for name, age in [("old.part", 2), ("new.part", 0.5), ("note.txt", 9)]:
        (incoming / name).touch()
        written = (now - timedelta(hours=age)).timestamp()
        os.utime(incoming / name, (written, written))
    (incoming / "folder.part").mkdir()
    assert store.remove_leftovers(older_than=timedelta(hours=1), now=now) == 1
    assert sorted(path.name for path in incoming.iterdir()) == ["folder.part", "new.part", "note.txt"]
    assert store.exists("p/x")


def test_looking_at_an_archive_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "a")
    assert list(store.keys()) == []
    assert not store.exists("x")
    assert not (tmp_path / "a").exists()
