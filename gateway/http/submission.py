"""Sending a document: as an envelope with files, or as one edXML packet."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import hdrs, web

from gateway.domain import errors
from gateway.domain.errors import MalformedPacket
from gateway.domain.model import Agency, Answer, DocumentId, KeptPacket
from gateway.domain.packets import StatusPacket
from gateway.edge.auth import authenticated
from gateway.edge.surface import surface_of
from gateway.edge.upload import EDXML, Upload, receiving
from gateway.http import views, wire, wire_in
from gateway.http.envelopes import read_envelope
from gateway.http.packets import check_from
from gateway.http.requests import idempotency_key
from gateway.http.routes import Parameter, Route
from gateway.service.exchange import Exchange
from gateway.service.submit import Accepted, Submission, check_envelope, submit

SUBMIT = "POST /v1/documents"


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
            accept = _from_packet if await upload.begin() == EDXML else _from_envelope
            answer = await accept(surface.exchange, upload, sender=sender, key=key, rendering=rendering)
    headers: dict[str, str] = {hdrs.LOCATION: f"/v1/documents/{answer.document}"}
    if answer.document != rendering.document:
        headers["Idempotent-Replayed"] = "true"
    return web.Response(status=202, body=answer.content, headers=headers, content_type="application/json")


async def _from_envelope(
    x: Exchange, upload: Upload, *, sender: Agency, key: str | None, rendering: _Rendering
) -> Answer:
    envelope = read_envelope(await upload.envelope())
    check_envelope(envelope)
    files = await upload.files()
    submission = Submission(sender, envelope, files, route=SUBMIT, idempotency_key=key)
    return await submit(x, submission, render=rendering)


async def _from_packet(
    x: Exchange, upload: Upload, *, sender: Agency, key: str | None, rendering: _Rendering
) -> Answer:
    """Accept the document in a packet.

    Raises:
        MalformedPacket: It is none, or reports a status.
        NotYourAgency: Its `From` is another agency than the caller's.
    """
    draft = await upload.packet()
    async with x.packets.reading(draft) as packet:
        await check_from(x, packet, caller=sender)
        if isinstance(packet, StatusPacket):
            raise MalformedPacket("A packet that reports a status goes to POST /v1/statuses.")
        submission = Submission(
            sender,
            packet.envelope,
            packet.files,
            route=SUBMIT,
            idempotency_key=key,
            packet=KeptPacket(draft.sha256, packet.dialect, packet.header),
            packet_draft=draft,
        )
        return await submit(x, submission, render=rendering)


ROUTES = (
    Route(
        "POST",
        "/v1/documents",
        submit_document,
        "Send a document: the envelope, then its files; or one `edxml` part (QCVN 102). Safe to repeat.",
        request=wire_in.SubmissionIn,
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
            errors.MalformedPacket,
            errors.NotYourAgency,
            errors.NotYourDossier,
            errors.UnknownDocument,
            errors.IllegalTransition,
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
)
