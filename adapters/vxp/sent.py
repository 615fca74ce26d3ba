"""Where the documents of a centre's agencies stand with their recipients."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.vxp import wire
from adapters.vxp.calls import DOCUMENTS, STATUSES, Axis, Call, Reply
from gateway.domain.errors import UnknownDocument
from gateway.domain.ledger import SentLine
from gateway.domain.model import AgencyCode, DocumentId, Status, StatusId
from gateway.domain.states import DeliveryState

LISTED = 500
"""Deliveries in one list, the newest; older ones are asked for by `docId`."""

_DONE = ("done", "Đã gửi lên trục liên thông")
_RECEIVED = {
    DeliveryState.QUEUED: ("initial", "Chờ bên nhận"),
    DeliveryState.OFFERED: ("initial", "Đã đến bên nhận, chờ xác nhận"),
    DeliveryState.PARKED: ("initial", "Chờ người vận hành xử lý"),
    DeliveryState.DELIVERED: ("done", "Bên nhận đã nhận"),
    DeliveryState.REFUSED: ("fail", "Bên nhận từ chối"),
    DeliveryState.EXPIRED: ("fail", "Hết hạn, bên nhận chưa nhận"),
    DeliveryState.RECALLED: ("fail", "Đã thu hồi"),
}
_OPENED = ("processing", "Bên nhận đã tải về, chờ xác nhận")
_ON_THE_WAY = frozenset({DeliveryState.QUEUED, DeliveryState.OFFERED})


async def list_sent(axis: Axis, call: Call) -> Reply:
    """List what the agencies of the centre sent and where it stands with each recipient, newest first.

    A `docId` that names nothing they sent was leaked by an earlier call, `getEdoc` say, and means nothing.
    """
    if call.item_kind() == STATUSES:
        status = await _status(axis, call)
        if status is None:
            return wire.encode(wire.Listed(data=[]))
        codes = await axis.agencies.codes((status.author, status.addressee))
        return wire.encode(wire.Listed(data=[_status_row(status, codes)]))
    lines = await _sent(axis, call, DocumentId(document)) if (document := _named(call)) else []
    lines = lines or await _sent(axis, call, None)
    codes = await axis.agencies.codes(code for line in lines for code in (line.sender, line.recipient))
    return wire.encode(wire.Listed(data=[_row(line, codes) for line in lines]))


def _named(call: Call) -> str | None:
    try:
        return call.item_id()
    except UnknownDocument:
        return None


async def _sent(axis: Axis, call: Call, document: DocumentId | None) -> list[SentLine]:
    return await axis.exchange.records.sent(call.centre.agencies, document=document, limit=LISTED)


async def _status(axis: Axis, call: Call) -> Status | None:
    """Return the status packet that `docId` names, if an agency of the centre sent it."""
    id_ = _named(call)
    status = await axis.exchange.lives.status(StatusId(id_)) if id_ else None
    return status if status is not None and status.author in call.centre.agencies else None


def _row(line: SentLine, codes: Mapping[AgencyCode, str]) -> wire.SentRow:
    is_opened = line.opened_at is not None and line.state in _ON_THE_WAY
    state, words = _OPENED if is_opened else _RECEIVED[line.state]
    is_delivered = line.state is DeliveryState.DELIVERED
    return wire.SentRow(
        message_type=DOCUMENTS,
        sender_doc_id=line.document,
        receiver_doc_id=line.delivery,
        from_code=codes[line.sender],
        to_code=codes[line.recipient],
        title=line.subject,
        notation="/".join(part for part in (line.number, line.notation) if part),
        sent_time=wire.moment(line.accepted_at),
        received_time=wire.moment(line.ended_at) if is_delivered and line.ended_at else "",
        send_status=_DONE[0],
        send_status_desc=_DONE[1],
        receive_status=state,
        receive_status_desc=f"{words}: {line.reason}" if line.reason else words,
    )


def _status_row(status: Status, codes: Mapping[AgencyCode, str]) -> wire.SentRow:
    state, words = _RECEIVED[DeliveryState.OFFERED if status.taken_at is None else DeliveryState.DELIVERED]
    return wire.SentRow(
        message_type=STATUSES,
        sender_doc_id=status.id,
        receiver_doc_id=status.id,
        from_code=codes[status.author],
        to_code=codes[status.addressee],
        title=status.description,
        notation="",
        sent_time=wire.moment(status.at),
        received_time=wire.moment(status.taken_at) if status.taken_at else "",
        send_status=_DONE[0],
        send_status_desc=_DONE[1],
        receive_status=state,
        receive_status_desc=words,
    )
