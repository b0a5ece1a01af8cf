"""The Management API as the archive uses it: who is known to Cloud9; only ever read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import yaml
from jmespath.exceptions import JMESPathError
from pydantic import ValidationError

from cloud9_archive.api.answer_json import decoded, keys_shown, shown
from cloud9_archive.api.attempts import Attempts
from cloud9_archive.api.exchange import Exchanger
from cloud9_archive.api.limits import Limiter, OwnLedgers
from cloud9_archive.api.session import open_session
from cloud9_archive.api.signature import Cloud9Auth, utc_now
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire_request import WireRequest
from cloud9_archive.api.wire_requests import Endpoint
from cloud9_archive.api.wire_values import Expression, FieldRule, Part
from cloud9_archive.domain.people import CloudUser
from cloud9_archive.errors import AddressNotAllowedError, WireFormatError

SHIPPED = Path(__file__).parent / "formats" / "management" / "users.yaml"

MOST_ANSWER_BYTES = 64 * 1024 * 1024
"""Bytes of one answer; some hundred thousand users."""


class UsersEndpoint(Endpoint):
    """The endpoint that lists users; its ``constant_body`` is the filter."""

    name: ClassVar[str] = "users"

    rows: Expression
    total: Expression


class UserFields(Part):
    """Fields of a user, relative to its row."""

    login: FieldRule
    user_id: FieldRule | None = None
    first_name: FieldRule | None = None
    last_name: FieldRule | None = None
    email: FieldRule | None = None
    firm_id: FieldRule | None = None
    group_ids: FieldRule | None = None


class ManagementFormat(Part):
    """
    The users of the Management API, read from a description file.

    :param origin: the file, named whenever an answer does not fit
    """

    origin: Path
    format: str
    content_type: str
    users: UsersEndpoint
    user: UserFields

    def misfit(self, place: str, found: str) -> WireFormatError:
        """
        The complaint that an answer is not as this file says.

        :param place: JSON path within the answer
        :param found: type or short form of what is there; never a whole body
        """
        return WireFormatError(
            f"the answer does not fit the description {self.format}: {place} {found}",
            subject=place,
            hint=f"copy {self.origin}, correct the copy, and put its absolute path into the connection's Wire format",
        )


def management_format(source: SourceSettings) -> ManagementFormat:
    """
    The description that the connection names by an absolute path, else the shipped one.

    :raises WireFormatError: if the file is not a valid description
    """
    path = Path(source.wire_format) if Path(source.wire_format).is_absolute() else SHIPPED
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return ManagementFormat.model_validate({**content, "origin": path})
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError) as error:
        raise WireFormatError(f"the description {path} cannot be read: {error}", subject=str(path)) from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_url=False)
        )
        raise WireFormatError(
            f"the description {path} is not valid: {faults}", subject=str(path), hint=f"compare it with {SHIPPED}"
        ) from error


class ManagementClient:
    """
    Reads from the Management API with the key of a connection; use it in a ``with`` block.

    :param limiter: gives turns to send; by default the client keeps to the description's limit on its own
    :param clock: the present moment, aware
    :param monotonic: seconds that never go back
    :param sleep: waits for so many seconds
    """

    def __init__(
        self,
        source: SourceSettings,
        *,
        limiter: Limiter | None = None,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.source = source
        self.wire = management_format(source)
        self._sleep = sleep
        self._exchanger = Exchanger(
            source,
            session=open_session(source, auth=Cloud9Auth(source.api_key, source.api_secret, clock=clock)),
            limiter=limiter or Limiter(OwnLedgers(monotonic), monotonic=monotonic, sleep=sleep),
            content_type=self.wire.content_type,
            clock=clock,
            monotonic=monotonic,
        )

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Connections are closed."""
        self._exchanger.session.close()

    def list_users(self) -> tuple[CloudUser, ...]:
        """
        Every user that the key may see, in the order given.

        :raises WireFormatError: if the answer does not fit, or does not hold as many users as it says there are
        """
        return Attempts(sleep=self._sleep).until_done(self._list_once)

    def _list_once(self, attempts: Attempts) -> tuple[CloudUser, ...]:
        body = json.dumps(self.wire.users.constant_body, ensure_ascii=False, separators=(",", ":")).encode()
        with self._exchanger.exchange(self.wire.users, WireRequest(self.wire.users.path, body)) as exchange:
            try:
                exchange.expect_ok(attempts)
            except AddressNotAllowedError as error:
                raise AddressNotAllowedError(
                    error.message,
                    subject=error.subject,
                    hint="the key must be one for the Management API, with the scope users, read-only, and the egress "
                    "address of this worker must be on its list",
                ) from error
            answer = exchange.whole(
                most=MOST_ANSWER_BYTES,
                too_large=lambda size: self.wire.misfit("the body", f"is of {size} bytes or more, too many for users"),
            )
        return read_users(self.wire, answer)


