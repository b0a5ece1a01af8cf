"""Calls handed out: what is in the export, who can check it, and what is not handed out."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import bagit
import pytest
from buckets import access_to, new_bucket
from lived_archive import Lived
from pipeline_bench import DAY

from cloud9_archive.domain.call import Call, RecordingLink
from cloud9_archive.domain.call_selection import CallSelection
from cloud9_archive.domain.keys import recording_mark
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.export import Exported, ExportOrder, export_selection
from cloud9_archive.pipeline.export_index import ExportedCall, index_csv
from cloud9_archive.pipeline.export_sidecars import Sidecar
from cloud9_archive.storage.targets import open_store


def handed_out(lived: Lived, out: Path, *, store: Any = None, sidecars: Any = (), **asked: Any) -> Exported:
    order = ExportOrder(CallSelection(**asked), sidecars=frozenset(sidecars), actor="auditor", reason="case 7")
    return export_selection(store or lived.bench.workspace().store, order, out, now=lived.bench.clock())


def index(out: Path) -> list[dict[str, str]]:
    text = (out / "data/index.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def provenance(out: Path) -> Any:
    return json.loads((out / "data/provenance.json").read_bytes())


def checked(out: Path) -> None:
    """A BagIt tool and sha256sum find nothing wrong, and provenance holds against the archive's own manifests and links."""
    bagit.Bag(str(out)).validate()
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        subprocess.run(["sha256sum", "--quiet", "-c", manifest], cwd=out, check=True)
    told = provenance(out)
    for folder in out.glob("data/*/bags/*"):
        subprocess.run(
            ["sha256sum", "--quiet", "--ignore-missing", "-c", "manifest-sha256.txt"], cwd=folder, check=True
        )
        subprocess.run(["sha256sum", "--quiet", "-c", "tagmanifest-sha256.txt"], cwd=folder, check=True)
    for file in told["files"]:
        assert hashlib.sha256((out / file["path"]).read_bytes()).hexdigest() == file["sha256"]
        link = (out / f"data/{file['policy']}/chain/{file['link']:08d}.json").read_bytes()
        assert hashlib.sha256(link).hexdigest() == file["link_sha256"]
        assert file["seal_sha256"] in {member["sha256"] for member in json.loads(link)["members"]}
        seal = (out / f"data/{file['policy']}/bags/{file['bag_id']}/tagmanifest-sha256.txt").read_bytes()
        assert hashlib.sha256(seal).hexdigest() == file["seal_sha256"]


def test_everything_is_handed_out_as_it_was_archived(lived: Lived, tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported = handed_out(lived, out)
    assert exported.findings == ()
    checked(out)
    archived = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for bag in lived.bench.bags()
        for path in bag.rglob("data/**/*")
        if path.is_file()
    }
    told = provenance(out)
    assert archived <= {file["sha256"] for file in told["files"]}
    head = max(lived.bench.archive.glob("emea_rates/chain/*.json"))
    assert told["heads"] == [
        {"policy": "emea_rates", "number": int(head.stem), "sha256": hashlib.sha256(head.read_bytes()).hexdigest()}
    ]
    assert (told["actor"], told["reason"], told["selection"]) == ("auditor", "case 7", {})
    states = lived.bench.recording_states()
    assert exported.recordings == len(states)
    assert {row["recording_id"] for row in index(out)} >= set(states)
    for row in index(out):
        if row["original"]:
            assert hashlib.sha256((out / row["original"]).read_bytes()).hexdigest() == row["original_sha256"]
        assert (out / row["call_document"]).is_file()


