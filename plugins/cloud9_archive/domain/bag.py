"""The text of a BagIt 1.0 bag (RFC 8493): tag files made and read, without touching a disk or a clock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from cloud9_archive.errors import ConfigurationError

ARCHIVE_FORMAT = "1"

BAGIT = "bagit.txt"
BAG_INFO = "bag-info.txt"
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
SEAL = TAG_MANIFEST
"""Written last: a folder without it is not a sealed bag."""

BAGIT_TEXT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

_HINT = "the bag was not written by this format, or was altered: run cloud9-archive verify"
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+(.+)", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*", re.ASCII)
_ENCODED = re.compile(r"%(0[aAdD]|25)")
_OUR_LABELS = frozenset(
    [
        "source-organization",
        "bagging-date",
        "payload-oxum",
        "external-identifier",
        "bag-group-identifier",
        "cloud9-archive-format",
    ]
)


@dataclass(frozen=True, slots=True)
class BagEntry:
    """
    One file of a bag.

    :param path: relative POSIX path inside the bag; payload begins with ``data/``
    :param sha256: 64 lower-case hex digits
    :param size: bytes
    :raises ConfigurationError: if the path could lead out of the bag, or the digest or size is not one
    """

    path: str
    sha256: str
    size: int

    def __post_init__(self) -> None:
        """Whatever is listed in a manifest lies inside the bag."""
        check_bag_path(self.path)
        if not _SHA256.fullmatch(self.sha256):
            raise ConfigurationError(f"{self.path}: {self.sha256[:80]!r} is not a SHA-256 digest", subject=self.path)
        if self.size < 0:
            raise ConfigurationError(f"{self.path}: a size of {self.size} bytes is impossible", subject=self.path)


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """A path and the digest that a manifest gives for it; sizes stand in no manifest."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class TagFile:
    """A tag file's name, bytes and digest, ready to be put."""

    path: str
    content: bytes
    sha256: str


def tag_files(
    payload: Sequence[BagEntry],
    *,
    bag_id: str,
    policy: str,
    bagging_date: date,
    organization: str | None = None,
    tags: Iterable[tuple[str, str]] = (),
) -> tuple[TagFile, ...]:
    """
    The four tag files of a bag in the order in which they are written: the seal is the last.

    Equal arguments give equal bytes.

    :param payload: every file below ``data/``
    :param bag_id: becomes External-Identifier
    :param policy: becomes Bag-Group-Identifier
    :param bagging_date: the UTC day on which the bag's content was fixed
    :param tags: further label and value pairs for bag-info.txt, in their order
    :raises ConfigurationError: if a label or value could be read as something else, or a tag is one of ours
    """
    standard = [("Source-Organization", organization)] if organization else []
    standard += [
        ("Bagging-Date", bagging_date.isoformat()),
        ("Payload-Oxum", payload_oxum(payload)),
        ("External-Identifier", bag_id),
        ("Bag-Group-Identifier", policy),
        ("Cloud9-Archive-Format", ARCHIVE_FORMAT),
    ]
    return _sealed(payload, _bag_info_text(standard, tuple(tags)))


def handed_out_tag_files(
    payload: Sequence[BagEntry], *, bag_id: str, bagging_date: date, tags: Iterable[tuple[str, str]]
) -> tuple[TagFile, ...]:
    """
    The four tag files of a bag that is no part of an archive, as :func:`tag_files` makes those of one that is.

    :param bag_id: becomes External-Identifier
    :param bagging_date: UTC day
    :param tags: further label and value pairs for bag-info.txt, in their order
    :raises ConfigurationError: as :func:`tag_files`
    """
    standard = [
        ("Bagging-Date", bagging_date.isoformat()),
        ("Payload-Oxum", payload_oxum(payload)),
        ("External-Identifier", bag_id),
    ]
    return _sealed(payload, _bag_info_text(standard, tuple(tags)))


def _sealed(payload: Sequence[BagEntry], info: bytes) -> tuple[TagFile, ...]:
    texts = ((BAGIT, BAGIT_TEXT), (BAG_INFO, info), (MANIFEST, manifest_text(payload)))
    files = tuple(TagFile(path, content, _sha256(content)) for path, content in texts)
    seal = tag_manifest_text(BagEntry(file.path, file.sha256, len(file.content)) for file in files)
    return (*files, TagFile(SEAL, seal, _sha256(seal)))


def payload_oxum(payload: Iterable[BagEntry]) -> str:
    """``<bytes>.<files>`` of the payload."""
    sizes = [entry.size for entry in payload]
    return f"{sum(sizes)}.{len(sizes)}"


