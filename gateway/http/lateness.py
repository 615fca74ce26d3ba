"""What is late: for a leader who wants to know before the sender asks."""

from __future__ import annotations

from aiohttp import web

from gateway.domain import errors
from gateway.edge.auth import authenticated
from gateway.edge.surface import surface_of
from gateway.http import views, wire
from gateway.http.routes import Route
from gateway.service.late import late


async def read_late(request: web.Request) -> web.Response:
    """Return what the caller's agency is late with; to an administrator, what everybody is."""
    caller = await authenticated(request)
    x = surface_of(request).exchange
    agencies = None if caller.is_administrator else [caller.acting_agency().code]
    return views.answer(views.late(await late(x, agencies, at=x.clock())))


ROUTES = (
    Route(
        "GET",
        "/v1/late",
        read_late,
        "Read what your agency is late with: deliveries and changes not answered in time, documents sent "
        "late this month (QĐ 28/2018 Đ6.2, NĐ 30/2020 Đ21.2). An administrator reads everybody's.",
        response=wire.LateOut,
        problems=(errors.NotAllowed,),
    ),
)
