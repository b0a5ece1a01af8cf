"""The DAG that verifies all archives: its shape, and how it ends."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cloud9_archive.domain.chain import LinkKind, Member, link_bytes, next_link
from cloud9_archive.domain.keys import link_path
from cloud9_archive.errors import PolicyError, VerificationError
from cloud9_archive.operators import Cloud9VerifyArchiveOperator
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.readme import write_readme
from cloud9_archive.verify_dag import build_verify_dag

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CONTEXT: Any = {"dag_run": SimpleNamespace(run_after=NOW)}


def fill(store: LocalStore) -> None:
    """A report, and the link that vouches for it."""
    write_readme(store)
    report = "emea_rates/reports/2026/11/22/r.json"
    member = Member(report, store.put(report, b"r", sha256=hashlib.sha256(b"r").hexdigest()).sha256)
    link = next_link(None, kind=LinkKind.REGULAR, policy="emea_rates", run_id="r", written_at=NOW, members=[member])
    store.put(link_path("emea_rates", 1), link_bytes(link), sha256=link.digest())


def verify(*policies: str) -> Any:
    return Cloud9VerifyArchiveOperator(task_id="verify_archive", policies=policies).execute(CONTEXT)


def test_it_is_paused_weekly_and_has_a_task_for_each_target(settings_only: Path) -> None:
    (settings_only / "policies" / "broken.yaml").write_text("policy: other\n")
    dag = build_verify_dag()
    assert (dag.is_paused_upon_creation, dag.catchup, dag.max_active_runs) == (True, False, 1)
    mapped: Any = dag.task_dict["verify_archive"]
    assert mapped.expand_input.value == {"policies": [["americas_credit", "emea_rates"], ["broken"]]}
    with pytest.raises(PolicyError):
        verify("broken")


def test_a_sound_archive_ends_well_and_a_fault_fails_the_task(settings_only: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(VerificationError, match="ARCHIVE_EMPTY"):
        verify("emea_rates")
    fill(LocalStore(tmp_path / "data" / "archive"))
    left = verify("emea_rates")
    assert (left["files"], left["links"], [head["number"] for head in left["heads"]]) == (3, 1, [1])
    (tmp_path / "data" / "archive" / "stray").write_bytes(b"")
    with pytest.raises(VerificationError, match="FILE_MISPLACED stray"):
        verify("emea_rates")
