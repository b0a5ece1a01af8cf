"""Work outside of the catalog that only one may do at a time, on either database."""

from __future__ import annotations

import threading
from typing import NoReturn

import pytest

from cloud9_archive.catalog.catalog import Catalog, alone


class DeathError(BaseException):
    """Nothing catches this."""


def test_one_at_a_time_is_past_it_and_whoever_dies_is_past_it_no_more(catalog: Catalog) -> None:
    order: list[str] = []

    def second() -> None:
        with alone(catalog, "holds.p"):
            order.append("second")

    waiting = threading.Thread(target=second)

    def first() -> NoReturn:
        with alone(catalog, "holds.p"):
            waiting.start()
            waiting.join(0.1)
            with alone(catalog, "holds.q"), catalog.begin():
                order.append("first")
            raise DeathError

    with pytest.raises(DeathError):
        first()
    waiting.join(30)
    assert order == ["first", "second"]
