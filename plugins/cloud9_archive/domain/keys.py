"""Names in the archive: safe path segments for any id, and the places where bags, reports and chain links lie."""

from __future__ import annotations

import hashlib
import re
from datetime import date

from cloud9_archive.errors import ConfigurationError

KEYS_FOLDER = "keys"
"""Holds public keys, and all the same the folders of a policy of that name, which are no files."""

MAX_SLUG = 48
MAX_PLAIN = 80
MAX_SEGMENT_BYTES = 255
MAX_KEY_BYTES = 1024  # the limit of S3, and well below that of Linux paths

_OF_DAY = "day~"
_DIGEST_HEX = 20
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_PLAIN = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_-])?", re.ASCII)
_LOOKS_MADE = re.compile(rf"(?:.*-)?[0-9a-f]{{{_DIGEST_HEX}}}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))]
)


def recording_key(source: str, recording_id: str) -> str:
    """
    The folder name of a recording inside its bag.

    :param source: Airflow connection id of the import source
    :param recording_id: the source's own id, any text
    """
    return _key("recording", source, recording_id)


def call_key(source: str, call_id: str) -> str:
    """
    The file name, without extension, of a call document inside its bag.

    :param source: Airflow connection id of the import source
    :param call_id: the source's own id, any text
    """
    return _key("call", source, call_id)


def recording_mark(source: str, recording_id: str) -> str:
    """
    The folder name of a recording inside an encrypted bag: its key without what a person could read of the id.

    :param source: as for :func:`recording_key`
    :param recording_id: as for :func:`recording_key`
    """
    return _mark("recording", source, recording_id)


def call_mark(source: str, call_id: str) -> str:
    """
    The file name, without extensions, of a call document inside an encrypted bag.

    :param source: as for :func:`call_key`
    :param call_id: as for :func:`call_key`
    """
    return _mark("call", source, call_id)


def path_segment(text: str) -> str:
    """
    One path segment for a policy name, run id or bag id: the text itself if it is plain, else a slug and a digest.

    Plain is lower-case ASCII letters, digits, ``.``, ``_`` and ``-`` up to 80 characters, with nothing that any file
    system treats specially and nothing that looks like a slug and digest. Hence no two texts share a segment, not
    even where case does not count.
    """
    if (
        len(text) <= MAX_PLAIN
        and _PLAIN.fullmatch(text)
        and not _LOOKS_MADE.fullmatch(text)
        and not _is_windows_device(text)
    ):
        return text
    return _key("segment", text)


def bag_folder(policy: str, *, day: date, bag_id: str) -> str:
    """
    Key of a bag's folder, without a slash at its end.

    :param day: the bag's Bagging-Date, a UTC day
    """
    return f"{bags_of_day(policy, day=day)}/{path_segment(bag_id)}"


def bags_of_day(policy: str, *, day: date) -> str:
    """
    Key of the folder that holds a day's bags, without a slash at its end.

    :param day: as for :func:`bag_folder`
    """
    return f"{path_segment(policy)}/bags/{_day_folders(day)}"


def report_path(policy: str, *, day: date, run_id: str, extension: str) -> str:
    """
    Key of a run report.

    :param day: UTC day on which the run's window begins
    :param extension: such as ``json``
    """
    return f"{path_segment(policy)}/reports/{_day_folders(day)}/{path_segment(run_id)}.{extension}"


def day_report_path(policy: str, *, day: date, number: int, extension: str) -> str:
    """
    Key of a day's report; no run's has such a name, since ``~`` stands in no segment that is made of an id.

    :param day: in the policy's time zone
    :param number: from 1
    :param extension: such as ``json``
    """
    name = f"{_OF_DAY}{day.isoformat()}{'' if number == 1 else f'.{number}'}"
    return f"{path_segment(policy)}/reports/{_day_folders(day)}/{name}.{extension}"


def is_day_report(key: str) -> bool:
    """Whether the key is that of a file of a day's report, not of a run's."""
    return key.rpartition("/")[2].startswith(_OF_DAY)


