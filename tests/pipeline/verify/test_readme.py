"""README.txt: its own lines, run with bash, see what verify sees."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.storage.readme import README_DIGESTS, README_TEXT, write_readme

POLICY = "emea_rates"


def run_documented_lines(root: Path) -> str:
    """What the indented lines of the archive's own README print."""
    blocks = re.findall(r"(?:^    .*\n|^\n)+", (root / "README.txt").read_text(), re.MULTILINE)
    script = "".join(line for block in blocks for line in block.splitlines(keepends=True))
    done = subprocess.run(["bash", "-c", script], cwd=root, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


def faults(archive: Any) -> list[str]:
    return [line for line in run_documented_lines(archive.root).splitlines() if " head " not in line]


def test_a_good_archive_prints_heads_only(archive: Any) -> None:
    printed = run_documented_lines(archive.root)
    assert faults(archive) == []
    assert f"{POLICY}/chain head {archive.links[-1].digest()}" in printed
    for link in archive.links:
        assert f"{link.digest()} head of {POLICY}/chain/{link.number:08d}.json" in printed


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (f"{POLICY}/bags/2026/11/22/batch-1-a/bag-info.txt", "DAMAGED"),
        (f"{POLICY}/bags/2026/11/22/batch-1-a/manifest-sha256.txt", "DAMAGED"),
        (f"{POLICY}/bags/2026/11/22/batch-1-a/tagmanifest-sha256.txt", "ALTERED"),
        (f"{POLICY}/chain/00000002.json", "BROKEN"),
    ],
)
def test_altered_files_are_told(archive: Any, name: str, found: object) -> None:
    path = archive.root / name
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"batch", b"catch").replace(b"T02", b"T03").replace(b"0", b"1", 1))
    assert any(found in line for line in faults(archive))


def test_deleted_and_added_files_are_told(archive: Any) -> None:
    bag = archive.root / POLICY / "bags/2026/11/22/batch-1-a"
    (bag / "data/extra").write_bytes(b"")
    assert any("DAMAGED" in line for line in faults(archive))
    shutil.rmtree(bag)
    assert any("ALTERED" in line for line in faults(archive))
    archive.put_bag("batch-9")
    assert any("NOT IN THE CHAIN" in line and "batch-9" in line for line in faults(archive))
    (archive.root / POLICY / "chain/00000001.json").unlink()
    assert any("GAP BEFORE" in line for line in faults(archive))


def test_a_wrong_root_is_told(archive: Any) -> None:
    path = archive.root / POLICY / "chain/00000001.json"
    root = archive.links[0].merkle_root
    path.chmod(0o644)
    path.write_text(path.read_text().replace(root, root[::-1]))
    assert "WRONG ROOT: emea_rates/chain/00000001.json" in faults(archive)


def test_the_text_is_known_to_verify() -> None:
    assert hashlib.sha256(README_TEXT).hexdigest() == README_DIGESTS[-1]


def test_it_is_written_once_and_the_text_of_another_release_stays(archive: Any) -> None:
    again = write_readme(archive.store)
    assert again is not None
    assert not again.created
    path = archive.root / "README.txt"
    path.unlink()
    path.write_text("of another release")
    assert write_readme(archive.store) is None
    assert path.read_text() == "of another release"