@pytest.mark.parametrize("asked", ["call", "recording", "user", "counterparty", "dates"])
def test_only_what_is_asked_for_is_handed_out(lived: Lived, tmp_path: Path, asked: str) -> None:
    call = lived.shared
    recording = call.all_links[0].recording_id
    documents = [d for several in lived.bench.calls().values() for d in several]
    mine = next(d for d in documents if d["call_id"] == call.call_id)
    near = next(p for p in mine["parties"] if p["side"] == "near")
    far = next(p for p in documents[0]["parties"] if p["side"] == "far" and p["firm"])["firm"]
    selection = {
        "call": {"call_ids": frozenset({call.call_id})},
        "recording": {"recording_ids": frozenset({recording})},
        "user": {"users": (near["login"].upper(),)},
        "counterparty": {"counterparties": (f"{far[:4].lower()}*",)},
        "dates": {"begin": call.started_at, "end": call.started_at + timedelta(microseconds=1)},
    }[asked]
    fits = {
        "call": lambda d: d["call_id"] == call.call_id,
        "recording": lambda d: any(r["recording_id"] == recording for r in d["recordings"]),
        "user": lambda d: any(p["side"] == "near" and p["login"] == near["login"] for p in d["parties"]),
        "counterparty": lambda d: any(
            p["side"] == "far" and any((p[n] or "").startswith(far[:4]) for n in ("firm", "group", "display_name"))
            for p in d["parties"]
        ),
        "dates": lambda d: d["started_at"] == mine["started_at"],
    }[asked]
    expected = {d["call_id"] for d in documents if fits(d)}
    exported = handed_out(lived, tmp_path / "out", **selection)
    checked(tmp_path / "out")
    assert {row["call_id"] for row in index(tmp_path / "out")} == expected
    assert 0 < len(expected) < len(lived.bench.calls())
    handed = {
        json.loads(path.read_bytes())["call"]["call_id"]
        for path in (tmp_path / "out").glob("data/*/bags/*/data/calls/*.json")
    }
    assert handed == expected
    records = [
        json.loads(p.read_bytes()) for p in (tmp_path / "out").glob("data/*/bags/*/data/recordings/*/record.json")
    ]
    if asked == "recording":
        assert [record["recording_id"] for record in records] == [recording]
    assert exported.recordings == len(records)
    assert all(any(link["call_id"] in expected for link in record["calls"]) for record in records)


def test_every_document_of_an_amended_call_and_its_recording_of_an_earlier_bag(lived: Lived, tmp_path: Path) -> None:
    handed_out(lived, tmp_path / "out", call_ids=frozenset({lived.shared.call_id}))
    documents = list((tmp_path / "out").glob("data/*/bags/*/data/calls/*.json"))
    assert len(documents) == 2
    (row,) = index(tmp_path / "out")
    newest = json.loads((tmp_path / "out" / row["call_document"]).read_bytes())
    assert newest["call"]["raw"]["stopReason"] == "Supervisor released"
    assert row["state"] == "archived"
    assert (tmp_path / "out" / row["original"]).is_file()


