"""Encrypted files and certificates, against openssl and against whoever alters them."""

from __future__ import annotations

import hashlib
import io
import random
import re
import shutil
import subprocess
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from cryptography import x509
from envelope_keys_made import BEGIN, END, Keyed, keyed
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.policy import Policy
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.envelope import CHUNK, encrypt
from cloud9_archive.pipeline.envelope_keys import unwrapped, wrapped_for
from cloud9_archive.pipeline.opening import NotOpenedError, Opener, read_opener
from cloud9_archive.pipeline.recipients import Recipient, ending_soon, read_recipient, read_recipients

NOW = datetime(2026, 3, 6, tzinfo=UTC)
DOCS = Path(__file__).parents[2] / "docs"
KINDS = ("rsa2048", "rsa3072", "SECP256R1", "SECP384R1", "SECP521R1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def people(folder: Path) -> dict[str, Keyed]:
    return {kind: keyed(folder, kind, kind) for kind in KINDS}


@pytest.fixture(scope="module")
def recipients(people: dict[str, Keyed]) -> list[Recipient]:
    return [read_recipient(str(each.certificate), include=Path(), now=NOW) for each in people.values()]


def encrypted(content: bytes, recipients: list[Recipient]) -> bytes:
    target = io.BytesIO()
    plain, stored, size = encrypt(io.BytesIO(content), len(content), target, recipients)
    made = target.getvalue()
    assert plain == hashlib.sha256(content).hexdigest()
    assert (stored, size) == (hashlib.sha256(made).hexdigest(), len(made))
    return made


def opener_of(person: Keyed) -> Opener:
    found = read_opener([person.key])
    assert found is not None
    return found


def test_openssl_opens_with_the_key_of_every_kind(
    people: dict[str, Keyed], recipients: list[Recipient], tmp_path: Path
) -> None:
    for size in (0, 1, 70_000):
        content = random.Random(size).randbytes(size)  # noqa: S311 - any bytes
        file = tmp_path / "file.p7m"
        file.write_bytes(encrypted(content, recipients))
        for person in people.values():
            assert person.opens(file) == content
            assert opener_of(person).read(file.read_bytes()) == content


def test_what_openssl_encrypts_in_this_way_is_opened(people: dict[str, Keyed], tmp_path: Path) -> None:
    file, person = tmp_path / "file", people["rsa2048"]
    file.write_bytes(b"hello")
    line = ["openssl", "cms", "-encrypt", "-binary", "-aes-256-gcm", "-in", str(file), "-outform", "DER"]
    oaep = ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"]
    made = subprocess.run([*line, "-recip", str(person.certificate), *oaep], capture_output=True, check=True).stdout
    assert opener_of(person).read(made) == b"hello"


def test_the_parts_are_what_the_page_says(recipients: list[Recipient]) -> None:
    info = cms.ContentInfo.load(encrypted(b"hello", recipients), strict=True)
    content = info["content"]
    assert info["content_type"].native == "authenticated_enveloped_data"
    assert (content["version"].native, content["originator_info"].native) == ("v0", None)
    kinds = sorted(each.name for each in content["recipient_infos"])
    assert kinds == ["kari"] * 3 + ["ktri"] * 2
    for each in content["recipient_infos"]:
        algorithm = each.chosen["key_encryption_algorithm"]
        if each.name == "ktri":
            assert algorithm["parameters"]["hash_algorithm"]["algorithm"].native == "sha256"
        else:
            assert algorithm["algorithm"].dotted == "1.3.132.1.11.1"
    assert content["auth_encrypted_content_info"]["content_encryption_algorithm"]["algorithm"].native == "aes256_gcm"
    assert len(content["mac"].native) == 16


def test_every_file_has_a_key_and_a_nonce_of_its_own(people: dict[str, Keyed], recipients: list[Recipient]) -> None:
    keys, nonces, contents = set(), set(), set()
    private = opener_of(people["rsa2048"]).keys[0]
    for _ in range(5):
        content = cms.ContentInfo.load(encrypted(b"hello", recipients[:1]))["content"]
        (info,) = content["recipient_infos"]
        keys.add(unwrapped(info, private))
        inside = content["auth_encrypted_content_info"]
        nonces.add(inside["content_encryption_algorithm"]["parameters"].native["0"])
        contents.add(inside["encrypted_content"].native)
    assert len(keys) == len(nonces) == len(contents) == 5
    assert {len(key or b"") for key in keys} == {32}


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_any_altered_byte_is_noticed(
    people: dict[str, Keyed], recipients: list[Recipient], place: int, change: int
) -> None:
    made = bytearray(encrypted(b"hello" * 20, recipients[2:3]))
    place %= len(made)
    made[place] ^= change
    try:
        assert opener_of(people["SECP256R1"]).read(bytes(made)) == b"hello" * 20
    except NotOpenedError:
        return
    # Only what tells the recipients from each other is not covered: a key finds its own without that.
    infos = cms.RecipientInfos([wrapped_for(recipients[2], bytes(32))]).dump()
    assert 20 < place < 40 + len(infos)


@given(st.data())
def test_nothing_that_is_cut_off_or_made_up_is_opened(
    people: dict[str, Keyed], recipients: list[Recipient], data: st.DataObject
) -> None:
    made = encrypted(b"hello" * 20, recipients[2:3])
    cut = made[: data.draw(st.integers(0, len(made) - 1))]
    for content in (
        cut,
        made + b"\0",
        data.draw(st.binary(max_size=200)),
        cut[:40] + data.draw(st.binary(max_size=99)),
    ):
        with pytest.raises(NotOpenedError):
            opener_of(people["SECP256R1"]).read(content)


def test_a_key_of_nobody_is_told_whose_is_wanted(recipients: list[Recipient], tmp_path: Path) -> None:
    stranger = keyed(tmp_path, "stranger")
    serial = f"{recipients[2].certificate.serial_number:X}"
    with pytest.raises(NotOpenedError, match=f"none of the keys given is that of a recipient.*{serial}"):
        opener_of(stranger).read(encrypted(b"hello", recipients[2:3]))


def test_a_large_file_takes_the_memory_of_one_piece(recipients: list[Recipient]) -> None:
    class Endless(io.RawIOBase):
        left = 64 * CHUNK

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            taken = min(len(buffer), self.left)
            self.left -= taken
            return taken

    class Counting(io.RawIOBase):
        size = 0

        def write(self, piece: Any) -> int:
            self.size += len(piece)
            return len(piece)

    target = Counting()
    tracemalloc.start()
    encrypt(io.BufferedReader(Endless()), 64 * CHUNK, target, recipients[:1])  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert target.size > 64 * CHUNK
    assert peak < 8 * CHUNK


@pytest.mark.parametrize("size", [4, 6])
def test_a_file_of_another_size_is_refused(recipients: list[Recipient], size: int) -> None:
    with pytest.raises(ValueError, match="bytes were to be encrypted, and there are 5"):
        encrypt(io.BytesIO(b"hello"), size, io.BytesIO(), recipients[:1])


@pytest.mark.parametrize(
    ("kind", "said", "words"),
    [
        ("rsa1024", {}, "has an RSA key of 1024 bits, and at least 2048 are wanted"),
        ("rsa2048", {"end": NOW - timedelta(seconds=1)}, r"ended on 2026-03-05T23:59:59Z"),
        ("rsa2048", {"begin": NOW + timedelta(seconds=1)}, r"is valid only from 2026-03-06T00:00:01Z on"),
        ("SECP256K1", {}, "has a key on the curve secp256k1"),
        ("ed25519", {}, "has a key that is neither RSA nor elliptic"),
        ("rsa2048", {"use": "digital_signature"}, "is not for encrypting: its keyUsage is without keyEncipherment"),
        ("SECP256R1", {"use": "key_encipherment"}, "is not for encrypting: its keyUsage is without keyAgreement"),
    ],
)
def test_an_unfit_certificate_is_refused(tmp_path: Path, kind: str, said: dict[str, Any], words: str) -> None:
    person = keyed(tmp_path, "archive", kind, **said)
    with pytest.raises(ConfigurationError, match=words):
        read_recipient(person.certificate.name, include=tmp_path, now=NOW)


@pytest.mark.parametrize(("kind", "use"), [("rsa2048", "key_encipherment"), ("SECP256R1", "key_agreement")])
def test_a_certificate_for_encrypting_is_taken_to_its_last_second(tmp_path: Path, kind: str, use: str) -> None:
    person = keyed(tmp_path, "archive", kind, use=use)
    for now in (BEGIN, END):
        assert read_recipient(person.certificate.name, include=tmp_path, now=now).fingerprint


def policy_for(*names: str) -> Policy:
    return Policy.model_validate(
        {
            "policy": "emea_rates",
            "sources": ["cloud9_emea"],
            "schedule": {"cron": "0 2 * * *", "timezone": "UTC"},
            "recording_rules": {"enabled": False},
            "archive": {"target": "archive", "encrypt": {"recipients": list(names)}},
        }
    )


def test_files_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    person = keyed(tmp_path, "archive")
    shutil.copy(person.certificate, tmp_path / "again.pem")
    both = person.certificate.read_bytes() + person.key.read_bytes()
    for name, content in {
        "both.pem": both,
        "two.pem": person.certificate.read_bytes() * 2,
        "none.pem": b"hello",
    }.items():
        (tmp_path / name).write_bytes(content)
    for names, words in (
        (["archive.pem", "again.pem"], "holds the same certificate as archive.pem"),
        (["both.pem"], "holds a private key"),
        (["two.pem"], "holds 2 certificates in PEM, and one is wanted"),
        (["none.pem"], "holds no certificates in PEM"),
        (["gone.pem"], "cannot be read"),
    ):
        with pytest.raises(ConfigurationError, match=words) as caught:
            read_recipients(policy_for(*names), include=tmp_path, now=NOW)
        assert "PRIVATE" not in str(caught.value)


def test_a_certificate_is_warned_of_within_its_last_thirty_days(tmp_path: Path) -> None:
    keyed(tmp_path, "archive", end=NOW + timedelta(days=30))
    keyed(tmp_path, "soon", end=NOW + timedelta(days=29, hours=23))
    told = list(ending_soon(policy_for("archive.pem", "soon.pem"), include=tmp_path, now=NOW))
    assert told == [(1, "soon.pem ends on 2026-04-04, in 29 day(s): runs fail from then on")]


def test_a_private_key_that_does_not_open_is_refused(tmp_path: Path) -> None:
    locked = keyed(tmp_path, "locked", password=b"word")
    other = keyed(tmp_path, "other", "ed25519")
    assert read_opener([]) is None
    assert "1 keys" in repr(read_opener([locked.key], password=b"word"))
    for path, password, words in (
        (locked.key, None, "is encrypted, and no password was given"),
        (locked.key, b"wrong", "is no private key in PEM that opens with the password given"),
        (locked.certificate, None, "is no private key in PEM that opens"),
        (other.key, None, "of another kind than RSA or elliptic"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            read_opener([path], password=password)


def shown(page: str, mark: str) -> str:
    """The shell that the page shows behind a mark."""
    found = re.search(rf"<!-- {mark} -->\n```bash\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_lines_of_the_pages_make_keys_and_open_a_file(tmp_path: Path) -> None:
    bash = ["bash", "-euo", "pipefail", "-c"]
    subprocess.run([*bash, shown("runbook.md", "make a recipient")], cwd=tmp_path, capture_output=True, check=True)
    recipient = read_recipient("archive.pem", include=tmp_path, now=datetime.now(UTC))
    assert isinstance(recipient.certificate, x509.Certificate)
    (tmp_path / "original.ogg.p7m").write_bytes(encrypted(b"OggS and so on", [recipient]))
    line = shown("archive-format.md", "open")
    subprocess.run([*bash, line], cwd=tmp_path, check=True)
    assert (tmp_path / "original.ogg").read_bytes() == b"OggS and so on"
    keyed(tmp_path, "archive")  # other keys of the same names
    failed = subprocess.run([*bash, line], cwd=tmp_path, capture_output=True, check=False)
    assert failed.returncode != 0
