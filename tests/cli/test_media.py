"""``cloud9-archive media``: what a person and a program are told of files, and what is written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from long_audio import write_silence
from typer.testing import Result
from worker_children import ILL_WILL, children

from cloud9_archive.cli import media_work
from cloud9_archive.media.jobs import DEFAULT_LIMITS
from cloud9_archive.media.probe import examine
from cloud9_archive.media.verdicts import Verdict

Command = Callable[..., Result]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_silence(tmp_path / "good.ogg", seconds=2.0)


def test_intact_files_are_told_in_their_order_and_end_with_0(command: Command, good: Path, tmp_path: Path) -> None:
    longer = write_silence(tmp_path / "a\nlonger \x1b[31mone.ogg", seconds=600, channels=2)
    result = command("media", "inspect", longer, good)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{str(longer)!r}: intact, 600.000 s, ogg opus, 2 channels, 48000 Hz",
        f"{good}: intact, 2.000 s, ogg opus, 1 channel, 48000 Hz",
    ]
    assert children() == []


def test_each_file_that_is_not_intact_is_told_and_the_worst_code_is_the_end(
    command: Command, good: Path, tmp_path: Path
) -> None:
    cut, pipe, loop = tmp_path / "cut.ogg", tmp_path / "pipe", tmp_path / "loop"
    cut.write_bytes(good.read_bytes()[:-20])
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    told = command("media", "inspect", good, cut)
    assert told.exit_code == 1
    assert told.stdout.splitlines()[1].startswith(f"{cut}: damaged: OGG_")
    told = command("media", "inspect", tmp_path, pipe, tmp_path / "absent", loop, good)
    assert told.exit_code == 2
    assert told.stdout.splitlines()[:-1] == [
        f"{tmp_path}: it is a folder; name the files in it",
        f"{pipe}: it is no regular file",
        f"{tmp_path / 'absent'}: there is no such file",
        f"{loop}: it cannot be read: Too many levels of symbolic links",
    ]
    assert told.stdout.splitlines()[-1].startswith(f"{good}: intact")


def test_programs_read_one_document_a_line(command: Command, good: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd \udcff.ogg"
    odd.write_bytes(b"<html>")
    told = command("media", "inspect", good, odd, tmp_path / "absent", "--json")
    first, second, third = map(json.loads, told.stdout.splitlines())
    assert (first["file"], first["intact"], first["failure"]) == (str(good), True, None)
    assert (first["examination"]["duration"], first["examination"]["verdict"]) == (2.0, "intact")
    assert (second["file"], second["intact"]) == (str(odd), False)
    assert second["examination"]["code"] == "NOT_AUDIO_HTML"
    assert third["examination"] is None
    assert third["failure"] == {"code": "CONFIGURATION", "reason": "there is no such file"}


def test_a_file_that_kills_its_worker_is_one_line(
    command: Command, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ILL_WILL))
    deadly = tmp_path / "segfault.ogg"
    deadly.write_bytes(good.read_bytes())
    told = command("media", "inspect", deadly, good)
    assert told.exit_code == 1
    first, second = told.stdout.splitlines()
    assert first.startswith(f"{deadly}: not usable (MEDIA_WORKER_LOST): the worker was ended by signal 11")
    assert second.startswith(f"{good}: intact")


def test_the_deployments_limits_are_those_of_the_workers_unless_it_says_otherwise() -> None:
    assert media_work.deployment_settings().media_limits == DEFAULT_LIMITS


def test_the_deployments_limits_hold(command: Command, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CLOUD9_ARCHIVE__MEDIA_LONGEST_HOURS", "0.0001")
    told = command("media", "inspect", good)
    assert told.exit_code == 1
    assert "MEDIA_LIMIT_EXCEEDED" in told.stdout
    monkeypatch.setenv("AIRFLOW__CLOUD9_ARCHIVE__MEDIA_MEMORY_MIB", "100")
    told = command("media", "inspect", good)
    assert told.exit_code == 2
    assert "media_memory_mib is 100" in told.stderr
    monkeypatch.setenv("AIRFLOW__CLOUD9_ARCHIVE__MEDIA_MEMORY_MIB", "512")
    monkeypatch.setenv("AIRFLOW__CLOUD9_ARCHIVE__MEDIA_DEADLINE_MINUTES", "0.5")
    limits = media_work.deployment_settings().media_limits
    assert (limits.memory_bytes, limits.wall_seconds, round(limits.longest_seconds, 6)) == (512 * 2**20, 30.0, 0.36)


def test_a_derivative_is_written_once(command: Command, good: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    told = command("media", "transcode", good, "--profile", "alaw_8k", "--out", out)
    assert told.exit_code == 0, told.stderr
    made = out / "good.wav"
    assert sorted(path.name for path in out.iterdir()) == ["good.peaks.json", "good.wav"]
    assert examine(made).verdict is Verdict.INTACT
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    lines = told.stdout.splitlines()
    assert lines[0] == f"{made}: 2.000 s, pcm_alaw, 1 channel, 8000 Hz, {made.stat().st_size} bytes, sha256 {digest}"
    assert lines[1] == "  matches its original: 16000 samples of 16000, silent: channel 1"
    for path in (out, made, good):
        again = command("media", "transcode", good, "--profile", "alaw_8k", "--out", path)
        assert again.exit_code == 2
        assert "already – nothing is replaced" in again.stderr
    made.unlink()
    again = command("media", "transcode", good, "--profile", "alaw_8k", "--out", made)
    assert "good.peaks.json already" in again.stderr
    assert not made.exists()


def test_programs_read_what_was_written(command: Command, tmp_path: Path) -> None:
    stereo = write_silence(tmp_path / "stereo.ogg", seconds=1.0, channels=2)
    told = command("media", "transcode", stereo, "--profile", "gsm_8k", "--out", tmp_path / "x.wav", "--json")
    assert told.exit_code == 0
    document = json.loads(told.stdout)
    for each in [*document["derivatives"], document["waveform"]]:
        content = Path(each["file"]).read_bytes()
        assert (each["size"], each["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert [each["part"] for each in document["derivatives"]] == ["channel-1", "channel-2"]


@pytest.mark.parametrize(
    ("profile", "out", "words"),
    [
        ("alaw", "x.wav", "did you mean 'alaw_8k'"),
        ("none", "x.wav", "makes no derivative"),
        ("alaw_8k", "absent/x.wav", "there is no folder"),
    ],
)
def test_what_cannot_be_made_is_refused(
    command: Command, good: Path, tmp_path: Path, profile: str, out: str, words: str
) -> None:
    told = command("media", "transcode", good, "--profile", profile, "--out", tmp_path / out)
    assert (told.exit_code, words in told.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == [good]


def test_a_damaged_original_leaves_nothing(command: Command, good: Path, tmp_path: Path) -> None:
    good.write_bytes(good.read_bytes()[:-20])
    told = command("media", "transcode", good, "--profile", "alaw_8k", "--out", tmp_path / "x.wav")
    assert told.exit_code == 1
    assert ": damaged: OGG_" in told.stdout
    assert list(tmp_path.iterdir()) == [good]
    told = command("media", "transcode", tmp_path, "--profile", "alaw_8k", "--out", tmp_path / "x.wav")
    assert (told.exit_code, "it is a folder" in told.stderr) == (2, True)


POLICY = """
policy: desk
sources: [cloud9_emea]
schedule: {cron: "0 2 * * *", timezone: Europe/London}
recording_rules:
  enabled: true
  roster: rosters/emea.csv
  sections:
    - {name: intercom, when: {call_type: [intercom]}, then: record, profile: gsm_8k}
    - {name: as it is, when: {call_type: [ringdown]}, then: record, profile: none}
    - {name: the rest, then: record, profile: desk_opus}
