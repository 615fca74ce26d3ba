"""Documents: reading them, following them, taking them back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from aiohttp import hdrs, web

from gateway.domain import errors
from gateway.domain.errors import NotAllowed, NotFound
from gateway.domain.model import AgencyCode, Attempt, Delivery, DeliveryId, Document, DocumentId, Event
from gateway.edge.auth import authenticated
from gateway.edge.surface import surface_of
from gateway.http import views, wire, wire_in
from gateway.http.files import attachment, file_answer
from gateway.http.requests import id_in, read_json
from gateway.http.routes import Route
from gateway.service.forward import forward
from gateway.service.open_delivery import open_delivery
from gateway.service.recall import recall


async def read_document(request: web.Request) -> web.Response:
    """Return a document and how its deliveries stand."""
    seen = await seen_document(request)
    changes = await surface_of(request).exchange.lives.changes(seen.document.id)
    mine = {delivery.id for delivery in seen.deliveries}
    visible = [change for change in changes if change.delivery in mine]
    return views.answer(
        views.document_with(seen.document, seen.deliveries, changes=visible, is_own=seen.is_own)
    )


async def read_timeline(request: web.Request) -> web.Response:
    """Return what happened to a document; a recipient sees its own delivery only."""
    seen = await seen_document(request)
    lines = await surface_of(request).exchange.records.timeline(seen.document.id)
    mine = {delivery.id for delivery in seen.deliveries}
    visible = [line for line in lines if seen.is_own or _concerns(line, mine)]
    return views.answer(wire.TimelineOut([views.timeline_entry(line) for line in visible]))


async def read_file(request: web.Request) -> web.StreamResponse:
    """Send a file of a document, as it was received. That its recipient opens it is recorded first."""
    seen = await seen_document(request)
    n = request.match_info["n"]
    if not (n.isascii() and n.isdigit() and len(n) < 5 and 1 <= int(n) <= len(seen.document.files)):
        raise NotFound
    await _open(request, seen)
    return await file_answer(request, seen.document.files[int(n) - 1])


async def read_packet(request: web.Request) -> web.StreamResponse:
    """Send a document as an edXML packet, in the caller's dialect."""
    seen = await seen_document(request)
    reader = await _open(request, seen)
    pieces = await forward(surface_of(request).exchange, seen.document, reader=reader)
    response = web.StreamResponse(headers={hdrs.CONTENT_DISPOSITION: attachment(f"{seen.document.id}.edxml")})
    response.content_type = "application/xml"
    await response.prepare(request)
    async for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response


async def _open(request: web.Request, seen: Seen) -> AgencyCode:
    """Record that the caller opens a document, unless it is its own; return the caller's agency.

    Raises:
        NotAllowed: The caller is no party, or the document has been taken back.
    """
    if not seen.is_party or seen.reader is None:
        raise NotAllowed("Only its sender and its recipients may read the files of a document.")
    # Its sender has always known what it says: reading it so opens no delivery, not even one to itself.
    if seen.document.sender != seen.reader:
        await open_delivery(surface_of(request).exchange, seen.deliveries[0].id, by=seen.reader)
    return seen.reader


async def recall_document(request: web.Request) -> web.Response:
    """Take a document back, at once from everybody who has not opened it."""
    caller = await authenticated(request)
    sender = caller.acting_agency()
    document = DocumentId(id_in(request, "document"))
    body = await read_json(request, wire_in.RecallIn)
    done = await recall(surface_of(request).exchange, document, by=sender.code, reason=body.reason)
    return views.answer(views.recalled(done))


@dataclass(frozen=True, slots=True)
class Seen:
    """A document with the deliveries the caller may see; `is_own` when it may see them all.

    An administrator that is no party sees what happened, and no file.
    """

    document: Document
    deliveries: list[Delivery]
    is_own: bool
    reader: AgencyCode | None
    is_party: bool = True


async def seen_document(request: web.Request) -> Seen:
    """Return the document of the path as far as the caller may see it.

    A foreign document and one that does not exist take the same two queries and get the same answer.

    Raises:
        NotFound: The caller neither sent nor received such a document.
    """
    caller = await authenticated(request)
    records = surface_of(request).exchange.records
    id_ = DocumentId(id_in(request, "document"))
    document = await records.document(id_)
    deliveries = await records.deliveries(id_)
    if document is None:
        raise NotFound
    reader = caller.agency.code if caller.agency else None
    if document.sender == reader:
        return Seen(document, deliveries, is_own=True, reader=reader)
    mine = [delivery for delivery in deliveries if delivery.recipient == reader]
    if caller.is_administrator:
        return Seen(document, deliveries, is_own=True, reader=reader, is_party=bool(mine))
    if not mine:
        raise NotFound
    return Seen(document, mine, is_own=False, reader=reader)


def _concerns(line: Event | Attempt, deliveries: Collection[DeliveryId]) -> bool:
    return line.delivery is None or line.delivery in deliveries


ROUTES = (
    Route(
        "GET",
        "/v1/documents/{document}",
        read_document,
        "Read a document and how its deliveries stand.",
        response=wire.DocumentOut,
        problems=(errors.NotFound,),
    ),
    Route(
        "GET",
        "/v1/documents/{document}/timeline",
        read_timeline,
        "Read everything that happened to a document.",
        response=wire.TimelineOut,
        problems=(errors.NotFound,),
    ),
    Route(
        "GET",
        "/v1/documents/{document}/files/{n}",
        read_file,
        "Fetch a file of a document, byte for byte as it was received. Ranges are honoured. For its sender "
        "and its recipients: administrators read records and timelines, not files.",
        response_type="application/octet-stream",
        problems=(errors.NotFound, errors.NotAllowed, errors.StoreUnavailable),
    ),
    Route(
        "GET",
        "/v1/documents/{document}/edxml",
        read_packet,
        "Fetch a document as an edXML packet (QCVN 102) in your agency's dialect: the received one with our "
        "TraceHeader, or one that says the same.",
        response_type="application/xml",
        problems=(errors.NotFound, errors.NotAllowed, errors.StoreUnavailable),
    ),
    Route(
        "POST",
        "/v1/documents/{document}/recall",
        recall_document,
        "Take a document back: at once from everybody who has not opened it; the others owe an answer. Safe "
        "to repeat: tells how it stands now.",
        request=wire_in.RecallIn,
        response=wire.RecallOut,
        problems=(
            errors.MalformedRequest,
            errors.NotFound,
            errors.NotAllowed,
            errors.Conflict,
            errors.StoreUnavailable,
            errors.OutcomeUnknown,
        ),
    ),
)
