"""The directory of agencies."""

from __future__ import annotations

import re

from aiohttp import hdrs, web

from gateway.domain import errors
from gateway.domain.model import AgencyCode
from gateway.edge.auth import authenticated
from gateway.edge.surface import surface_of
from gateway.http import views, wire
from gateway.http.requests import cursor, page_size
from gateway.http.routes import Parameter, Route

_CODE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,64}")


async def read_agencies(request: web.Request) -> web.Response:
    """Return a page of the directory, or 304 while the caller's copy is still right."""
    await authenticated(request)
    directory = surface_of(request).exchange.directory
    etag = f'"{await directory.version()}"'
    headers: dict[str, str] = {hdrs.ETAG: etag, hdrs.CACHE_CONTROL: "private, no-cache"}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    after, limit = cursor(request, form=_CODE), page_size(request)
    if etag in known:
        return web.Response(status=304, headers=headers)
    agencies = await directory.page(after=AgencyCode(after) if after else None, limit=limit)
    following = agencies[-1].code if len(agencies) == limit else None
    page = wire.AgenciesOut([views.agency(each) for each in agencies], following)
    return views.answer(page, headers=headers)


ROUTES = (
    Route(
        "GET",
        "/v1/agencies",
        read_agencies,
        "Read the directory of agencies. Send If-None-Match to ask whether anything has changed.",
        response=wire.AgenciesOut,
        parameters=(
            Parameter("cursor", "query", "`next` of the page before"),
            Parameter("limit", "query", "items on a page, at most 200", int),
            Parameter("If-None-Match", "header", "the ETag of your copy"),
        ),
        problems=(errors.MalformedRequest,),
    ),
)
