"""The inbox: what waits for an agency, and its answers."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from gateway.domain import errors
from gateway.domain.ledger import InboxItem
from gateway.domain.model import AgencyCode, DeliveryId
from gateway.domain.states import DeliveryState
from gateway.edge.auth import authenticated
from gateway.edge.surface import Surface, surface_of
from gateway.http import views, wire, wire_in
from gateway.http.long_poll import look_until, wait_seconds
from gateway.http.requests import cursor, id_in, page_size, read_json
from gateway.http.routes import Parameter, Route
from gateway.service.acknowledge import acknowledge
from gateway.service.lease import lease


async def read_inbox(request: web.Request) -> web.Response:
    """Return what waits for the caller's agency; with `wait`, as soon as there is something."""
    caller = await authenticated(request)
    agency = caller.acting_agency()
    surface = surface_of(request)
    wait = wait_seconds(request)
    after, limit = cursor(request), page_size(request)
    look = partial(_waiting, surface, agency.code, after=after, limit=limit)
    items = await look_until(look, request, agency=agency.code, seconds=wait)
    following = items[-1].delivery.id if len(items) == limit else None
    return views.answer(wire.InboxOut([views.inbox_entry(item) for item in items], following))


async def _waiting(surface: Surface, agency: AgencyCode, *, after: str | None, limit: int) -> list[InboxItem]:
    x = surface.exchange
    behind = DeliveryId(after) if after else None
    return await x.inbox.waiting([agency], after=behind, limit=limit, now=x.clock())


async def claim_delivery(request: web.Request) -> web.Response:
    """Lease a delivery, so that no other program of the agency takes it too."""
    caller = await authenticated(request)
    agency = caller.acting_agency()
    delivery = DeliveryId(id_in(request, "delivery"))
    body = await read_json(request, wire_in.ClaimIn)
    held = await lease(surface_of(request).exchange, delivery, by=agency.code, token=body.lease)
    return views.answer(views.claimed(held))


async def accept_delivery(request: web.Request) -> web.Response:
    """Take a delivery for good."""
    caller = await authenticated(request)
    agency = caller.acting_agency()
    delivery = DeliveryId(id_in(request, "delivery"))
    body = await read_json(request, wire_in.AcceptIn)
    x = surface_of(request).exchange
    receipt = await acknowledge(x, delivery, by=agency.code, state=DeliveryState.DELIVERED, lease=body.lease)
    return views.receipt_file(receipt)


async def refuse_delivery(request: web.Request) -> web.Response:
    """Turn a delivery down; the sender reads why."""
    caller = await authenticated(request)
    agency = caller.acting_agency()
    delivery = DeliveryId(id_in(request, "delivery"))
    body = await read_json(request, wire_in.RefuseIn)
    receipt = await acknowledge(
        surface_of(request).exchange,
        delivery,
        by=agency.code,
        state=DeliveryState.REFUSED,
        reason=body.reason,
        lease=body.lease,
    )
    return views.receipt_file(receipt)


_ENDING = (
    errors.MalformedRequest,
    errors.NotFound,
    errors.NotAllowed,
    errors.IllegalTransition,
    errors.LeaseLost,
    errors.StoreUnavailable,
    errors.SigningUnavailable,
    errors.OutcomeUnknown,
)

ROUTES = (
    Route(
        "GET",
        "/v1/inbox",
        read_inbox,
        "Read what waits for your agency, oldest first; `wait` seconds for something to arrive.",
        response=wire.InboxOut,
        parameters=(
            Parameter("wait", "query", "seconds to wait while there is nothing", int),
            Parameter("cursor", "query", "`next` of the page before"),
            Parameter("limit", "query", "items on a page, at most 200", int),
        ),
        problems=(errors.MalformedRequest, errors.NotAllowed),
    ),
    Route(
        "POST",
        "/v1/inbox/{delivery}/claim",
        claim_delivery,
        "Lease a delivery for five minutes, or renew the lease.",
        request=wire_in.ClaimIn,
        response=wire.ClaimOut,
        problems=(
            errors.MalformedRequest,
            errors.NotFound,
            errors.NotAllowed,
            errors.IllegalTransition,
            errors.LeaseLost,
        ),
    ),
    Route(
        "POST",
        "/v1/inbox/{delivery}/accept",
        accept_delivery,
        "Take a delivery for good. The answer is the signed receipt; repeating gets the same one.",
        request=wire_in.AcceptIn,
        response=wire.ReceiptFile,
        problems=_ENDING,
    ),
    Route(
        "POST",
        "/v1/inbox/{delivery}/refuse",
        refuse_delivery,
        "Turn a delivery down with a reason. The answer is the signed receipt.",
        request=wire_in.RefuseIn,
        response=wire.ReceiptFile,
        problems=_ENDING,
    ),
)
