"""The transcoding profiles: one table of what a derivative may look like."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from cloud9_archive.errors import ConfigurationError

SECONDS_PER_HOUR = 3600
MAX_CHANNELS = 2

Channels = Literal["keep", "mono", "split"]
UNALTERED = "none"


@dataclass(frozen=True, slots=True)
class Profile:
    """
    How a derivative is written.

    :param name: the word a policy uses
    :param codec: encoder name in FFmpeg, empty for ``none``
    :param container: FFmpeg's name of the file format, empty for ``none``
    :param extension: file name extension without the dot, empty for ``none``
    :param rate: samples per second and channel, Hz; 0 for ``none``
    :param bit_rates: bit/s of the whole stream by channel count, (mono, stereo); zeros for ``none``
    :param sample_format: FFmpeg's name of the sample layout that the encoder takes
    :param encoder_options: (name, value) pairs, passed to the encoder as they are
    :param channels: ``keep``: as many as the original has; ``split``: one file for each channel of the original;
        ``mono``: one channel, into which two parties would be merged
    """

    name: str
    codec: str
    container: str
    extension: str
    rate: int
    bit_rates: tuple[int, int]
    sample_format: str = "s16"
    encoder_options: tuple[tuple[str, str], ...] = ()
    channels: Channels = "keep"

    @property
    def alters(self) -> bool:
        """Whether a derivative is made at all."""
        return self.name != UNALTERED

    def bit_rate(self, channels: int) -> int:
        """
        Bits per second of the whole stream.

        :param channels: 1 or 2
        """
        return self.bit_rates[channels - 1]

    def bytes_per_hour(self, channels: int) -> int:
        """
        Bytes that an hour of audio needs, nearly; for planning room and setting limits.

        :param channels: 1 or 2
        """
        return self.bit_rate(channels) * SECONDS_PER_HOUR // 8


# Opus merges two parties into one when a stereo stream has too few bits (below 24 kbit/s at 16 kHz, 32 at 48 kHz).
# So the rate is per channel: 48 kbit/s for stereo is half as much again as the higher of the two bounds.
_OPUS = (("application", "voip"), ("vbr", "on"))

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(UNALTERED, "", "", "", 0, (0, 0)),
            Profile("pcm_16k", "pcm_s16le", "wav", "wav", 16_000, (256_000, 512_000)),
            Profile("alaw_8k", "pcm_alaw", "wav", "wav", 8_000, (64_000, 128_000)),
            Profile("opus_24k", "libopus", "ogg", "ogg", 48_000, (24_000, 48_000), encoder_options=_OPUS),
        )
    }
)


def profile_named(name: str) -> Profile:
    """
    The profile of that name.

    :param name: as written in a policy
    :raises ConfigurationError: if there is none, naming the nearest right word and all of them
    """
    found = PROFILES.get(name)
    if found is not None:
        return found
    near = difflib.get_close_matches(str(name), PROFILES, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise ConfigurationError(
        f"there is no media profile {name!r}",
        subject="media.profile",
        hint=f"{meant}the profiles are: {', '.join(PROFILES)}",
    )


def firm_profile(
    name: str, *, codec: str, container: str | None, rate: int, bit_rate: int | None, channels: Channels
) -> Profile:
    """
    A firm's own profile.

    :raises ConfigurationError: if it would merge two parties, or nothing codes so
    """
    del container
    rates = bit_rate or 24_000
    if channels == "mono":
        raise ConfigurationError("it would merge two parties", subject=f"media.profiles.{name}")
    if codec != "opus":
        raise ConfigurationError(f"unknown codec {codec!r}", subject=f"media.profiles.{name}")
    return Profile(name, "libopus", "ogg", "ogg", rate, (rates, 2 * rates), "s16", _OPUS, channels)
