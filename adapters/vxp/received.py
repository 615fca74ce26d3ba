"""What waits for the agencies of a centre: listing, fetching, and what the centre made of it."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.vxp import wire
from adapters.vxp.calls import DOCUMENTS, STATUSES, Axis, Call, Reply, only_once
from adapters.vxp.streams import LongAnswer, as_json_data, in_pieces
from gateway.domain.errors import RequestRejected, UnknownDocument
from gateway.domain.ledger import InboxItem, InboxLine, StatusLine
from gateway.domain.model import AgencyCode, DeliveryId, Status, StatusId
from gateway.service.forward import forward, forward_status
from gateway.service.give_back import give_back
from gateway.service.open_delivery import open_delivery
from gateway.service.take import take

LISTED = 2_000
"""Items in one list. They stay until they are done, so what is behind them comes up by itself."""

Item = InboxItem | Status


async def list_received(axis: Axis, call: Call) -> Reply:
    """List what waits for any agency of the centre, oldest first."""
    x, agencies = axis.exchange, call.centre.agencies
    if call.item_kind() == STATUSES:
        statuses = await x.lives.lines(agencies, limit=LISTED)
        codes = await axis.agencies.codes(code for each in statuses for code in (each.author, each.addressee))
        return wire.encode(wire.Listed(data=[_status_row(each, codes) for each in statuses]))
    lines = await x.inbox.lines(agencies, limit=LISTED, now=x.clock())
    codes = await axis.agencies.codes(code for each in lines for code in (each.sender, each.recipient))
    return wire.encode(wire.Listed(data=[_document_row(each, codes) for each in lines]))


async def get_item(axis: Axis, call: Call) -> Reply:
    """Give an item out as JSON. Fetching is not taking: the client may fetch twice."""
    return LongAnswer(as_json_data((await _fetched(axis, call)).pieces))


async def download_item(axis: Axis, call: Call) -> Reply:
    """Give an item out as the packet itself."""
    return await _fetched(axis, call)


async def update_status(axis: Axis, call: Call) -> Reply:
    """Take an item for good (`done`), give it back (`fail`), or note that it is being worked on.

    Raises:
        UnknownDocument: No agency of the centre has such an item.
        RequestRejected: The status is none of the three.
        IllegalTransition, LeaseLost: The item has ended otherwise, or somebody else holds it.
    """
    state = call.parameter("status").strip().casefold()
    if state not in ("processing", "done", "fail"):
        raise RequestRejected(reasons=("status: must be processing, done or fail",))
    await only_once(axis, call)
    x, item = axis.exchange, await _item(axis, call)
    if isinstance(item, Status):
        if state == "done":
            await x.lives.take(item.id, at=x.clock())
    elif state == "done":
        await take(x, item.delivery.id, by=item.delivery.recipient)
    elif state == "fail":
        reason = f"the system {call.centre.system.id} could not take it"
        await give_back(x, item.delivery.id, by=item.delivery.recipient, reason=reason)
    return wire.encode(wire.Done())


async def count_documents(axis: Axis, call: Call) -> Reply:
    """Count the documents that are listed as waiting, or would be if a list had no end."""
    x = axis.exchange
    return wire.encode(wire.Counted(count=await x.inbox.count(call.centre.agencies, now=x.clock())))


async def count_statuses(axis: Axis, call: Call) -> Reply:
    """Count the statuses that wait."""
    return wire.encode(wire.Counted(count=await axis.exchange.lives.count(call.centre.agencies)))


# --- listing -------------------------------------------------------------------------------------


def _document_row(line: InboxLine, codes: Mapping[AgencyCode, str]) -> wire.WaitingRow:
    is_open = line.opened_at is not None
    return wire.WaitingRow(
        doc_id=line.delivery,
        message_type=DOCUMENTS,
        created_time=wire.moment(line.accepted_at),
        updated_time=wire.moment(line.opened_at or line.offered_at or line.accepted_at),
        from_=codes[line.sender],
        to=codes[line.recipient],
        status="processing" if is_open else "initial",
        status_desc="Đã tải về, chưa xác nhận" if is_open else "Chờ nhận",
    )


def _status_row(line: StatusLine, codes: Mapping[AgencyCode, str]) -> wire.WaitingRow:
    return wire.WaitingRow(
        doc_id=line.status,
        message_type=STATUSES,
        created_time=wire.moment(line.at),
        updated_time=wire.moment(line.at),
        from_=codes[line.author],
        to=codes[line.addressee],
        status="initial",
        status_desc="Chờ nhận",
    )


# --- fetching ------------------------------------------------------------------------------------


async def _item(axis: Axis, call: Call) -> Item:
    """Return what `docId` means to the centre; a foreign item is like one that does not exist.

    Raises:
        UnknownDocument: No agency of the centre has such an item.
    """
    x, id_ = axis.exchange, call.item_id()
    delivery = await x.records.delivery(DeliveryId(id_))
    if delivery is not None and delivery.delivery.recipient in call.centre.agencies:
        return delivery
    status = await x.lives.status(StatusId(id_))
    if status is not None and status.addressee in call.centre.agencies:
        return status
    raise UnknownDocument


async def _fetched(axis: Axis, call: Call) -> LongAnswer:
    x, item = axis.exchange, await _item(axis, call)
    if isinstance(item, Status):
        pieces = in_pieces(await forward_status(x, item))
        name: str = item.id
    else:
        opened = await open_delivery(x, item.delivery.id, by=item.delivery.recipient)
        pieces = await forward(x, opened.document, reader=opened.delivery.recipient)
        name = item.delivery.id
    return LongAnswer(pieces, content_type="application/octet-stream", filename=f"{name}.edxml")
