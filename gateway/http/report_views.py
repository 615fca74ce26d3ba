"""The shapes of reports, in JSON and in CSV."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec

from gateway.domain.reports import Line, Tally
from gateway.edge.spreadsheet import Cell, spreadsheet


class TallyOut(msgspec.Struct):
    """What was counted. Shares and rates are between 0 and 1, null where there is nothing to divide by."""

    sent: int
    sent_unsigned_share: float | None
    received: int
    received_unsigned_share: float | None
    refused: int
    on_time: int
    late: int
    late_rate: float | None
    mean_accept_seconds: float | None
    dossier_stages_due: int
    dossiers_late_rate: float | None


class ReportLineOut(msgspec.Struct):
    """One agency in one month: alone, and together with everything beneath it."""

    code: str
    name: str
    level: int
    parent: str | None
    own: TallyOut
    total: TallyOut


class ReportMonthOut(msgspec.Struct):
    """One month; superiors come before those beneath them."""

    month: str
    agencies: list[ReportLineOut]


class ReportOut(msgspec.Struct):
    """Per agency and month: how much was sent, received and refused, and how promptly.

    Documents count in the month they were accepted, dossier stages in the month they were due.
    """

    months: list[ReportMonthOut]


_ABOUT = ("month", "code", "name", "level", "parent")
_COUNTED = tuple(field.name for field in msgspec.structs.fields(TallyOut))


def report_out(lines: Sequence[Line]) -> ReportOut:
    """Return the lines of a report as JSON has them."""
    return ReportOut(
        [
            ReportMonthOut(str(month), [_line(line) for line in group])
            for month, group in groupby(lines, key=lambda line: line.month)
        ]
    )


def report_csv(lines: Sequence[Line]) -> bytes:
    """Return a report as CSV: a row for each agency and month, first alone, then `total_…` with everything
    beneath it."""
    header = (*_ABOUT, *_COUNTED, *(f"total_{name}" for name in _COUNTED))
    return spreadsheet(header, map(_row, lines))


def _row(line: Line) -> list[Cell]:
    agency = line.agency
    about: list[Cell] = [str(line.month), agency.code, agency.name, agency.level, agency.parent]
    return [*about, *msgspec.structs.astuple(_tally(line.own)), *msgspec.structs.astuple(_tally(line.total))]


def _line(line: Line) -> ReportLineOut:
    agency = line.agency
    return ReportLineOut(
        agency.code, agency.name, agency.level, agency.parent, _tally(line.own), _tally(line.total)
    )


def _tally(tally: Tally) -> TallyOut:
    return TallyOut(
        sent=tally.sent,
        sent_unsigned_share=_rounded(tally.sent_unsigned_share),
        received=tally.received,
        received_unsigned_share=_rounded(tally.received_unsigned_share),
        refused=tally.refused,
        on_time=tally.on_time,
        late=tally.late,
        late_rate=_rounded(tally.late_rate),
        mean_accept_seconds=_rounded(tally.mean_accept_seconds, digits=1),
        dossier_stages_due=tally.stages_due,
        dossiers_late_rate=_rounded(tally.dossiers_late_rate),
    )


def _rounded(figure: float | None, *, digits: int = 4) -> float | None:
    return None if figure is None else round(figure, digits)
