"""Interim answers before the real one, from a peer that sends raw bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.api.client import Cloud9Client, FetchedRecording
from cloud9_archive.api.interim import MOST_INTERIM
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.errors import Cloud9ArchiveError, TransientError, WireFormatError

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BUSY = b"HTTP/1.1 102 Processing\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nContent-Length: 3\r\n\r\n"
UNKNOWN = b"HTTP/1.1 199 Whatever\r\nX: 1\r\n\r\n"
AUDIO = b"HTTP/1.1 200 OK\r\nContent-Type: audio/ogg\r\nContent-Length: 8\r\n\r\nOggS1234"

RawPeer = Callable[..., int]
Settings = Callable[..., Any]


def fetched(port: int, source_to: Settings, folder: Path) -> bytes:
    with Cloud9Client(source_to(port), sleep=lambda _: None) as client:
        answer = client.fetch_recording(WantedRecording("r-1"), folder / "r")
    assert isinstance(answer, FetchedRecording)
    return answer.path.read_bytes()


@pytest.mark.parametrize(
    "before",
    [CONTINUE, BUSY, HINTS, UNKNOWN, CONTINUE + BUSY + HINTS + HINTS, BUSY * (MOST_INTERIM - 1)],
    ids=["100", "102", "103", "199", "several", "as many as are read over"],
)
def test_the_answer_that_counts_is_the_last(
    raw_peer: RawPeer, source_to: Settings, tmp_path: Path, before: bytes
) -> None:
    assert fetched(raw_peer(before + AUDIO), source_to, tmp_path) == b"OggS1234"


@pytest.mark.parametrize("before", [BUSY * 1000, HINTS * MOST_INTERIM + AUDIO, HINTS], ids=["endless", "many", "none"])
def test_interim_answers_without_a_real_one_are_tried_again(
    raw_peer: RawPeer, source_to: Settings, tmp_path: Path, before: bytes
) -> None:
    with pytest.raises(TransientError):
        fetched(raw_peer(before), source_to, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_protocol_is_no_interim_answer(raw_peer: RawPeer, source_to: Settings, tmp_path: Path) -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(WireFormatError, match="was answered 101"):
        fetched(raw_peer(switching + AUDIO), source_to, tmp_path)


def test_an_interim_answer_of_too_many_lines_ends_the_attempt(
    raw_peer: RawPeer, source_to: Settings, tmp_path: Path
) -> None:
    head = b"HTTP/1.1 103 Early Hints\r\n" + b"Link: x\r\n" * 5000 + b"\r\n"
    with pytest.raises(Cloud9ArchiveError):
        fetched(raw_peer(head + AUDIO), source_to, tmp_path)
