"""Faults that strike by chance, the same ones for the same seed and order of requests."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from cloud9_archive.emulator.fault_kinds import FaultKind, strikes_at
from cloud9_archive.emulator.fault_orders import FaultDetails, StormFault, StormSetting


@dataclass(slots=True)
class Storm:
    """A setting, and how far its chance has gone; each endpoint has a chance of its own."""

    setting: StormSetting = field(default_factory=StormSetting)
    _chances: dict[str, random.Random] = field(init=False)

    def __post_init__(self) -> None:
        """Nothing has been drawn yet."""
        self._chances = {
            endpoint: random.Random(f"{self.setting.seed}/{endpoint}")  # noqa: S311 - repeatable on purpose
            for endpoint in self.setting.endpoints
        }

    def draw(self, endpoint: str, *, subjects: frozenset[str], barred: frozenset[FaultKind]) -> StormFault | None:
        """
        The fault that strikes this request, if one does; every request draws once.

        :param subjects: the recording or call id asked for, or the call ids on the page
        :param barred: kinds that cannot strike this request
        """
        if endpoint not in self._chances or not self.setting.faults:
            return None
        drawn = self._chances[endpoint].random()
        for fault in self.setting.faults:
            if drawn < fault.rate:
                return fault if can_strike(fault, endpoint, subjects=subjects, barred=barred) else None
            drawn -= fault.rate
        return None


def can_strike(fault: FaultDetails, endpoint: str, *, subjects: frozenset[str], barred: frozenset[FaultKind]) -> bool:
    """Whether the fault may strike a request of that endpoint and those subjects."""
    matches = fault.match is None or fault.match in subjects
    return matches and fault.kind not in barred and endpoint in strikes_at(fault.kind)
