"""What ordinary people do, and what somebody who pumps SMS does: made by a seeded model."""

import heapq
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

from smsotp_plugin.login.request import LoginRequest

HOUR, DAY = 3600.0, 86400.0
#: Country codes, and how many digits follow.
COUNTRIES = (
    *(("+49", 10), ("+43", 10), ("+41", 9), ("+33", 9), ("+39", 10), ("+34", 9), ("+31", 9), ("+32", 9)),
    *(("+45", 8), ("+46", 9), ("+47", 8), ("+48", 9), ("+351", 9), ("+352", 9), ("+353", 9), ("+354", 7)),
    *(("+355", 9), ("+356", 8), ("+357", 8), ("+358", 9), ("+359", 9), ("+36", 9), ("+370", 8), ("+371", 8)),
    *(("+372", 8), ("+373", 8), ("+374", 8), ("+375", 9), ("+376", 6), ("+377", 9), ("+380", 9), ("+381", 9)),
    *(("+382", 8), ("+385", 9), ("+386", 8), ("+387", 8), ("+389", 8), ("+40", 9), ("+420", 9), ("+421", 9)),
    *(("+90", 10), ("+91", 10), ("+92", 10), ("+94", 9), ("+95", 9), ("+98", 10), ("+212", 9), ("+213", 9)),
    *(("+216", 8), ("+218", 9)),
)


@dataclass(frozen=True, slots=True)
class Person:
    """
    Somebody who logs in.

    Attributes:
        user: User-Name.
        number: E.164.
        station: Where they usually are.
        client: What they log in to.
    """

    user: str
    number: str
    station: str
    client: str

    def request(self, station: str = "") -> LoginRequest:
        """Return a first leg."""
        return LoginRequest(
            user=self.user,
            password=None,
            state=None,
            client=self.client,
            station=station or self.station,
            site="default",
            gateway="",
            language="",
            notification="",
            numbers=(self.number,),
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """
    One log-in.

    Attributes:
        at: Seconds from the beginning.
        who: Whose log-in it is.
        station: Where it comes from.
        answered: Seconds until the code is answered; None: never.
    """

    at: float
    who: Person
    station: str
    answered: float | None


def make_people(count: int, chance: random.Random) -> list[Person]:
    """
    Return the people of a site: half have numbers in the company's own blocks, most of the others have numbers of the country.

    Half of the people sit in offices, each office behind one address; the others are at home.
    """
    people = []
    for number in range(count):
        if number % 2:
            phone = f"+49171{5_550_000 + number:07d}"
        else:
            code, digits = COUNTRIES[0] if chance.random() < 0.95 else chance.choice(COUNTRIES[1:8])
            phone = f"{code}{'17' if code == '+49' else '6'}"
            phone += "".join(chance.choices("0123456789", k=digits + len(code) - len(phone)))
        office = f"198.51.100.{chance.randrange(8)}"
        home = f"203.0.{number // 250}.{number % 250}"
        station = office if number % 4 < 2 else home
        people.append(Person(f"person{number}", phone, station, f"NAS-Identifier=vpn{chance.randrange(3)}"))
    return people


def live(people: list[Person], days: int, chance: random.Random, unanswered: float = 0.03) -> Iterator[Turn]:
    """
    Yield the log-ins of some days in the order in which they happen.

    Shifts begin at 6, 8, 9 and 22; a tenth work at weekends; everybody has holidays; a few have lost their telephone and try
    again and again; some are on the way; and once a gateway loses the SMS of half an hour.
    """
    shifts = [chance.choices((6, 8, 9, 22), (2, 5, 3, 1))[0] for _ in people]
    away = [chance.randrange(days * 3) for _ in people]
    lost = {number: chance.randrange(days) for number in range(0, len(people), 500)}
    for day in range(days):
        turns: list[tuple[float, int, Turn]] = []
        numbers = itertools.count()
        for number, person in enumerate(people):
            works = chance.random() < (0.92 if day % 7 < 5 else 0.1)
            if not works or away[number] <= day < away[number] + 10:
                continue
            begin = day * DAY + shifts[number] * HOUR
            for turn in range(1 + (chance.random() < 0.6)):
                at = begin + chance.gauss(0, 900) + turn * chance.uniform(2, 6) * HOUR
                station = person.station if chance.random() < 0.9 else f"192.0.2.{chance.randrange(200)}"
                for each in _log_in(person, max(day * DAY, at), station, chance, unanswered):
                    heapq.heappush(turns, (each.at, next(numbers), each))
            if lost.get(number) == day:
                for attempt in range(12):
                    each = Turn(begin + attempt * 300, person, person.station, None)
                    heapq.heappush(turns, (each.at, next(numbers), each))
        while turns:
            yield heapq.heappop(turns)[2]


def _log_in(
    person: Person, at: float, station: str, chance: random.Random, unanswered: float
) -> Iterator[Turn]:
    if chance.random() < unanswered:
        yield Turn(at, person, station, None)
        # Half of those people try again.
        if chance.random() < 0.5:
            yield Turn(
                at + chance.uniform(40, 200), person, station, min(chance.lognormvariate(2.8, 0.6), 170)
            )
        return
    # Most within half a minute, some after two.
    yield Turn(at, person, station, min(chance.lognormvariate(2.8, 0.6), 280))


def make_victims(count: int, countries: int, chance: random.Random) -> list[Person]:
    """Return accounts whose passwords somebody has, with numbers in this many countries, in one block in each."""
    found = []
    for number in range(count):
        code, digits = COUNTRIES[number % countries]
        begin = code + ("17" if code == "+49" else "6")
        block = f"{begin}{'5' * (len(code) + digits - len(begin) - 4)}"
        person = Person(f"victim{number}", f"{block}{number // countries:04d}", "", "NAS-Identifier=vpn0")
        found.append(person)
    chance.shuffle(found)
    return found
