"""Ids that sort by the time they were made (RFC 9562 UUID version 7)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from uuid import UUID

_COUNTED = 1 << 12
_latest = (0, 0)
"""The millisecond of the newest id of this process, and how many it had before in it."""


def new_id(now: datetime) -> str:
    """Return a fresh UUIDv7 in text form for this moment.

    Ids that one process makes in the same millisecond sort in the order they were made, up to 4,096 of them
    (RFC 9562 §6.2 method 1): two statuses in one breath keep their order.
    """
    global _latest
    milliseconds = int(now.timestamp() * 1000)
    count = _latest[1] + 1 if milliseconds == _latest[0] else 0
    _latest = milliseconds, count
    bits = milliseconds << 16 | 0x7 << 12 | count % _COUNTED
    return str(UUID(int=bits << 64 | 0x2 << 62 | int.from_bytes(os.urandom(8), "big") >> 2))


def made_at(id_: str) -> datetime:
    """Return the moment an id of ours was made, to the millisecond."""
    return datetime.fromtimestamp((UUID(id_).int >> 80) / 1000, UTC)


def first_id_of(moment: datetime) -> str:
    """Return a text that sorts before every id made at this moment or later, and behind all earlier ones."""
    digits = f"{int(moment.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-"
