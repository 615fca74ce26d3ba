"""The command that makes a report for leaders."""

from __future__ import annotations

import msgspec

from gateway.domain.errors import MalformedRequest, NotFound
from gateway.domain.model import AgencyCode
from gateway.domain.reports import Month
from gateway.http.report_views import report_csv, report_out
from gateway.service.reports import report
from ops.desk import Command, Desk, Json


async def make_report(desk: Desk, arguments: Json) -> Json:
    """Return the report of a month (`month`, `months`, `agency`), with `csv` as one text.

    Raises:
        MalformedRequest: The month is none.
        NotFound: There is no such agency.
    """
    try:
        month = Month.parse(arguments["month"])
    except ValueError as error:
        raise MalformedRequest(f"{arguments['month']}: no month like 2026-11") from error
    agency = arguments.get("agency")
    try:
        lines = await report(
            desk.reports,
            desk.directory,
            clock=desk.clock,
            month=month,
            months=arguments.get("months", 1),
            agency=AgencyCode(agency) if agency else None,
        )
    except NotFound as error:
        raise NotFound(f"There is no agency {agency}.") from error
    if arguments.get("csv"):
        return {"csv": report_csv(lines).decode()}
    shown: Json = msgspec.to_builtins(report_out(lines))
    return shown


COMMANDS: dict[str, Command] = {"report": make_report}
