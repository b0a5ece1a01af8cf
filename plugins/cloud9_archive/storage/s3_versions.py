"""Objects of a bucket with all their versions: the first one is the archive's, whatever was put over it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

_PAGE = 1000
_FEW = 20


@dataclass(frozen=True, slots=True)
class Version:
    """
    One version of an object.

    :param size: bytes
    :param written_at: aware UTC, by the server's clock
    """

    version_id: str
    size: int
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Versions:
    """
    All that a bucket keeps under one name.

    :param name: the object's name in the bucket
    :param held: versions with bytes, oldest first
    :param deleted: whether a delete marker stands among them
    """

    name: str
    held: tuple[Version, ...] = ()
    deleted: bool = False

    @property
    def first(self) -> Version | None:
        """The oldest version."""
        return self.held[0] if self.held else None


def versions_of(client: Any, bucket: str, name: str) -> Versions:  # noqa: ANN401 - botocore's
    """All versions of one object; of no others, though a server lists by prefix only."""
    entries: list[Mapping[str, Any]] = []
    for entry in _entries(client, bucket, name, page=_FEW):
        if entry["Key"] != name:
            break  # the shortest name with a prefix is the prefix itself, and comes first
        entries.append(entry)
    return _gathered(name, entries)


def versions_below(client: Any, bucket: str, prefix: str) -> Iterator[Versions]:  # noqa: ANN401 - botocore's
    """Every object whose name begins with the prefix, by name; names sort by code point, as UTF-8 does."""
    for name, entries in groupby(_entries(client, bucket, prefix, page=_PAGE), key=lambda entry: str(entry["Key"])):
        yield _gathered(name, list(entries))


def _entries(client: Any, bucket: str, prefix: str, *, page: int) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
    """Versions and delete markers by name; of one name the newest version first, as servers list them."""
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": page}
    )
    for each in pages:
        yield from heapq.merge(each.get("Versions", ()), each.get("DeleteMarkers", ()), key=lambda entry: entry["Key"])


def _gathered(name: str, entries: list[Mapping[str, Any]]) -> Versions:
    held = tuple(
        Version(entry["VersionId"], entry["Size"], entry["LastModified"].astimezone(UTC))
        for entry in reversed(entries)
        if "Size" in entry
    )
    return Versions(name, held, deleted=any("Size" not in entry for entry in entries))
