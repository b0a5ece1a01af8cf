"""Chain links: one text, one digest, and no way to slip another in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.call import canonical_json
from cloud9_archive.domain.chain import (
    ChainLink,
    LinkKind,
    Member,
    check_succession,
    link_bytes,
    merkle_root,
    next_link,
    parse_link,
)
from cloud9_archive.errors import ConfigurationError

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
# The leaves and roots that the certificate transparency implementations test with.
CT_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _member(name: str) -> Member:
    return Member(f"emea/reports/2026/11/22/{name}.json", hashlib.sha256(name.encode()).hexdigest())


def _next(previous: ChainLink | None, *names: str, **changed: object) -> ChainLink:
    fields = {
        "kind": LinkKind.REGULAR,
        "policy": "emea",
        "run_id": "r",
        "written_at": NOW,
        "members": map(_member, names or "x"),
    }
    return next_link(previous, **{**fields, **changed})


def test_the_empty_tree() -> None:
    assert merkle_root([]).hex() == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_of_certificate_transparency(size: int) -> None:
    assert merkle_root(CT_LEAVES[:size]).hex() == CT_ROOTS[size - 1]


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_the_root_is_that_of_the_recursive_definition(leaves: list[bytes]) -> None:
    def tree(part: list[bytes]) -> bytes:
        if len(part) == 1:
            return hashlib.sha256(b"\0" + part[0]).digest()
        split = 1 << (len(part) - 1).bit_length() - 1
        return hashlib.sha256(b"\1" + tree(part[:split]) + tree(part[split:])).digest()

    assert merkle_root(leaves) == (tree(leaves) if leaves else hashlib.sha256(b"").digest())


def test_a_chain_of_three() -> None:
    first = _next(None, "a", "b")
    second = _next(first, "c", kind=LinkKind.BACKFILL)
    third = _next(second, "d")
    assert [link.number for link in (first, second, third)] == [1, 2, 3]
    assert first.previous is None
    assert third.previous == hashlib.sha256(link_bytes(second)).hexdigest()
    for link in (first, second, third):
        assert parse_link(link_bytes(link)) == link


def test_the_text_of_a_link_never_changes() -> None:
    assert link_bytes(_next(None, "b", "a", run_id="scheduled__2026-11-22T00:00:00+00:00")) == (
        b'{"format":"cloud9-archive chain link 1","kind":"regular","members":['
        b'{"path":"emea/reports/2026/11/22/a.json","sha256":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},'
        b'{"path":"emea/reports/2026/11/22/b.json","sha256":"3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"}],'
        b'"merkle_root":"973809527cfd41b1a941e72fd789b74611fbf08a2ce45c8cefe4182b0bc831ac",'
        b'"number":1,"policy":"emea","previous":null,"run_id":"scheduled__2026-11-22T00:00:00+00:00","written_at":"2026-11-22T12:30:00Z"}\n'
    )


def test_times_are_kept_in_utc() -> None:
    london = NOW.astimezone(timezone(timedelta(hours=1)))
    assert link_bytes(_next(None, written_at=london)) == link_bytes(_next(None))


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("number", 0),
        ("number", True),
        ("policy", ""),
        ("run_id", "a\nb"),
        ("run_id", "\ud800"),
        ("written_at", datetime(2026, 1, 1)),  # noqa: DTZ001 - a time without zone is the case
        ("previous", "abc"),
        ("members", ()),
        ("members", (_member("b"), _member("a"))),
        ("members", (_member("a"), _member("a"))),
        ("members", (Member("../x", "a" * 64),)),
        ("members", (Member("x", "A" * 64),)),
    ],
)
def test_a_field_that_cannot_stand_in_a_link_is_refused(field: str, found: object) -> None:
    with pytest.raises(ConfigurationError):
        replace(_next(None), **{field: found})


@pytest.mark.parametrize("field", ["policy", "number", "previous"])
def test_what_does_not_follow_is_refused(field: str) -> None:
    first = _next(None)
    second = _next(first)
    changed = replace(second, **{field: {"policy": "apac", "number": 3, "previous": "0" * 64}[field]})
    check_succession(first, second)
    with pytest.raises(ConfigurationError) as caught:
        check_succession(first, changed)
    assert caught.value.subject == field


def test_a_second_link_is_not_a_first() -> None:
    with pytest.raises(ConfigurationError):
        check_succession(None, _next(_next(None)))


def _changed(**fields: object) -> bytes:
    document = json.loads(link_bytes(_next(None, "a", "b")))
    return canonical_json({**document, **fields}) + b"\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b"\xff",
        link_bytes(_next(None)).rstrip(),
        link_bytes(_next(None)) + b"\n",
        b" " + link_bytes(_next(None)),
        link_bytes(_next(None)).replace(b'"number":1', b'"number":1,"number":1'),
        _changed(extra=1),
        _changed(format="cloud9-archive chain link 2"),
        _changed(number="1"),
        _changed(number=1.0),
        _changed(kind="other"),
        _changed(policy=None),
        _changed(written_at="2026-11-22T12:30:00+00:00"),
        _changed(written_at="0001-01-01T00:00:00+14:00"),
        _changed(written_at=5),
        _changed(members="ab"),
        _changed(members=[{"path": 1, "sha256": "a" * 64}]),
        _changed(members=[{"path": "a", "sha256": None}]),
    ],
)
def test_any_other_text_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigurationError):
        parse_link(content)


def test_a_wrong_root_is_told_apart() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_link(_changed(merkle_root="0" * 64))
    assert caught.value.subject == "merkle_root"


@given(st.data())
def test_no_flipped_byte_passes_for_the_same_link(drawn: st.DataObject) -> None:
    content = bytearray(link_bytes(_next(None, "a", "b")))
    place = drawn.draw(st.integers(0, len(content) - 1))
    content[place] ^= drawn.draw(st.integers(1, 255))
    try:
        link = parse_link(bytes(content))
    except ConfigurationError:
        return
    assert link_bytes(link) == content
    assert link.digest() != _next(None, "a", "b").digest()
