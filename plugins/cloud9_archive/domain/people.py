"""The people whom Cloud9 knows, as its Management API lists them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CloudUser:
    """
    A user of Cloud9.

    :param login: Cloud9 login name, what a roster's ``user_agent_id`` extension matches
    :param group_ids: Cloud9's own ids of the groups, not names
    """

    login: str
    user_id: str | None = None
    display_name: str = ""
    email: str | None = None
    firm_id: str | None = None
    group_ids: tuple[str, ...] = ()
