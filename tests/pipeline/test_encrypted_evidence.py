"""Encrypted archives with a key: a catalog made anew, calls handed out, reports looked into; and a clear word without one."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bagit
import pytest
from custody_bench import new_catalog
from envelope_keys_made import Keyed, keyed
from pipeline_bench import Bench
from sqlalchemy import select

from cloud9_archive.catalog.rebuilding import refuse_half_rebuilt
from cloud9_archive.catalog.tables import bag_records, bags, calls, decisions, media, metadata, policy_calls, runs
from cloud9_archive.domain.call_selection import CallSelection
from cloud9_archive.domain.chain import Member, link_bytes, parse_link
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.encrypting import encrypt_text
from cloud9_archive.pipeline.export import Exported, ExportOrder, export_selection
from cloud9_archive.pipeline.export_sidecars import Sidecar
from cloud9_archive.pipeline.opening import read_opener
from cloud9_archive.pipeline.rebuild import rebuild_catalog
from cloud9_archive.pipeline.recipients import read_recipient
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.verify_scope import Sample, Scope

NOT_TOLD = {
    "first_listed_at",
    "last_listed_at",
    "decision_id",
    "replaces",
    "next_check_at",
    "attempts",
    "call_digest",
    "deadline_at",
}
IDS = {"call_id", "recording_id"}


@pytest.fixture(scope="session")
def owners(tmp_path_factory: pytest.TempPathFactory) -> list[Keyed]:
    folder = tmp_path_factory.mktemp("owners")
    return [keyed(folder, "archive"), keyed(folder, "stranger", "SECP256R1")]


@pytest.fixture(scope="session")
def lived_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sealed-once")


@pytest.fixture
def sealed(everything: Bench, owners: list[Keyed], run_of: Callable[..., Any], lived_once: Path) -> Bench:
    """A bench with an encrypted archive of one run over two calls or more, with derivatives."""
    encrypt = {"recipients": [str(owners[0].certificate)]}
    everything.policy |= {
        "media": {"profile": "alaw_8k", "deadline": "7d"},
        "archive": {"target": "archive", "retention": "30d", "encrypt": encrypt},
    }
    lived = lived_once / "root"
    if lived.exists():
        shutil.copytree(lived, everything.root)
    else:
        everything.run(run_of(start=everything.call(Kind.TWO_RECORDINGS).started_at, hours=1.5))
        shutil.copytree(everything.root, lived)
    return everything


def all_rows(bench: Bench) -> dict[str, list[dict[str, Any]]]:
    """What the catalog says, but for moments and numbers of its own."""
    tables = (bag_records, bags, calls, decisions, media, policy_calls, runs, metadata.tables["recordings"])
    with bench.workspace().catalog.begin() as connection:
        return {
            table.name: sorted(
                (
                    {k: v for k, v in row._mapping.items() if k not in NOT_TOLD}
                    for row in connection.execute(select(table))
                ),
                key=repr,
            )
            for table in tables
        }


def test_a_catalog_is_made_anew_with_a_key_and_without_one_nothing_is_begun(
    sealed: Bench, owners: list[Keyed], run_of: Callable[..., Any]
) -> None:
    before, states = all_rows(sealed), sealed.bags()
    store = sealed.workspace().store
    sealed.stack.close()
    with new_catalog(sealed.root / "catalog.sqlite") as catalog:
        with pytest.raises(ConfigurationError, match=r"is encrypted, and no key was given .*--decrypt-key FILE"):
            rebuild_catalog(catalog, [store], who="t", now=sealed.clock.now)
        refuse_half_rebuilt(catalog)
        opener = read_opener([owners[1].key])
        with pytest.raises(
            ConfigurationError, match=r"none of the keys given is that of a recipient.*--decrypt-key may"
        ):
            rebuild_catalog(catalog, [store], who="t", now=sealed.clock.now, opener=opener)
        opener = read_opener([each.key for each in owners])
        assert rebuild_catalog(catalog, [store], who="t", now=sealed.clock.now, opener=opener).findings == ()
    after = all_rows(sealed)
    in_bags = {
        row[name] for row in before["policy_calls"] + before["media"] if row["bag_id"] for name in IDS & row.keys()
    }
    for name, found in before.items():
        wanted, told = (
            [row for row in each if not IDS & row.keys() or {row[name] for name in IDS & row.keys()} & in_bags]
            for each in (found, after[name])
        )
        assert told == wanted, name
        assert wanted
    outcome = sealed.run(run_of(start=sealed.call(Kind.TWO_RECORDINGS).started_at, hours=1.5, run_id="again"))
    assert (outcome.bags, outcome.calls.unaccounted) == (0, 0)
    assert sealed.bags() == states
    sealed.verified()


def handed_out(bench: Bench, out: Path, *keys: Path, **asked: Any) -> Exported:
    order = ExportOrder(CallSelection(**asked), sidecars=frozenset(Sidecar), actor="auditor")
    store = bench.workspace().store
    return export_selection(store, order, out, now=bench.clock(), opener=read_opener(keys))


def files_below(*folders: Path) -> set[Path]:
    return {path for folder in folders for path in folder.rglob("*") if path.is_file()}


def test_an_export_holds_what_is_sealed_and_decrypted_copies_and_says_so(
    sealed: Bench, owners: list[Keyed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    before = files_below(sealed.root, elsewhere, owners[0].key.parent)
    out, call = tmp_path / "out", sealed.call(Kind.TWO_RECORDINGS)
    exported = handed_out(sealed, out, owners[0].key, call_ids=frozenset({call.call_id}))
    assert exported.findings == ()
    assert files_below(sealed.root, elsewhere, owners[0].key.parent) == before
    assert (exported.calls, exported.recordings, exported.absent) == (1, 2, ())

    bagit.Bag(str(out)).validate()
    info = (out / "bag-info.txt").read_text()
    assert f"Decrypted-Copies: {exported.decrypted}, beside the encrypted files" in info
    assert "This export holds decrypted copies" in (out / "data/README.txt").read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    (folder,) = out.glob("data/*/bags/*")
    for line in (["--ignore-missing", "manifest-sha256.txt"], ["tagmanifest-sha256.txt"]):
        subprocess.run(["sha256sum", "--quiet", "-c", *line], cwd=folder, check=True)
    told = json.loads((out / "data/provenance.json").read_bytes())
    assert told["decrypted_copies"] == exported.decrypted == 9
    for file in told["files"]:
        stored = (out / file["path"]).read_bytes()
        assert hashlib.sha256(stored).hexdigest() == file["sha256"]
        assert (file["decrypted"] is not None) == file["path"].endswith(".p7m")
        if file["decrypted"]:
            plain = (out / file["decrypted"]["path"]).read_bytes()
            assert owners[0].opens(out / file["path"]) == plain
            assert (hashlib.sha256(plain).hexdigest(), len(plain)) == (
                file["decrypted"]["sha256"],
                file["decrypted"]["size"],
            )
            assert stat.S_IMODE((out / file["decrypted"]["path"]).stat().st_mode) == 0o600
    rows = list(csv.DictReader(io.StringIO((out / "data/index.csv").read_text()), delimiter=";"))
    assert {row["recording_id"] for row in rows} == {link.recording_id for link in call.all_links}
    for row in rows:
        assert hashlib.sha256((out / row["original"]).read_bytes()).hexdigest() == row["original_sha256"]
        assert json.loads((out / row["call_document"]).read_bytes())["call"]["call_id"] == call.call_id
        for medium in (row["original"], *row["derivatives"].split()):
            assert (out / medium).is_file()
            assert (out / f"{medium}.xml").is_file()


def test_nothing_is_handed_out_without_a_key_that_opens(sealed: Bench, owners: list[Keyed], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ConfigurationError, match=r"the bag emea_rates/.* is encrypted, and no key.*--decrypt-key FILE"):
        handed_out(sealed, out)
    with pytest.raises(ConfigurationError, match="none of the keys given is that of a recipient"):
        handed_out(sealed, out, owners[1].key)
    assert not out.exists()


def test_a_copy_that_is_not_what_its_record_says_is_not_handed_out(
    sealed: Bench, owners: list[Keyed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloud9_archive.pipeline.archived_documents import RecordDocument  # noqa: PLC0415 - to lie about it

    honest = RecordDocument.contents
    monkeypatch.setattr(
        RecordDocument, "contents", lambda self: {path: ("0" * 64, 1) for path in honest(self) if "original" in path}
    )
    call = sealed.call(Kind.TWO_RECORDINGS)
    exported = handed_out(sealed, tmp_path / "out", owners[0].key, call_ids=frozenset({call.call_id}))
    assert {finding.code.value for finding in exported.findings} == {"FILE_NOT_OPENED"}
    assert (len(exported.findings), exported.decrypted) == (2, 7)
    assert len(list((tmp_path / "out").rglob("original.*.p7m"))) == 2
    assert not [path for path in (tmp_path / "out").rglob("*") if path.name.endswith((".part", "original.ogg"))]
    bagit.Bag(str(tmp_path / "out")).validate()


def lying_report(path: Path, change: Callable[[bytes], bytes], owner: Keyed, chain: Path) -> None:
    """The encrypted file holds something else, and the link vouches for that."""
    content, stored = change(owner.opens(path)), path.read_bytes()
    target = path.with_name("made")
    recipient = read_recipient(str(owner.certificate), include=Path(), now=datetime.now(UTC))
    encrypt_text(content, target, [recipient])
    path.unlink()
    target.rename(path)
    link = parse_link(chain.read_bytes())
    digests = {hashlib.sha256(stored).hexdigest(): hashlib.sha256(path.read_bytes()).hexdigest()}
    members = [Member(member.path, digests.get(member.sha256, member.sha256)) for member in link.members]
    chain.unlink()
    chain.write_bytes(link_bytes(replace(link, members=tuple(members))))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("*.audit.csv.p7m", lambda text: text + b"more", "its audit file has the digest"),
        ("*.json.p7m", lambda text: text.replace(b'"emea_rates"', b'"emea_other"'), "no report of this format"),
        ("*.json.p7m", lambda _: b"[]", "no report of this format"),
    ],
)
def test_verify_with_a_key_looks_into_reports_too(
    sealed: Bench, owners: list[Keyed], name: str, change: Callable[[bytes], bytes], words: str
) -> None:
    store, opener = sealed.workspace().store, read_opener([owners[0].key])
    sound = verify_archive(store, opener=opener)
    assert (sound.findings, sound.unopened) == ((), 0)
    (path,) = sealed.archive.glob(f"emea_rates/reports/*/*/*/{name}")
    (chain,) = sealed.archive.glob("emea_rates/chain/*.json")
    lying_report(path, change, owners[0], chain)
    assert verify_archive(store).findings == ()
    for scope in (Scope(), Scope(sample=Sample(share=1.0))):
        (finding,) = verify_archive(store, opener=opener, scope=scope).findings
        assert finding.code == "DOCUMENT_CONTRADICTED"
        assert words in finding.words
    stranger = verify_archive(store, opener=read_opener([owners[1].key]))
    assert sum("/reports/" in finding.subject for finding in stranger.findings) == 4
