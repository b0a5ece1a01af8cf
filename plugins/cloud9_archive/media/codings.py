"""What is known of each encoder: what it can do, what it adds, and how closely it follows the original."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Likeness:
    """
    How far a derivative may be from its original before it counts as another recording; measured, see the tests.

    :param level: dB by which a channel may be (softer, louder) where its loudness changes as speech does
    :param even: the same for even sounds (tones, noise), which voice coders do not follow
    :param correlation: least correlation of the 20 ms envelopes
    :param moment: dB by which 0.2 s may be softer
    :param brief: dB by which a channel with less than a second of sound may be (softer, louder): coders settle in
    :param masked: dB under the loudest channel from where a channel counts as silent, because the coder spends no bits
    :param silent: dB of full scale below which a channel counts as silent: coarse codings round it away or up
    """

    level: tuple[float, float] = (1.0, 1.0)
    even: tuple[float, float] = (1.0, 1.0)
    correlation: float = 0.97
    moment: float = 10.0
    brief: tuple[float, float] = (3.0, 1.0)
    masked: float = -90.0
    silent: float = -55.0


@dataclass(frozen=True, slots=True)
class Coding:
    """
    An encoder in its container.

    :param encoder: name in FFmpeg, or ``gsm`` for libsndfile's
    :param container: FFmpeg's name of the writer
    :param reader: FFmpeg's name of the reader
    :param extension: of file names, without the dot
    :param rates: samples per second that are offered; 0 stands for the original's own
    :param usual_rate: one of them
    :param sample_format: FFmpeg's name of the sample layout that it takes
    :param bits_per_sample: of one channel, where the bit rate is no choice
    :param bit_rates: least and most bit/s of one channel, where it is one
    :param usual_bit_rate: of one channel
    :param least_together: bit/s of each channel under which two of them in one stream are merged
    :param mono_only: whether it knows one channel only
    :param options: passed to the encoder
    :param delay: samples by which the decoded derivative comes later than the original
    :param padding: samples by which it may be longer
    """

    encoder: str
    container: str
    reader: str
    extension: str
    rates: tuple[int, ...]
    usual_rate: int
    sample_format: str = "s16"
    bits_per_sample: float = 0.0
    bit_rates: tuple[int, int] | None = None
    usual_bit_rate: int = 0
    least_together: int = 0
    mono_only: bool = False
    options: tuple[tuple[str, str], ...] = ()
    delay: int = 0
    padding: int = 0
    likeness: Likeness = Likeness()

    @property
    def most_rate(self) -> int:
        """The highest rate that is planned for where the original's own is kept."""
        return max(self.rates) or 48_000


_SETTLING = (14.0, 6.0)
_TELEPHONE = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)

CODINGS: Mapping[str, Coding] = MappingProxyType(
    {
        "pcm": Coding("pcm_s16le", "wav", "wav", "wav", _TELEPHONE, 16_000, bits_per_sample=16),
        "alaw": Coding("pcm_alaw", "wav", "wav", "wav", (8_000, 16_000), 8_000, bits_per_sample=8),
        "ulaw": Coding("pcm_mulaw", "wav", "wav", "wav", (8_000, 16_000), 8_000, bits_per_sample=8),
        # Blocks of 65 bytes hold two frames of 20 ms.
        "gsm": Coding(
            "gsm",
            "wav",
            "wav",
            "wav",
            (8_000,),
            8_000,
            bits_per_sample=1.625,
            mono_only=True,
            padding=320,
            likeness=Likeness(level=(2.9, 1.0), even=(2.5, 1.5), brief=_SETTLING, correlation=0.85),
        ),
        # Small blocks: the last one is filled up, and the usual 1024 bytes would add a quarter of a second.
        "ms_adpcm": Coding(
            "adpcm_ms",
            "wav",
            "wav",
            "wav",
            (8_000, 11_025, 16_000, 22_050),
            8_000,
            bits_per_sample=4.2,
            options=(("block_size", "256"),),
            padding=500,
        ),
        # The filters that split the band in two delay it by 22 samples.
        "g722": Coding(
            "g722", "wav", "wav", "wav", (16_000,), 16_000, bits_per_sample=4, mono_only=True, delay=22, padding=1
        ),
        # Each channel for itself: what two parties have in common is not pooled.
        "mp3": Coding(
            "libmp3lame",
            "mp3",
            "mp3",
            "mp3",
            (16_000, 22_050, 24_000),
            16_000,
            "s16p",
            bit_rates=(16_000, 80_000),
            usual_bit_rate=32_000,
            options=(("joint_stereo", "0"),),
            likeness=Likeness(brief=_SETTLING),
        ),
        # Stereo merges two parties below 24 kbit/s at 16 kHz and below 32 at 48 kHz, where the encoder works here.
        "opus": Coding(
            "libopus",
            "ogg",
            "ogg",
            "ogg",
            (48_000,),
            48_000,
            bit_rates=(12_000, 128_000),
            usual_bit_rate=24_000,
            least_together=16_000,
            options=(("application", "voip"), ("vbr", "on")),
            likeness=Likeness(level=(1.5, 1.0), even=(2.7, 1.0), correlation=0.95, brief=_SETTLING, masked=-30.0),
        ),
        "flac": Coding("flac", "flac", "flac", "flac", (0, 8_000, 16_000, 48_000), 0, bits_per_sample=16),
        # Intensity stereo keeps one signal and two levels.
        "aac": Coding(
            "aac",
            "ipod",
            "mov",
            "m4a",
            (16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
            16_000,
            "fltp",
            bit_rates=(24_000, 128_000),
            usual_bit_rate=32_000,
            options=(("aac_is", "0"),),
            padding=1024,
            likeness=Likeness(level=(2.2, 1.0), even=(2.2, 1.0), brief=_SETTLING, masked=-30.0),
        ),
        "amr_nb": Coding(
            "libopencore_amrnb",
            "amr",
            "amr",
            "amr",
            (8_000,),
            8_000,
            bits_per_sample=1.6,
            mono_only=True,
            options=(("b", "12200"),),
            delay=40,
            padding=320,
            likeness=Likeness(
                level=(2.7, 1.5), even=(24.0, 1.5), brief=_SETTLING, correlation=0.93, moment=14.0, silent=-50.0
            ),
        ),
    }
)