def read_users(wire: ManagementFormat, body: bytes) -> tuple[CloudUser, ...]:
    """
    The users of an answer.

    :param body: the answer as it came
    :raises WireFormatError: naming the place that does not fit
    """
    answer = decoded(wire, body)
    at = wire.users.rows.expression
    rows = _searched(wire, wire.users.rows, answer, at)
    if not isinstance(rows, list):
        raise wire.misfit(at, f"should be a list of users, but is {shown(rows)} in an answer with {keys_shown(answer)}")
    total = _searched(wire, wire.users.total, answer, wire.users.total.expression)
    if not isinstance(total, int) or isinstance(total, bool):
        raise wire.misfit(wire.users.total.expression, f"should be a whole number, but is {shown(total)}")
    if total != len(rows):
        raise wire.misfit(
            wire.users.total.expression,
            f"says {total} users, and {len(rows)} came: how the answer goes on is not known",
        )
    return tuple(_user(wire, row, f"{at}[{number}]") for number, row in enumerate(rows))


def _user(wire: ManagementFormat, row: object, place: str) -> CloudUser:
    if not isinstance(row, dict):
        raise wire.misfit(place, f"should be an object, but is {shown(row)}")
    login = _text(wire, wire.user.login, row, place)
    if not login:
        raise wire.misfit(f"{place}.{wire.user.login.path.expression}", "is required, but absent or empty")
    names = (_text(wire, rule, row, place) for rule in (wire.user.first_name, wire.user.last_name))
    return CloudUser(
        login,
        user_id=_text(wire, wire.user.user_id, row, place),
        display_name=" ".join(name for name in names if name),
        email=_text(wire, wire.user.email, row, place),
        firm_id=_text(wire, wire.user.firm_id, row, place),
        group_ids=_texts(wire, wire.user.group_ids, row, place),
    )


def _text(wire: ManagementFormat, rule: FieldRule | None, row: object, place: str) -> str | None:
    if rule is None:
        return None
    at = f"{place}.{rule.path.expression}"
    found = _searched(wire, rule.path, row, at)
    if found is None or isinstance(found, str):
        return found or None
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    raise wire.misfit(at, f"should be text, but is {shown(found)}")


def _texts(wire: ManagementFormat, rule: FieldRule | None, row: object, place: str) -> tuple[str, ...]:
    if rule is None:
        return ()
    at = f"{place}.{rule.path.expression}"
    found = _searched(wire, rule.path, row, at)
    if found is None:
        return ()
    if isinstance(found, list) and all(isinstance(one, (str, int)) and not isinstance(one, bool) for one in found):
        return tuple(str(one) for one in found)
    raise wire.misfit(at, f"should be a list of ids, but is {shown(found)}")


def _searched(wire: ManagementFormat, expression: Expression, parent: object, at: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return expression.search(parent)
    except JMESPathError as error:
        raise wire.misfit(at, "cannot be evaluated on what came") from error
