"""Servers that hold buckets, started once for all tests of the stores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from buckets import moto_server
from ceph_gateway import ceph_gateway


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture(scope="session")
def ceph_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ceph_gateway(tmp_path_factory.mktemp("ceph")) as url:
        yield url
