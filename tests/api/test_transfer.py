"""Moving bytes: all that were announced and no others, or none; a cut never looks like an end."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.api.client import Cloud9Client, FetchedRecording
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.transfer import Arriving, _has_more, store_chunks
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.errors import Cloud9ArchiveError, IncompleteBodyError, TransientError, WireFormatError

RawPeer = Callable[..., int]
Settings = Callable[..., SourceSettings]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: audio/ogg\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def fetched(port: int, source_to: Settings, folder: Path, waits: list[float] | None = None) -> bytes:
    with Cloud9Client(source_to(port), sleep=(waits if waits is not None else []).append) as client:
        recording = client.fetch_recording(WantedRecording("r-1"), folder / "r")
    assert isinstance(recording, FetchedRecording)
    content = recording.path.read_bytes()
    assert (recording.size, recording.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return content


@pytest.mark.parametrize("abruptly", [False, True], ids=["ended", "hung up"])
@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 10\r\n\r\n12345",
        HEAD + b"Content-Length: 10\r\nConnection: close\r\n\r\n12345",
        HEAD + b"Content-Length: 4\r\n\r\n12345",
        HEAD + b"Content-Length: 1\r\n\r\n12345",
        HEAD + b"Content-Length: 4\r\nConnection: close\r\n\r\n12345",
        HEAD + b"Content-Length: 8191\r\n\r\n" + b"x" * 70_000,
        HEAD + b"Content-Length: 16384\r\n\r\n" + b"x" * 70_000,
        HEAD + b"Content-Length: 5, 5\r\n\r\n12345",
        HEAD + b"Content-Length: -5\r\n\r\n12345",
        HEAD + b"Content-Length: +5\r\n\r\n12345",
        HEAD + b"Content-Length: 0x5\r\n\r\n12345",
        HEAD + b"Content-Length:\r\n\r\n12345",
        HEAD + b"\r\n12345",
        CHUNKED + b"5\r\n12345\r\n",
        CHUNKED + b"5\r\n123",
        CHUNKED + b"5\r\n12345\r\nfffff",
        CHUNKED + b"5\r\n12345\r\nxyz\r\n",
        CHUNKED,
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n12345",
        HEAD + b"Transfer-Encoding: identity\r\n\r\n12345",
    ],
    ids=lambda answer: repr(answer[len(HEAD) :][:40]),
)
def test_a_body_that_may_be_cut_is_never_kept(
    raw_peer: RawPeer, source_to: Settings, tmp_path: Path, answer: bytes, *, abruptly: bool
) -> None:
    waits: list[float] = []
    with pytest.raises(TransientError) as caught:
        fetched(raw_peer(answer, abruptly=abruptly), source_to, tmp_path, waits)
    assert abruptly or isinstance(caught.value, IncompleteBodyError)
    assert len(waits) == 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("abruptly", [False, True], ids=["ended", "hung up"])
@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 8\r\n\r\n12345678",
        HEAD + b"Content-Length: 8\r\nConnection: close\r\n\r\n12345678",
        HEAD + b"Content-Encoding: Identity\r\nContent-Length: 8\r\n\r\n12345678",
        CHUNKED + b"5\r\n12345\r\n3;sum=1\r\n678\r\n0\r\n\r\n",
    ],
    ids=["length", "closed", "identity", "chunked"],
)
def test_a_body_that_is_whole_is_kept(
    raw_peer: RawPeer, source_to: Settings, tmp_path: Path, answer: bytes, *, abruptly: bool
) -> None:
    assert fetched(raw_peer(answer, abruptly=abruptly), source_to, tmp_path) == b"12345678"


@pytest.mark.parametrize("size", [1, 2, 8190, 8191, 8192, 16384, 300_000])
def test_a_whole_body_of_any_size_is_kept(raw_peer: RawPeer, source_to: Settings, tmp_path: Path, size: int) -> None:
    body = b"OggS" + b"x" * size
    answer = HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    assert fetched(raw_peer(answer), source_to, tmp_path) == body


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"identity, gzip", b"deflate", b"aws-chunked"])
def test_a_body_in_an_encoding_is_refused(
    raw_peer: RawPeer, source_to: Settings, tmp_path: Path, encoding: bytes
) -> None:
    answer = HEAD + b"Content-Encoding: " + encoding + b"\r\nContent-Length: 5\r\n\r\n12345"
    with pytest.raises(WireFormatError, match="Content-Encoding"):
        fetched(raw_peer(answer), source_to, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_came_behind_the_last_byte_is_seen_and_an_end_is_not_taken_for_it() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(7)
        assert not _has_more(ours)
        theirs.send(b"more")
        assert _has_more(ours)
        ours.recv(10)
        theirs.close()
        assert not _has_more(ours)
        assert ours.gettimeout() == 7
    assert not _has_more(ours)


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=20), st.lists(st.integers(0, 600), max_size=4))
def test_what_was_looked_at_comes_again(pieces: list[bytes], looks: list[int]) -> None:
    arriving = Arriving(iter(pieces))
    whole = b"".join(pieces)
    for size in looks:
        assert arriving.head(size) == whole[:size]
    assert b"".join(arriving.chunks(most=2000, too_large=lambda size: Cloud9ArchiveError(f"{size}"))) == whole


def test_what_breaks_off_leaves_what_stood_there(tmp_path: Path) -> None:
    into = tmp_path / "r"
    into.write_bytes(b"before")

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise IncompleteBodyError("broken")

    with pytest.raises(IncompleteBodyError):
        store_chunks(broken(), into)
    assert into.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [into]
