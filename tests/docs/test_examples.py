"""The worked examples are what this software writes, accepts, and what their page says of them."""

from __future__ import annotations

import importlib.util
import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from example_archive import SOURCE, build, calls

from cloud9_archive.domain import bag
from cloud9_archive.domain.chain import link_bytes, parse_link
from cloud9_archive.domain.keys import call_key, recording_key
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.opening import read_opener
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.verify_proofs import read_trust
from cloud9_archive.pipeline.verify_report import Code
from cloud9_archive.storage.local import LocalStore

spec = importlib.util.spec_from_file_location("examples", Path(__file__).with_name("examples.py"))
assert spec is not None
assert spec.loader is not None
examples = importlib.util.module_from_spec(spec)
spec.loader.exec_module(examples)

PLAIN: Path = examples.EXAMPLES / "plain"
ENCRYPTED: Path = examples.EXAMPLES / "encrypted"
ANEW = "write them anew: python tests/docs/examples.py"


def files_of(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".incoming" not in path.parts
    }


def test_the_plain_archive_is_written_again_to_the_same_bytes(tmp_path: Path) -> None:
    found, made = files_of(PLAIN), files_of(build(tmp_path))
    assert sorted(found) == sorted(made), ANEW
    assert [name for name in made if made[name] != found[name]] == [], ANEW


def test_the_encrypted_archive_is_written_again_with_the_same_inside(tmp_path: Path) -> None:
    opener = read_opener([examples.EXAMPLES / "archive-key.pem"])
    assert opener is not None
    found, made = files_of(ENCRYPTED), files_of(build(tmp_path, certificate=examples.EXAMPLES / "archive.pem"))
    assert sorted(found) == sorted(made), ANEW
    for name in made:
        if "/calls/" in name or name.endswith((".csv.p7m", ".ogg.p7m")):
            assert opener.read(found[name]) == opener.read(made[name]), ANEW


def test_verify_accepts_both(tmp_path: Path) -> None:
    keys = list(PLAIN.glob("keys/*.pem"))
    opener = read_opener([examples.EXAMPLES / "archive-key.pem"])
    for root, unopened in ((PLAIN, 0), (ENCRYPTED, 0)):
        report = verify_archive(LocalStore(root), trust=read_trust(keys, None), opener=opener)
        assert (report.findings, report.unopened, report.bags, report.links) == ((), unopened, 2, 3)
    assert verify_archive(LocalStore(ENCRYPTED)).unopened == 7


def test_the_page_shows_what_its_lines_print() -> None:
    page = examples.PAGE.read_text(encoding="utf-8")
    steps = examples.STEP.findall(page)
    assert len(steps) == page.count("```bash") == 8
    for shell, shown in steps:
        assert examples.printed(shell) == shown, ANEW


def test_keys_tag_files_roots_and_links_come_out_as_they_lie_there() -> None:
    names = {path.name for path in PLAIN.glob("example/bags/*/*/*/*/data/*/*")}
    known = list(calls())
    for call in (known[0], known[1], known[3]):
        assert f"{call_key(SOURCE, call.call_id)}.json" in names
        assert recording_key(SOURCE, call.recordings[0].recording_id) in names
    for root in (PLAIN, ENCRYPTED):
        for folder in root.glob("example/bags/*/*/*/*"):
            files = files_of(folder)
            lines = bag.parse_manifest(files[bag.MANIFEST])
            entries = [bag.BagEntry(line.path, line.sha256, len(files[line.path])) for line in lines]
            tags = bag.parse_bag_info(files[bag.BAG_INFO])
            info = dict(tags)
            own = [pair for pair in tags if pair[0] in ("Policy-Version", "Recordings", "Calls") or "Encr" in pair[0]]
            made = bag.tag_files(
                entries,
                bag_id=info["External-Identifier"],
                policy=info["Bag-Group-Identifier"],
                bagging_date=date.fromisoformat(info["Bagging-Date"]),
                tags=own,
            )
            assert {tag.path: tag.content for tag in made}.items() <= files.items()
        for path in root.glob("example/chain/*.json"):
            link = parse_link(path.read_bytes())
            assert link_bytes(link) == path.read_bytes()
            assert json.loads(path.read_bytes())["merkle_root"] == link.merkle_root


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PLAIN, tmp_path / "copy"))


def test_a_bag_of_another_format_is_refused_with_words(copied: Path) -> None:
    info = next(copied.glob("example/bags/*/*/*/*/bag-info.txt"))
    info.write_bytes(info.read_bytes().replace(b"Cloud9-Archive-Format: 1", b"Cloud9-Archive-Format: 2"))
    found = verify_archive(LocalStore(copied)).findings
    words = [each.words for each in found if each.code is Code.BAG_MALFORMED]
    assert words == ["bag-info.txt: it is of format '2', and this software knows format 1"]


def test_a_record_of_another_format_is_refused_with_words(copied: Path) -> None:
    record = next(copied.glob("example/bags/*/*/*/*/data/recordings/*/record.json"))
    document = json.loads(record.read_bytes())
    record.write_text(json.dumps({**document, "format": "2"}))
    found = verify_archive(LocalStore(copied)).findings
    words = [each.words for each in found if each.code is Code.RECORD_CONTRADICTED]
    assert words == ["it is of format '2', and this software knows format 1"]


def test_a_link_of_another_format_is_refused_with_words() -> None:
    content = (PLAIN / "example/chain/00000001.json").read_bytes()
    with pytest.raises(ConfigurationError, match="format"):
        parse_link(content.replace(b"chain link 2", b"chain link 3"))
