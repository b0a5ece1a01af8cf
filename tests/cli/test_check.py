from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.emulator.server import EmulatorServer

STEPS = [
    "connection",
    "key expiry",
    "certificates",
    "wire format",
    "DNS",
    "TCP",
    "proxy",
    "TLS",
    "clock",
    "signature",
    "address list",
    "listing",
    "scope",
]


def verdicts(result: Any) -> dict[str, str]:
    return {each["step"]: each["verdict"] for each in json.loads(result.stdout)["steps"]}


def hint_of(result: Any) -> str:
    (failed,) = [each for each in json.loads(result.stdout)["steps"] if each["verdict"] == "failed"]
    return str(failed["hint"])


def as_far_as(failed: str, *, well: str | None = None) -> dict[str, str]:
    """Every step before ``failed`` is well, except that those after ``well`` are not known; nor is what comes after."""
    last = STEPS.index(well or STEPS[STEPS.index(failed) - 1])
    expected = {step: "ok" if number <= last else "unknown" for number, step in enumerate(STEPS)}
    return {**expected, failed: "failed"}


def test_a_connection_that_works(command: Any, firm: Any) -> None:
    result = command("check", "cloud9_emea")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line[:8].rstrip() for line in lines] == ["ok"] * len(STEPS)
    assert [line[9:23].rstrip() for line in lines] == STEPS
    assert firm.cloud9.base_url in lines[0]
    asked = firm.cloud9.admin.requests().requests
    assert [each.path.rpartition("/")[2] for each in asked] == ["metadata", "recordings"]
    assert not any(secret in result.output for secret in firm.secrets)


@pytest.mark.parametrize("parts", [{"password": "wrong-secret"}, {"login": "nobody"}])
def test_wrong_credentials(command: Any, firm: Any, parts: dict[str, str]) -> None:
    firm.connect(**parts)
    result = command("check", "cloud9_emea", "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (2, "CREDENTIALS")
    assert verdicts(result) == as_far_as("signature")
    assert "not swapped" in hint_of(result)
    assert "wrong-secret" not in result.output


def test_an_address_that_is_not_on_the_list(command: Any, firm: Any) -> None:
    firm.cloud9.admin.allow("emea", "10.0.0.0/8")
    result = command("check", "cloud9_emea", "--json")
    assert result.exit_code == 2
    assert verdicts(result) == as_far_as("address list", well="clock") | {"signature": "unknown"}
    assert "egress address" in hint_of(result)


@pytest.mark.parametrize(("seconds", "where"), [(600, "behind"), (-600, "ahead of")])
def test_a_clock_that_is_off(command: Any, firm: Any, seconds: int, where: str) -> None:
    firm.cloud9.admin.set_clock(auth_offset_seconds=seconds)
    result = command("check", "cloud9_emea", "--json")
    assert result.exit_code == 2
    assert verdicts(result) == as_far_as("clock")
    assert f"s {where} the server's: set it first" in hint_of(result)


def test_a_clock_that_is_off_and_borne_is_a_warning(command: Any, firm: Any) -> None:
    firm.cloud9.admin.set_clock(auth_offset_seconds=100)
    result = command("check", "cloud9_emea")
    assert result.exit_code == 0
    assert "warning  clock         100 s apart" in result.stdout or "warning  clock         99 s apart" in result.stdout
    assert "→ set this host's clock" in result.stdout


def test_an_authority_that_did_not_sign(command: Any, firm: Any, tmp_path: Path) -> None:
    other = EmulatorServer(home=tmp_path / "other")
    other.stop()
    firm.connect(extra={"tls_trust": str(other.ca_file)})
    result = command("check", "cloud9_emea", "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (2, "TLS")
    assert verdicts(result) == as_far_as("TLS")
    assert "TLS trust list" in hint_of(result)


@pytest.mark.parametrize(
    ("text", "failed", "words"),
    [("no certificate", "certificates", "export it as PEM"), (None, "certificates", "absolute path")],
)
def test_a_file_of_authorities_that_is_none(
    command: Any, firm: Any, tmp_path: Path, text: str | None, failed: str, words: str
) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    firm.connect(extra={"tls_trust": str(path)})
    result = command("check", "cloud9_emea", "--json")
    assert result.exit_code == 2
    assert verdicts(result)[failed] == "failed"
    assert words in hint_of(result)


def test_nobody_listens(command: Any, firm: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        firm.connect(port=taken.getsockname()[1])
        result = command("check", "cloud9_emea", "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (3, "UNREACHABLE")
    assert verdicts(result) == as_far_as("TCP")
    assert "check host and port" in hint_of(result)


def test_a_host_that_is_unknown(command: Any, firm: Any) -> None:
    firm.connect(host="nowhere.invalid")
    result = command("check", "cloud9_emea", "--json")
    assert result.exit_code == 3
    assert verdicts(result) == as_far_as("DNS")
    assert "DNS" in hint_of(result)


@pytest.mark.parametrize(
    ("fault", "code", "exit_code", "well"),
    [
        ({"kind": "not_json"}, "WIRE_FORMAT", 2, "address list"),
        ({"kind": "status", "status": 404}, "WIRE_FORMAT", 2, "clock"),
        ({"kind": "status", "status": 503}, "SERVER_FAULT", 3, "clock"),
        ({"kind": "status", "status": 429}, "RATE_LIMITED", 3, "clock"),
    ],
    ids=lambda value: value.get("status", value["kind"]) if isinstance(value, dict) else "",
)
def test_an_answer_of_another_shape(
    command: Any, firm: Any, fault: dict[str, Any], code: str, exit_code: int, well: str
) -> None:
    firm.cloud9.admin.fault(endpoint="metadata", **fault)
    result = command("check", "cloud9_emea", "--json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (exit_code, code)
    assert verdicts(result) == as_far_as("listing", well=well)


def test_a_wire_format_that_is_not_there(command: Any, firm: Any) -> None:
    firm.connect(extra={"tls_trust": str(firm.cloud9.ca_file), "wire_format": "call_data_v9"})
    result = command("check", "cloud9_emea", "--json")
    assert result.exit_code == 2
    assert verdicts(result) == as_far_as("wire format")


def test_a_connection_that_is_not_defined(command: Any, firm: Any) -> None:
    result = command("check", "cloud9_nowhere")
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert lines[0] == "failed   connection    connection 'cloud9_nowhere' is not defined"
    assert "AIRFLOW_CONN_CLOUD9_NOWHERE" in lines[1]
    assert {line[:8].rstrip() for line in lines[2:]} == {"unknown"}
