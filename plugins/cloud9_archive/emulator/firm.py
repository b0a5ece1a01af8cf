"""The emulated firm: its desks, its people and those they talk to; the same for every seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

FIRM_ID = "3574"
FIRM_NAME = "Example Capital Markets"


@dataclass(frozen=True, slots=True)
class Person:
    """
    Someone with a Cloud9 login.

    :param login: Cloud9 login name, what a roster's ``user_agent_id`` extension matches
    :param rostered: whether the example rosters name this person
    """

    login: str
    user_id: str
    full_name: str
    group_id: str
    group_name: str
    rostered: bool = True

    @property
    def number(self) -> str:
        """The person's own connection number: 28 hex digits that follow from the login alone."""
        return connection_number(self.login)


@dataclass(frozen=True, slots=True)
class Desk:
    """
    A trading desk with a key of its own.

    :param zone: IANA name of the time zone in which it works
    :param letter: first letter of its recordings' ids
    :param people: all who use its lines, rostered or not
    """

    name: str
    zone: str
    letter: str
    people: tuple[Person, ...]

    @property
    def traders(self) -> tuple[Person, ...]:
        """Those whom the example rosters name."""
        return tuple(person for person in self.people if person.rostered)

    @property
    def strangers(self) -> tuple[Person, ...]:
        """Those whom no roster names."""
        return tuple(person for person in self.people if not person.rostered)


@dataclass(frozen=True, slots=True)
class Counterparty:
    """A group of another firm; ``people`` may be empty, then only the group is known."""

    firm_id: str
    firm_name: str
    group_id: str
    group_name: str
    dial_number: str
    people: tuple[Person, ...] = ()


def connection_number(of: str) -> str:
    """A connection number in Cloud9's form that follows from ``of``."""
    return f"sPK-{FIRM_ID}-{hashlib.sha256(of.encode()).hexdigest()[:28]}"


_RATES, _CREDIT, _FX = ("3574-10", "Rates London"), ("3574-11", "Credit London"), ("3574-12", "FX London")
_US_RATES, _MUNIS, _REPO = ("3574-20", "Rates New York"), ("3574-21", "Municipals"), ("3574-22", "Repo New York")

EMEA = Desk(
    name="emea",
    zone="Europe/London",
    letter="E",
    people=(
        Person("jsmith@firm.example", "41001", "Jane Smith", *_RATES),
        Person("akhan@firm.example", "41002", "Aisha Khan", *_RATES),
        Person("pdubois@firm.example", "41003", "Pierre Dubois", *_RATES),
        Person("mrossi@firm.example", "41004", "Marco Rossi", *_CREDIT),
        Person("lnovak@firm.example", "41005", "Lena Novák", *_CREDIT),
        Person("tobrien@firm.example", "41006", "Tom O'Brien", *_CREDIT),
        Person("sito@firm.example", "41007", "Sakura Ito", *_FX),
        Person("gmeyer@firm.example", "41008", "Greta Meyer", *_FX),
        Person("hlarsen@firm.example", "41901", "Henrik Larsen", *_RATES, rostered=False),
        Person("desk.assistant@firm.example", "41902", "Desk Assistant", *_CREDIT, rostered=False),
        Person("intern.rates@firm.example", "41903", "Rates Intern", *_RATES, rostered=False),
    ),
)
AMERICAS = Desk(
    name="americas",
    zone="America/New_York",
    letter="A",
    people=(
        Person("rjones@firm.example", "42001", "Robert Jones", *_US_RATES),
        Person("mgarcia@firm.example", "42002", "María García", *_US_RATES),
        Person("dchen@firm.example", "42003", "David Chen", *_US_RATES),
        Person("kwilliams@firm.example", "42004", "Kayla Williams", *_MUNIS),
        Person("bpatel@firm.example", "42005", "Bhavna Patel", *_MUNIS),
        Person("ewright@firm.example", "42006", "Eli Wright", *_REPO),
        Person("ncohen@firm.example", "42007", "Noa Cohen", *_REPO),
        Person("olee@firm.example", "42008", "Olivia Lee", *_REPO),
        Person("tgreen@firm.example", "42901", "Theo Green", *_US_RATES, rostered=False),
        Person("night.desk@firm.example", "42902", "Night Desk", *_REPO, rostered=False),
        Person("intern.munis@firm.example", "42903", "Municipals Intern", *_MUNIS, rostered=False),
    ),
)
DESKS: dict[str, Desk] = {desk.name: desk for desk in (EMEA, AMERICAS)}

COUNTERPARTIES: tuple[Counterparty, ...] = (
    Counterparty(
        "2210",
        "Northbank Brokers",
        "2210-01",
        "Gilts",
        "+442079460101",
        (
            Person("t.mueller@northbank.example", "77101", "Tobias Müller", "2210-01", "Gilts", rostered=False),
            Person("c.adeyemi@northbank.example", "77102", "Chidi Adeyemi", "2210-01", "Gilts", rostered=False),
        ),
    ),
    Counterparty(
        "4807",
        "Harbour Street Dealers",
        "4807-03",
        "Treasuries",
        "+12125550143",
        (Person("j.alvarez@harbour.example", "77201", "Julia Alvarez", "4807-03", "Treasuries", rostered=False),),
    ),
    Counterparty("5120", "Kestrel Asset Management", "5120-09", "Dealing", "+442079460177"),
    Counterparty("6033", "Old Mill Pension Fund", "6033-02", "Execution", "+13125550168"),
    Counterparty("7719", "東西証券", "7719-05", "外国債券", "+81355501122"),
)
