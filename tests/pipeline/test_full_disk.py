"""A disk that is really full, in a mount of its own: under the archive, under staging, and under the catalog."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pipeline_bench import ONE_RUN
from sqlalchemy import event

from cloud9_archive.catalog.catalog import open_catalog
from cloud9_archive.catalog.faults import database_faults_told
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import UnreachableError
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.storage.local import LocalStore

IN_A_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]


@cache
def can_mount() -> bool:
    """Whether this user may mount something where nobody else sees it; some hosts forbid it."""
    try:
        tried = subprocess.run([*IN_A_NAMESPACE, "mount -t tmpfs none /mnt"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return tried.returncode == 0


@pytest.mark.skipif(not can_mount(), reason="this host lets nobody mount a file system of their own")
@pytest.mark.parametrize(("full", "size"), [("archive", "72k"), ("staging", "40k")])
def test_a_run_says_that_the_disk_is_full_and_goes_on_when_there_is_room(
    everything: Any, run_of: Any, full: str, size: str
) -> None:
    run = run_of(start=everything.call(Kind.TWO_RECORDINGS).started_at, hours=1 / 3600)
    place, root = everything.root / full, everything.root
    place.mkdir(parents=True)
    script = f"""
        mount -t tmpfs -o size={size} none {place}
        if {sys.executable} {ONE_RUN} < {root}/order 2> {root}/complaint; then exit 9; fi
        find {root}/staging/media -type f > {root}/staged
        find {place} -name '*.part' > {root}/drafts
        mount -o remount,size=16m {place}
        {sys.executable} {ONE_RUN} < {root}/order
        cp -r {root}/archive {root}/copy
    """
    (root / "order").write_text(json.dumps(everything.order(run)))
    done = subprocess.run([*IN_A_NAMESPACE, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = (root / "complaint").read_text().splitlines()[-1]
    assert said.startswith("cloud9_archive.errors.TransientError: ")
    assert "No space left on device" in said
    assert said.endswith("the disk is full: free or add space; the task goes on by itself at its next retry")
    assert (root / "drafts").read_text() == ""
    if full == "archive":
        assert len((root / "staged").read_text().splitlines()) == 2, "what could not be archived stays in staging"
    assert json.loads(done.stdout.splitlines()[-1])["calls"]["archived"] == 1
    assert verify_archive(LocalStore(root / "copy")).findings == ()


def test_a_full_disk_under_the_catalog_is_told(tmp_path: Path) -> None:
    """SQLite raises at a limit of its own what it raises when the disk is full."""
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    event.listen(catalog.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=1"))
    with (
        pytest.raises(UnreachableError, match="disk is full – free or add space where the catalog lies"),
        database_faults_told(),
        catalog.begin() as connection,
    ):
        connection.exec_driver_sql("CREATE TABLE filler AS SELECT randomblob(1000000) AS x")
