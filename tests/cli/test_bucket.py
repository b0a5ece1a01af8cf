"""A run into a bucket, and its verification, by the commands: through an Airflow connection, and without one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from buckets import access_to, new_bucket
from ceph_gateway import ACCESS_KEY, SECRET_KEY

from cloud9_archive.errors import ConnectionFieldError
from cloud9_archive.hooks.archives import archive_access


def connect(environment: pytest.MonkeyPatch, **parts: Any) -> None:
    connection = {"conn_type": "aws", "login": ACCESS_KEY, "password": SECRET_KEY, **parts}
    environment.setenv("AIRFLOW_CONN_AWS_ARCHIVE", json.dumps(connection))


def test_run_and_verify_reach_a_bucket(
    command: Any, firm: Any, hours: tuple[str, str], moto_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    url = f"s3://{new_bucket(access_to(moto_url).client())}/emea"
    connect(firm.environment, extra={"endpoint_url": moto_url, "region_name": "us-east-1"})
    policy = (firm.include / "policies/emea_rates.yaml").read_text(encoding="utf-8").partition("archive:")[0]
    place = f"archive: {{target: '{url}', conn_id: aws_archive, retention: 7y, lock: compliance}}\n"
    firm.write_policy("emea_rates", policy + place)
    result = command("run", "emea_rates", "--from", hours[0], "--to", hours[1])
    assert result.exit_code == 0, result.stderr
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        firm.environment.delenv(name, raising=False)
    verified = command("verify", url, "--conn-id", "aws_archive")
    assert verified.exit_code == 0, verified.output
    assert verified.stdout.startswith("verify: ok bags=")
    unknown = command("verify", url, "--conn-id", "not_there")
    assert unknown.exit_code == 2
    assert "not_there" in unknown.stderr
    firm.environment.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    firm.environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    firm.environment.setenv("AWS_ENDPOINT_URL", moto_url)
    alone = command("verify", url, "--json")
    assert alone.exit_code == 0, alone.output
    assert json.loads(alone.stdout)["bags"] > 0
    said = "".join(each.output for each in (result, verified, unknown, alone)) + "".join(capfd.readouterr())
    assert SECRET_KEY not in said


def test_the_connection_is_read_as_the_amazon_provider_reads_it(firm: Any) -> None:
    extra = {
        "region_name": "eu-west-2",
        "verify": "/etc/ssl/firm.pem",
        "endpoint_url": "https://global.example",
        "service_config": {"s3": {"endpoint_url": "https://s3.example"}},
        "config_kwargs": {"s3": {"addressing_style": "path"}},
    }
    connect(firm.environment, extra=extra)
    access = archive_access("aws_archive")
    assert (access.region, access.endpoint_url, access.verify) == (
        "eu-west-2",
        "https://s3.example",
        "/etc/ssl/firm.pem",
    )
    assert access.config.s3 == {"addressing_style": "path"}
    assert access.session.get_credentials().secret_key == SECRET_KEY
    assert SECRET_KEY not in repr(access)


@pytest.mark.parametrize(
    ("conn_id", "parts", "words"),
    [("gone", {}, "is not defined"), ("aws_archive", {"conn_type": "http"}, "is of type 'http'")],
)
def test_a_connection_that_leads_nowhere_is_told(firm: Any, conn_id: str, parts: dict[str, Any], words: str) -> None:
    connect(firm.environment, **parts)
    with pytest.raises(ConnectionFieldError, match=words):
        archive_access(conn_id)
