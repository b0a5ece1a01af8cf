"""Users whose calls never bring audio, as when their client keeps it to itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

ENOUGH_CALLS = 5
ENOUGH_DAYS = 2
"""Days, by UTC, on which these calls began: one bad day of a client is no habit."""

REMEMBERED_CALLS = 10


@dataclass(frozen=True, slots=True)
class Unheard:
    """
    A login of whose calls none ever brought audio.

    :param calls: when its first calls began, aware UTC, by the ids of the calls
    """

    source: str
    login: str
    calls: Mapping[str, datetime]

    @property
    def subject(self) -> str:
        """What the finding is noted under."""
        return login_subject(self.source, self.login)

    @property
    def telling(self) -> bool:
        """Whether these are enough calls on enough days to say so."""
        days = {start.astimezone(UTC).date() for start in self.calls.values()}
        return len(self.calls) >= ENOUGH_CALLS and len(days) >= ENOUGH_DAYS

    def words(self) -> str:
        """What is odd about it, as a sentence."""
        many = f"{len(self.calls)} or more" if len(self.calls) >= REMEMBERED_CALLS else f"{len(self.calls)}"
        since = min(self.calls.values()).astimezone(UTC).date()
        return (
            f"{many} calls since {since} are to be recorded, and none of them brought audio; others of this source do"
        )


def login_subject(source: str, login: str) -> str:
    """What a finding about a login of a source is noted under."""
    return f"{source}/login {login}"
