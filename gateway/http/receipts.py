"""Receipts, for those they concern."""

from __future__ import annotations

from aiohttp import web

from gateway.domain import errors
from gateway.domain.errors import NotFound
from gateway.domain.model import Receipt, ReceiptId
from gateway.edge.auth import authenticated
from gateway.edge.surface import surface_of
from gateway.edge.tokens import Caller
from gateway.http import views, wire
from gateway.http.requests import id_in
from gateway.http.routes import Route
from gateway.service.exchange import Exchange


async def read_receipt(request: web.Request) -> web.Response:
    """Return a receipt to the sender of its document, or to the recipient of its delivery."""
    caller = await authenticated(request)
    x = surface_of(request).exchange
    receipt = await x.records.receipt(ReceiptId(id_in(request, "receipt")))
    if receipt is None or not await _concerns(x, receipt, caller):
        raise NotFound
    return views.receipt_file(receipt)


async def _concerns(x: Exchange, receipt: Receipt, caller: Caller) -> bool:
    if caller.agency is None:
        return caller.is_administrator
    document = await x.records.document(receipt.about)
    if document is not None and document.sender == caller.agency.code:
        return True
    item = await x.records.delivery(receipt.delivery) if receipt.delivery else None
    return item is not None and item.delivery.recipient == caller.agency.code


ROUTES = (
    Route(
        "GET",
        "/v1/receipts/{receipt}",
        read_receipt,
        "Fetch a signed receipt, byte for byte.",
        response=wire.ReceiptFile,
        problems=(errors.NotFound,),
    ),
)