def custody_folder(policy: str) -> str:
    """Key of the folder that holds a policy's documents of custody, without a slash at its end."""
    return f"{path_segment(policy)}/custody"


def custody_path(policy: str, *, day: date, document_id: str) -> str:
    """
    Key of a document of custody: an extension, a hold, its release, a tombstone.

    :param day: UTC day on which it was written
    """
    return f"{custody_folder(policy)}/{_day_folders(day)}/{path_segment(document_id)}.json"


def chain_folder(policy: str) -> str:
    """Key of the folder that holds a policy's chain links, without a slash at its end."""
    return f"{path_segment(policy)}/chain"


def link_path(policy: str, number: int) -> str:
    """
    Key of a chain link; the names sort in the order of the numbers.

    :param number: from 1
    """
    return f"{chain_folder(policy)}/{number:08d}.json"


def signature_path(policy: str, number: int) -> str:
    """
    Key of the signature beside a chain link.

    :param number: the link's
    """
    return f"{chain_folder(policy)}/{number:08d}.sig"


def timestamp_path(policy: str, number: int) -> str:
    """
    Key of the time stamp beside a chain link.

    :param number: the link's
    """
    return f"{chain_folder(policy)}/{number:08d}.tsr"


def public_key_path(key_id: str) -> str:
    """
    Key of a public key that links are signed with.

    :param key_id: 64 hex digits
    """
    return f"{KEYS_FOLDER}/{key_id}.pem"


def check_archive_key(key: str) -> str:
    """
    The key itself: a relative POSIX path that means the same place on every store.

    :raises ConfigurationError: if it is absolute, too long, or has an empty segment, one that begins with a dot,
        a backslash, a control character or text that is not Unicode
    """
    fault = _key_fault(key)
    if fault:
        raise ConfigurationError(
            f"archive key {key[:200]!r} {fault}", subject="key", hint="make keys with the functions of domain/keys.py"
        )
    return key


def _key_fault(key: str) -> str | None:
    segments = key.split("/")
    encoded = [segment.encode("utf-8", "surrogatepass") for segment in segments]
    faults = (
        (any("\ud800" <= char <= "\udfff" for char in key), "is not valid Unicode text"),
        (key.startswith("/"), "is absolute"),
        (not all(segments), "has an empty segment"),
        (any(segment.startswith(".") for segment in segments), "has a segment that begins with a dot"),
        ("\\" in key or _CONTROL.search(key), "has a backslash or a control character"),
        (
            sum(map(len, encoded)) + len(encoded) - 1 > MAX_KEY_BYTES or max(map(len, encoded)) > MAX_SEGMENT_BYTES,
            f"is longer than {MAX_KEY_BYTES} bytes, or a segment of it than {MAX_SEGMENT_BYTES}",
        ),
    )
    return next((words for found, words in faults if found), None)


def _key(*parts: str) -> str:
    """Slug of the last part, then the mark."""
    mark = _mark(*parts)
    slug = _slug(parts[-1])
    return f"{slug}-{mark}" if slug else mark


def _mark(*parts: str) -> str:
    """20 hex digits over all parts, each behind its length so that none can run on."""
    digest = hashlib.sha256(b"cloud9-archive key 1\n")
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()[:_DIGEST_HEX]


def _slug(text: str) -> str:
    """What a person can recognise of the text, in characters that every file system, shell and URL takes."""
    slug = _UNSAFE.sub("_", text[:MAX_SLUG]).lstrip(".-")
    return f"_{slug}"[:MAX_SLUG] if _is_windows_device(slug) else slug


def _is_windows_device(segment: str) -> bool:
    """Windows opens a device for such a name, whatever follows its first dot."""
    return segment.split(".", 1)[0].lower() in _WINDOWS_DEVICES


def _day_folders(day: date) -> str:
    return f"{day.year:04d}/{day.month:02d}/{day.day:02d}"
