"""Judging a file that is not sent to anybody."""

from __future__ import annotations

from aiohttp import web

from gateway.domain import errors
from gateway.edge.auth import authenticated
from gateway.edge.surface import surface_of
from gateway.edge.upload import receiving
from gateway.http import views, wire, wire_in
from gateway.http.routes import Route
from gateway.service.verify import verify_alone


async def verify_file(request: web.Request) -> web.Response:
    """Return the verdict on a file, on an edXML packet with the files in it. Nothing of it is kept."""
    caller = await authenticated(request)
    surface = surface_of(request)
    async with receiving(request, caller=caller) as upload:
        file, content = await upload.signed()
        async with surface.judgements.of(caller.account):
            report = await verify_alone(surface.exchange, file, content=content)
    return views.answer(views.report(report))


ROUTES = (
    Route(
        "POST",
        "/v1/verifications",
        verify_file,
        "Judge the signatures of a file: PDF, .p7s and .p7m, XML, edXML and the files in it. It is not kept.",
        request=wire_in.VerificationIn,
        request_type="multipart/form-data",
        response=wire.VerdictOut,
        problems=(
            errors.MalformedRequest,
            errors.MalformedDocument,
            errors.MalformedPacket,
            errors.TooLarge,
            errors.TooSlow,
            errors.StoreUnavailable,
            errors.VerificationUnavailable,
        ),
    ),
)
