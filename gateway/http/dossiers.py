"""Dossiers: where they are, what is in them, which are late."""

from __future__ import annotations

import re

from aiohttp import hdrs, web

from gateway.domain import errors
from gateway.domain.dossiers import MAX_CODE, ComponentFile, Dossier, code_fault
from gateway.domain.errors import MalformedRequest, NotAllowed, NotFound
from gateway.domain.model import AgencyCode
from gateway.edge.auth import authenticated
from gateway.edge.surface import surface_of
from gateway.edge.tokens import Caller
from gateway.http import views
from gateway.http.dossier_views import (
    DossierOut,
    DossiersOut,
    DossierTimelineOut,
    dossier_out,
    dossiers_out,
    timeline_out,
)
from gateway.http.files import file_answer
from gateway.http.requests import cursor, page_size
from gateway.http.routes import Parameter, Route
from gateway.service.dossier import read_dossier
from gateway.service.exchange import legal_date

_CURSOR = re.compile(rf"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{MAX_CODE}}}")


async def read_dossiers(request: web.Request) -> web.Response:
    """Return a page of the caller's dossiers; with `late` only those somebody holds up now."""
    caller = await authenticated(request)
    x = surface_of(request).exchange
    agency, today = _reader(caller), legal_date(x.clock())
    after, limit = cursor(request, form=_CURSOR), page_size(request)
    if _is_true(request, "late"):
        page = await x.dossiers.overdue(agency, today=today, after=after, limit=limit)
    else:
        page = await x.dossiers.page(agency, after=after, limit=limit)
    return views.answer(dossiers_out(page, today=today))


async def read_one_dossier(request: web.Request) -> web.Response:
    """Return a dossier: its stages, components and documents."""
    caller = await authenticated(request)
    found = await _found(request, caller)
    today = legal_date(surface_of(request).exchange.clock())
    return views.answer(dossier_out(found, today=today, seen_by=_party(caller)))


async def read_dossier_timeline(request: web.Request) -> web.Response:
    """Return what happened in a dossier."""
    caller = await authenticated(request)
    return views.answer(timeline_out(await _found(request, caller)))


async def read_component(request: web.Request) -> web.StreamResponse:
    """Send the newest version of a component that the caller may read.

    One that came with a document is read there: so that it is recorded who opened that document, and a
    recalled one stays closed.
    """
    caller = await authenticated(request)
    found = await _found(request, caller)
    component = request.match_info["component"]
    if component not in found.components:
        raise NotFound
    version = found.readable(component, by=_party(caller))
    if version is None:
        raise NotAllowed("It came with documents that you neither sent nor received, or not as a file.")
    if isinstance(version, ComponentFile):
        return await file_answer(request, version)
    document, n = version
    return web.Response(status=303, headers={hdrs.LOCATION: f"/v1/documents/{document.id}/files/{n}"})


async def _found(request: web.Request, caller: Caller) -> Dossier:
    code = request.match_info["dossier"]
    if code_fault(code):
        raise NotFound
    return await read_dossier(surface_of(request).exchange, code, seen_by=_reader(caller))


def _reader(caller: Caller) -> AgencyCode | None:
    """Return whose dossiers the caller sees, None for everybody's."""
    return None if caller.is_administrator else caller.acting_agency().code


def _party(caller: Caller) -> AgencyCode | None:
    """Return the agency the caller reads files for: an administrator reads none."""
    return caller.agency.code if caller.agency else None


def _is_true(request: web.Request, name: str) -> bool:
    text = request.query.get(name, "false")
    if text not in {"true", "false"}:
        raise MalformedRequest(reasons=(f"{name}: must be true or false",))
    return text == "true"


ROUTES = (
    Route(
        "GET",
        "/v1/dossiers",
        read_dossiers,
        "List the dossiers your agency has a part in, in the order of their codes.",
        response=DossiersOut,
        parameters=(
            Parameter("late", "query", "true: only those in which a stage is overdue now"),
            Parameter("cursor", "query", "`next` of the page before"),
            Parameter("limit", "query", "items on a page, at most 200", int),
        ),
        problems=(errors.MalformedRequest,),
    ),
    Route(
        "GET",
        "/v1/dossiers/{dossier}",
        read_one_dossier,
        "Read where a dossier stands: its stages, components and documents. For agencies with a part in it.",
        response=DossierOut,
        problems=(errors.NotFound,),
    ),
    Route(
        "GET",
        "/v1/dossiers/{dossier}/timeline",
        read_dossier_timeline,
        "Read what happened in a dossier, oldest first.",
        response=DossierTimelineOut,
        problems=(errors.NotFound,),
    ),
    Route(
        "GET",
        "/v1/dossiers/{dossier}/components/{component}",
        read_component,
        "Fetch the newest version of a component that you may read. What came with a document is answered by "
        "303 See Other: follow it to that document's file.",
        response_type="application/octet-stream",
        problems=(errors.NotFound, errors.NotAllowed, errors.StoreUnavailable),
    ),
)
