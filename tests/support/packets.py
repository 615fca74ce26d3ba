"""Reading packets without a parsing worker: the reader itself, in this process."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from adapters.edxml.limits import ReadLimits
from adapters.edxml.packet import Read
from adapters.edxml.read import read_packet


class HereReader:
    """Reads packets as a parsing worker does, but here."""

    async def read_packet(self, path: Path, *, into: Path) -> Read:
        """Return what a packet says, its attachments as files in a folder."""
        return await asyncio.to_thread(partial(read_packet, path, into=into, limits=ReadLimits()))
