"""Reports for leaders."""

from __future__ import annotations

from aiohttp import hdrs, web

from gateway.domain import errors
from gateway.domain.errors import MalformedRequest
from gateway.domain.model import AgencyCode
from gateway.domain.reports import Month
from gateway.edge.auth import authenticated
from gateway.edge.spreadsheet import CSV_TYPE
from gateway.edge.surface import surface_of
from gateway.http import views
from gateway.http.report_views import ReportOut, report_csv, report_out
from gateway.http.requests import whole_number
from gateway.http.routes import Parameter, Route
from gateway.service.reports import MAX_MONTHS, report

_FORMATS = ("json", "csv")


async def read_report(request: web.Request) -> web.Response:
    """Return what the caller's agency and those beneath it sent, received and answered in a month."""
    caller = await authenticated(request)
    x = surface_of(request).exchange
    form = request.query.get("format", "json")
    if form not in _FORMATS:
        raise MalformedRequest(reasons=(f"format: must be one of {', '.join(_FORMATS)}",))
    month = _month(request)
    agency = request.query.get("agency")
    lines = await report(
        x.reports,
        x.directory,
        clock=x.clock,
        month=month,
        months=max(1, whole_number(request, "months", default=1, most=MAX_MONTHS)),
        agency=AgencyCode(agency) if agency is not None else None,
        seen_by=None if caller.is_administrator else caller.acting_agency().code,
    )
    if form == "json":
        return views.answer(report_out(lines))
    headers = {hdrs.CONTENT_DISPOSITION: f'attachment; filename="report-{month}.csv"'}
    return web.Response(body=report_csv(lines), content_type=CSV_TYPE, charset="utf-8", headers=headers)


def _month(request: web.Request) -> Month:
    try:
        return Month.parse(request.query.get("month", ""))
    except ValueError as error:
        raise MalformedRequest(reasons=("month: must be a month like 2026-11",)) from error


ROUTES = (
    Route(
        "GET",
        "/v1/reports",
        read_report,
        "Read how much was sent, received and refused, and how promptly. An agency sees itself and all "
        "beneath it; an administrator everybody.",
        response=ReportOut,
        parameters=(
            Parameter("month", "query", "the first month, like 2026-11"),
            Parameter("months", "query", f"how many months, at most {MAX_MONTHS}; 1 if left out", int),
            Parameter("agency", "query", "only this agency and everything beneath it"),
            Parameter("format", "query", "json or csv"),
        ),
        problems=(errors.MalformedRequest, errors.NotFound),
    ),
)
