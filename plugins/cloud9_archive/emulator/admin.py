"""Endpoints below /admin: set the scene, and learn the truth about it."""

from __future__ import annotations

import hmac
import ipaddress
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header, Query
from pydantic import AwareDatetime, BaseModel

from cloud9_archive.emulator.calls import EmulatedCall, Link, Recording
from cloud9_archive.emulator.dialect import Dialect
from cloud9_archive.emulator.fault_orders import FaultOrder, StormSetting
from cloud9_archive.emulator.firm import DESKS, Desk
from cloud9_archive.emulator.refusal import RefusedError
from cloud9_archive.emulator.state import Cloud
from cloud9_archive.emulator.storm import Storm
from cloud9_archive.emulator.truth import (
    AllowList,
    CallTruth,
    ClockSetting,
    Counters,
    KeyScopes,
    LimitSetting,
    LinkTruth,
    RecordingTruth,
    RequestLog,
    Truth,
)


class MediaOrder(BaseModel):
    """The recording that an order is about."""

    recording_id: str


def add_admin(app: FastAPI, cloud: Cloud) -> None:
    """The app answers /admin afterwards, to those who know the token."""

    def check_token(x_admin_token: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(x_admin_token.encode(), cloud.admin_token.encode()):
            raise RefusedError(401, "BAD_ADMIN_TOKEN", "X-Admin-Token is missing or wrong.")

    router = APIRouter(prefix="/admin", dependencies=[Depends(check_token)])
    _add_settings(router, cloud)
    _add_orders(router, cloud)
    _add_knowledge(router, cloud)
    app.include_router(router)


def _add_settings(router: APIRouter, cloud: Cloud) -> None:
    @router.put("/clock")
    async def set_clock(setting: ClockSetting) -> ClockSetting:
        cloud.clock = setting
        return setting

    @router.put("/limits")
    async def set_limits(setting: LimitSetting) -> LimitSetting:
        cloud.limits = setting
        cloud.limiter.forget()
        return setting

    @router.put("/dialect")
    async def set_dialect(setting: Dialect) -> Dialect:
        cloud.dialect = setting
        cloud.shifts.clear()
        return setting

    @router.put("/scopes")
    async def set_scopes(setting: KeyScopes) -> KeyScopes:
        cloud.scopes[_desk(setting.desk).name] = frozenset(setting.scopes)
        return setting

    @router.put("/allow-list")
    async def set_allow_list(setting: AllowList) -> AllowList:
        desk = _desk(setting.desk)
        try:
            cloud.networks[desk.name] = tuple(ipaddress.ip_network(network) for network in setting.networks)
        except ValueError as error:
            raise RefusedError(400, "BAD_NETWORK", f"{error}.") from None
        return setting


def _add_orders(router: APIRouter, cloud: Cloud) -> None:
    @router.post("/faults")
    async def add_fault(order: FaultOrder) -> list[FaultOrder]:
        cloud.faults.append(order)
        return cloud.faults

    @router.delete("/faults")
    async def clear_faults() -> list[FaultOrder]:
        cloud.faults.clear()
        return cloud.faults

    @router.put("/storm")
    async def set_storm(setting: StormSetting) -> StormSetting:
        cloud.storm = Storm(setting)
        return setting

    @router.post("/media/upload")
    async def upload(order: MediaOrder) -> RecordingTruth:
        recording = _recording(cloud, order.recording_id)
        cloud.upload_now(recording.recording_id)
        return recording_truth(cloud, recording)

    @router.post("/media/never")
    async def never(order: MediaOrder) -> RecordingTruth:
        recording = _recording(cloud, order.recording_id)
        cloud.upload_never(recording.recording_id)
        return recording_truth(cloud, recording)


def _add_knowledge(router: APIRouter, cloud: Cloud) -> None:
    @router.get("/counters")
    async def counters() -> Counters:
        return Counters(
            requests=dict(cloud.requests),
            statuses=dict(cloud.statuses),
            downloads=dict(cloud.downloads),
            faults=dict(cloud.strikes),
            minutes=cloud.traffic.minutes(),
        )

    @router.get("/requests")
    async def requests() -> RequestLog:
        return RequestLog(requests=tuple(cloud.log), violations=tuple(cloud.violations))

    @router.get("/truth")
    async def truth(
        desk: Annotated[str, Query()], begin: Annotated[AwareDatetime, Query()], end: Annotated[AwareDatetime, Query()]
    ) -> Truth:
        return window_truth(cloud, _desk(desk), begin=begin, end=end)


def _desk(name: str) -> Desk:
    if name not in DESKS:
        raise RefusedError(404, "UNKNOWN_DESK", f"There is no desk {name!r}; there are {', '.join(DESKS)}.")
    return DESKS[name]


def _recording(cloud: Cloud, recording_id: str) -> Recording:
    found = cloud.world.recording(recording_id)
    if found is None:
        raise RefusedError(404, "UNKNOWN_RECORDING", "There is no such recording.")
    return found[1]


def window_truth(cloud: Cloud, desk: Desk, *, begin: datetime, end: datetime) -> Truth:
    """Every call of the window that is listed now, and every recording of theirs."""
    now = cloud.now()
    calls = [call for call in cloud.world.calls(desk, begin=begin, end=end) if call.listed_at <= now]
    recordings = {link.recording.recording_id: link.recording for call in calls for link in call.links}
    return Truth(
        desk=desk.name,
        begin=begin,
        end=end,
        now=now,
        calls=tuple(_call_truth(cloud, call) for call in calls),
        recordings={key: recording_truth(cloud, recording) for key, recording in recordings.items()},
    )


def _call_truth(cloud: Cloud, call: EmulatedCall) -> CallTruth:
    links = tuple(_link_truth(link) for link in call.links)
    return CallTruth(
        call_id=call.call_id,
        kind=call.kind,
        call_type=call.call_type,
        direction=call.direction,
        started_at=call.started_at,
        ended_at=call.ended_at,
        listed_at=call.listed_at,
        near_logins=tuple(person.login for person in call.near.people),
        far_logins=tuple(person.login for person in call.far.people),
        links=links if cloud.shows_links(call) else (),
        all_links=links,
    )


def _link_truth(link: Link) -> LinkTruth:
    return LinkTruth(recording_id=link.recording.recording_id, offset_millis=link.offset)


def recording_truth(cloud: Cloud, recording: Recording) -> RecordingTruth:
    """The recording as it is."""
    fingerprint = cloud.tape.fingerprint(recording)
    return RecordingTruth(
        recording_id=recording.recording_id,
        file_name=recording.file_name,
        availability=cloud.availability(recording),
        available_at=cloud.uploaded_at(recording),
        sha256=fingerprint.sha256,
        size=fingerprint.size,
        duration_seconds=recording.milliseconds / 1000,
        channels=recording.channels,
        container="m4a" if recording.container == "m4a" else "ogg",
        condition=recording.condition,
        damage=recording.damage,
    )
