"""The transcoding profiles: one table of what a derivative may look like, and the rules for a firm's own."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NoReturn

from cloud9_archive.errors import ConfigurationError
from cloud9_archive.media.codings import CODINGS, Coding

MAX_CHANNELS = 2
SECONDS_PER_HOUR = 3600
UNALTERED = "none"

Channels = Literal["keep", "mono", "split"]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Profile:
    """
    How a derivative is written.

    :param name: the word a policy uses
    :param codec: encoder name in FFmpeg, ``gsm`` for libsndfile's, empty for ``none``
    :param container: FFmpeg's name of the file format, empty for ``none``
    :param extension: file name extension without the dot, empty for ``none``
    :param rate: samples per second and channel, Hz; 0 for the original's own and for ``none``
    :param bit_rates: bit/s of all files together by channel count, (mono, stereo); zeros for ``none``
    :param sample_format: FFmpeg's name of the sample layout that the encoder takes
    :param encoder_options: (name, value) pairs, passed to the encoder as they are
    :param channels: ``keep``: as many as the original has; ``split``: one file for each channel of the original;
        ``mono``: originals of one channel only, another one is refused because its parties would be merged
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

    @property
    def coding(self) -> Coding:
        """What is known of the encoder."""
        return next(coding for coding in CODINGS.values() if coding.encoder == self.codec)

    def bit_rate(self, channels: int) -> int:
        """
        Bits per second of all files together.

        :param channels: of the original, 1 or 2
        """
        return self.bit_rates[channels - 1]

    def bytes_per_hour(self, channels: int) -> int:
        """
        Bytes that an hour of audio needs, nearly; for planning room and setting limits.

        :param channels: of the original, 1 or 2
        """
        return self.bit_rate(channels) * SECONDS_PER_HOUR // 8


def _profile(name: str, coding: Coding, rate: int, bit_rate: int, channels: Channels | None = None) -> Profile:
    return Profile(
        name,
        coding.encoder,
        coding.container,
        coding.extension,
        rate,
        (bit_rate, MAX_CHANNELS * bit_rate),
        coding.sample_format,
        coding.options,
        channels or ("split" if coding.mono_only else "keep"),
    )


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(UNALTERED, "", "", "", 0, (0, 0)),
            _profile("pcm_8k", CODINGS["pcm"], 8_000, 128_000),
            _profile("pcm_16k", CODINGS["pcm"], 16_000, 256_000),
            _profile("alaw_8k", CODINGS["alaw"], 8_000, 64_000),
            _profile("ulaw_8k", CODINGS["ulaw"], 8_000, 64_000),
            _profile("gsm_8k", CODINGS["gsm"], 8_000, 13_000),
            _profile("ms_adpcm_8k", CODINGS["ms_adpcm"], 8_000, 33_600),
            _profile("g722_16k", CODINGS["g722"], 16_000, 64_000),
            _profile("mp3_32k", CODINGS["mp3"], 16_000, 32_000),
            # Stereo is twice the mono rate: 48 kbit/s, half as much again as the bound under which Opus merges parties.
            _profile("opus_24k", CODINGS["opus"], 48_000, 24_000),
            _profile("opus_32k", CODINGS["opus"], 48_000, 32_000),
            _profile("flac", CODINGS["flac"], 0, 768_000),
            _profile("aac_32k", CODINGS["aac"], 16_000, 32_000),
            _profile("amr_nb", CODINGS["amr_nb"], 8_000, 12_800),
        )
    }
)


def profile_named(name: str, own: Mapping[str, Profile] = MappingProxyType({})) -> Profile:
    """
    The profile of that name.

    :param name: as written in a policy
    :param own: the firm's profiles, by name
    :raises ConfigurationError: if there is none, naming the nearest right word and all of them
    """
    found = PROFILES.get(name) or own.get(name)
    if found is not None:
        return found
    names = [*PROFILES, *own]
    near = difflib.get_close_matches(str(name), names, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise ConfigurationError(
        f"there is no media profile {name!r}",
        subject="media.profile",
        hint=f"{meant}the profiles are: {', '.join(names)}",
    )


def firm_profile(
    name: str,
    *,
    codec: str,
    rate: int | None = None,
    bit_rate: int | None = None,
    channels: Channels | None = None,
) -> Profile:
    """
    A firm's own profile, which keeps two parties apart like the shipped ones.

    :param name: lower-case letters, digits and underscores, at most 40; not that of a shipped profile
    :param codec: a key of :data:`cloud9_archive.media.codings.CODINGS`
    :param rate: Hz; without it the codec's usual one
    :param bit_rate: bit/s of each channel, for codecs that leave a choice; without it the codec's usual one
    :param channels: ``keep`` or ``split``; without it ``keep``, or ``split`` for codecs that know one channel only
    :raises ConfigurationError: naming ``media.profiles.<name>`` and the key, if the profile cannot be made or would
        merge two parties
    """
    refuse = _Refusal(name)
    if not _NAME.fullmatch(name):
        refuse("", f"{name!r} is no name for a profile", "use lower-case letters, digits and underscores")
    if name in PROFILES:
        refuse("", f"{name!r} is a profile that is there already", "give yours a name of its own")
    coding = CODINGS.get(codec)
    if coding is None:
        near = difflib.get_close_matches(str(codec), CODINGS, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        refuse("codec", f"there is no codec {codec!r}", f"{meant}the codecs are: {', '.join(CODINGS)}")
    rate = coding.usual_rate if rate is None else rate
    if rate not in coding.rates:
        rates = ", ".join(str(each) for each in coding.rates)
        refuse("rate", f"{codec} cannot have {rate} samples per second", f"it can have: {rates}")
    chosen: Channels = channels or ("split" if coding.mono_only else "keep")
    if chosen == "mono":
        refuse("channels", "one channel would merge the two parties of a call", "use split: one file for each party")
    if chosen not in ("keep", "split"):
        refuse("channels", f"there is no way {chosen!r} to write channels", "use keep or split")
    if chosen == "keep" and coding.mono_only:
        refuse("channels", f"{codec} has one channel and would merge two parties", "use split: one file for each party")
    return _profile(name, coding, rate, _bit_rate(coding, codec, rate, bit_rate, chosen, refuse), chosen)


def _bit_rate(coding: Coding, codec: str, rate: int, asked: int | None, channels: Channels, refuse: _Refusal) -> int:
    if coding.bit_rates is None:
        if asked is not None:
            refuse("bit_rate", f"{codec} leaves no choice of bit rate", "leave the key out")
        return round(coding.bits_per_sample * (rate or coding.most_rate))
    least, most = coding.bit_rates
    if asked is None:
        return coding.usual_bit_rate
    if not least <= asked <= most:
        refuse("bit_rate", f"{asked} bit/s for each channel", f"{codec} is offered from {least} to {most}")
    if channels == "keep" and asked < coding.least_together:
        refuse(
            "bit_rate",
            f"at {asked} bit/s for each channel {codec} would merge the two parties of a stereo recording",
            f"use at least {coding.least_together}, or channels: split",
        )
    return asked


class _Refusal:
    """Says where in a policy the fault is."""

    def __init__(self, name: str) -> None:
        self._place = f"media.profiles.{name}"

    def __call__(self, key: str, found: str, hint: str) -> NoReturn:
        place = f"{self._place}.{key}" if key else self._place
        raise ConfigurationError(found, subject=place, hint=hint)
