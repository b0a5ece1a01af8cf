"""The archive's own legal holds, when a hold is placed while another is being lifted, and whoever lifts it dies anywhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from custody_bench import POLICY, SmallArchive
from sqlalchemy import func, select

from cloud9_archive.catalog.bag_records import HoldFlag
from cloud9_archive.catalog.tables import bag_records, custody
from cloud9_archive.domain.selection import Selection
from cloud9_archive.errors import UnreachableError
from cloud9_archive.pipeline.custody import Order
from cloud9_archive.pipeline.dispose import dispose
from cloud9_archive.pipeline.legal_holds import place_hold, release_hold
from cloud9_archive.storage.wrappers import FaultyStore

ANNA, BEN = Order("Anna Smith", "case 7"), Order("Ben Jones", "case 7 is closed")
ONE = Selection(calls=("call-1",))
KEYS = 7
"""Files of a call and its recording, and those about their bag."""


class DeathError(BaseException):
    """Nothing catches this."""


class Flagging(FaultyStore):
    """
    A store with legal holds, which it remembers.

    :param cue: is called before and after each change, with its number from 1
    """

    def __init__(self, inner: Any, flags: dict[str, bool], cue: Callable[[int, str], None] = lambda *_: None) -> None:
        super().__init__(inner, script=[])
        self.flags, self.cue = flags, cue
        self.changes, self.mutex = 0, threading.Lock()

    def keep(self, key: str, *, legal_hold: bool | None = None, **more: Any) -> Any:
        with self.mutex:
            self.changes += 1
            self.cue(self.changes, "before")
            self.flags[key] = bool(legal_hold)
            self.cue(self.changes, "after")
        return super().keep(key, legal_hold=legal_hold, **more)


def held(flags: dict[str, bool]) -> set[str]:
    return {key for key, on in flags.items() if on}


def meant(archive: SmallArchive) -> set[str]:
    bag = next(iter(archive.of("call-1"))).rpartition("/data/")[0]
    tags = {key for key in archive.workspace.store.keys(bag) if "/data/" not in key}
    return archive.of("call-1", "recording-1") | tags


def holds_entered(archive: SmallArchive) -> int:
    query = select(func.count()).select_from(custody).where(custody.c.kind == "legal_hold")
    with archive.workspace.catalog.begin() as connection:
        return connection.scalar(query) or 0


@pytest.mark.parametrize("dies", [True, False])
@pytest.mark.parametrize(("nth", "when"), [(1, "before"), (1, "after"), (4, "after"), (KEYS, "after")])
def test_a_hold_that_is_placed_while_another_is_lifted_is_on_every_file_whoever_dies(
    expired: SmallArchive, nth: int, when: str, *, dies: bool
) -> None:
    flags: dict[str, bool] = {}
    store = expired.workspace.store
    workspace = replace(expired.workspace, store=Flagging(store, flags))
    place_hold(workspace, "case 7", ONE, ANNA)
    release_hold(workspace, "case 7", ANNA)
    assert held(flags) == meant(expired)
    assert len(held(flags)) == KEYS
    placing = threading.Thread(target=place_hold, args=(workspace, "case 8", ONE, ANNA))

    def cue(number: int, moment: str) -> None:
        if (number, moment) == (nth, when):
            placing.start()
            while holds_entered(expired) < 2:
                pass
            placing.join(0.1)  # it would be over by then if nothing held it up
            if dies:
                raise DeathError

    broken = replace(workspace, store=Flagging(store, flags, cue))
    if dies:
        with pytest.raises(DeathError):
            release_hold(broken, "case 7", BEN)
    else:
        release_hold(broken, "case 7", BEN)
    placing.join(30)
    assert held(flags) == meant(expired)
    with expired.workspace.catalog.begin() as connection:
        told = {row.path: row.legal_hold for row in connection.execute(select(bag_records))}
    assert {path for path, flag in told.items() if flag} == {
        path for path in told if "call-1" in path or "recording-1" in path
    }
    assert set(told.values()) <= {None, HoldFlag.FREE, HoldFlag.HELD}


@pytest.mark.parametrize("following", ["release", "dispose", "place"])
def test_a_hold_whose_placing_was_cut_off_is_finished_by_whatever_command_comes_next(
    expired: SmallArchive, following: str
) -> None:
    flags: dict[str, bool] = {}
    store = expired.workspace.store
    workspace = replace(expired.workspace, store=Flagging(store, flags))
    place_hold(workspace, "other", Selection(calls=("call-4",)), ANNA)
    other = held(flags)

    def cue(number: int, moment: str) -> None:
        if number >= 3 and moment == "before":
            raise UnreachableError("cue")

    with pytest.raises(UnreachableError):
        place_hold(replace(workspace, store=Flagging(store, flags, cue)), "case 7", ONE, ANNA)
    assert not meant(expired) <= held(flags)
    if following == "release":
        release_hold(workspace, "other", ANNA)
    elif following == "dispose":
        dispose(workspace, ANNA, confirm=4)
    else:
        place_hold(workspace, "third", Selection(users=("nobody",)), BEN)
    assert held(flags) == meant(expired) | other


def test_flags_of_a_new_catalog_are_in_doubt_until_the_next_command(expired: SmallArchive) -> None:
    from custody_bench import rebuilt  # noqa: PLC0415 - it is the only one here

    flags: dict[str, bool] = {}
    workspace = replace(expired.workspace, store=Flagging(expired.workspace.store, flags))
    place_hold(workspace, "case 7", ONE, ANNA)
    stray = min(expired.of("call-2"))
    flags[stray] = True
    flags[min(expired.of("call-1"))] = False
    rebuilt(expired)
    workspace = replace(expired.workspace, store=Flagging(expired.workspace.store, flags))
    release_hold(workspace, "case 7", ANNA)
    assert held(flags) == meant(expired)
    assert POLICY in stray
