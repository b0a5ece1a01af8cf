"""Which failure of a run is told as its cause."""

from __future__ import annotations

import pytest

from cloud9_archive.errors import (
    Cloud9ArchiveError,
    CredentialsError,
    DamagedMediaError,
    ServerFaultError,
    StagingLostError,
)
from cloud9_archive.pipeline.run import _gravest

PASSING, LOST = ServerFaultError("503"), StagingLostError("gone")
REFUSED, DAMAGED = CredentialsError("401"), DamagedMediaError("cut")


@pytest.mark.parametrize(
    ("failures", "gravest"),
    [
        ([], None),
        ([PASSING, LOST], PASSING),
        ([PASSING, REFUSED], REFUSED),
        ([PASSING, DAMAGED, REFUSED], DAMAGED),
        ([REFUSED, PASSING], REFUSED),
    ],
)
def test_what_needs_a_person_is_graver_than_what_may_pass(
    failures: list[Cloud9ArchiveError], gravest: Cloud9ArchiveError | None
) -> None:
    assert _gravest({str(number): error for number, error in enumerate(failures)}) is gravest