def manifest_text(payload: Iterable[BagEntry]) -> bytes:
    """The bytes of manifest-sha256.txt, sorted by path."""
    return _manifest(payload, of_payload=True)


def tag_manifest_text(tag_entries: Iterable[BagEntry]) -> bytes:
    """The bytes of tagmanifest-sha256.txt, sorted by path."""
    return _manifest(tag_entries, of_payload=False)


def parse_manifest(content: bytes) -> tuple[ManifestLine, ...]:
    """
    The lines of a manifest or tag manifest.

    :raises ConfigurationError: if it is not UTF-8, a line is no manifest line, a path leads out or occurs twice
    """
    lines = tuple(_manifest_line(number, line) for number, line in _text_lines(content, "manifest"))
    seen: set[str] = set()
    for line in lines:
        if line.path in seen:
            raise ConfigurationError(f"manifest lists {line.path!r} twice", subject=line.path, hint=_HINT)
        seen.add(line.path)
    return lines


def parse_bag_info(content: bytes) -> tuple[tuple[str, str], ...]:
    """
    The label and value pairs of a bag-info.txt in their order; folded values are joined by one space.

    :raises ConfigurationError: if it is not UTF-8 or a line has no label
    """
    pairs: list[tuple[str, str]] = []
    for number, line in _text_lines(content, BAG_INFO):
        if line[:1] in {" ", "\t"} and pairs:
            label, value = pairs.pop()
            pairs.append((label, f"{value} {line.strip()}"))
            continue
        label, colon, value = line.partition(":")
        if not colon or not label.strip():
            raise ConfigurationError(f"{BAG_INFO} line {number} has no label: {line[:80]!r}", hint=_HINT)
        pairs.append((label.strip(), value.strip()))
    return tuple(pairs)


def check_bag_path(path: str) -> str:
    """
    The path itself: relative, and inside the bag.

    :raises ConfigurationError: if it is not
    """
    segments = path.split("/")
    if not all(segments) or {".", ".."} & set(segments) or path[:1] == "~" or "\0" in path or not _is_text(path):
        raise ConfigurationError(f"{path[:200]!r} is not a path inside a bag", subject=ascii(path[:200]), hint=_HINT)
    return path


def _bag_info_text(standard: Sequence[tuple[str, str]], own: Sequence[tuple[str, str]]) -> bytes:
    for label, _ in own:
        if label.lower() in _OUR_LABELS:
            raise ConfigurationError(f"bag-info tag {label} is written by the format itself", subject=label)
    return "".join(_info_line(label, value) for label, value in (*standard, *own)).encode()


def _manifest(entries: Iterable[BagEntry], *, of_payload: bool) -> bytes:
    ordered = sorted(entries, key=lambda entry: entry.path)
    for entry, following in pairwise(ordered):
        if entry.path == following.path:
            raise ConfigurationError(f"{entry.path!r} would stand in a manifest twice", subject=entry.path)
    for entry in ordered:
        if entry.path.startswith("data/") is not of_payload:
            raise ConfigurationError(
                f"{entry.path!r} stands in the wrong manifest",
                subject=entry.path,
                hint="payload lies below data/, tag files do not",
            )
    return "".join(f"{entry.sha256}  {_encode_path(entry.path)}\n" for entry in ordered).encode()


def _manifest_line(number: int, line: str) -> ManifestLine:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ConfigurationError(f"manifest line {number} is no manifest line: {line[:80]!r}", hint=_HINT)
    return ManifestLine(path=check_bag_path(_decode_path(match[2])), sha256=match[1].lower())


def _text_lines(content: bytes, name: str) -> list[tuple[int, str]]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not UTF-8 at byte {error.start}", hint=_HINT) from None
    lines = re.split(r"\r\n|\r|\n", text)
    return [(number, line) for number, line in enumerate(lines, start=1) if line]


def _encode_path(path: str) -> str:
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _decode_path(text: str) -> str:
    if _ENCODED.sub("", text).count("%"):
        raise ConfigurationError(f"manifest path {text[:200]!r} has a bare %", hint=_HINT)
    return _ENCODED.sub(lambda match: chr(int(match[1], 16)), text)


def _info_line(label: str, value: str) -> str:
    if not _LABEL.fullmatch(label):
        raise ConfigurationError(f"bag-info label {label[:80]!r} is not made of letters, digits and dashes")
    if not value or value != value.strip() or not value.isprintable():
        raise ConfigurationError(
            f"bag-info {label} {value[:80]!r} is empty, or has outer spaces or control characters", subject=label
        )
    return f"{label}: {value}\n"


def _is_text(value: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
