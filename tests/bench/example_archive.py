"""The archive of the worked examples: three calls of one night and one of the next, told by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from media_here import in_this_process
from plain_cloud9 import PlainCloud9

from cloud9_archive.domain.call import Call, CallType, Direction, Party, RecordingLink, Side
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.day_report import put_day_report
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.settings import ProofSettings, Settings
from cloud9_archive.pipeline.transcode import transcode
from cloud9_archive.pipeline.workspace import Workspace, open_workspace

SOURCE = "cloud9_example"
POLICY = "example"
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
ROSTER = """extension_type,extension,user,display_name,mode,retention
user_agent_id,jane@firm.example,jane,Jane Example,full,7y
user_agent_id,joe@firm.example,joe,Joe Example,do_not_record,
"""
SEED = hashlib.sha256(b"cloud9-archive worked examples: this key signs nothing else").digest()


def calls() -> Iterator[Call]:
    """Two calls over one recording, one that is not recorded, and one whose ids are awkward."""
    jane = Party(Side.NEAR, "jane@firm.example", "u-1", "Jane Example", "+442079460101", "f-1", "Example Firm")
    joe = Party(Side.NEAR, "joe@firm.example", "u-2", "Joe Example", firm_id="f-1", firm="Example Firm")
    bank = Party(Side.FAR, number="+442079460202", firm_id="f-2", firm="Example Bank")
    first, shared = MONDAY + timedelta(hours=9), RecordingLink("R-1", 0.125, 0.25, "r-1.ogg")
    yield _call("C-1", first, (jane, bank), (RecordingLink("R-1", 0.0625, 0.25, "r-1.ogg"),))
    yield _call("C-2", first + timedelta(minutes=5), (jane, bank), (shared,))
    yield _call("C-3", first + timedelta(minutes=9), (joe, bank), (RecordingLink("R-2", 0.0, 0.25, "r-2.ogg"),))
    awkward = RecordingLink("R/3: =€", 0.0, 0.25)
    yield _call("C/4 ..", first + timedelta(days=1), (jane, bank), (awkward,))


def _call(call_id: str, start: datetime, parties: tuple[Party, ...], recordings: tuple[RecordingLink, ...]) -> Call:
    return Call(
        SOURCE,
        call_id,
        start,
        start + timedelta(seconds=0.25),
        0.25,
        CallType.RINGDOWN,
        Direction.OUTGOING,
        parties,
        recordings,
        "Rates 1",
        "1001",
        {"id": call_id, "note": "as the source gave it"},
    )


def build(root: Path, *, certificate: Path | None = None) -> Path:
    """
    The archive, whole and signed, as two nightly runs and the report of a day leave it.

    :param root: empty folder for the catalog, staging and the archive
    :param certificate: encrypt for it
    """
    include = root / "include"
    (include / "rosters").mkdir(parents=True)
    (include / "rosters" / "example.csv").write_text(ROSTER, encoding="utf-8")
    said: dict[str, Any] = {"target": "archive", "retention": "90d"}
    if certificate is not None:
        (include / "certs").mkdir()
        (include / "certs" / "archive.pem").write_bytes(certificate.read_bytes())
        said["encrypt"] = {"recipients": ["certs/archive.pem"]}
    policy = Policy.model_validate(
        {
            "policy": POLICY,
            "sources": [SOURCE],
            "schedule": {"cron": "0 2 * * *", "timezone": "Europe/London", "lookback": "1s"},
            "recording_rules": {"enabled": True, "roster": "rosters/example.csv"},
            "archive": said,
        }
    )
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    settings = Settings(data_root=root, include_folder=include, proof=ProofSettings(signing_key=pem))
    source = PlainCloud9({call.call_id: call for call in calls()}, {"R-1", "R-2", "R/3: =€"})
    with mock.patch("cloud9_archive.pipeline.transcode.run_jobs", in_this_process):
        for night in (0, 1):
            with _workspace(policy, settings, source, MONDAY + timedelta(days=night + 1, hours=2)) as workspace:
                _run(workspace, night)
    return root / "archive"


@contextmanager
def _workspace(policy: Policy, settings: Settings, source: PlainCloud9, now: datetime) -> Iterator[Workspace]:
    with open_workspace(policy, settings, open_source=lambda conn_id, limiter: source, clock=lambda: now) as workspace:
        yield workspace


def _run(workspace: Workspace, night: int) -> None:
    start = MONDAY + timedelta(days=night)
    run = RunRef(POLICY, f"night-{night + 1}", RunKind.SCHEDULED, Window(start, start + timedelta(days=1)))
    fetch_calls(workspace, run, SOURCE)
    for batch_id in apply_recording_rules(workspace, run).batch_ids:
        fetch_recordings(workspace, batch_id)
        transcode(workspace, batch_id)
        archive(workspace, batch_id)
    reconcile(workspace, run)
    if night:
        put_day_report(workspace, MONDAY.date())
