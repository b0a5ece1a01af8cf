"""Faults as they are ordered: what is particular about one, how often it strikes, and storms of them."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cloud9_archive.emulator.fault_kinds import Endpoint, FaultKind, strikes_at


class FaultDetails(BaseModel):
    """
    A kind of fault, and what is particular about it; the kinds' meanings name what they look at.

    :param match: strike only this recording or call id, or a page that lists this call id; that call's row is the struck one
    :param status: HTTP status, for ``status`` and ``redirect``
    :param retry_after: Retry-After header: seconds, or any text as it is
    :param retry_after_date: whether the seconds are told as an HTTP date by the server's clock
    :param after_bytes: bytes of the body that arrive before it happens
    :param seconds: how long, or how far
    :param rows: how many rows
    :param field: the field of the struck row, which is the page's first unless ``match`` names another
    :param size: bytes
    :param location: URL
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    match: str | None = None
    status: int | None = Field(default=None, ge=200, le=599)
    retry_after: int | str | None = None
    retry_after_date: bool = False
    after_bytes: int | None = Field(default=None, ge=0)
    seconds: float | None = None
    rows: int = Field(default=1, ge=1)
    field: str | None = None
    size: int = Field(default=32 * 1024 * 1024, ge=0)
    location: str | None = None


class FaultOrder(FaultDetails):
    """
    A fault for requests to come; the oldest that matches strikes.

    :param count: how many requests it strikes
    """

    endpoint: Endpoint
    count: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _can_strike_there(self) -> Self:
        """A fault that could never strike is a mistake of whoever ordered it."""
        if self.endpoint not in strikes_at(self.kind):
            raise ValueError(
                f"{self.kind} cannot strike at {self.endpoint}, only at {', '.join(strikes_at(self.kind))}"
            )
        return self


class StormFault(FaultDetails):
    """
    A fault that strikes by chance.

    :param rate: share of the requests that it strikes, from 0 to 1
    """

    rate: float = Field(gt=0, le=1)


class StormSetting(BaseModel):
    """
    Faults that strike by chance until another setting; without faults there is calm.

    :param faults: at most one strikes a request; their rates add up to 1 at most
    :param seed: equal seeds and equal orders of requests give equal strikes
    :param endpoints: where it storms; a fault that cannot strike at an endpoint spares it
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    faults: tuple[StormFault, ...] = ()
    seed: int = 1
    endpoints: tuple[Endpoint, ...] = ("metadata", "recordings")

    @model_validator(mode="after")
    def _is_a_distribution(self) -> Self:
        """One draw decides between all of them."""
        if sum(fault.rate for fault in self.faults) > 1 + 1e-9:
            raise ValueError("the rates add up to more than 1")
        return self


MIXED_STORM: tuple[StormFault, ...] = (
    StormFault(kind=FaultKind.STATUS, status=429, retry_after=1, rate=0.05),
    StormFault(kind=FaultKind.STATUS, status=500, rate=0.05),
    StormFault(kind=FaultKind.STATUS, status=503, rate=0.05),
    StormFault(kind=FaultKind.RESET, rate=0.05),
    StormFault(kind=FaultKind.STALL, seconds=0.2, rate=0.05),
    StormFault(kind=FaultKind.SHORT_BODY, rate=0.05),
    StormFault(kind=FaultKind.DUPLICATE_PAGE, rate=0.05),
)
