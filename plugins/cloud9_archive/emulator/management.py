"""The emulated Management API: the users of a desk, to whoever holds its management key."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from fastapi import FastAPI, Request
from starlette.responses import Response

from cloud9_archive.emulator.firm import FIRM_ID, Desk, Person
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.state import Cloud
from cloud9_archive.emulator.truth import DeskKey

USERS = "/external/apis/users"
_SUFFIX = "-management"


class Authenticate(Protocol):
    """Tells the desk that asks, or refuses the request."""

    def __call__(self, cloud: Cloud, request: Request, *, body: bytes) -> Desk:
        """The desk whose key signed the request."""


def management_key(key: DeskKey) -> DeskKey:
    """A desk's key for the Management API: another than its key for calls."""
    return DeskKey(api_key=f"{key.api_key}{_SUFFIX}", api_secret=f"{key.api_secret}{_SUFFIX}")


def add_management(
    app: FastAPI, cloud: Cloud, *, read_body: Callable[[Request], Awaitable[bytes]], authenticate: Authenticate
) -> None:
    """
    The app answers requests for users afterwards.

    :param read_body: a request's body, within bounds
    :param authenticate: as for the Call Data API; here it is asked about a cloud that has the management keys
    """
    keys = {name: management_key(key) for name, key in cloud.keys.items()}
    gate = Cloud(keys=keys, admin_token=cloud.admin_token, settings=cloud.settings)

    async def list_users(request: Request) -> Response:
        gate.clock, gate.limits, gate.networks = cloud.clock, cloud.limits, cloud.networks
        body = await read_body(request)
        desk = authenticate(gate, request, body=body)
        _check_filter(body)
        people = cloud.directory.people(desk)
        return _answer(people[: len(people) - cloud.directory.withheld], total=len(people))

    app.add_api_route(USERS, list_users, methods=["POST"])


def _check_filter(body: bytes) -> None:
    try:
        given = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise RefusedError(400, "BAD_REQUEST", "The body must be a JSON filter.")


def _answer(people: list[Person], *, total: int) -> Response:
    content = {"version": 1, "totalUsers": total, "users": [_user(person) for person in people]}
    return Response(json.dumps(content, ensure_ascii=False).encode(), media_type="application/json")


def _user(person: Person) -> dict[str, Any]:
    first, _, last = person.full_name.partition(" ")
    return {
        "userName": person.login,
        "userId": person.user_id,
        "personalSettings": {
            "firmId": FIRM_ID,
            "firstName": first,
            "lastName": last,
            "contact": {"email": person.login},
            "groupIds": [person.group_id],
        },
    }
