"""The same archive in a bucket: what is put over its objects, hides them or takes them away is found and named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from buckets import client_to, new_bucket
from forgeries import POLICY, bags, run_of
from real_archive import RealArchive
from tampering import KINDS, Tree, flipped, kind_of

from cloud9_archive.domain.keys import link_path
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.verify_proofs import read_trust
from cloud9_archive.storage.s3 import S3Store


class Bucket:
    """A bucket that holds one policy of the archive, and somebody who may do anything to it."""

    def __init__(self, client: Any, real: RealArchive, tree: Tree) -> None:
        self.client = client
        self.name = new_bucket(client)
        self.real = real
        self.tree = tree
        self.keys = [key for key in tree.keys if not key.startswith("apac/")]
        self.made: list[dict[str, str]] = []
        store = S3Store(self.name, "arc", client, creates_only=True)
        for key in self.keys:
            store.put(key, tree.read(key), sha256=hashlib.sha256(tree.read(key)).hexdigest())

    def one_of(self, kind: str) -> str:
        return next(key for key in self.keys if kind_of(key) == kind)

    def put(self, key: str, content: bytes) -> None:
        answer = self.client.put_object(Bucket=self.name, Key=f"arc/{key}", Body=content)
        self.made.append({"Key": f"arc/{key}", "VersionId": answer["VersionId"]})

    def hide(self, key: str) -> None:
        answer = self.client.delete_object(Bucket=self.name, Key=f"arc/{key}")
        self.made.append({"Key": f"arc/{key}", "VersionId": answer["VersionId"]})

    def destroy(self, *keys: str) -> None:
        """All versions of the objects are gone, and of those below folders."""
        for key in keys:
            for page in self.client.get_paginator("list_object_versions").paginate(
                Bucket=self.name, Prefix=f"arc/{key}"
            ):
                found = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in page.get("Versions", [])]
                self.client.delete_objects(Bucket=self.name, Delete={"Objects": found})

    def undo(self) -> None:
        for version in self.made:
            self.client.delete_object(Bucket=self.name, **version)
        self.made.clear()

    def found(self, *, heads: bool = True) -> set[tuple[str, str]]:
        """Code and subject of everything that verify finds with a client that knows nothing yet."""
        store = S3Store(self.name, "arc", self.client, creates_only=True)
        trust = read_trust([self.real.public_key], self.real.tsa_ca)
        report = verify_archive(store, heads=[self.real.heads[POLICY]] if heads else [], trust=trust)
        assert report.ok is not bool(report.findings) or {f.code for f in report.findings} == {"FILE_WRITTEN_TWICE"}
        return {(finding.code.value, finding.subject) for finding in report.findings}


@pytest.fixture(scope="module")
def shared(real: RealArchive, moto_url: str) -> Bucket:
    return Bucket(client_to(moto_url), real, Tree(real.root, real.root.parent / "in a bucket"))


@pytest.fixture
def bucket(shared: Bucket) -> Iterator[Bucket]:
    assert shared.found() == set()
    yield shared
    shared.undo()


def test_a_version_over_a_file_of_any_kind(bucket: Bucket) -> None:
    victims = [bucket.one_of(kind) for kind in KINDS]
    for key in victims:
        content = bucket.tree.read(key)
        bucket.put(key, flipped(content, len(content) // 2))
    assert bucket.found() == {("FILE_OVERWRITTEN", key) for key in victims}
    bucket.undo()
    for key in victims:
        bucket.put(key, b"")
    assert bucket.found() == {("FILE_OVERWRITTEN", key) for key in victims}


def test_the_same_bytes_over_a_file_are_a_notice(bucket: Bucket) -> None:
    key = bucket.one_of("seal")
    bucket.put(key, bucket.tree.read(key))
    assert bucket.found() == {("FILE_WRITTEN_TWICE", key)}


def test_a_delete_marker_over_a_file_of_any_kind(bucket: Bucket) -> None:
    victims = [bucket.one_of(kind) for kind in KINDS]
    for key in victims:
        bucket.hide(key)
    assert bucket.found() == {("FILE_DELETED", key) for key in victims}


def test_a_newer_version_below_a_delete_marker(bucket: Bucket) -> None:
    key = bucket.one_of("payload")
    bucket.put(key, b"x")
    bucket.hide(key)
    assert bucket.found() == {("FILE_DELETED", key), ("FILE_OVERWRITTEN", key)}


def test_objects_that_nobody_listed(bucket: Bucket) -> None:
    folder, recording = bags(bucket.tree)[0], bucket.one_of("payload").rpartition("/")[0]
    for key in (
        f"{folder}/x",
        f"{recording}/x",
        f"{POLICY}/chain/x",
        f"{POLICY}/reports/2026/03/03/x.csv",
        "keys/x",
        "x",
    ):
        bucket.put(key, b"x")
    assert bucket.found() == {
        ("FILE_EXTRA", f"{folder}/x"),
        ("FILE_EXTRA", f"{recording}/x"),
        ("FILE_MISPLACED", f"{POLICY}/chain/x"),
        ("REPORT_NOT_CHAINED", f"{POLICY}/reports/2026/03/03/x.csv"),
        ("FILE_MISPLACED", "keys/x"),
        ("FILE_MISPLACED", "x"),
    }


def test_the_end_hidden_and_the_end_destroyed(real: RealArchive, moto_url: str, shared: Bucket) -> None:
    """The one is undone by whoever removes the markers; the other takes rights that a lock would not give."""
    bucket = Bucket(client_to(moto_url), real, shared.tree)
    newest = run_of(bucket.tree, 2)
    victims = [key for key in bucket.keys if any(key == each or key.startswith(f"{each}/") for each in newest)]
    for key in victims:
        bucket.hide(key)
    assert bucket.found() == {("FILE_DELETED", key) for key in victims}
    bucket.undo()
    bucket.destroy(*newest)
    assert bucket.found(heads=False) == set()
    assert bucket.found() == {("CHAIN_ROLLED_BACK", real.heads[POLICY])}
    stem = link_path(POLICY, 1)
    bucket.put(stem, flipped(bucket.tree.read(stem), 60))
    original = next(key for key in bucket.keys if "/original." in key and key not in victims)
    bucket.destroy(original)
    bucket.put(original, b"x")
    assert {("FILE_OVERWRITTEN", stem), ("FILE_ALTERED", original)} <= bucket.found()
