"""Which calls somebody asks for: by people, dates and ids."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cloud9_archive.domain.call import Call, Side, utc_text


@dataclass(frozen=True, slots=True)
class CallSelection:
    """
    Calls that fit everything that is asked; of several values of one kind, one is enough.

    Names and texts are compared without regard to case. In a name, ``*`` stands for any characters.

    :param users: for whom the call is recorded, or login, name or number of the near end
    :param counterparties: login, name, number, group or firm of the far end
    :param begin: first moment of a call's start, aware
    :param end: first moment after it, aware
    :param call_ids: the source's own ids
    :param recording_ids: a recording of the call
    :param texts: anywhere in the label of its line, or in names of its ends
    """

    users: tuple[str, ...] = ()
    counterparties: tuple[str, ...] = ()
    begin: datetime | None = None
    end: datetime | None = None
    call_ids: frozenset[str] = frozenset()
    recording_ids: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether nothing is asked, so that every call fits."""
        return self == CallSelection()

    def fits(self, call: Call, *, users: Collection[str]) -> bool:
        """
        Whether the call is asked for.

        :param users: for whom it is recorded
        """
        near = [t for p in call.parties if p.side is Side.NEAR for t in (p.login, p.display_name, p.number)]
        far = [
            text
            for p in call.parties
            if p.side is Side.FAR
            for text in (p.login, p.display_name, p.number, p.group, p.firm)
        ]
        return (
            (self.begin is None or call.started_at >= self.begin)
            and (self.end is None or call.started_at < self.end)
            and (not self.call_ids or call.call_id in self.call_ids)
            and (not self.recording_ids or any(r.recording_id in self.recording_ids for r in call.recordings))
            and (not self.users or _any_named(self.users, [*users, *near]))
            and (not self.counterparties or _any_named(self.counterparties, far))
            and all(_anywhere(text, call) for text in self.texts)
        )

    def document(self) -> dict[str, object]:
        """What is asked, as plain JSON values; what is not asked is left out."""
        asked: dict[str, object] = {
            "users": list(self.users),
            "counterparties": list(self.counterparties),
            "from": utc_text(self.begin),
            "to": utc_text(self.end),
            "calls": sorted(self.call_ids),
            "recordings": sorted(self.recording_ids),
            "texts": list(self.texts),
        }
        return {name: value for name, value in asked.items() if value}


def _any_named(names: Iterable[str], found: Iterable[str | None]) -> bool:
    known = [text.casefold() for text in found if text]
    return any(_pattern(name).fullmatch(text) for name in names for text in known)


def _anywhere(text: str, call: Call) -> bool:
    shown = [call.button_label]
    for party in call.parties:
        shown += [party.display_name, party.group, party.firm]
    return any(text.casefold() in each.casefold() for each in shown if each)


@lru_cache(maxsize=1024)
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, name.casefold().split("*"))), re.DOTALL)
