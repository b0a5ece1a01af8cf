"""Times as a dialect writes and reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cloud9_archive.emulator.dialect import Dialect
from cloud9_archive.emulator.refusal import RefusedError

DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
_DATE_LENGTH = len("2026-11-22 08:15:02")
_EARLIEST_YEAR, _LATEST_YEAR = 1990, 2200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORMS = {
    "text": "read YYYY-MM-DD HH:mm:ss, in {zone}",
    "iso_8601": "be an ISO 8601 time with an offset",
    "epoch_seconds": "be a whole number of seconds since 1970",
    "epoch_milliseconds": "be a whole number of milliseconds since 1970",
}


def tell_time(moment: datetime, dialect: Dialect) -> str | int | float:
    """
    The moment as answers have it, to the millisecond.

    :param moment: aware
    """
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    if dialect.times == "epoch_milliseconds":
        return milliseconds
    if dialect.times == "epoch_seconds":
        return milliseconds / 1000
    local = moment.astimezone(ZoneInfo(dialect.zone))
    if dialect.times == "iso_8601":
        return local.isoformat(timespec="milliseconds")
    return f"{local:{DATE_FORMAT}}.{local.microsecond // 1000:03d}"


def read_time(name: str, told: str | float, dialect: Dialect) -> datetime:
    """
    The moment that a request means, aware UTC.

    :param name: of the field, for the refusal
    :raises RefusedError: 400 if it is not written as the dialect wants it
    """
    try:
        moment = _read(told, dialect)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not _EARLIEST_YEAR <= moment.year < _LATEST_YEAR:
        form = _FORMS[dialect.times].format(zone=dialect.zone)
        raise RefusedError(400, "BAD_DATE", f"{name} must {form}.")
    return moment


def _read(told: str | float, dialect: Dialect) -> datetime | None:
    if dialect.times == "text":
        if not isinstance(told, str) or len(told) != _DATE_LENGTH:
            return None
        return datetime.strptime(told, DATE_FORMAT).replace(tzinfo=ZoneInfo(dialect.zone)).astimezone(UTC)
    if dialect.times == "iso_8601":
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
        return None if moment is None or moment.tzinfo is None else moment.astimezone(UTC)
    unit = timedelta(seconds=1) if dialect.times == "epoch_seconds" else timedelta(milliseconds=1)
    return _EPOCH + int(str(told)) * unit
