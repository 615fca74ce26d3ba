"""VXP with the real parsing workers behind it: one good life, and packets that would harm who reads them."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.edxml.packets import EdxmlPackets
from adapters.sandbox import Patience, open_sandbox
from adapters.vxp.server import mount
from gateway.domain.model import DocumentId, PolicyLabel
from gateway.edge.server import serve
from gateway.http.app import make_app
from ops.worker_commands import parsing_worker_command
from signing.report import Verdict
from tests.support.api import LIMITS, PUBLIC_URL, VXP_AGENCIES, VXP_WINDOW
from tests.support.exchange import RELAY, SENDER
from tests.support.pki import NOW, authority, plain_pdf, signed_by_leader
from tests.support.vxp_refusals import refused
from tests.support.vxp_world import RECIPIENT_102, TwoCentres, open_two_centres, status_of
from tests.support.zips import Member, archive, zipped

WITHIN = timedelta(seconds=30)


@asynccontextmanager
async def open_with_workers(folder: Path) -> AsyncIterator[TwoCentres]:
    """Open the two centres; what they send is read and judged in a parsing worker."""
    trust = authority().write_trust(folder / "trust")
    command = parsing_worker_command(trust, bodies_dir=folder / "bodies", memory_bytes=512 * 1024 * 1024)
    patience = Patience(file=WITHIN, packet=WITHIN)
    async with (
        open_two_centres(folder) as centres,
        open_sandbox(
            command, clock=lambda: NOW, workers=1, patience=patience, refuse_active=False
        ) as sandbox,
    ):
        x = centres.api.world.exchange
        x = replace(x, packets=EdxmlPackets(x.bodies, sandbox, relay=RELAY), verifier=sandbox)
        app = make_app(x, LIMITS, public_url=PUBLIC_URL)
        mount(app, box=centres.box, window=VXP_WINDOW, max_agencies=VXP_AGENCIES)
        async with serve(app, host="127.0.0.1", port=0, limits=LIMITS) as url:
            for client in (centres.first, centres.second):
                client.endpoint = url / "vxp"
            yield centres


@pytest.fixture
async def centres(tmp_path: Path) -> AsyncIterator[TwoCentres]:
    async with open_with_workers(tmp_path) as opened:
        yield opened


async def test_signed_document_is_sent_judged_fetched_taken_and_answered(centres: TwoCentres) -> None:
    decision = await asyncio.to_thread(signed_by_leader)
    packet = centres.document(files=(("Quyết định 12.pdf", decision), ("phụ lục.pdf", plain_pdf())))
    sent = await centres.first.send(packet, by=SENDER)
    assert sent.is_ok, sent.content
    document = await centres.api.world.exchange.records.document(DocumentId(sent.json["DocId"]))
    assert document is not None
    assert [file.verdict for file in document.files] == [Verdict.TOTAL_PASSED, Verdict.UNSIGNED]
    assert document.label is PolicyLabel.SIGNED
    (row,) = await centres.second.waiting()
    assert (await centres.second.download(row["docId"])).content == await centres.second.packet(row["docId"])
    assert (await centres.second.update(row["docId"], "done")).is_ok
    status = status_of("03")
    assert (await centres.second.send(status, by=RECIPIENT_102, kind="status")).is_ok
    (said,) = await centres.first.waiting("status")
    assert await centres.first.packet(said["docId"]) == status.strip()


LISTED = Member(name="a.pdf", content=plain_pdf())
HIDDEN = Member(name="b.pdf", content=plain_pdf("another text"), is_listed=False)
WRAPPED = {
    "a bomb": zipped({"a.pdf": bytes(60_000_000)}, method=zipfile.ZIP_DEFLATED),
    "a file before the one that is listed": archive(HIDDEN, LISTED),
    "stored for one reader, packed for another": archive(replace(LISTED, local_method=0)),
    "a way out of the folder": archive(replace(LISTED, name="../../../a.pdf")),
    "no archive": b"PK\x03\x04" + bytes(100),
}


@pytest.mark.parametrize("wrapped", WRAPPED)
async def test_wrapped_file_that_would_harm_or_deceive_is_refused(centres: TwoCentres, wrapped: str) -> None:
    packet = centres.document(files=(("a.pdf", WRAPPED[wrapped]),))
    await refused(centres, centres.first.send(packet, by=SENDER), "22", "malformed-packet")
    # The worker is there for the next one.
    assert (await centres.first.send(centres.document(files=(("a.pdf", plain_pdf()),)), by=SENDER)).is_ok


DOCTYPES = {
    "entities in entities": b'<!DOCTYPE x [<!ENTITY a "&b;&b;"><!ENTITY b "ha">]>',
    "a file of ours": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    "nothing": b"<!DOCTYPE x>",
}


@pytest.mark.parametrize("doctype", DOCTYPES)
@pytest.mark.parametrize("kind", ["edoc", "status"])
async def test_packet_with_a_document_type_is_refused(centres: TwoCentres, doctype: str, kind: str) -> None:
    packet = centres.document() if kind == "edoc" else status_of("01", by=SENDER)
    declaration, _, rest = packet.partition(b"?>")
    hostile = declaration + b"?>" + DOCTYPES[doctype] + rest
    await refused(centres, centres.first.send(hostile, by=SENDER, kind=kind), "22", "malformed-packet")
