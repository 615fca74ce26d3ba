"""What leaders read: how much an agency sent and received in a month, and how promptly."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Protocol

from gateway.domain.model import Agency, AgencyCode
from gateway.domain.working_days import VIETNAM

_MONTH = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month in Việt Nam."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Return the month of a text like 2026-11.

        Raises:
            ValueError: It is none.
        """
        written = _MONTH.fullmatch(text)
        if written is None:
            raise ValueError("not a month like 2026-11")
        return cls(int(written[1]), int(written[2]))

    @classmethod
    def of(cls, moment: datetime) -> Month:
        """Return the month it is in Việt Nam at a moment."""
        local = moment.astimezone(VIETNAM)
        return cls(local.year, local.month)

    @property
    def following(self) -> Month:
        """Return the next month."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def first_day(self) -> date:
        """Return its first day."""
        return date(self.year, self.number, 1)

    @property
    def begins_at(self) -> datetime:
        """Return its first moment: midnight in Việt Nam."""
        return datetime(self.year, self.number, 1, tzinfo=VIETNAM)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


@dataclass(frozen=True, slots=True)
class Tally:
    """What is counted of one agency in one month, so that tallies add up.

    Documents count in the month they were accepted, stages of dossiers in the month they were due.
    `received` and `refused` are deliveries it answered so; `on_time` and `late` say whether an answer came by
    `acknowledge_by`, and what was never answered is late once that has passed. A delivery that was recalled
    before it was answered counts as none of these; its document was sent all the same.
    `…_unsigned` are those with the label "for information": unsigned, or not signed validly. An order to
    recall is none of them: it needs no file that could be signed.
    """

    sent: int = 0
    sent_unsigned: int = 0
    received: int = 0
    received_unsigned: int = 0
    refused: int = 0
    on_time: int = 0
    late: int = 0
    accept_seconds: float = 0
    """From acceptance by the exchange to acceptance by the recipient, all received ones together."""
    stages_due: int = 0
    stages_late: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, name) + getattr(other, name) for name in _COUNTED))

    @property
    def late_rate(self) -> float | None:
        """Return the share of late answers, None where none was due."""
        return _share(self.late, self.on_time + self.late)

    @property
    def sent_unsigned_share(self) -> float | None:
        """Return the share of unsigned documents among those sent."""
        return _share(self.sent_unsigned, self.sent)

    @property
    def received_unsigned_share(self) -> float | None:
        """Return the share of unsigned documents among those received."""
        return _share(self.received_unsigned, self.received)

    @property
    def mean_accept_seconds(self) -> float | None:
        """Return how long it took to accept a document, on average."""
        return _share(self.accept_seconds, self.received)

    @property
    def dossiers_late_rate(self) -> float | None:
        """Return the share of late stages among those that were due and had begun."""
        return _share(self.stages_late, self.stages_due)


_COUNTED = tuple(field.name for field in fields(Tally))
NOTHING = Tally()


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Line:
    """One agency in one month: alone, and together with everything beneath it."""

    month: Month
    agency: Agency
    own: Tally
    total: Tally


def roll_up(agencies: Sequence[Agency], tallies: Mapping[AgencyCode, Tally], *, month: Month) -> list[Line]:
    """Return a line for each agency, superiors before those beneath them, else in the order of their codes.

    A superior that is not among the agencies counts as none.
    """
    tree = _Tree(agencies)
    lines: list[Line] = []
    totals: dict[AgencyCode, Tally] = {}
    for agency in reversed(list(tree.downwards())):
        own = tallies.get(agency.code, NOTHING)
        total = sum((totals[each.code] for each in tree.beneath(agency.code)), start=own)
        totals[agency.code] = total
        lines.append(Line(month, agency, own, total))
    return lines[::-1]


def with_everything_beneath(agencies: Sequence[Agency], code: AgencyCode) -> list[Agency]:
    """Return an agency and everything beneath it, superiors first; nothing when it is not among them."""
    tree = _Tree(agencies)
    return [each for root in agencies if root.code == code for each in tree.downwards(root)]


class _Tree:
    def __init__(self, agencies: Iterable[Agency]) -> None:
        by_code = {agency.code: agency for agency in agencies}
        self._beneath: dict[AgencyCode | None, list[Agency]] = {}
        for agency in sorted(by_code.values(), key=lambda each: each.code):
            above = agency.parent if _has_top(agency, by_code) else None
            self._beneath.setdefault(above if above in by_code else None, []).append(agency)

    def beneath(self, code: AgencyCode | None) -> Sequence[Agency]:
        return self._beneath.get(code, ())

    def downwards(self, *start: Agency) -> Iterator[Agency]:
        waiting = list(reversed(start or self.beneath(None)))
        while waiting:
            agency = waiting.pop()
            yield agency
            waiting += reversed(self.beneath(agency.code))


def _has_top(agency: Agency, by_code: Mapping[AgencyCode, Agency]) -> bool:
    """Return whether going up ends somewhere: two agencies can each be named as the other's superior."""
    above = {agency.code}
    while agency.parent is not None and agency.parent in by_code:
        agency = by_code[agency.parent]
        if agency.code in above:
            return False
        above.add(agency.code)
    return True


class Reports(Protocol):
    """Counting over the record."""

    async def tallies(
        self, month: Month, *, now: datetime, agencies: Collection[AgencyCode] | None = None
    ) -> dict[AgencyCode, Tally]:
        """Return what each of these agencies (every one with None) did in a month, as things stand; those
        that did nothing are left out."""
