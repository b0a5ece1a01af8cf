"""Every code that an examination can give, with its verdict and meaning; the table in the documentation is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cloud9_archive.media.verdicts import Verdict

INTACT_CODE: Final = "INTACT"

_DAMAGED: Final = {
    "ONLY_ZEROS": "The file begins with zeros only: it was never written, or a disk lost it.",
    "OGG_STRAY_BYTES": "Bytes between two Ogg pages belong to none.",
    "OGG_CUT_PAGE": "The file ends inside a page.",
    "OGG_CHECKSUM": "A page's checksum is wrong: bytes in it were altered.",
    "OGG_VERSION": "A page has a stream structure version other than 0.",
    "OGG_SEQUENCE": "Pages are missing, out of order, or stand twice.",
    "OGG_CONTINUATION": "A packet that spans pages does not go on where it should, or never ends.",
    "OGG_GRANULE": "The clock of the stream runs backwards, slower than the audio on its pages, or is not on one of them.",
    "OGG_GRANULE_GAP": "The clock of the stream is ahead of the audio on its pages: audio was never written.",
    "OGG_NO_BEGIN": "A stream goes on whose beginning is not in the file, or whose pages are of another call.",
    "OGG_NO_END": "The last page does not end the stream: the file is cut.",
    "OGG_PAGE_AFTER_END": "A stream goes on after its end.",
    "OGG_HEADER": "The first page holds more or less than the header, or the second packet is no OpusTags.",
    "OGG_PACKET": "A packet breaks the rules of Opus: it is empty, or lasts longer than 120 ms.",
    "M4A_CUT": "A box claims more bytes than the file has left, or bytes stand after the last box.",
    "M4A_BOX": "A box in the index does not fit into the box around it.",
    "M4A_NO_INDEX": "There is no index (moov): the file was cut, or never finished.",
    "M4A_NO_MEDIA": "There is no media box (mdat).",
    "M4A_INDEX": "The index contradicts itself: a table is missing, too short, or counts other samples than another one.",
    "M4A_SAMPLES": "The index places audio outside of the media box.",
    "M4A_OVERLAP": "The index gives the same bytes to two samples.",
    "M4A_UNCLAIMED": "The media box holds bytes that no sample claims: audio that nobody would hear.",
    "M4A_TIMES": "Durations, rates and the number of frames in the index do not fit each other.",
    "M4A_EDITS": "The edit list hides more than encoder priming, or plays what is not there.",
    "M4A_PLAYING": "The headers ask players for another speed, volume or balance, or to leave the audio out.",
    "M4A_CONFIG": "The decoder configuration is missing, or contradicts the sample entry.",
    "WAV_SIZE": "The WAVE header claims another size than the file has.",
    "WAV_CUT": "A chunk reaches beyond the end of the file, or the last bytes are no chunk.",
    "WAV_NO_SAMPLES": "There is no chunk of samples.",
    "WAV_FORMAT": "The format chunk is missing or contradicts itself, or the samples end inside a block.",
    "MP3_CUT": "The file ends inside a frame.",
    "MP3_STRAY_BYTES": "Bytes between two MPEG frames belong to none, or a frame's header was altered.",
    "MP3_CHANGE": "Rate or channels change from one frame to the next.",
    "MP3_COUNT": "The header frame counts other frames or bytes than there are.",
    "DECODE_OPEN": "The decoder refuses the file.",
    "DECODE_NO_AUDIO": "The decoder finds no audio, or none comes out of it.",
    "DECODE_FAILED": "Audio inside an intact structure does not decode.",
    "DECODE_CORRUPT": "The decoder calls audio corrupt.",
    "DECODE_CHANGE": "Rate, channels or frames change on the way.",
    "DECODE_LENGTH": "More or less audio comes out of the decoder than the structure promises.",
}
_UNSUPPORTED: Final = {
    "NOT_A_FILE": "It is a directory, a pipe or a device.",
    "OGG_CHAINED": "A second stream follows the first; many players stop after the first.",
    "OGG_MULTIPLEXED": "Several streams at once are not one recording.",
    "OGG_STREAMS": "There are more than 64 streams in an Ogg file.",
    "OGG_CODEC": "The Ogg stream is not Opus.",
    "M4A_FRAGMENTED": "An MPEG-4 file in fragments (moof).",
    "M4A_INDEX_SIZE": "The index has more than 64 MiB, or claims as many samples.",
    "M4A_BOXES": "The file has more than 10,000 boxes.",
    "M4A_TRACKS": "The file has no sound track, or more than one.",
    "M4A_ENTRIES": "The sound track has more than one description of its coding, or lies in another file.",
    "M4A_CODEC": "The sound track is of a coding that is not read here.",
    "WAV_CHUNKS": "The WAVE file has more than 10,000 chunks.",
    "WAV_CODEC": "The WAVE file has a coding that is not read here.",
    "MP3_FREE_FORMAT": "MPEG audio without a stated bit rate.",
    "OTHER_AUDIO_ADTS": "AAC without a container (ADTS).",
    "OTHER_AUDIO_FLAC": "FLAC.",
    "OTHER_AUDIO_AMR": "AMR.",
    "OTHER_AUDIO_MATROSKA": "Matroska or WebM.",
    "OTHER_AUDIO_RF64": "A WAVE file of more than 4 GiB.",
    "CHANNELS": "A recording has one or two channels, this has another number.",
    "SAMPLE_RATE": "The sample rate is 0, or above 192 kHz.",
    "DURATION": "The file promises more than a week of audio.",
    "DECODE_UNSUPPORTED": "The decoder does not know this kind of audio.",
}
_NOT_AUDIO: Final = {
    "NOT_AUDIO": "The bytes are of no known kind.",
    "NOT_AUDIO_ZIP": "A ZIP archive.",
    "NOT_AUDIO_GZIP": "Bytes that gzip compressed.",
    "NOT_AUDIO_IMAGE": "A picture.",
    "NOT_AUDIO_PDF": "A PDF document.",
    "NOT_AUDIO_HTML": "An HTML or XML page.",
    "NOT_AUDIO_JSON": "JSON, perhaps an error message.",
    "NOT_AUDIO_TEXT": "Text.",
}

KINDS: Final[Mapping[str, tuple[Verdict, str]]] = MappingProxyType(
    {INTACT_CODE: (Verdict.INTACT, "Every part of the file is accounted for.")}
    | {code: (Verdict.DAMAGED, meaning) for code, meaning in _DAMAGED.items()}
    | {
        "NO_BYTES": (Verdict.EMPTY, "The file has no bytes."),
        "NO_AUDIO": (Verdict.EMPTY, "The file is whole, and holds no audio."),
    }
    | {code: (Verdict.NOT_AUDIO, meaning) for code, meaning in _NOT_AUDIO.items()}
    | {code: (Verdict.UNSUPPORTED, meaning) for code, meaning in _UNSUPPORTED.items()}
)
"""Each code with its verdict and meaning."""


def codes_table() -> str:
    """The codes as a Markdown table."""
    rows = ["| code | verdict | meaning |", "|---|---|---|"]
    rows += [f"| `{code}` | `{verdict}` | {meaning} |" for code, (verdict, meaning) in KINDS.items()]
    return "\n".join(rows)
