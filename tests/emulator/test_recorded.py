from __future__ import annotations

import io
from datetime import date, timedelta

import av
import pytest

from cloud9_archive.emulator import recorded
from cloud9_archive.emulator.calls import Condition, Damage, Kind, Recording
from cloud9_archive.emulator.firm import EMEA
from cloud9_archive.emulator.recorded import Tape, damaged, make_content
from cloud9_archive.emulator.world import World

FRIDAY = date(2026, 11, 20)
DAY = World().day(EMEA, FRIDAY)


def intact_recordings() -> list[Recording]:
    return [r for r in DAY.recordings.values() if r.condition is Condition.INTACT]


def test_intact_recordings_decode_to_the_announced_length_and_channels() -> None:
    for recording in [r for r in intact_recordings() if r.milliseconds < 60_000]:
        with av.open(io.BytesIO(make_content(recording, seed=1))) as container:
            frames = list(container.decode(audio=0))
        seconds = sum(frame.samples for frame in frames) / frames[0].sample_rate
        tolerance = 0.02 if recording.container == "ogg" else 0.064
        assert seconds == pytest.approx(recording.milliseconds / 1000, abs=tolerance)
        assert frames[0].layout.nb_channels == recording.channels


def test_the_hour_long_line_says_its_length_and_has_one_stream() -> None:
    recording = next(r for r in DAY.recordings.values() if r.milliseconds > 3_600_000)
    content = make_content(recording, seed=1)
    with av.open(io.BytesIO(content)) as container:
        assert container.duration / 1e6 == pytest.approx(recording.milliseconds / 1000, abs=0.02)
    assert len(content) < 8_000_000


def test_bytes_follow_from_seed_and_id_alone_and_no_two_recordings_share_them() -> None:
    one, two = Tape(1), Tape(1)
    prints = {one.fingerprint(r).sha256 for r in intact_recordings()}
    assert prints == {two.fingerprint(r).sha256 for r in reversed(intact_recordings())}
    assert len(prints) == len(intact_recordings())
    assert prints.isdisjoint(Tape(2).fingerprint(r).sha256 for r in intact_recordings())


@pytest.mark.parametrize("damage", list(Damage))
def test_each_kind_of_damage_alters_the_bytes_behind_the_headers(damage: Damage) -> None:
    wanted = "m4a" if damage is Damage.CUT_M4A else "ogg"
    recording = next(r for r in intact_recordings() if r.container == wanted)
    whole = make_content(recording, seed=1)
    broken = damaged(whole, damage=damage, mark=b"mark")
    assert broken != whole
    assert broken[:200] == whole[:200]
    assert (len(broken) == len(whole)) == (damage is Damage.FLIPPED_BYTES)
    assert broken == damaged(whole, damage=damage, mark=b"mark")


def test_damaged_and_empty_recordings_are_what_they_say() -> None:
    on, seen = FRIDAY, set()
    while len(seen) < len(Damage):
        for call in World().day(EMEA, on).calls:
            recording = call.links[0].recording
            if call.kind is Kind.EMPTY:
                assert make_content(recording, seed=1) == b""
            if recording.damage is not None:
                seen.add(recording.damage)
                assert len(make_content(recording, seed=1)) > 0
        on += timedelta(days=1)


def test_the_tape_keeps_no_more_than_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "MEMORY", 300_000)
    tape = Tape(1)
    for recording in intact_recordings():
        tape.content(recording)
    assert sum(map(len, tape._kept.values())) == tape._held <= 300_000
    assert tape._kept
