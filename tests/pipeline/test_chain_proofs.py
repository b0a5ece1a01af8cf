"""Signatures and time stamps beside chain links: put there, completed, and checked by strangers."""

from __future__ import annotations

import pickle
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from local_tsa import LocalTsa, listening, make_tsa

from cloud9_archive.domain.chain import parse_link
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.chain_proofs import open_prover
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.settings import ProofSettings
from cloud9_archive.pipeline.signing import open_signer
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.verify_proofs import read_trust


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTsa]:
    with listening(make_tsa(tmp_path_factory.mktemp("tsa") / "home")) as made:
        yield made


@pytest.fixture(autouse=True)
def willing(tsa: LocalTsa) -> None:
    tsa.status, tsa.answer, tsa.asked, tsa.headers = 200, None, 0, {}


def new_key(folder: Path, name: str, *more: str) -> Path:
    path = folder / f"{name}.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", *more, "-out", path], check=True)
    return path


def public_of(key: Path) -> Path:
    path = key.with_suffix(".pub")
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", path], check=True)
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return new_key(tmp_path, "key")


@pytest.fixture
def run(everything: Any, run_of: Any) -> Any:
    """Reconciles a run over a minute in which nothing is listed, with these proofs; the bench is at hand."""

    def make(number: int, **proof: Any) -> Any:
        order = run_of(hours=1 / 60, run_id=f"run-{number}")
        workspace = everything.workspace()
        workspace = replace(workspace, settings=replace(workspace.settings, proof=ProofSettings(**proof)))
        everything.work(workspace, everything.begin(workspace, order))
        return reconcile(workspace, order)

    make.bench = everything  # type: ignore[attr-defined]
    return make


def found(bench: Any, **trust: Any) -> list[str]:
    report = verify_archive(bench.workspace().store, trust=read_trust(trust.get("keys", []), trust.get("roots")))
    return [finding.code.value for finding in report.findings]


def test_a_signed_and_stamped_link_is_checked_by_openssl_alone(run: Any, key: Path, tsa: LocalTsa) -> None:
    run(1, signing_key_file=key, timestamp_url=tsa.url, timestamp_ca_file=tsa.root)
    chain = run.bench.archive / "emea_rates" / "chain"
    public = public_of(key)
    link = parse_link((chain / "00000001.json").read_bytes())
    assert (run.bench.archive / "keys" / f"{link.key_id}.pem").read_bytes() == public.read_bytes()
    for line in (
        f"pkeyutl -verify -pubin -inkey {public} -rawin -in 00000001.json -sigfile 00000001.sig",
        f"ts -verify -data 00000001.json -in 00000001.tsr -CAfile {tsa.root}",
    ):
        subprocess.run(["openssl", *line.split()], cwd=chain, check=True, capture_output=True)
    assert found(run.bench) == found(run.bench, keys=[public], roots=tsa.root) == []
    stranger = public_of(new_key(key.parent, "stranger"))
    assert found(run.bench, keys=[stranger]) == ["KEY_UNKNOWN"]
    assert found(run.bench, roots=make_tsa(key.parent / "other", "another").root) == ["TIMESTAMP_WRONG"]
    before = run.bench.snapshot()
    run(1, signing_key_file=key, timestamp_url=tsa.url, timestamp_ca_file=tsa.root)
    assert run.bench.snapshot() == before
    assert tsa.asked == 1


@pytest.mark.parametrize("gone", [["sig"], ["pem"], ["sig", "tsr", "pem"]])
@pytest.mark.parametrize("later", [1, 2])
def test_a_crash_after_the_link_is_completed_by_a_rerun_or_the_next_run(
    run: Any, key: Path, tsa: LocalTsa, gone: list[str], later: int
) -> None:
    proof = {"signing_key_file": key, "timestamp_url": tsa.url, "timestamp_ca_file": tsa.root}
    run(1, **proof)
    before = run.bench.snapshot()
    for path in [path for ending in gone for path in run.bench.archive.rglob(f"*.{ending}")]:
        path.unlink()
    assert found(run.bench) != []
    run(later, **proof)
    assert found(run.bench, keys=[public_of(key)], roots=tsa.root) == []
    after = run.bench.snapshot()
    assert {name: after[name] for name in before if not name.endswith(".tsr")} == {
        name: digest for name, digest in before.items() if not name.endswith(".tsr")
    }


@pytest.mark.parametrize("fault", ["down", "503", "redirect", "nonsense", "replay"])
def test_an_authority_that_fails_stops_no_run_and_a_later_one_has_the_stamps(
    run: Any, tsa: LocalTsa, tmp_path: Path, fault: str
) -> None:
    proof = {"timestamp_url": tsa.url, "timestamp_ca_file": tsa.root}
    if fault == "down":
        proof["timestamp_url"] = "http://127.0.0.1:1/tsr"
    elif fault == "replay":
        subprocess.run(["openssl", "ts", "-query", "-data", tsa.root, "-sha256", "-out", tmp_path / "q"], check=True)
        tsa.answer = tsa.reply((tmp_path / "q").read_bytes())
        tsa.asked = 0
    else:
        tsa.status = {"503": 503, "redirect": 302, "nonsense": 200}[fault]
        tsa.headers = {"Location": tsa.url}
        tsa.answer = b"0\x03\x02\x01\x00"
    for number in (1, 2):
        assert "TIMESTAMP_MISSING" in {finding.code for finding in run(number, **proof).findings}
    assert run.bench.findings("TIMESTAMP_MISSING") == {f"emea_rates/chain/0000000{n}.json" for n in (1, 2)}
    assert found(run.bench) == ["TIMESTAMP_MISSING"] * 2
    assert tsa.asked == (0 if fault == "down" else 2), "one that failed is not asked again by the same run"
    tsa.status, tsa.answer, tsa.headers = 200, None, {}
    run(3, timestamp_url=tsa.url, timestamp_ca_file=tsa.root)
    assert found(run.bench, roots=tsa.root) == []
    assert run.bench.findings("TIMESTAMP_MISSING") == set()


