"""A whole run into a bucket: locked, verified, finished after a crash, and found out when somebody meddles."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from buckets import access_to, new_bucket
from pipeline_bench import DAY
from sqlalchemy import select

from cloud9_archive.catalog.tables import events
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import ConfigurationError, UnreachableError
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.transcode import transcode
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.workspace import Workspace, open_workspace
from cloud9_archive.storage.store import LockMode
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation


@dataclass
class Bucket:
    """A bucket on some server, and what the policy says of it."""

    access: Any
    client: Any
    name: str

    @property
    def said(self) -> dict[str, Any]:
        return {
            "target": f"s3://{self.name}/emea",
            "conn_id": "aws_archive",
            "retention": "7y",
            "lock": "governance",
        }


@pytest.fixture(params=["moto_url", pytest.param("ceph_url", marks=pytest.mark.services)])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    access = access_to(request.getfixturevalue(request.param))
    client = access.client()
    return Bucket(access, client, new_bucket(client))


def workspace_of(bench: Any, bucket: Bucket, **said: Any) -> Workspace:
    policy = Policy.model_validate({**bench.policy, "archive": {**bucket.said, **said}})
    opened: Workspace = bench.stack.enter_context(
        open_workspace(
            policy,
            bench.settings,
            open_source=bench.open_source,
            clock=bench.clock,
            open_archive={"aws_archive": bucket.access}.__getitem__,
        )
    )
    return opened


def test_a_run_into_a_bucket_is_locked_and_verified_and_survives_a_crash(
    everything: Any, run_of: Any, bucket: Bucket
) -> None:
    call = everything.call(Kind.TWO_RECORDINGS)
    run = run_of(start=call.started_at, hours=1 / 3600)
    workspace = workspace_of(everything, bucket)
    (batch_id,) = everything.begin(workspace, run)
    fetch_recordings(workspace, batch_id)
    transcode(workspace, batch_id)
    staged = everything.root / "staging" / "media"
    for nth in (1, 3, 6):
        cue = Fault(Operation.PUT, nth, UnreachableError("cue"), when="after")
        with pytest.raises(UnreachableError):
            archive(replace(workspace, store=FaultyStore(workspace.store, script=[cue])), batch_id)
        assert [path for path in staged.rglob("*") if path.is_file()], "staging stays until the archive is proven"
    assert archive(workspace, batch_id).recordings == 2
    assert not [path for path in staged.rglob("*") if path.is_file()]
    reconcile(workspace, run)
    assert reconcile(workspace, run).calls.archived == 1

    report = verify_archive(workspace.store)
    assert report.ok, [finding.line() for finding in report.findings]
    assert (report.bags, report.links, report.findings) == (1, 1, ())
    until = parse_retention("7y").until(call.started_at)
    keys = list(workspace.store.keys())
    for key in keys:
        lock = workspace.store.lock_of(key)  # type: ignore[attr-defined]
        assert lock.mode is LockMode.GOVERNANCE, key
        assert until <= lock.retain_until, key
        if "/bags/" in key:
            assert lock.retain_until < until + timedelta(seconds=1), key
        else:
            assert lock.retain_until > datetime.now(UTC) + timedelta(days=7 * 365)
    with workspace.catalog.begin() as connection:
        after = connection.scalar(select(events.c.after).where(events.c.what == "bag.versions"))
    assert set(json.loads(after or "{}")) == {key for key in keys if "/bags/" in key}


def test_the_longest_retention_governs_a_recording_and_the_files_about_its_bag(
    bench: Any, quick_media: None, run_of: Any, bucket: Bucket, tmp_path: Path
) -> None:
    sections = [{"name": "all", "then": "record", "retention": "10y"}]
    bench.policy["recording_rules"] = {**bench.policy["recording_rules"], "sections": sections}
    bench.policy["media"] = {"profile": "none", "deadline": "7d"}
    workspace = workspace_of(bench, bucket)
    bench.work(workspace, bench.begin(workspace, run_of(hours=12)))
    ends = {}
    for key in workspace.store.keys("emea_rates/bags"):
        lock = workspace.store.lock_of(key)  # type: ignore[attr-defined]
        ends[key] = lock.retain_until
        if key.endswith("record.json"):
            record = json.loads(workspace.store.read(key))
            stated = datetime.fromisoformat(record["retain_until"])
            assert parse_retention("10y").until(DAY) <= stated <= lock.retain_until < stated + timedelta(seconds=1)
    for seal in [key for key in ends if key.endswith("/tagmanifest-sha256.txt")]:
        folder = seal.removesuffix("tagmanifest-sha256.txt")
        assert ends[seal] == max(end for key, end in ends.items() if key.startswith(folder))
    assert len(set(ends.values())) > 1


def test_what_somebody_puts_over_an_archive_is_found(everything: Any, run_of: Any, bucket: Bucket) -> None:
    run = run_of(start=everything.call(Kind.TWO_RECORDINGS).started_at, hours=1 / 3600)
    workspace = workspace_of(everything, bucket)
    everything.work(workspace, everything.begin(workspace, run))
    reconcile(workspace, run)
    originals = [key for key in workspace.store.keys("emea_rates/bags") if "/original." in key]
    content = workspace.store.read(originals[0])
    bucket.client.put_object(Bucket=bucket.name, Key=f"emea/{originals[0]}", Body=bytes([content[0] ^ 1]) + content[1:])
    bucket.client.delete_object(Bucket=bucket.name, Key=f"emea/{originals[1]}")
    bucket.client.put_object(Bucket=bucket.name, Key="emea/README.txt", Body=workspace.store.read("README.txt"))
    report = verify_archive(workspace.store)
    assert [(finding.code, finding.subject) for finding in report.findings] == [
        ("FILE_WRITTEN_TWICE", "README.txt"),
        ("FILE_OVERWRITTEN", originals[0]),
        ("FILE_DELETED", originals[1]),
    ]
    assert not report.ok
    assert [f.code for f in verify_archive(workspace.store, policy="emea_rates").findings] == [
        "FILE_OVERWRITTEN",
        "FILE_DELETED",
    ]


def test_nothing_is_asked_of_a_source_before_the_bucket_is_known_to_lock(everything: Any, bucket: Bucket) -> None:
    plain = new_bucket(bucket.client, lock=False)
    with pytest.raises(ConfigurationError, match="does not keep versions"):
        workspace_of(everything, bucket, target=f"s3://{plain}/emea")
    assert not (everything.root / "catalog.sqlite").exists()
