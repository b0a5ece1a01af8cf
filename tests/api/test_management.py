from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.api.management import SHIPPED, ManagementClient, management_format, read_users
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.domain.people import CloudUser
from cloud9_archive.emulator.firm import EMEA, Person
from cloud9_archive.emulator.management import management_key
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.errors import AddressNotAllowedError, CredentialsError, WireFormatError


@pytest.fixture
def cloud9(emulated_cloud9: EmulatorServer) -> Iterator[EmulatorServer]:
    yield emulated_cloud9
    directory = emulated_cloud9.cloud.directory
    directory.joined.clear()
    directory.left.clear()
    directory.withheld = 0
    emulated_cloud9.admin.allow("emea", "127.0.0.0/8", "::1/128")


@pytest.fixture
def management(cloud9: EmulatorServer) -> SourceSettings:
    key = management_key(cloud9.keys["emea"])
    return SourceSettings(
        "cloud9_management",
        host=cloud9.host,
        port=cloud9.port,
        api_key=key.api_key,
        api_secret=key.api_secret,
        tls_trust=str(cloud9.ca_file),
    )


def test_every_user_of_the_desk_is_listed(cloud9: EmulatorServer, management: SourceSettings) -> None:
    cloud9.cloud.directory.joined.append(Person("new@firm.example", "41999", "Nora New", "3574-10", "Rates London"))
    with ManagementClient(management) as client:
        users = {user.login: user for user in client.list_users()}
    assert set(users) == {person.login for person in EMEA.people} | {"new@firm.example"}
    assert users["tobrien@firm.example"] == CloudUser(
        "tobrien@firm.example",
        user_id="41006",
        display_name="Tom O'Brien",
        email="tobrien@firm.example",
        firm_id="3574",
        group_ids=("3574-11",),
    )


def test_the_key_for_calls_does_not_open_the_users(cloud9: EmulatorServer, management: SourceSettings) -> None:
    key = cloud9.keys["emea"]
    with (
        ManagementClient(replace(management, api_key=key.api_key, api_secret=key.api_secret)) as client,
        pytest.raises(CredentialsError),
    ):
        client.list_users()


def test_an_address_that_is_not_on_the_list_is_told_with_the_scope_of_this_key(
    cloud9: EmulatorServer, management: SourceSettings
) -> None:
    cloud9.admin.allow("emea", "192.0.2.0/24")
    with ManagementClient(management) as client, pytest.raises(AddressNotAllowedError, match="with the scope users"):
        client.list_users()


def test_users_that_are_counted_but_not_sent_stop_the_listing(
    cloud9: EmulatorServer, management: SourceSettings
) -> None:
    cloud9.cloud.directory.withheld = 2
    with ManagementClient(management) as client, pytest.raises(WireFormatError, match="says 11 users, and 9 came"):
        client.list_users()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"totalUsers": 0}, "users should be a list of users"),
        ({"users": [], "totalUsers": "0"}, "totalUsers should be a whole number"),
        ({"users": []}, "totalUsers should be a whole number, but is absent"),
        ({"users": [3], "totalUsers": 1}, r"users\[0\] should be an object"),
        ({"users": [{"userId": "1"}], "totalUsers": 1}, r"users\[0\]\.userName is required"),
        ({"users": [{"userName": ["a"]}], "totalUsers": 1}, r"userName should be text, but is a list of 1"),
        (
            {"users": [{"userName": "a", "personalSettings": {"groupIds": "g"}}], "totalUsers": 1},
            "groupIds should be a list of ids",
        ),
        ([], "users should be a list of users"),
    ],
)
def test_another_shape_is_refused_with_its_place(management: SourceSettings, answer: Any, told: str) -> None:
    with pytest.raises(WireFormatError, match=told):
        read_users(management_format(management), json.dumps(answer).encode())


def test_a_firm_may_bring_its_own_description(management: SourceSettings, tmp_path: Path) -> None:
    own = tmp_path / "users.yaml"
    own.write_text(SHIPPED.read_text().replace("rows: users ", "rows: people "))
    described = management_format(replace(management, wire_format=str(own)))
    assert read_users(described, b'{"people": [{"userName": "a"}], "totalUsers": 1}') == (CloudUser("a"),)
    own.write_text("format: x\n")
    with pytest.raises(WireFormatError, match="is not valid: content_type: Field required"):
        management_format(replace(management, wire_format=str(own)))
    own.unlink()
    with pytest.raises(WireFormatError, match="cannot be read"):
        management_format(replace(management, wire_format=str(own)))


def test_each_line_of_the_description_says_how_it_is_known() -> None:
    values = re.findall(r"^ +\w+: .*$", SHIPPED.read_text(), re.MULTILINE)
    assert len(values) > 10
    assert [line for line in values if "# confirmed" not in line and "# assumed" not in line] == []
