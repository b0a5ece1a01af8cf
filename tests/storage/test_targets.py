"""Targets: a path, an absolute path, a file URL, and a clear no to the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.s3 import S3Store
from cloud9_archive.storage.store import LockMode
from cloud9_archive.storage.targets import Locking, open_store


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("archive", "base/archive"),
        ("a/b", "base/a/b"),
        ("{tmp}/elsewhere", "elsewhere"),
        ("file://{tmp}/else%20where", "else where"),
        ("FILE://localhost{tmp}/x", "x"),
    ],
)
def test_a_target_names_a_folder(tmp_path: Path, target: str, place: str) -> None:
    store = open_store(target.format(tmp=tmp_path), base=tmp_path / "base")
    assert isinstance(store, LocalStore)
    assert store.root == tmp_path / place
    assert not store.root.exists()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("s3://bucket//x", "s3://bucket/prefix is wanted"),
        ("s3://Bucket/x", "s3://bucket/prefix is wanted"),
        ("s3://bucket/../x", "s3://bucket/prefix is wanted"),
        ("s3://bucket/x?versionId=1", "s3://bucket/prefix is wanted"),
        ("s3://key:secret@bucket/x", "s3://bucket/prefix is wanted"),
        ("s3:///x", "s3://bucket/prefix is wanted"),
        ("gs://bucket/x", "unknown"),
        ("file://[x", "does not name a folder"),
        ("../x", "leads out"),
        ("a/../../x", "leads out"),
        ("", "not a path"),
        ("  ", "not a path"),
        ("~/archive", "not a path"),
        ("a\0b", "not a path"),
        ("file://host/x", "folder of this host"),
        ("file://x", "folder of this host"),
        ("file:///a?b", "folder of this host"),
        ("file:///a%00b", "folder of this host"),
    ],
)
def test_any_other_target_is_refused(tmp_path: Path, target: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        open_store(target, base=tmp_path)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("target", "bucket", "prefix"),
    [("s3://voice-archive", "voice-archive", ""), ("S3://voice.archive/emea/2026/", "voice.archive", "emea/2026/")],
)
def test_a_target_names_a_bucket(tmp_path: Path, target: str, bucket: str, prefix: str) -> None:
    store = open_store(target, base=tmp_path)
    assert isinstance(store, S3Store)
    assert (store.bucket, store.prefix) == (bucket, prefix)


def test_a_folder_that_is_to_lock_is_refused(tmp_path: Path) -> None:
    locking = Locking(LockMode.COMPLIANCE, parse_retention("7y"))
    with pytest.raises(ConfigurationError, match="cannot lock"):
        open_store("archive", base=tmp_path, locking=locking)
