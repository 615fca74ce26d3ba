"""Documents: sending them, reading them, following them, taking them back."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import hdrs, web

from gateway.domain import errors
from gateway.domain.errors import NotAllowed, NotFound, StoreUnavailable
from gateway.domain.model import AgencyCode, Attempt, Delivery, DeliveryId, Document, DocumentId, Event
from gateway.domain.states import DeliveryState
from gateway.edge.auth import authenticated
from gateway.edge.download import BodyAnswer
from gateway.edge.surface import surface_of
from gateway.edge.tokens import Caller
from gateway.edge.upload import receiving
from gateway.http import views, wire
from gateway.http.requests import id_in, idempotency_key, read_envelope, read_json
from gateway.http.routes import Parameter, Route
from gateway.service.recall import recall
from gateway.service.submit import Accepted, Submission, check_envelope, submit

SUBMIT = "POST /v1/documents"
_TAKEN_BACK = frozenset({DeliveryState.RECALLED, DeliveryState.EXPIRED})


@dataclass(slots=True)
class _Rendering:
    """Renders the answer, and remembers which document it was rendered for."""

    document: DocumentId | None = None

    def __call__(self, made: Accepted) -> bytes:
        self.document = made.document.id
        return views.accepted(made)


async def submit_document(request: web.Request) -> web.Response:
    """Accept a document for all its recipients."""
    surface = surface_of(request)
    caller = await authenticated(request)
    sender = caller.acting_agency()
    key = idempotency_key(request)
    rendering = _Rendering()
    with surface.running.only(sender.code, key):
        async with receiving(request, caller=caller) as upload:
            envelope = read_envelope(await upload.envelope())
            check_envelope(envelope)
            files = await upload.files()
            submission = Submission(sender, envelope, files, route=SUBMIT, idempotency_key=key)
            answer = await submit(surface.exchange, submission, render=rendering)
    headers: dict[str, str] = {hdrs.LOCATION: f"/v1/documents/{answer.document}"}
    if answer.document != rendering.document:
        headers["Idempotent-Replayed"] = "true"
    return web.Response(status=202, body=answer.content, headers=headers, content_type="application/json")


async def read_document(request: web.Request) -> web.Response:
    """Return a document and how its deliveries stand."""
    seen = await _seen(request)
    return views.answer(views.document_with(seen.document, seen.deliveries, is_own=seen.is_own))


async def read_timeline(request: web.Request) -> web.Response:
    """Return what happened to a document; a recipient sees its own delivery only."""
    seen = await _seen(request)
    lines = await surface_of(request).exchange.records.timeline(seen.document.id)
    mine = {delivery.id for delivery in seen.deliveries}
    visible = [line for line in lines if seen.is_own or _concerns(line, mine)]
    return views.answer(wire.TimelineOut([views.timeline_entry(line) for line in visible]))


async def read_file(request: web.Request) -> web.StreamResponse:
    """Send a file of a document, as it was received."""
    seen = await _seen(request)
    if not seen.is_party:
        raise NotAllowed("Only its sender and its recipients may read the files of a document.")
    if not seen.is_own and seen.deliveries[0].state in _TAKEN_BACK:
        raise NotAllowed("The document has been taken back, or its time is over.")
    n = request.match_info["n"]
    if not (n.isascii() and n.isdigit() and len(n) < 5 and 1 <= int(n) <= len(seen.document.files)):
        raise NotFound
    file = seen.document.files[int(n) - 1]
    surface = surface_of(request)
    path = surface.exchange.bodies.path(file.sha256)
    if not await asyncio.to_thread(path.is_file):
        raise StoreUnavailable("The file cannot be read at present.")
    return BodyAnswer(
        path,
        size_bytes=file.size_bytes,
        limits=surface.limits,
        headers={
            hdrs.CONTENT_TYPE: file.media_type,
            hdrs.CONTENT_DISPOSITION: _attachment(file.name),
            "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(file.sha256)).decode()}:",
        },
    )


async def recall_document(request: web.Request) -> web.Response:
    """Take a document back from everybody who has not accepted it."""
    caller = await authenticated(request)
    sender = caller.acting_agency()
    document = DocumentId(id_in(request, "document"))
    body = await read_json(request, wire.RecallIn)
    done = await recall(surface_of(request).exchange, document, by=sender.code, reason=body.reason)
    return views.answer(views.recalled(done))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A document with the deliveries the caller may see; `is_own` when it may see them all.

    An administrator that is no party sees what happened, and no file.
    """

    document: Document
    deliveries: list[Delivery]
    is_own: bool
    is_party: bool = True


async def _seen(request: web.Request) -> _Seen:
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
    if document.sender == _code(caller):
        return _Seen(document, deliveries, is_own=True)
    mine = [delivery for delivery in deliveries if delivery.recipient == _code(caller)]
    if caller.is_administrator:
        return _Seen(document, deliveries, is_own=True, is_party=bool(mine))
    if not mine:
        raise NotFound
    return _Seen(document, mine, is_own=False)


def _code(caller: Caller) -> AgencyCode | None:
    return caller.agency.code if caller.agency else None


def _concerns(line: Event | Attempt, deliveries: Collection[DeliveryId]) -> bool:
    return line.delivery is None or line.delivery in deliveries


def _attachment(name: str) -> str:
    """Return a Content-Disposition (RFC 6266): the name in UTF-8, and an ASCII likeness of it."""
    likeness = "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in name)
    ascii_name = likeness.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"


ROUTES = (
    Route(
        "POST",
        "/v1/documents",
        submit_document,
        "Send a document: the envelope, then its files. Safe to repeat.",
        request=wire.SubmissionIn,
        request_type="multipart/form-data",
        response=wire.AcceptedOut,
        status=202,
        parameters=(
            Parameter(
                "Idempotency-Key", "header", "1 to 128 visible ASCII characters, fresh for each document"
            ),
        ),
        problems=(
            errors.MalformedRequest,
            errors.MalformedDocument,
            errors.UnsupportedFileType,
            errors.SignatureRejected,
            errors.UnknownAgency,
            errors.StateSecret,
            errors.SealingUnavailable,
            errors.IdempotencyKeyReused,
            errors.SubmissionInProgress,
            errors.NotAllowed,
            errors.TooLarge,
            errors.TooSlow,
            errors.StoreUnavailable,
            errors.VerificationUnavailable,
            errors.SigningUnavailable,
            errors.OutcomeUnknown,
        ),
    ),
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
        "POST",
        "/v1/documents/{document}/recall",
        recall_document,
        "Take a document back from everybody who has not accepted it.",
        request=wire.RecallIn,
        response=wire.RecallOut,
        problems=(
            errors.MalformedRequest,
            errors.NotFound,
            errors.NotAllowed,
            errors.StoreUnavailable,
            errors.SigningUnavailable,
            errors.OutcomeUnknown,
        ),
    ),
)
