"""A very large attachment goes in and out while the edge's memory is watched."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import msgspec

from ops.dev.bench import usage
from ops.dev.bench.lean_http import connect, multipart_head, multipart_tail, multipart_type
from ops.dev.bench.load import envelope
from ops.dev.bench.site import Site

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Attached:
    """How far the `serve` process grew, and how long it took until the answer."""

    growth_bytes: int
    upload_seconds: float


async def attach(site: Site, paper: Path) -> Attached:
    """Submit a large document, fetch its file again, and return what it cost the edge.

    Raises:
        UnexpectedAnswer: It was not accepted, or not given out.
    """
    sender, recipient = list(site.secrets)[:2]
    token = (await site.member(sender)).token
    before = usage.rss_bytes(site.serve.pid)
    usage.restart_peak(site.serve.pid)
    began = monotonic()
    document = await _submit(site.port, paper, token=token, to=recipient)
    upload_seconds = monotonic() - began
    await _fetch(site.port, document, token=token)
    return Attached(usage.peak_rss_bytes(site.serve.pid) - before, upload_seconds)


async def _submit(port: int, paper: Path, *, token: str, to: str) -> str:
    head, tail = multipart_head(envelope("large", to=[to])), multipart_tail()
    size_bytes = (await asyncio.to_thread(paper.stat)).st_size
    connection = await connect(port)
    try:
        connection.begin(
            "POST",
            "/v1/documents",
            token=token,
            content_type=multipart_type(),
            content_length=len(head) + size_bytes + len(tail),
        )
        await connection.write(head)
        with paper.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                await connection.write(chunk)
        await connection.write(tail)
        document: str = msgspec.json.decode(await connection.answer(expected=202))["id"]
    finally:
        connection.close()
    return document


async def _fetch(port: int, document: str, *, token: str) -> None:
    connection = await connect(port)
    try:
        connection.send("GET", f"/v1/documents/{document}/files/1", token=token)
        await connection.answer(expected=200)
    finally:
        connection.close()