def test_keys_change_over_time_and_a_chain_does_not_become_unsigned(run: Any, key: Path) -> None:
    other = new_key(key.parent, "other")
    run(1)
    run(2, signing_key_file=key)
    run(3, signing_key=other.read_text())
    before = run.bench.snapshot()
    with pytest.raises(ConfigurationError, match="is signed, and no signing key"):
        run(4)
    assert run.bench.snapshot() == before
    assert found(run.bench) == found(run.bench, keys=[public_of(key), public_of(other)]) == []
    assert found(run.bench, keys=[public_of(other)]) == ["KEY_UNKNOWN"]
    next(run.bench.archive.glob("*/chain/00000002.sig")).unlink()
    result = run(4, signing_key_file=other)
    assert "SIGNATURE_MISSING" not in {finding.code for finding in result.findings}, (
        "a later complete link ends the look"
    )
    assert found(run.bench) == ["SIGNATURE_MISSING"]


def test_a_signature_that_only_an_earlier_key_can_make_is_open_until_that_key_is_back(run: Any, key: Path) -> None:
    run(1, signing_key_file=key)
    next(run.bench.archive.glob("*/chain/00000001.sig")).unlink()
    other = new_key(key.parent, "other")
    result = run(2, signing_key_file=other)
    assert [finding.code for finding in result.findings] == ["SIGNATURE_MISSING"]
    assert run.bench.findings("SIGNATURE_MISSING") == {"emea_rates/chain/00000001.json"}
    assert run(1, signing_key_file=key).findings == ()
    assert run.bench.findings("SIGNATURE_MISSING") == set()
    assert found(run.bench, keys=[public_of(key), public_of(other)]) == []


def test_a_chain_without_any_proof_does_not_hold_against_what_was_kept(run: Any, key: Path, tsa: LocalTsa) -> None:
    run(1)
    assert found(run.bench) == []
    assert found(run.bench, keys=[public_of(key)], roots=tsa.root) == ["CHAIN_UNSIGNED", "TIMESTAMP_MISSING"]


def test_the_private_key_is_told_by_nothing(key: Path, tmp_path: Path) -> None:
    secret = key.read_text().splitlines()[1]
    settings = ProofSettings(signing_key=key.read_text())
    signer = open_signer(settings)
    assert secret not in f"{settings!r}{signer!r}"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(signer)
    broken = key.read_text().replace(secret[:6], "AAAAAA")
    encrypted = new_key(tmp_path, "encrypted", "-aes256", "-pass", "pass:right")
    rsa = tmp_path / "rsa.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "X25519", "-out", rsa], check=True)
    for refused in (
        ProofSettings(signing_key=broken),
        ProofSettings(signing_key_file=encrypted),
        ProofSettings(signing_key_file=encrypted, signing_key_password="wrong"),
        ProofSettings(signing_key_file=rsa),
        ProofSettings(signing_key_file=tmp_path / "none"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            open_signer(refused)
        assert secret[6:] not in f"{caught.value!r}"
        assert "wrong'" not in f"{caught.value!r}"
        assert caught.value.__cause__ is None
    opened = open_signer(ProofSettings(signing_key_file=encrypted, signing_key_password="right"))
    assert opened is not None


@pytest.mark.parametrize("url", ["ftp://tsa/x", "http://", "http://user:pass@tsa/x", "tsa"])
def test_an_address_that_is_none_is_refused(url: str, tsa: LocalTsa) -> None:
    with pytest.raises(ConfigurationError, match="timestamp_url") as caught:
        open_prover(ProofSettings(timestamp_url=url, timestamp_ca_file=tsa.root))
    assert "pass@" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="without timestamp_ca_file"):
        ProofSettings(timestamp_url=url)


def test_whatever_is_done_to_a_proof_is_found(run: Any, key: Path, tsa: LocalTsa) -> None:
    for number in (1, 2):
        run(number, signing_key_file=key, timestamp_url=tsa.url, timestamp_ca_file=tsa.root)
    trust = {"keys": [public_of(key)], "roots": tsa.root}
    files = [path for ending in ("sig", "tsr", "pem") for path in sorted(run.bench.archive.rglob(f"*.{ending}"))]
    codes = {"sig": "SIGNATURE", "tsr": "TIMESTAMP", "pem": "KEY"}
    for path in files:
        good = path.read_bytes()
        other = next((each for each in files if each.suffix == path.suffix and each != path), key)
        # In a time stamp: its outermost length, what is signed, and the end of the signature.
        damages = [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in (0, len(good) // 2, len(good) - 1)]
        for damage in (*damages, good[:-1], b"", other.read_bytes(), good + b"\n", None):
            path.unlink()
            if damage is not None:
                path.write_bytes(damage)
            wrong = found(run.bench, **trust)
            assert wrong, (path.name, damage)
            assert all(code.startswith(codes[path.suffix[1:]]) for code in wrong)
            path.write_bytes(good)
            path.chmod(0o644)
    for name in ("emea_rates/chain/00000003.sig", "emea_rates/chain/00000001.json.sig", f"keys/{'0' * 64}.pem"):
        stray = run.bench.archive / name
        stray.write_bytes(files[0].read_bytes())
        assert found(run.bench, **trust) == ["FILE_MISPLACED"]
        stray.unlink()
    assert found(run.bench, **trust) == []
    for path in run.bench.archive.rglob("00000002.json"):
        path.unlink()
    assert found(run.bench, **trust).count("FILE_MISPLACED") == 2, "what stood beside a link that was taken away"
