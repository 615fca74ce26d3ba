"""Two centres on a running `lienthong`, connected with the operator's commands and the unchanged client."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from yarl import URL

from tests.e2e.test_programs import Server, Site
from tests.support.pki import plain_pdf
from tests.support.vxp_client import JavaClient
from tests.support.vxp_world import DOCUMENT_ID, packet_of, status_of

SENDER, RECIPIENT = "H26", "H26.01"


async def connected(site: Site, server: Server, system_id: str, *options: str) -> JavaClient:
    """Connect a centre while the server runs and return its client."""
    made = await site.lienthong("systems", "create", system_id, *options, "--json")
    assert made.code == 0, made.err
    secret = made.json["secret"]
    return JavaClient(URL(server.url) / "vxp", system_id, secret, lambda: datetime.now(UTC))


async def made_site(folder: Path, **environ: str) -> Site:
    """Make a site that knows the sender's agency."""
    # It logs refusals; the harness wants nothing on the error output.
    site = Site(folder, environ={"LIENTHONG_LOG__LEVEL": "ERROR", **environ})
    assert (await site.lienthong("init")).code == 0
    directory = folder / "agencies.csv"
    directory.write_text(f"code,name,level\n{SENDER},Ủy ban,1\n")
    assert (await site.lienthong("agencies", "import", directory)).code == 0
    return site


async def test_two_centres_exchange_a_document_and_its_statuses(tmp_path: Path) -> None:
    site = await made_site(tmp_path)
    async with site.running() as server:
        first = await connected(site, server, "H26.one", "--agencies", SENDER)
        second = await connected(site, server, "H26.two", "--register-under", SENDER)
        assert (await second.register(code=RECIPIENT, name="Sở Nội vụ", pcode=SENDER)).is_ok
        packet = packet_of(tmp_path, sender=SENDER, to=(RECIPIENT,), files=(("a.pdf", plain_pdf()),))
        sent = await first.send(packet, by=SENDER)
        assert sent.is_ok, sent.content
        (row,) = await second.waiting()
        assert DOCUMENT_ID.encode() in await second.packet(row["docId"])
        assert (await second.update(row["docId"], "done")).is_ok
        status = status_of("03", by=RECIPIENT, at=SENDER)
        assert (await second.send(status, by=RECIPIENT, kind="status")).is_ok
        (said,) = await first.waiting("status")
        assert b"<edXML:StatusCode>03<" in await first.packet(said["docId"])
        (state,) = (await first.sent(docId=sent.json["DocId"])).json["data"]
        assert state["receiveStatus"] == "done"
        malformed = await first.send(b"<edXML/>", by=SENDER)
        assert malformed.refusal == ("22", "malformed-packet")
        server.stop()


async def test_client_on_a_machine_in_utc_is_served_where_the_exchange_runs_in_utc(tmp_path: Path) -> None:
    site = await made_site(tmp_path, TZ="UTC")
    async with site.running() as server:
        at_home = await connected(site, server, "H26.one", "--agencies", SENDER)
        clients = [replace(at_home, zone=UTC), at_home, replace(at_home, zone=timezone(timedelta(hours=1)))]
        answers = [await client.count() for client in clients]
    assert [answer.http_status for answer in answers] == [200, 200, 401]
