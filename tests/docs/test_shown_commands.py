"""Shell that a page marks with ``<!-- run -->`` is run as it stands there."""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from authorities import Authority

from cloud9_archive.api.thumbprint import thumbprint_from_text, thumbprints_of
from cloud9_archive.domain import bag
from cloud9_archive.domain.chain import LinkKind, Member, link_bytes, next_link
from cloud9_archive.domain.keys import bag_folder, link_path, report_path
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.readme import write_readme

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"<!-- run -->\n```bash\n(.*?)```", re.DOTALL)
SHOWN = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in (ROOT / "README.md", ROOT / "docs" / "archive-format.md", ROOT / "docs" / "connection.md")
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), start=1)
]
DAY = date(2026, 11, 22)
POLICY = "emea_rates"


def put(store: LocalStore, key: str, content: bytes) -> Member:
    stored = store.put(key, content, sha256=hashlib.sha256(content).hexdigest())
    return Member(stored.key, stored.sha256)


def make_archive(root: Path) -> None:
    """One policy with one bag, one report and one link."""
    store = LocalStore(root)
    write_readme(store)
    folder = bag_folder(POLICY, day=DAY, bag_id="one")
    payload = {"data/calls/c-1.json": b"{}\n"}
    entries = [bag.BagEntry(path, hashlib.sha256(text).hexdigest(), len(text)) for path, text in payload.items()]
    files = bag.tag_files(entries, bag_id="one", policy=POLICY, bagging_date=DAY)
    for path, text in [*payload.items(), *((file.path, file.content) for file in files[:-1])]:
        put(store, f"{folder}/{path}", text)
    seal = put(store, f"{folder}/{files[-1].path}", files[-1].content)
    report = put(store, report_path(POLICY, day=DAY, run_id="r", extension="json"), b"{}\n")
    link = next_link(
        None,
        kind=LinkKind.REGULAR,
        policy=POLICY,
        run_id="r",
        written_at=datetime(2026, 11, 22, tzinfo=UTC),
        members=[seal, report],
    )
    put(store, link_path(POLICY, link.number), link_bytes(link))


def run(block: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The root of a checkout in which the demo has been run."""
    (tmp_path / "include").symlink_to(ROOT / "include")
    make_archive(tmp_path / "var" / "demo" / "data" / "archive")
    (tmp_path / "server.pem").write_bytes(Authority.root(tmp_path, "shown").issue().pem)
    return tmp_path


@pytest.mark.parametrize("block", SHOWN)
def test_what_is_shown_works(block: str, checkout: Path) -> None:
    told = run(block, checkout)
    assert told.returncode == 0, told.stderr
    assert "DAMAGED" not in told.stdout


def test_the_thumbprint_that_openssl_prints_is_taken_as_it_is(checkout: Path) -> None:
    told = run("openssl x509 -in server.pem -noout -fingerprint -sha256", checkout)
    certificate = ssl.PEM_cert_to_DER_cert((checkout / "server.pem").read_text())
    assert thumbprint_from_text(told.stdout) in thumbprints_of(certificate)


def test_the_loop_over_bags_sees_damage(checkout: Path) -> None:
    loop = next(block.values[0] for block in SHOWN if "DAMAGED" in str(block.values[0]))
    damaged = next((checkout / "var").rglob("c-1.json"))
    damaged.chmod(0o644)
    damaged.write_text("{ }\n")
    assert "DAMAGED" in run(str(loop), checkout).stdout
