"""What a policy says of the days on which it expects calls."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cloud9_archive.domain.policy_words import HolidaysPath, Part, Weekdays

WEEK: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = (
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
)


class Expect(Part):
    """On which days every source of the policy is to list calls."""

    days: Weekdays = Field(
        default=WEEK[:5], description="Weekdays with calls, `mon` to `sun`, in the zone of `schedule.timezone`."
    )
    holidays: HolidaysPath | None = Field(
        default=None,
        description="A `.txt` or `.csv` file below `include/` of days without calls, one a line, such as `2026-12-25 Christmas Day`.",
        examples=["holidays/england.txt"],
    )
    floor: int = Field(
        default=25,
        ge=0,
        le=100,
        description="Below so many percent of what is usual for the weekday the calls are a finding; 0: only none at all are.",
    )
