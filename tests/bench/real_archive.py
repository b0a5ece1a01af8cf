"""A real archive with every kind of file: two policies, two runs each, a day reported, signed and time-stamped, one recording damaged."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from local_tsa import listening, make_tsa
from media_here import in_this_process
from pipeline_bench import DAY, Bench, Clock

from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.world import WorldSettings
from cloud9_archive.pipeline.day_report import put_day_report
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.settings import ProofSettings
from cloud9_archive.pipeline.workspace import Workspace
from cloud9_archive.storage.local import LocalStore

POLICIES = {"apac": ("alaw_8k", Kind.REGULAR, Kind.DAMAGED), "emea": ("gsm_8k", Kind.TWO_RECORDINGS, Kind.DAMAGED)}
"""Policies, by which profile their derivatives are made, and over a call of which kind each run goes."""


@dataclass(frozen=True, slots=True)
class RealArchive:
    """
    An archive, and what its owner keeps elsewhere.

    :param public_key: PEM file of the key that signs the links
    :param tsa_ca: PEM file of the time-stamping authority's certificates
    :param heads: digest of each policy's newest link
    """

    root: Path
    public_key: Path
    tsa_ca: Path
    heads: dict[str, str]

    @property
    def store(self) -> LocalStore:
        return LocalStore(self.root)


def new_key(path: Path) -> Path:
    """A private Ed25519 key is in the file; the public one, which is returned, beside it."""
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
    public = path.with_suffix(".pub")
    subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-out", public], check=True)
    return public


@contextmanager
def real_archive(home: Path) -> Iterator[RealArchive]:
    """The archive is there until the block ends; nothing serves any more what it was made from."""
    public_key = new_key(home / "key.pem")
    heads: dict[str, str] = {}
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("cloud9_archive.pipeline.transcode.run_jobs", in_this_process)
        cloud9 = EmulatorServer(home=home / "cloud9", settings=WorldSettings(seed=7, calls_per_day=30)).start()
        stack.callback(cloud9.stop)
        tsa = stack.enter_context(listening(make_tsa(home / "tsa")))
        proof = ProofSettings(signing_key_file=home / "key.pem", timestamp_url=tsa.url, timestamp_ca_file=tsa.root)
        clock = Clock(cloud9)
        clock.move_to(clock.now)
        for policy, (profile, *kinds) in POLICIES.items():
            bench = Bench(cloud9, clock, home, stack, _policy(policy, profile))
            for kind in kinds:
                heads[policy] = _run(bench, kind, proof)
            if policy == "apac":  # the other one's newest link is that of a run, which forgeries count on
                heads[policy] = put_day_report(_workspace(bench, proof), DAY.date()).chain_head
    yield RealArchive(home / "archive", public_key, home / "tsa" / "root.pem", heads)


def _policy(name: str, profile: str) -> dict[str, object]:
    return {
        "policy": name,
        "sources": ["cloud9_emea"],
        "schedule": {"cron": "0 2 * * *", "timezone": "Europe/London", "lookback": "1s"},
        "recording_rules": {"enabled": False},
        "media": {"profile": profile, "deadline": "7d"},
        "archive": {"target": "archive"},
    }


def _workspace(bench: Bench, proof: ProofSettings) -> Workspace:
    workspace = bench.workspace()
    return replace(workspace, settings=replace(workspace.settings, proof=proof))


def _run(bench: Bench, kind: Kind, proof: ProofSettings) -> str:
    """A run over the second in which a call of that kind begins; the chain's head after it."""
    workspace = _workspace(bench, proof)
    start = bench.call(kind).started_at
    run = RunRef(bench.policy["policy"], f"{kind}", RunKind.BACKFILL, Window(start, start + timedelta(seconds=1)))
    bench.work(workspace, bench.begin(workspace, run))
    done = reconcile(workspace, run)
    assert done.calls.listed
    return done.chain_head
