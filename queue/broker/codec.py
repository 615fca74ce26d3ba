"""A broker message: JSON with the ids of one batch, never content."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from gateway.domain.model import AgencyCode, Channel, DeliveryId, Handover, Lane

BATCH = 50
"""Most deliveries in one broker message."""


class Undecodable(ValueError):
    """The bytes are not a message of ours; they never will be."""


class _Batch(msgspec.Struct, frozen=True):
    lane: Lane
    channel: Channel
    deliveries: list[tuple[str, int, str]]
    """Delivery id, attempts (the fencing token), recipient."""


class _Agencies(msgspec.Struct, frozen=True):
    agencies: list[str]


_read_batch = msgspec.json.Decoder(_Batch).decode
_read_agencies = msgspec.json.Decoder(_Agencies).decode


def encode_batch(batch: Sequence[Handover]) -> bytes:
    """Return the message for handovers of one lane and channel."""
    deliveries = [(each.delivery, each.attempts, each.recipient) for each in batch]
    return msgspec.json.encode(_Batch(batch[0].lane, batch[0].channel, list(deliveries)))


def decode_batch(body: bytes) -> list[Handover]:
    """Return the handovers of a message.

    Raises:
        Undecodable: It is no such message.
    """
    try:
        batch = _read_batch(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as unreadable:
        raise Undecodable(str(unreadable)) from unreadable
    return [
        Handover(DeliveryId(delivery), attempts, batch.lane, batch.channel, AgencyCode(recipient))
        for delivery, attempts, recipient in batch.deliveries
    ]


def encode_agencies(agencies: Collection[AgencyCode]) -> bytes:
    """Return the event message that names these agencies."""
    return msgspec.json.encode(_Agencies(list(agencies)))


def decode_agencies(body: bytes) -> list[AgencyCode]:
    """Return the agencies an event message names.

    Raises:
        Undecodable: It is no such message.
    """
    try:
        return [AgencyCode(code) for code in _read_agencies(body).agencies]
    except (msgspec.MsgspecError, UnicodeDecodeError) as unreadable:
        raise Undecodable(str(unreadable)) from unreadable
