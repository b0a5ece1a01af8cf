"""One way in which a request can end without an answer to work with."""

from __future__ import annotations

from dataclasses import dataclass

from cloud9_archive.errors import Cloud9ArchiveError


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    One way in which a request can end without an answer to work with.

    :param seen: what was seen, as a person would say it
    :param error: what is raised; none when it is a state of the recording and no error
    :param meaning: why that is
    :param hint: what to do next
    """

    seen: str
    error: type[Cloud9ArchiveError] | None
    meaning: str
    hint: str
