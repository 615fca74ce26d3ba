"""The report for leaders: who sent, received and answered how much, alone and with those beneath."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.directory_ports import Directory
from gateway.domain.errors import NotFound
from gateway.domain.model import Agency, AgencyCode
from gateway.domain.ports import Clock
from gateway.domain.reports import Line, Month, Reports, roll_up, with_everything_beneath

MAX_MONTHS = 12
_PAGE = 1000


async def report(
    reports: Reports,
    directory: Directory,
    *,
    clock: Clock,
    month: Month,
    months: int = 1,
    agency: AgencyCode | None = None,
    seen_by: AgencyCode | None = None,
) -> list[Line]:
    """Return a line for each agency and month, months first, superiors before those beneath them.

    Args:
        reports: What counts.
        directory: Says who is beneath whom, as it is today.
        clock: What is open is late or not by it.
        month: The first month.
        months: How many months.
        agency: Only this agency and everything beneath it; everybody with None.
        seen_by: Who reads it: it sees itself and everything beneath it, everybody with None.

    Raises:
        NotFound: There is no such agency that the reader may see.
    """
    shown = await _every(directory)
    for root in (seen_by, agency):
        if root is not None:
            shown = with_everything_beneath(shown, root)
    if not shown:
        raise NotFound
    is_part = seen_by is not None or agency is not None
    only = [each.code for each in shown] if is_part else None
    lines: list[Line] = []
    for _ in range(months):
        lines += roll_up(shown, await reports.tallies(month, now=clock(), agencies=only), month=month)
        month = month.following
    return lines


async def _every(directory: Directory) -> Sequence[Agency]:
    agencies: list[Agency] = []
    while page := await directory.page(after=agencies[-1].code if agencies else None, limit=_PAGE):
        agencies += page
    return agencies
