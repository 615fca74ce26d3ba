"""One document to everybody else, until it stands in every inbox."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic

import msgspec

from ops.dev.bench.lean_http import connect, multipart
from ops.dev.bench.ledger_watch import LedgerWatch
from ops.dev.bench.load import envelope
from ops.dev.bench.site import BenchFailed, Site

_GIVE_UP_SECONDS = 60
_LOOK_EVERY_SECONDS = 0.02


async def fan_out(site: Site, watch: LedgerWatch, paper: Path) -> float:
    """Return the seconds from the 202 until all deliveries have left QUEUED.

    The ledger is asked, not `/v1`: an answer with hundreds of deliveries, again and again, would cost the
    edge what is to be measured.

    Raises:
        BenchFailed: They have not after a minute.
    """
    sender, *recipients = site.secrets
    pdf = await asyncio.to_thread(paper.read_bytes)
    body, content_type = multipart(envelope(f"circular-{paper.stem}", to=recipients), pdf)
    token = (await site.member(sender)).token
    connection = await connect(site.port)
    try:
        connection.send("POST", "/v1/documents", token=token, body=body, content_type=content_type)
        document = msgspec.json.decode(await connection.answer(expected=202))["id"]
    finally:
        connection.close()
    began = monotonic()
    try:
        async with asyncio.timeout(_GIVE_UP_SECONDS):
            while await watch.offered(document) < len(recipients):  # noqa: ASYNC110 - others do it
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
    except TimeoutError:
        raise BenchFailed(f"the circular was not in all inboxes after {_GIVE_UP_SECONDS} s") from None
    return monotonic() - began