def test_nothing_is_written_where_something_is_and_nothing_fits_is_no_export(lived: Lived, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    with pytest.raises(ConfigurationError, match="is not empty"):
        handed_out(lived, tmp_path / "taken")
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["file"]
    with pytest.raises(ConfigurationError, match="no call in the archive fits"):
        handed_out(lived, tmp_path / "out", call_ids=frozenset({"nobody"}))
    assert not (tmp_path / "out").exists()


def test_what_was_altered_is_not_handed_out_and_told(lived: Lived, tmp_path: Path) -> None:
    record = next(path for bag in lived.bench.bags() for path in bag.glob("data/recordings/*/record.json"))
    (original,) = record.parent.glob("original.*")
    original.chmod(0o644)
    original.write_bytes(b"x" + original.read_bytes()[1:])
    exported = handed_out(lived, tmp_path / "out")
    key = str(original.relative_to(lived.bench.archive))
    assert [(finding.code, finding.subject) for finding in exported.findings] == [("FILE_ALTERED", key)]
    told = provenance(tmp_path / "out")
    assert [finding["subject"] for finding in told["findings"]] == [key]
    assert key not in {file["archive_key"] for file in told["files"]}
    assert not list((tmp_path / "out").rglob("*.part"))
    checked(tmp_path / "out")


def test_sidecars_stand_beside_each_medium(lived: Lived, tmp_path: Path) -> None:
    handed_out(lived, tmp_path / "out", sidecars=Sidecar)
    checked(tmp_path / "out")
    rows = [row for row in index(tmp_path / "out") if row["original"]]
    for row in rows:
        for medium in (row["original"], *row["derivatives"].split()):
            root = ET.fromstring((tmp_path / "out" / f"{medium}.xml").read_bytes())  # noqa: S314 - our own
            assert root.findtext("native_id") == row["recording_id"]
            assert root.findtext("location") == medium
            calls = {each.findtext("native_call_id"): each for each in (root, *root.findall("further_call"))}
            caller = calls[row["call_id"]].findtext("source_caller_id")
            assert caller in row["near_end"]
            told = json.loads((tmp_path / "out" / f"{medium}.json").read_bytes())
            assert told["start"] <= row["started_at"] <= told["end"]
            assert all(set(channel) == {"userID", "userName", "deviceID"} for channel in told["channels"])
            assert caller in {channel["userID"] for channel in told["channels"]}
    assert len({row["recording_id"] for row in rows}) < len(rows), "one is shared"
    assert rows


def test_a_bucket_hands_out_the_same(lived: Lived, tmp_path: Path, moto_url: str) -> None:
    access = access_to(moto_url)
    client = access.client()
    name = new_bucket(client)
    for path in filter(Path.is_file, lived.bench.archive.rglob("*")):
        client.put_object(Bucket=name, Key=f"emea/{path.relative_to(lived.bench.archive)}", Body=path.read_bytes())
    bucket = open_store(f"s3://{name}/emea", base=tmp_path, access=access)
    local = lived.bench.workspace().store
    asked = {"call_ids": frozenset({lived.shared.call_id})}
    first = handed_out(lived, tmp_path / "same", store=local, **asked)
    (tmp_path / "same").rename(tmp_path / "local")
    second = handed_out(lived, tmp_path / "same", store=bucket, **asked)
    assert first == second, "to the last digest"
    checked(tmp_path / "same")


def test_one_recording_of_a_call_comes_without_its_sibling_which_the_index_names(lived: Lived, tmp_path: Path) -> None:
    call = lived.bench.call(Kind.TWO_RECORDINGS)
    mine, other = (link.recording_id for link in call.all_links)
    exported = handed_out(lived, tmp_path / "out", recording_ids=frozenset({mine}))
    checked(tmp_path / "out")
    found = (tmp_path / "out").glob("data/*/bags/*/data/recordings/*/record.json")
    assert [json.loads(path.read_bytes())["recording_id"] for path in found] == [mine]
    assert (exported.recordings, exported.absent) == (1, ())
    assert {row["recording_id"]: (row["state"], bool(row["original"])) for row in index(tmp_path / "out")} == {
        mine: ("archived", True),
        other: ("not_in_export", False),
    }


@pytest.mark.parametrize(
    ("state", "disposed", "shown"),
    [
        ("archived", False, "not_in_export"),
        ("earlier_bag", False, "not_in_export"),
        ("missing", False, "missing"),
        ("awaiting_media", False, "awaiting_media"),
        ("archived", True, "disposed"),
        ("earlier_bag", True, "disposed"),
    ],
)
def test_the_index_says_where_a_recording_stands_that_is_not_in_the_export(
    state: str, shown: str, *, disposed: bool
) -> None:
    call = Call("s", "c", DAY, recordings=(RecordingLink("r"),))
    exported = ExportedCall("p", call, (), "bag", "data/p/c.json", 1, {"r": state})
    text = index_csv([exported], {}, [], disposed={("p", recording_mark("s", "r"))} if disposed else ())
    (row,) = csv.DictReader(io.StringIO(text.decode()), delimiter=";")
    assert (row["recording_id"], row["state"], row["original"]) == ("r", shown, "")
