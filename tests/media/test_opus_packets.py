from __future__ import annotations

import pytest

from cloud9_archive.media.opus_packets import packet_samples, read_opus_head

# RFC 6716, table 2: the length of one frame in tenths of a millisecond, by configuration number.
TENTHS = [100, 200, 400, 600] * 3 + [100, 200] * 2 + [25, 50, 100, 200] * 4


@pytest.mark.parametrize("configuration", range(32))
def test_a_packet_lasts_as_long_as_its_first_byte_says(configuration: int) -> None:
    frame = TENTHS[configuration] * 48_000 // 10_000
    for stereo in (0, 4):
        head = configuration << 3 | stereo
        assert [packet_samples(bytes([head | code])) for code in range(4)] == [frame, 2 * frame, 2 * frame, 0]
        assert [packet_samples(bytes([head | 3, 0xC0 | count])) for count in (0, 1, 48, 63)] == [
            0,
            frame,
            48 * frame,
            63 * frame,
        ]
    assert packet_samples(b"") == 0


@pytest.mark.parametrize(
    ("version", "channels", "known"), [(1, 1, True), (15, 2, True), (16, 1, False), (255, 1, False), (1, 0, False)]
)
def test_a_header_of_another_major_version_is_not_read(version: int, channels: int, known: bool) -> None:  # noqa: FBT001
    packet = b"OpusHead" + bytes([version, channels]) + b"\x38\1" + bytes(7)
    assert (read_opus_head(packet) is not None) == known
    assert read_opus_head(packet[:-1]) is None
