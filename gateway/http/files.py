"""Sending kept files, byte for byte as they were received."""

from __future__ import annotations

import asyncio
import base64
from urllib.parse import quote

from aiohttp import hdrs, web

from gateway.domain.dossiers import ComponentFile
from gateway.domain.errors import StoreUnavailable
from gateway.domain.model import StoredFile
from gateway.edge.download import BodyAnswer
from gateway.edge.surface import surface_of


async def file_answer(request: web.Request, file: StoredFile | ComponentFile) -> BodyAnswer:
    """Return a kept file as an answer, under its name and with its digest (RFC 9530). Who may read it, and
    that it was opened, is for the caller to see to.

    Raises:
        StoreUnavailable: It cannot be read at present.
    """
    surface = surface_of(request)
    path = surface.exchange.bodies.path(file.sha256)
    if not await asyncio.to_thread(path.is_file):
        raise StoreUnavailable("The file cannot be read at present.")
    return BodyAnswer(
        path,
        size_bytes=file.size_bytes,
        limits=surface.limits,
        headers={
            hdrs.CONTENT_TYPE: file.media_type,
            hdrs.CONTENT_DISPOSITION: attachment(file.name),
            "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(file.sha256)).decode()}:",
        },
    )


def attachment(name: str) -> str:
    """Return a Content-Disposition (RFC 6266): the name in UTF-8, and an ASCII likeness of it."""
    likeness = "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in name)
    ascii_name = likeness.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