media: {profile: alaw_8k, profiles: {desk_opus: {codec: opus, bit_rate: 40000}, unused: {codec: flac}}}
archive: {target: archive}
"""


@pytest.fixture
def policy(settings_only: Path) -> Path:
    path = settings_only / "policies" / "desk.yaml"
    path.write_text(POLICY)
    return path


def test_all_that_a_policy_may_ask_for_is_made_under_the_names_of_its_profiles(
    command: Command, policy: Path, tmp_path: Path
) -> None:
    stereo = write_silence(tmp_path / "call.ogg", seconds=1.0, channels=2)
    out = tmp_path / "out"
    out.mkdir()
    told = command("media", "transcode", "--policy", "desk", stereo, "--out", out, "--json")
    assert told.exit_code == 0, told.stderr
    documents = [json.loads(line) for line in told.stdout.splitlines()]
    assert [document["profile"] for document in documents] == ["alaw_8k", "gsm_8k", "desk_opus"]
    made = {Path(each["file"]).name: each["size"] for document in documents for each in document["derivatives"]}
    assert set(made) == {
        "call.alaw_8k.wav",
        "call.gsm_8k.channel-1.wav",
        "call.gsm_8k.channel-2.wav",
        "call.desk_opus.ogg",
    }
    assert {name: (out / name).stat().st_size for name in made} == made
    assert {path.name for path in out.iterdir()} - set(made) == {
        "call.alaw_8k.peaks.json",
        "call.gsm_8k.peaks.json",
        "call.desk_opus.peaks.json",
    }
    again = command("media", "transcode", "--policy", policy, stereo, "--out", out)
    assert (again.exit_code, "call.alaw_8k.wav already" in again.stderr) == (2, True)


def test_a_profile_of_a_policys_own_is_made_alone(command: Command, policy: Path, good: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.flac"
    told = command("media", "transcode", "--policy", policy, "--profile", "unused", good, "--out", out)
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith(f"{out}: 2.000 s, flac")
    told = command("media", "transcode", "--profile", "unused", good, "--out", tmp_path / "y.flac")
    assert told.exit_code == 2


def test_a_damaged_original_is_told_once_for_all_profiles(
    command: Command, policy: Path, good: Path, tmp_path: Path
) -> None:
    good.write_bytes(good.read_bytes()[:-20])
    out = tmp_path / "out"
    out.mkdir()
    told = command("media", "transcode", "--policy", policy, good, "--out", out)
    assert (told.exit_code, len(told.stdout.splitlines()), list(out.iterdir())) == (1, 1, [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give --profile, or --policy"),
        (("--policy", "absent"), "absent"),
        (("--policy", "desk", "--profile", "odd"), "has no media profile odd"),
        (("--policy", "desk", "--profile", "none"), "makes no derivative"),
    ],
)
def test_what_says_not_what_to_make_is_refused(
    command: Command, policy: Path, good: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    told = command("media", "transcode", *words, good, "--out", tmp_path)
    assert (told.exit_code, said in told.stderr) == (2, True), told.stderr


def test_a_policy_needs_a_folder_and_something_to_make(
    command: Command, policy: Path, good: Path, tmp_path: Path
) -> None:
    told = command("media", "transcode", "--policy", "desk", good, "--out", tmp_path / "absent")
    assert (told.exit_code, "there is no folder" in told.stderr) == (2, True)
    policy.write_text(
        POLICY.replace("profile: gsm_8k", "profile: none").replace("desk_opus}", "none}").replace("alaw_8k", "none")
    )
    told = command("media", "transcode", "--policy", "desk", good, "--out", tmp_path)
    assert (told.exit_code, "asks for no derivative" in told.stderr) == (2, True), told.stderr
