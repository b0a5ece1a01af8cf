"""A bucket as an archive: locks, what others put over a file, what the server does not keep to, and its refusals."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from buckets import access_to, client_to, new_bucket
from ceph_gateway import SECRET_KEY

from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.errors import (
    ArchiveConflictError,
    ConfigurationError,
    LockNotProvenError,
    ServerFaultError,
    StillLockedError,
    UnreachableError,
)
from cloud9_archive.storage.s3 import S3Store
from cloud9_archive.storage.s3_body import LARGEST_PUT
from cloud9_archive.storage.s3_client import S3Access
from cloud9_archive.storage.s3_lock import LockRule
from cloud9_archive.storage.store import HeldLock, Hidden, LockMode

KEY, CONTENT = "p/bags/x", b"what was said"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
SOON = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
LATER = SOON + timedelta(days=30)


class Server:
    """A server, and stores over one bucket of it."""

    def __init__(self, url: str, *, creates_only: bool, lock: bool = True) -> None:
        self.url = url
        self.client = client_to(url)
        self.bucket = new_bucket(self.client, lock=lock)
        self.creates_only = creates_only

    def store(self, mode: LockMode | None = LockMode.GOVERNANCE, *, retention: str = "7y", **more: Any) -> S3Store:
        rule = LockRule(mode, parse_retention(retention), **more) if mode else None
        return S3Store(self.bucket, "arc", self.client, rule=rule, creates_only=self.creates_only)

    def versions(self, key: str = KEY) -> list[str]:
        listed = self.client.list_object_versions(Bucket=self.bucket, Prefix=f"arc/{key}")
        return [version["VersionId"] for version in listed.get("Versions", [])]

    def default(self, mode: str = "GOVERNANCE", **length: int) -> None:
        rule = {"DefaultRetention": {"Mode": mode, **length}}
        configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
        self.client.put_object_lock_configuration(Bucket=self.bucket, ObjectLockConfiguration=configuration)


KINDS = [
    pytest.param(("moto_url", True), id="moto"),
    pytest.param(("moto_url", False), id="moto-two-steps"),
    pytest.param(("ceph_url", False), id="ceph", marks=pytest.mark.services),
]
CEPH_ALONE = [pytest.param(("ceph_url", False), id="ceph", marks=pytest.mark.services)]


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Server:
    fixture, creates_only = request.param
    return Server(request.getfixturevalue(fixture), creates_only=creates_only)


def held(server: Server, key: str = KEY) -> HeldLock:
    return server.store(None).lock_of(key)


@pytest.mark.parametrize("mode", LockMode)
def test_every_file_is_locked_as_the_server_itself_tells(server: Server, mode: LockMode) -> None:
    stored = server.store(mode).put(KEY, CONTENT, sha256=DIGEST, retain_until=SOON + timedelta(microseconds=1))
    lock = HeldLock(mode, SOON + timedelta(seconds=1))
    assert (stored.lock, stored.proven, stored.version_id) == (lock, True, server.versions()[0])
    assert held(server) == lock


def test_what_nothing_is_said_of_is_kept_as_the_rule_says(server: Server) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    server.store(retention="30d", legal_hold=True).put(KEY, CONTENT, sha256=DIGEST)
    lock = held(server)
    assert lock.retain_until is not None
    assert timedelta(days=30) <= lock.retain_until - before < timedelta(days=30, minutes=5)
    assert lock.legal_hold
    again = server.store(retention="30d").put(KEY, CONTENT, sha256=DIGEST)
    assert (again.created, again.lock) == (False, lock), "a retry lengthens nothing"


def test_a_lock_grows_and_never_shrinks(server: Server) -> None:
    server.store(None).put(KEY, CONTENT, sha256=DIGEST)
    assert held(server) == HeldLock()
    for until, expected in [(SOON, SOON), (LATER, LATER), (SOON, LATER)]:
        stored = server.store().put(KEY, CONTENT, sha256=DIGEST, retain_until=until)
        assert stored.lock == HeldLock(LockMode.GOVERNANCE, expected) == held(server)
        assert not stored.created
    assert len(server.versions()) == 1


@pytest.mark.parametrize("server", KINDS[:2], indirect=True)
def test_a_weaker_mode_is_made_the_one_that_is_asked_for_and_never_the_other_way(server: Server) -> None:
    for mode, expected in [("GOVERNANCE",) * 2, ("COMPLIANCE",) * 2, ("GOVERNANCE", "COMPLIANCE")]:
        stored = server.store(LockMode(mode.lower())).put(KEY, CONTENT, sha256=DIGEST, retain_until=SOON)
        assert stored.lock == HeldLock(LockMode(expected.lower()), SOON) == held(server)


def test_what_should_have_expired_is_locked_for_a_day(server: Server) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    locks = [server.store().put(KEY, CONTENT, sha256=DIGEST, retain_until=past).lock for _ in range(2)]
    assert locks[0] == locks[1]
    assert locks[0] is not None
    assert locks[0].retain_until is not None
    assert timedelta(hours=23) < locks[0].retain_until - datetime.now(UTC) < timedelta(hours=25)


@pytest.mark.parametrize("server", CEPH_ALONE, indirect=True)
def test_a_locked_file_cannot_be_removed_nor_its_lock_shortened(server: Server) -> None:
    version = server.store(LockMode.COMPLIANCE).put(KEY, CONTENT, sha256=DIGEST, retain_until=LATER).version_id
    target = {"Bucket": server.bucket, "Key": f"arc/{KEY}", "VersionId": version}
    shorter = {"Mode": "COMPLIANCE", "RetainUntilDate": SOON}
    for act in (
        lambda: server.client.delete_object(**target),
        lambda: server.client.delete_object(**target, BypassGovernanceRetention=True),
        lambda: server.client.put_object_retention(**target, Retention=shorter, BypassGovernanceRetention=True),
    ):
        with pytest.raises(server.client.exceptions.ClientError):
            act()
    assert held(server) == HeldLock(LockMode.COMPLIANCE, LATER)


@pytest.mark.parametrize("server", CEPH_ALONE, indirect=True)
def test_a_weaker_mode_that_cannot_be_changed_is_told(server: Server) -> None:
    server.store().put(KEY, CONTENT, sha256=DIGEST, retain_until=SOON)
    with pytest.raises(ConfigurationError, match="PutObjectRetention was refused"):
        server.store(LockMode.COMPLIANCE).put(KEY, CONTENT, sha256=DIGEST, retain_until=SOON)


def test_newer_bytes_and_delete_markers_are_told_and_hide_nothing(server: Server) -> None:
    store = server.store()
    for key in ("p/a", "p/b", "p/c", "p/d", "q/e"):
        store.put(key, CONTENT, sha256=DIGEST)
    server.client.put_object(Bucket=server.bucket, Key="arc/p/a", Body=b"something else")
    server.client.put_object(Bucket=server.bucket, Key="arc/p/b", Body=CONTENT)
    server.client.delete_object(Bucket=server.bucket, Key="arc/p/c")
    server.client.put_object(Bucket=server.bucket, Key="arc/p/d", Body=b"as long here.")
    assert list(store.hidden()) == [
        Hidden("p/a", 2, deleted=False, same=False),
        Hidden("p/b", 2, deleted=False, same=True),
        Hidden("p/c", 1, deleted=True, same=True),
        Hidden("p/d", 2, deleted=False, same=False),
    ]
    assert list(store.hidden("q")) == []
    for fresh in (store, server.store()):
        assert list(fresh.keys()) == ["p/a", "p/b", "p/c", "p/d", "q/e"]
        for key in ("p/a", "p/b", "p/c", "p/d"):
            assert (fresh.read(key), fresh.digest(key), fresh.size(key)) == (CONTENT, DIGEST, len(CONTENT))
            assert fresh.exists(key)
            assert not fresh.put(key, CONTENT, sha256=DIGEST).created
    with pytest.raises(ArchiveConflictError):
        store.put("p/a", b"something else", sha256=hashlib.sha256(b"something else").hexdigest())


@pytest.mark.parametrize("server", CEPH_ALONE, indirect=True)  # moto marks nothing where nothing was
def test_a_key_that_holds_nothing_but_a_delete_marker_is_not_there(server: Server) -> None:
    server.client.delete_object(Bucket=server.bucket, Key=f"arc/{KEY}")
    store = server.store()
    assert not store.exists(KEY)
    assert store.put(KEY, CONTENT, sha256=DIGEST).created
    assert list(store.hidden()) == [Hidden(KEY, 1, deleted=True, same=True)]


def test_the_folder_that_a_console_makes_is_nothing_in_the_archive(server: Server) -> None:
    server.client.put_object(Bucket=server.bucket, Key="arc/", Body=b"")
    server.client.put_object(Bucket=server.bucket, Key="arc2/x", Body=b"")
    server.client.put_object(Bucket=server.bucket, Key="arc/p/", Body=b"")
    assert list(server.store().keys()) == ["p/"]


@pytest.mark.parametrize("server", [KINDS[1], KINDS[2]], indirect=True)
def test_whoever_comes_second_takes_their_version_away(server: Server) -> None:
    contents = [bytes([number]) * 5000 for number in range(8)]
    together = Barrier(len(contents))

    def as_ceph_takes_it(real: Callable[..., Any], given: dict[str, Any]) -> Any:
        together.wait()
        return real(**{name: value for name, value in given.items() if name != "IfNoneMatch"})

    def put(content: bytes) -> bool:
        store = server.store()
        store._objects.client = Meddling(server.client, "put_object", as_ceph_takes_it)
        try:
            return store.put(KEY, content, sha256=hashlib.sha256(content).hexdigest()).created
        except ArchiveConflictError:
            return False

    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(put, contents))
    assert sum(created) == 1
    assert server.store().read(KEY) == contents[created.index(True)]
    assert list(server.store().hidden()) == []
    assert held(server).mode is LockMode.GOVERNANCE


class Meddling:
    """A client whose answers to one operation are changed on the way."""

    def __init__(self, client: Any, operation: str, change: Callable[..., Any]) -> None:
        self._client, self._operation, self._change = client, operation, change

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        return (lambda **given: self._change(real, given)) if name == self._operation else real


def altered_on_the_way(real: Callable[..., Any], given: dict[str, Any]) -> Any:
    given = {name: value for name, value in given.items() if not name.startswith("Checksum")}
    return real(**given | {"Body": b"something else"[: given["ContentLength"]], "ChecksumAlgorithm": "SHA256"})


def test_bytes_that_the_server_altered_are_not_archived(server: Server) -> None:
    store = server.store()
    store._objects.client = Meddling(server.client, "put_object", altered_on_the_way)
    with pytest.raises(ServerFaultError, match="reads back as"):
        store.put(KEY, CONTENT, sha256=DIGEST)
    if not server.creates_only:
        assert server.versions() == [], "what was not locked yet is taken away"
        assert server.store().put(KEY, CONTENT, sha256=DIGEST).created


def shortened(real: Callable[..., Any], given: dict[str, Any]) -> Any:
    answer = real(**given)
    if until := answer.get("ObjectLockRetainUntilDate"):
        answer["ObjectLockRetainUntilDate"] = until - timedelta(seconds=1)
    return answer


def unlocked(real: Callable[..., Any], given: dict[str, Any]) -> Any:
    return {name: value for name, value in real(**given).items() if not name.startswith("ObjectLock")}


@pytest.mark.parametrize("change", [shortened, unlocked])
def test_a_lock_that_is_not_read_back_fails_the_put(server: Server, change: Callable[..., Any]) -> None:
    store = server.store()
    client = Meddling(server.client, "get_object", change)
    store._objects.client = Meddling(client, "head_object", change)
    with pytest.raises(LockNotProvenError, match=f"{KEY} is .* is to be governance until") as caught:
        store.put(KEY, CONTENT, sha256=DIGEST, retain_until=SOON)
    assert caught.value.subject == KEY


def test_a_bucket_that_cannot_do_it_is_told_before_the_first_byte(server: Server) -> None:
    plain = Server(server.url, creates_only=server.creates_only, lock=False)
    for mode in (None, LockMode.COMPLIANCE):
        with pytest.raises(ConfigurationError, match="does not keep versions"):
            plain.store(mode).put(KEY, CONTENT, sha256=DIGEST)
    plain.client.put_bucket_versioning(Bucket=plain.bucket, VersioningConfiguration={"Status": "Enabled"})
    plain.store(None).check()
    with pytest.raises(ConfigurationError, match="has no Object Lock") as caught:
        plain.store(LockMode.COMPLIANCE).put(KEY, CONTENT, sha256=DIGEST)
    assert caught.value.subject == "archive.lock"
    assert plain.versions() == []


def test_a_default_that_would_keep_longer_than_the_policy_is_told(server: Server) -> None:
    server.default(Years=2)
    server.store(retention="2y").check()
    with pytest.raises(ConfigurationError, match=r"for 2y by default \(governance\), longer than .*700d"):
        server.store(retention="700d").check()
    with pytest.raises(ConfigurationError, match="states no archive"):
        server.store(None).check()


def test_what_the_bucket_locks_by_itself_is_locked_as_the_policy_says(server: Server) -> None:
    server.default(Days=1)
    stored = server.store(LockMode.COMPLIANCE).put(KEY, CONTENT, sha256=DIGEST, retain_until=SOON)
    assert stored.lock == HeldLock(LockMode.COMPLIANCE, SOON) == held(server)


def test_a_bucket_that_is_not_there(server: Server) -> None:
    store = S3Store("nothing-of-that-name", "", server.client)
    with pytest.raises(ConfigurationError, match="NoSuchBucket") as caught:
        store.check()
    assert caught.value.hint


def test_a_server_that_does_not_answer_may_answer_later() -> None:
    access = access_to("http://127.0.0.1:9", retries={"total_max_attempts": 1})
    with pytest.raises(UnreachableError):
        S3Store("bucket", "", access.client()).check()


def test_an_endpoint_that_is_none_is_told() -> None:
    with pytest.raises(ConfigurationError, match="connection cannot be used"):
        S3Access(endpoint_url="not an address").client()


@pytest.mark.parametrize("server", CEPH_ALONE, indirect=True)
def test_a_refusal_tells_what_to_correct_and_no_secret(server: Server) -> None:
    access = access_to(server.url)
    access.session._session.set_credentials("archivist", "another-secret-than-that")
    with pytest.raises(ConfigurationError, match="SignatureDoesNotMatch") as caught:
        S3Store(server.bucket, "", access.client()).check()
    assert "password" in (caught.value.hint or "")
    for secret in (SECRET_KEY, "another-secret-than-that"):
        assert secret not in repr((caught.value, str(caught.value), access))


def test_a_file_that_no_put_can_carry_is_refused_in_words(server: Server, tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(LARGEST_PUT + 1)
    with pytest.raises(ConfigurationError, match="one PUT carries"):
        server.store().put(KEY, tmp_path / "huge", sha256=DIGEST)


def test_a_large_file_is_sent_from_its_own_place(server: Server, tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(bytes(17 * 1024 * 1024))
    digest = hashlib.sha256(bytes(17 * 1024 * 1024)).hexdigest()
    assert server.store(None).put(KEY, tmp_path / "long", sha256=digest).size == 17 * 1024 * 1024
    assert server.store().digest(KEY) == digest


def test_reading_stops_with_a_word_when_the_connection_does(server: Server) -> None:
    def cut(real: Callable[..., Any], given: dict[str, Any]) -> Any:
        answer = real(**given)
        answer["Body"]._raw_stream = io.BytesIO(answer["Body"].read()[:5])
        return answer

    store = server.store(None)
    store.put(KEY, CONTENT, sha256=DIGEST)
    store._objects.client = Meddling(server.client, "get_object", cut)
    with pytest.raises(UnreachableError, match="no complete answer"):
        store.read(KEY)


def test_what_is_kept_longer_is_locked_longer_and_never_shorter(server: Server) -> None:
    server.store().put(KEY, CONTENT, sha256=DIGEST, retain_until=SOON)
    past = datetime(2020, 1, 1, tzinfo=UTC)
    for until, expected in [(LATER, LATER), (SOON, LATER), (past, LATER), (None, LATER)]:
        assert server.store().keep(KEY, retain_until=until) == HeldLock(LockMode.GOVERNANCE, expected) == held(server)
    assert len(server.versions()) == 1


def test_a_legal_hold_is_set_and_lifted_by_version_and_the_retention_stays(server: Server) -> None:
    store = server.store()
    store.put(KEY, CONTENT, sha256=DIGEST, retain_until=SOON)
    for wanted, expected in [(True, True), (None, True), (True, True), (False, False), (False, False)]:
        assert store.keep(KEY, legal_hold=wanted) == HeldLock(LockMode.GOVERNANCE, SOON, expected) == held(server)
    assert server.store(None).keep(KEY, legal_hold=True) is None
    assert held(server) == HeldLock(LockMode.GOVERNANCE, SOON)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_legal_hold_that_is_not_told_back_is_no_legal_hold(server: Server, wanted: object) -> None:
    store = server.store()
    store.put(KEY, CONTENT, sha256=DIGEST, retain_until=SOON)
    store.keep(KEY, legal_hold=not wanted)
    real = store._objects.client

    class Deaf:
        def __getattr__(self, name: str) -> Any:
            return (lambda **_: {}) if name == "put_object_legal_hold" else getattr(real, name)

    store._objects.client = Deaf()
    with pytest.raises(LockNotProvenError, match=r"p/bags/x is governance until"):
        store.keep(KEY, legal_hold=bool(wanted))


def test_a_longer_lock_that_is_not_told_back_is_no_longer_lock(server: Server) -> None:
    store = server.store()
    store.put(KEY, CONTENT, sha256=DIGEST, retain_until=SOON)
    real = store._objects.client

    class Deaf:
        def __getattr__(self, name: str) -> Any:
            return (lambda **_: {}) if name == "put_object_retention" else getattr(real, name)

    store._objects.client = Deaf()
    with pytest.raises(LockNotProvenError, match="and is to be governance until"):
        store.keep(KEY, retain_until=LATER)


@pytest.mark.parametrize("mode", LockMode)
@pytest.mark.parametrize("legal_hold", [False, True])
def test_what_is_locked_is_not_removed_and_the_server_is_not_even_asked(
    server: Server, mode: LockMode, legal_hold: object
) -> None:
    store = server.store(mode)
    store.put(KEY, CONTENT, sha256=DIGEST, retain_until=SOON)
    store.keep(KEY, legal_hold=bool(legal_hold))
    real, asked = store._objects.client, []

    class Watched:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return getattr(real, name)

    store._objects.client = Watched()
    with pytest.raises(StillLockedError, match="p/bags/x is"):
        store.remove(KEY, sha256=DIGEST)
    assert "delete_object" not in asked
    assert len(server.versions()) == 1


def test_a_lock_that_only_the_server_knows_of_is_not_got_around(server: Server) -> None:
    server.store(LockMode.GOVERNANCE).put(KEY, CONTENT, sha256=DIGEST, retain_until=SOON)
    told: list[dict[str, Any]] = []
    ahead = S3Store(
        server.bucket, "arc", server.client, creates_only=server.creates_only, clock=lambda: LATER + timedelta(days=1)
    )
    real = ahead._objects.client

    class Watched:
        def __getattr__(self, name: str) -> Any:
            if name != "delete_object":
                return getattr(real, name)
            return lambda **arguments: (told.append(arguments), real.delete_object(**arguments))[1]

    ahead._objects.client = Watched()
    with pytest.raises(ConfigurationError, match="AccessDenied"):
        ahead.remove(KEY, sha256=DIGEST)
    assert [sorted(each) for each in told] == [["Bucket", "Key", "VersionId"]], "no bypass is asked for"
    assert len(server.versions()) == 1


def test_all_versions_of_what_is_not_locked_are_removed(server: Server) -> None:
    store = server.store(None)
    store.put(KEY, CONTENT, sha256=DIGEST)
    server.client.put_object(Bucket=server.bucket, Key=f"arc/{KEY}", Body=CONTENT)
    assert len(server.versions()) == 2
    assert store.remove(KEY, sha256=DIGEST)
    assert server.versions() == []
    store.put(KEY, CONTENT, sha256=DIGEST)
    server.client.put_object(Bucket=server.bucket, Key=f"arc/{KEY}", Body=b"another's")
    with pytest.raises(ArchiveConflictError, match="nothing was removed"):
        store.remove(KEY, sha256=DIGEST)
    assert len(server.versions()) == 2
