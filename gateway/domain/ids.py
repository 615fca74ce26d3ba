"""Ids that sort by the time they were made (RFC 9562 UUID version 7)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from uuid import UUID


def new_id(now: datetime) -> str:
    """Return a fresh UUIDv7 in text form for this moment."""
    milliseconds = int(now.timestamp() * 1000)
    bits = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    bits = (bits & ~(0xF << 76)) | (0x7 << 76)
    bits = (bits & ~(0x3 << 62)) | (0x2 << 62)
    return str(UUID(int=bits))


def made_at(id_: str) -> datetime:
    """Return the moment an id of ours was made, to the millisecond."""
    return datetime.fromtimestamp((UUID(id_).int >> 80) / 1000, UTC)
