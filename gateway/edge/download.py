"""Sending a kept body, within a budget of time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from gateway.edge.limits import Limits


class BodyAnswer(web.FileResponse):
    """A file as an answer, by sendfile. A reader too slow for the lowest rate is cut off."""

    def __init__(self, path: Path, *, size_bytes: int, limits: Limits, headers: Mapping[str, str]) -> None:
        super().__init__(path, headers=headers)
        bought = timedelta(seconds=size_bytes / limits.body_min_rate_bytes)
        self._patience = limits.body_idle_timeout + bought

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send headers and file.

        Raises:
            ConnectionError: The reader has gone, or was cut off.
        """
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await super().prepare(request)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionAbortedError("the file was read too slowly") from None
