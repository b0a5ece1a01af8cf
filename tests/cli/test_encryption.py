"""What a person with certificates and keys types: lint, decrypt, and verify with a key."""

from __future__ import annotations

import io
import json
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from custody_bench import SmallArchive, a_call
from envelope_keys_made import Keyed, keyed
from typer.testing import CliRunner, Result

from cloud9_archive.cli import app
from cloud9_archive.cli.decrypt import PASSWORD
from cloud9_archive.pipeline.envelope import encrypt
from cloud9_archive.pipeline.recipients import read_recipient

INCLUDE = Path(__file__).parents[2] / "include"
NOW = datetime.now(UTC)


def ran(*words: str | Path, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=answer)


def made(folder: Path, name: str = "archive", *, days: float = 400, password: bytes | None = None) -> Keyed:
    return keyed(folder, name, begin=NOW - timedelta(days=1), end=NOW + timedelta(days=days), password=password)


@pytest.fixture
def person(tmp_path: Path) -> Keyed:
    return made(tmp_path, password=b"open sesame")


@pytest.fixture
def file(person: Keyed) -> Path:
    path = person.key.with_name("original.ogg.p7m")
    recipient = read_recipient(str(person.certificate), include=Path(), now=NOW)
    with path.open("wb") as target:
        encrypt(io.BytesIO(b"OggS"), 4, target, [recipient])
    return path


def test_a_file_is_opened_beside_itself_for_its_owner_alone(
    person: Keyed, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, "open sesame")
    result = ran("decrypt", file, "--key", person.key)
    plain = file.with_name("original.ogg")
    assert (result.exit_code, result.stdout) == (0, f"{plain}\n")
    assert plain.read_bytes() == b"OggS"
    assert stat.S_IMODE(plain.stat().st_mode) == 0o600
    again = ran("decrypt", file, "--key", person.key)
    assert (again.exit_code, again.stderr.split(" – ")[0]) == (1, f"error: {plain} exists already")


def test_a_password_is_asked_for(person: Keyed, file: Path, tmp_path: Path) -> None:
    result = ran("decrypt", file, "--key", person.key, "--out", tmp_path / "out", answer="open sesame\n")
    assert result.exit_code == 0, result.output
    assert "sesame" not in result.output
    assert (tmp_path / "out").read_bytes() == b"OggS"


def test_what_does_not_open_leaves_nothing(person: Keyed, file: Path, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    (tmp_path / "other").mkdir()
    stranger = made(tmp_path / "other", "stranger")
    result = ran("decrypt", file, "--key", stranger.key)
    assert result.exit_code == 1
    assert "none of the keys given is that of a recipient: it is for the certificates" in result.stderr
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes((content[-1] ^ 1,)))
    result = ran("decrypt", file, "--key", person.key, answer="open sesame\n")
    assert (result.exit_code, result.stderr.splitlines()[-1].split("p7m: ")[1]) == (
        1,
        "it was altered after it was encrypted",
    )
    assert set(tmp_path.iterdir()) - before == {tmp_path / "other"}
    assert ran("decrypt", tmp_path / "gone.p7m", "--key", stranger.key).exit_code == 1


@pytest.fixture
def include(tmp_path: Path) -> Path:
    copied = Path(shutil.copytree(INCLUDE, tmp_path / "include"))
    (copied / "certs").mkdir()
    policy = copied / "policies" / "americas_credit.yaml"
    policy.write_text(policy.read_text() + "  encrypt:\n    recipients:\n      - certs/archive.pem\n")
    return copied


def test_lint_reads_the_certificates(include: Path) -> None:
    made(include / "certs")
    result = ran("policy", "lint", "--include", include)
    assert (result.exit_code, result.output) == (0, "2 policies are valid\n")
    made(include / "certs", days=29.5)
    result = ran("policy", "lint", "--include", include)
    lines = (include / "policies" / "americas_credit.yaml").read_text().splitlines()
    place = lines.index("      - certs/archive.pem") + 1
    assert result.exit_code == 0
    assert f"credit.yaml:{place}: warning: the certificate certs/archive.pem ends on" in result.stderr
    made(include / "certs", days=-0.5)
    result = ran("policy", "lint", "--include", include)
    assert result.exit_code == 1
    assert "archive.encrypt.recipients: the certificate certs/archive.pem ended on" in result.stderr


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{recipients: []}", "at least one entry is wanted"),
        ("{recipients: [../a.pem]}", "the path of a certificate in PEM is wanted"),
        ("{recipients: [a.pem, a.pem]}", "each entry is wanted once"),
        ("{key: a.pem}", "found an unknown key"),
        ("true", "a group of keys is wanted"),
    ],
)
def test_a_policy_that_names_no_certificate_is_refused(include: Path, written: str, words: str) -> None:
    policy = include / "policies" / "americas_credit.yaml"
    policy.write_text(policy.read_text().partition("  encrypt:")[0] + f"  encrypt: {written}\n")
    result = ran("policy", "lint", "--include", include)
    assert result.exit_code == 1
    assert words in result.stderr, result.stderr


def test_verify_with_a_key_that_is_none_ends_with_2(tmp_path: Path, person: Keyed) -> None:
    result = ran("verify", tmp_path, "--decrypt-key", person.certificate)
    assert result.exit_code == 2
    assert "is no private key in PEM that opens" in result.stderr


def test_rebuild_and_export_take_the_key_of_a_recipient(
    tmp_path: Path, settings_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del settings_only
    owner = keyed(tmp_path, "owner", password=b"open sesame")
    encrypt = {"recipients": [str(owner.certificate)]}
    made = SmallArchive(tmp_path / "small", said={"target": "archive", "encrypt": encrypt})
    with made.stack:
        made.seal(a_call(1))
    out, catalog = tmp_path / "out", f"sqlite:///{tmp_path / 'new.sqlite'}"
    export = ("export", made.archive, "--out", out, "--everything")
    rebuild = ("catalog", "rebuild", made.archive, "--catalog", catalog)
    for order in (export, rebuild):
        result = ran(*order)
        assert result.exit_code == 2
        assert "is encrypted, and no key was given" in result.stderr
        assert "--decrypt-key FILE" in result.stderr
    assert not out.exists()
    monkeypatch.setenv(PASSWORD, "open sesame")
    result = ran(*export, "--decrypt-key", owner.key)
    assert result.exit_code == 0, result.output
    assert f"3 files were decrypted into {out}" in result.stdout
    (original,) = out.rglob("original.ogg")
    assert original.read_bytes().startswith(b"OggS")
    result = ran(*rebuild, "--decrypt-key", owner.key, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["calls"] == {"archived": 1}
