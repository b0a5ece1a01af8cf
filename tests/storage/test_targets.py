"""Targets: a path, an absolute path, a file URL, and a clear no to the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud9_archive.errors import ConfigurationError
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.targets import open_store


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
        ("s3://bucket/x", "not offered yet"),
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
