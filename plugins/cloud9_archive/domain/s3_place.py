"""A place in a bucket, as ``s3://bucket/prefix`` names it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_SEGMENT = re.compile(r"[A-Za-z0-9_=+@-][A-Za-z0-9._=+@-]*", re.ASCII)
LONGEST_PREFIX = 400
S3_WANTED = (
    "s3://bucket/prefix is wanted: a bucket's name, and folders of letters, digits, . _ = + @ and - (at most "
    f"{LONGEST_PREFIX} characters), such as s3://voice-archive/emea"
)


@dataclass(frozen=True, slots=True)
class S3Place:
    """
    Where an archive begins.

    :param prefix: without a slash at its ends; empty for the whole bucket
    """

    bucket: str
    prefix: str


def is_s3_target(target: str) -> bool:
    """Whether the target names a bucket."""
    return target.lower().startswith("s3://")


def parse_s3_target(target: str) -> S3Place:
    """
    The bucket and prefix that the target names.

    :raises ValueError: if it is no such address
    """
    bucket, _, prefix = target.partition("://")[2].partition("/")
    prefix = prefix.removesuffix("/")
    segments = prefix.split("/") if prefix else []
    if (
        not is_s3_target(target)
        or not _BUCKET.fullmatch(bucket)
        or len(prefix) > LONGEST_PREFIX
        or not all(map(_SEGMENT.fullmatch, segments))
    ):
        raise ValueError(S3_WANTED)
    return S3Place(bucket, prefix)
