"""Who is known to the emulated Cloud9, beside those who call."""

from __future__ import annotations

from dataclasses import dataclass, field

from cloud9_archive.emulator.firm import Desk, Person


@dataclass(slots=True)
class Directory:
    """
    The users as the Management API lists them.

    :param joined: people whom no desk of the world has; every desk lists them
    :param left: logins that are listed no more
    :param withheld: how many users an answer leaves out, though its total counts them
    """

    joined: list[Person] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    withheld: int = 0

    def people(self, desk: Desk) -> list[Person]:
        """Everyone of the desk who is listed now."""
        return [person for person in (*desk.people, *self.joined) if person.login not in self.left]
