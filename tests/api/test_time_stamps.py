"""What an authority answers is a time stamp on our question, from the address that was asked, or it is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from local_tsa import LocalTsa, listening, make_tsa

from cloud9_archive.api.time_stamps import TimestampAuthority, check_timestamp, read_roots
from cloud9_archive.errors import ConfigurationError

CONTENT = b"a link of a chain\n"


@pytest.fixture
def tsa(tmp_path: Path) -> Iterator[LocalTsa]:
    with listening(make_tsa(tmp_path / "tsa")) as made:
        yield made


def authority(tsa: LocalTsa) -> TimestampAuthority:
    return TimestampAuthority(tsa.url, read_roots(tsa.root.read_bytes(), name="root"))


def test_an_older_time_stamp_on_the_very_same_bytes_is_no_answer(tsa: LocalTsa, tmp_path: Path) -> None:
    """Whoever is in between could have kept it; only the number that the question bore tells it from a new one."""
    (tmp_path / "content").write_bytes(CONTENT)
    query = f"ts -query -data {tmp_path / 'content'} -sha256 -cert -out {tmp_path / 'query'}"
    subprocess.run(["openssl", *query.split()], check=True, capture_output=True)
    tsa.answer = tsa.reply((tmp_path / "query").read_bytes())
    roots = read_roots(tsa.root.read_bytes(), name="root")
    assert check_timestamp(tsa.answer, CONTENT, roots=roots), "it is right in itself"
    with pytest.raises(ConfigurationError, match="does not hold: Nonce"):
        authority(tsa).stamp(CONTENT)
    tsa.answer = None
    assert check_timestamp(authority(tsa).stamp(CONTENT), CONTENT, roots=roots)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_followed_to_another_address(tsa: LocalTsa, status: int) -> None:
    """The other one would answer well, and is of the same authority."""
    with ExitStack() as stack:
        other = stack.enter_context(listening(LocalTsa(tsa.home)))
        tsa.status, tsa.headers, tsa.answer = status, {"Location": other.url}, b""
        with pytest.raises(ConfigurationError, match=f"answered {status}"):
            authority(tsa).stamp(CONTENT)
        assert (tsa.asked, other.asked) == (1, 0)
        assert authority(other).stamp(CONTENT)
