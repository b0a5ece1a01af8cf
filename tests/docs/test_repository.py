"""What the repository and its wheel must hold, and must not."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from cloud9_archive import __version__

ROOT = Path(__file__).parents[2]
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
MACHINE_PATH = re.compile(rb"(?<![\w.~-])/(?:work|root|tmp|home)/")
INDEX_HOST = re.compile(rb"pypi\.org|python[h]osted|index-ur[l]")


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [path for name in names.decode().split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("pattern", [MACHINE_PATH, INDEX_HOST], ids=["machine paths", "package indexes"])
def test_no_file_names_a_place_of_somebodys_machine(pattern: re.Pattern[bytes]) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {hit[0].decode()}"
        for path in tracked()
        if path.suffix not in {".ogg", ".m4a", ".png"}
        for hit in [pattern.search(path.read_bytes())]
        if hit
    ]
    assert found == []


def test_airflow_does_not_read_the_package_a_second_time() -> None:
    assert (ROOT / "plugins" / ".airflowignore").read_text(encoding="utf-8") == "*\n"


def test_every_line_of_the_lock_is_pinned_and_hashed() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) > 100
    for line in lines:
        assert re.match(r"[a-z0-9._\[\],-]+==\S+( ; .+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*$", line), line[:100]


def test_the_licence_is_apache_2() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2


def test_the_newest_changes_are_those_of_this_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__


def test_the_wheel_is_complete(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (built,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as wheel:
        names = set(wheel.namelist())
        (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
        points = ConfigParser()
        points.read_string(wheel.read(entry_points).decode())
    package = ROOT / "plugins" / "cloud9_archive"
    needed = [*package.glob("api/formats/*.yaml"), *package.glob("emulator/audio/samples/*")]
    needed += [*package.glob("catalog/migrations/**/*.py"), *package.glob("catalog/migrations/*.mako")]
    needed += [*package.glob("pipeline/pages/*"), package / "py.typed"]
    assert len(needed) > 15
    assert {path.relative_to(ROOT / "plugins").as_posix() for path in needed} <= names
    assert not [name for name in names if ".airflowignore" in name or name.startswith("tests")]
    assert points["apache_airflow_provider"]["provider_info"] == "cloud9_archive.get_provider_info:get_provider_info"
    assert points["airflow.plugins"]["cloud9_archive"] == "cloud9_archive.plugin:Cloud9ArchivePlugin"
    assert points["console_scripts"]["cloud9-archive"] == "cloud9_archive.cli:main"
