"""A catalog whose database does not answer, said in the words of this package's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, OperationalError

from cloud9_archive.domain.words import shown
from cloud9_archive.errors import UnreachableError

_LONGEST = 300
_HINT = "check that it runs, that this host reaches it, and [cloud9_archive] catalog_url or data_root"
_FULL = ("disk is full", "No space left on device")
_FULL_HINT = "free or add space where the catalog lies; nothing is lost, and the task goes on at its next retry"


@contextmanager
def database_faults_told() -> Iterator[None]:
    """
    A database that cannot be used at present is told as such, without its address: that may hold a password.

    :raises UnreachableError: instead of the database driver's error
    """
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        reason = " ".join(str(error.orig).split())
        raise UnreachableError(
            f"the catalog's database cannot be used: {shown(reason, longest=_LONGEST)}",
            hint=_FULL_HINT if any(words in reason for words in _FULL) else _HINT,
        ) from error
