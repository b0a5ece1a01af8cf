"""The tables of profiles and codecs in the documentation, made from what the code does."""

from __future__ import annotations

from typing import Final

from cloud9_archive.media.codings import CODINGS, Coding
from cloud9_archive.media.profiles import PROFILES, Profile

_SHARES: Final = {
    "keep": "as the original",
    "split": "one file for each party",
    "mono": "originals of one channel only",
}
_NAMES: Final = {
    "pcm": "PCM, 16 bit",
    "alaw": "G.711 A-law",
    "ulaw": "G.711 µ-law",
    "gsm": "GSM 06.10 full rate",
    "ms_adpcm": "Microsoft ADPCM",
    "g722": "G.722",
    "mp3": "MP3",
    "opus": "Opus, voice",
    "flac": "FLAC, 16 bit",
    "aac": "AAC-LC",
    "amr_nb": "AMR-NB, 12.2 kbit/s",
}
_FILES: Final = {"wav": "WAVE", "ogg": "Ogg", "ipod": "M4A", "mp3": "MP3", "flac": "FLAC", "amr": "AMR"}


def profiles_table() -> str:
    """Each shipped profile: what it writes, and the room that an hour needs."""
    rows = [
        "| profile | coding | file | Hz | channels | kbit/s of a channel | MB an hour, mono | stereo |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows += [_profile_row(profile) for profile in PROFILES.values()]
    return "\n".join(rows)


def codecs_table() -> str:
    """Each codec that a firm's own profile may name, with what is offered and how closely it is held to the original."""
    rows = [
        "| codec | Hz | bit/s of a channel | level, dB | even sounds, dB | correlation |",
        "|---|---|---|---|---|---|",
    ]
    for name, coding in CODINGS.items():
        rates = ", ".join("the original's" if rate == 0 else str(rate) for rate in coding.rates)
        near = coding.likeness
        level, even = (f"-{softer:g} … +{louder:g}" for softer, louder in (near.level, near.even))
        rows.append(f"| `{name}` | {rates} | {_choice(coding)} | {level} | {even} | {near.correlation:g} |")
    return "\n".join(rows)


def _profile_row(profile: Profile) -> str:
    if not profile.alters:
        return f"| `{profile.name}` | – | the original alone | – | – | – | – | – |"
    name = next(name for name, coding in CODINGS.items() if coding.encoder == profile.codec)
    most = "at most " if profile.codec == "flac" else ""
    hour = [f"{most}{profile.bytes_per_hour(channels) / 1e6:.1f}" for channels in (1, 2)]
    cells = (
        f"`{profile.name}`",
        _NAMES[name],
        f"{_FILES[profile.container]}, `.{profile.extension}`",
        str(profile.rate or "the original's"),
        _SHARES[profile.channels],
        f"{most}{profile.bit_rate(1) / 1000:g}",
        *hour,
    )
    return f"| {' | '.join(cells)} |"


def _choice(coding: Coding) -> str:
    if coding.bit_rates is None:
        return "–"
    least, most = coding.bit_rates
    together = f"; from {coding.least_together} with `keep`" if coding.least_together > least else ""
    return f"{least} to {most}, usually {coding.usual_bit_rate}{together}"
