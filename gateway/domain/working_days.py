"""Vietnamese working days and the deadlines that follow from them. Holidays are data: the settings name them.

Moments are aware; days are days in Việt Nam (UTC+7, no summer time).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7))
"""Legal time (QĐ 28/2018 Đ14.4)."""

YEARS = range(1900, 2201)
"""In which a date or moment of a document must lie: far outside there are no deadlines, nor time zones."""


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which days are worked, and the hours that count.

    Saturdays and Sundays are free unless listed in `worked` (days worked in exchange for others).
    """

    holidays: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()
    morning_ends: time = time(12, 0)
    day_ends: time = time(17, 0)

    def is_working_day(self, day: date) -> bool:
        """Return whether agencies work on this day."""
        return day in self.worked or (day.weekday() < 5 and day not in self.holidays)

    def next_working_day(self, day: date) -> date:
        """Return the first working day after this one."""
        following = day + timedelta(days=1)
        while not self.is_working_day(following):
            following += timedelta(days=1)
        return following

    def send_by(self, issued_on: date) -> datetime:
        """Return until when a document issued on a day must be sent: the end of the next working day's
        morning (QĐ 28/2018 Đ6.2)."""
        return datetime.combine(self.next_working_day(issued_on), self.morning_ends, VIETNAM)

    def acknowledge_by(self, arrived_at: datetime) -> datetime:
        """Return until when a document that arrived then must be acknowledged: the end of that day, or of
        the next working day if it came after hours or on a free day (NĐ 30/2020 Đ21.2)."""
        arrived = arrived_at.astimezone(VIETNAM)
        day = arrived.date()
        if not self.is_working_day(day) or arrived.time() >= self.day_ends:
            day = self.next_working_day(day)
        return datetime.combine(day, self.day_ends, VIETNAM)

    def answer_by(self, asked_at: datetime, *, days: int) -> datetime:
        """Return the end of the working day that is so many working days after this moment."""
        day = asked_at.astimezone(VIETNAM).date()
        for _ in range(days):
            day = self.next_working_day(day)
        return datetime.combine(day, self.day_ends, VIETNAM)
