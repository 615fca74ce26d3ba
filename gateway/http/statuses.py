"""Business statuses (01 to 16): reporting them, and reading what others report."""

from __future__ import annotations

from functools import partial

import msgspec
from aiohttp import web

from gateway.domain import errors
from gateway.domain.envelope import Reference, Staff
from gateway.domain.errors import MalformedPacket, MalformedRequest, NotFound
from gateway.domain.model import StatusId
from gateway.domain.packets import StatusNotice, StatusPacket
from gateway.domain.working_days import YEARS
from gateway.edge.auth import authenticated
from gateway.edge.body import Body
from gateway.edge.surface import surface_of
from gateway.http import views, wire, wire_in
from gateway.http.documents import seen_document
from gateway.http.long_poll import look_until, wait_seconds
from gateway.http.packets import check_from
from gateway.http.requests import cursor, id_in, page_size, read_json
from gateway.http.routes import Parameter, Route
from gateway.service.report_status import report_status

MAX_PACKET_BYTES = 256 * 1024


async def report_on_document(request: web.Request) -> web.Response:
    """Report a status of a document, as its recipient (13: as its sender)."""
    caller = await authenticated(request)
    agency = caller.acting_agency()
    document = id_in(request, "document")
    body = await read_json(request, wire_in.StatusIn)
    if body.said_at is not None and body.said_at.year not in YEARS:
        raise MalformedRequest(reasons=(f"said_at: the year must lie between {YEARS[0]} and {YEARS[-1]}",))
    notice = StatusNotice(
        body.status,
        Reference(document_id=document),
        description=body.description,
        said_at=body.said_at,
        staff=Staff(**msgspec.structs.asdict(body.staff)) if body.staff else None,
    )
    said = await report_status(surface_of(request).exchange, notice, by=agency.code)
    return views.answer(wire.StatusesOut([views.status(each) for each in said]))


async def report_by_packet(request: web.Request) -> web.Response:
    """Report a status by an edXML status packet."""
    caller = await authenticated(request)
    agency = caller.acting_agency()
    x = surface_of(request).exchange
    body = Body(request, max_bytes=MAX_PACKET_BYTES, account=caller.account)
    async with x.bodies.receiving() as draft:
        while chunk := await body.read():
            await draft.write(chunk)
        async with x.packets.reading(draft) as packet:
            await check_from(x, packet, caller=agency)
            if not isinstance(packet, StatusPacket):
                raise MalformedPacket("A packet that carries a document goes to POST /v1/documents.")
            said = await report_status(x, packet.notice, by=agency.code, packet=packet.content)
    return views.answer(wire.StatusesOut([views.status(each) for each in said]))


async def read_history(request: web.Request) -> web.Response:
    """Return the business history of a document; a recipient sees its own part."""
    seen = await seen_document(request)
    lines = await surface_of(request).exchange.lives.statuses(seen.document.id)
    mine = {delivery.id for delivery in seen.deliveries}
    return views.answer(wire.StatusesOut([views.status(each) for each in lines if each.delivery in mine]))


async def read_addressed(request: web.Request) -> web.Response:
    """Return what others reported to the caller's agency and it has not taken; with `wait`, as soon as there
    is something."""
    caller = await authenticated(request)
    agency = caller.acting_agency().code
    x = surface_of(request).exchange
    after, limit = cursor(request), page_size(request)
    behind = StatusId(after) if after else None
    look = partial(x.lives.addressed, [agency], after=behind, limit=limit, only_waiting=True)
    lines = await look_until(look, request, agency=agency, seconds=wait_seconds(request))
    following = lines[-1].id if len(lines) == limit else None
    return views.answer(wire.StatusesOut([views.status(each) for each in lines], following))


async def take_status(request: web.Request) -> web.Response:
    """Take a status for good: it is not listed any more. Taking it again changes nothing."""
    caller = await authenticated(request)
    agency = caller.acting_agency().code
    x = surface_of(request).exchange
    found = await x.lives.status(StatusId(id_in(request, "status")))
    if found is None or found.addressee != agency:
        raise NotFound
    await x.lives.take(found.id, at=x.clock())
    return views.answer(views.status(found))


_REFUSALS = (
    errors.MalformedRequest,
    errors.NotAllowed,
    errors.UnknownDocument,
    errors.IllegalTransition,
    errors.Conflict,
    errors.StoreUnavailable,
    errors.OutcomeUnknown,
)

ROUTES = (
    Route(
        "POST",
        "/v1/documents/{document}/statuses",
        report_on_document,
        "Report a business status of a document you received (01 to 06, 15, 16), or ask for one you sent to "
        "be given back (13). Safe to repeat.",
        request=wire_in.StatusIn,
        response=wire.StatusesOut,
        problems=_REFUSALS,
    ),
    Route(
        "GET",
        "/v1/documents/{document}/statuses",
        read_history,
        "Read the business history of a document, oldest first. A recipient sees its own part.",
        response=wire.StatusesOut,
        problems=(errors.NotFound,),
    ),
    Route(
        "POST",
        "/v1/statuses",
        report_by_packet,
        "Report a business status by an edXML status packet (QCVN 102), the body of the request.",
        request=wire_in.StatusPacketIn,
        request_type="application/xml",
        response=wire.StatusesOut,
        problems=(errors.MalformedPacket, errors.NotYourAgency, errors.TooLarge, errors.TooSlow, *_REFUSALS),
    ),
    Route(
        "GET",
        "/v1/statuses",
        read_addressed,
        "Read what others reported to your agency and you have not taken, oldest first; `wait` seconds for "
        "something to arrive.",
        response=wire.StatusesOut,
        parameters=(
            Parameter("wait", "query", "seconds to wait while there is nothing", int),
            Parameter("cursor", "query", "`next` of the page before"),
            Parameter("limit", "query", "items on a page, at most 200", int),
        ),
        problems=(errors.MalformedRequest, errors.NotAllowed),
    ),
    Route(
        "POST",
        "/v1/statuses/{status}/take",
        take_status,
        "Take a status: it is not listed again.",
        response=wire.StatusOut,
        problems=(errors.NotFound, errors.NotAllowed),
    ),
)
