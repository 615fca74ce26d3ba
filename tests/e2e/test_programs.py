"""`lienthong` as an operator and two agencies use it: real programs, sockets and signals, embedded size."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from ops.client.api import ExchangeClient, connect
from ops.client.line import Credentials
from ops.settings import load
from ops.setup import command, initialise
from tests.support.pki import plain_pdf

ROOT = Path(__file__).resolve().parents[2]
WITHIN_SECONDS = 30
SENDER, RECIPIENT, PUSHED = "H26", "H26.01", "H26.02"
SECRET = "whsec_c2VjcmV0LW9mLXNvLXktdGU="


@dataclass
class Done:
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what it printed with --json."""
        return json.loads(self.out)


@dataclass
class Server:
    """A running `lienthong run` and where it listens."""

    program: asyncio.subprocess.Process
    url: str

    def stop(self) -> None:
        """Tell it to stop."""
        self.program.send_signal(signal.SIGTERM)


@dataclass(frozen=True)
class Site:
    """An embedded site in a folder; its programs find it by their environment."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """Return the site's settings as its programs get them."""
        mine = {"DATA_DIR": str(self.folder / "data"), "HTTP__PORT": "0", "ADMIN__PORT": "0"}
        return {f"LIENTHONG_{name}": value for name, value in mine.items()} | dict(self.environ)

    async def lienthong(self, *words: str | Path) -> Done:
        """Run one command to its end."""
        program = await self._start(*words)
        async with asyncio.timeout(WITHIN_SECONDS):
            out, err = await program.communicate()
        return Done(program.returncode or 0, out.decode(), err.decode())

    def at(self, url: str, client: Mapping[str, str]) -> Site:
        """Return the same site as an agency's own programs see it."""
        ours = {"URL": url, "CLIENT_ID": client["client_id"], "CLIENT_SECRET": client["client_secret"]}
        return replace(self, environ={f"LIENTHONG_{name}": value for name, value in ours.items()})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        """Run the exchange while the block runs; it must end well."""
        program = await self._start("run")
        try:
            assert program.stdout is not None
            async with asyncio.timeout(WITHIN_SECONDS):
                line = (await program.stdout.readline()).decode()
            server = Server(program, line.removeprefix("lienthong listens on ").strip())
            assert server.url.startswith("http://"), line
            yield server
            if program.returncode is None:
                server.stop()
            async with asyncio.timeout(WITHIN_SECONDS):
                _, err = await program.communicate()
            assert (program.returncode, err) == (0, b"")
        finally:
            if program.returncode is None:
                program.kill()
                await program.wait()

    async def _start(self, *words: str | Path) -> asyncio.subprocess.Process:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "ops.cli", *map(str, words)),
            env={**kept, **self.settings, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'queue'}"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "Quyết định số 12.pdf"
    path.write_bytes(plain_pdf())
    return path


def directory(folder: Path, *, webhook: str = "") -> Path:
    rows = ["code,name,level,parent,channel,webhook_url,webhook_secret"]
    rows += [f"{RECIPIENT},Sở Nội vụ,2,{SENDER},,,", f"{SENDER},Ủy ban nhân dân,1,,,,"]
    rows += [f"{PUSHED},Sở Y tế,2,{SENDER},webhook,{webhook},{SECRET}"] if webhook else []
    file = folder / "agencies.csv"
    file.write_text("\n".join(rows))
    return file


async def set_up(site: Site, *, webhook: str = "") -> dict[str, Any]:
    """Set a site up within this process, which is quicker; return the clients by agency."""
    settings = load(None, site.settings)
    await initialise(settings)
    await command(settings, "agencies import", {"file": str(directory(site.folder, webhook=webhook))})
    made = await command(settings, "clients create", {"all": True})
    return {each["agency"]: each for each in made["clients"]}


@asynccontextmanager
async def program_of(server: Server, client: Mapping[str, str]) -> AsyncIterator[ExchangeClient]:
    """Connect an agency's own program, without the command line around it."""
    async with connect(Credentials(server.url, client["client_id"], client["client_secret"])) as connected:
        yield connected


async def everything(server: Server, client: Mapping[str, str], sent: Mapping[str, Any]) -> list[Any]:
    """Return all that the sender can read of its document, the bytes of its file included."""
    async with program_of(server, client) as program, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {await token(server, client)}"}
        address = f"{server.url}/v1/documents/{sent['id']}/files/1"
        async with session.get(address, headers=headers) as answer:
            body = await answer.read()
        receipt = await program.receipt(sent["receipt"]["statement"]["receipt"])
        return [await program.document(sent["id"]), await program.timeline(sent["id"]), receipt, body]


async def test_document_goes_its_way_with_the_command_line_alone_and_survives_a_restart(
    site: Site, paper: Path
) -> None:
    first = await site.lienthong("init", "--json")
    async with site.running() as server:
        imported = await site.lienthong("agencies", "import", directory(site.folder), "--json")
        made = await site.lienthong("clients", "create", SENDER, RECIPIENT, "--json")
        sender, recipient = (site.at(server.url, each) for each in made.json["clients"])
        sent = await sender.lienthong("send", paper, "--to", RECIPIENT, "--json")
        inbox = await recipient.lienthong("inbox", "--json")
        (item,) = inbox.json["items"]
        receipts = site.folder / "receipts"
        accepted = await recipient.lienthong("accept", item["delivery"], "--receipts", receipts)
        trust = Path(first.json["receipt_certificate"]).parent
        timeline, judged = await asyncio.gather(
            sender.lienthong("timeline", sent.json["id"], "--json"),
            site.lienthong("receipt", "verify", *receipts.iterdir(), "--trust", trust),
        )
        before = await everything(server, made.json["clients"][0], sent.json)
    steps = (first, imported, made, sent, inbox, accepted, timeline, judged)
    assert [(step.code, step.err) for step in steps] == [(0, "")] * len(steps)
    assert imported.json["created"] == [SENDER, RECIPIENT]
    assert item["document"]["files"][0]["name"] == paper.name
    assert [each["kind"] for each in timeline.json["items"]][-1] == "delivered"

    async with site.running() as server:
        assert await everything(server, made.json["clients"][0], sent.json) == before


async def test_upload_under_way_at_sigterm_is_finished_and_answered(site: Site, paper: Path) -> None:
    clients = await set_up(site)
    async with site.running() as server:
        upload = await half_uploaded(server, clients[SENDER], paper)
        server.stop()
        await until_nothing_new_is_taken(server)
        answer = await upload.finish()
        async with asyncio.timeout(WITHIN_SECONDS):
            assert await server.program.wait() == 0
    assert answer.startswith(b"HTTP/1.1 202 ")
    accepted = json.loads(answer.partition(b"\r\n\r\n")[2])
    async with site.running() as server, program_of(server, clients[RECIPIENT]) as program:
        (item,) = (await program.inbox())["items"]
    assert item["document"]["id"] == accepted["id"]


async def test_parked_webhook_delivery_is_redriven_when_its_cause_is_gone(site: Site, paper: Path) -> None:
    site = replace(site, environ={"LIENTHONG_WEBHOOK__ALLOWED_NETWORKS": '["127.0.0.0/8"]'})
    async with agency_system(answers=[410, 200]) as system:
        clients = await set_up(site, webhook=system.url)
        async with site.running() as server, program_of(server, clients[SENDER]) as program:
            sent = await program.submit({"document_id": "VB-1", "subject": "Thử", "to": [PUSHED]}, [paper])
            await until_it_is(program, sent["id"], "PARKED")
            shown = await site.lienthong("redrive", "--to", PUSHED, "--dry-run", "--json")
            assert await state_of(program, sent["id"]) == "PARKED"
            driven = await site.lienthong("redrive", "--to", PUSHED, "--json")
            await until_it_is(program, sent["id"], "OFFERED")
            left = await site.lienthong("redrive", "--to", PUSHED)
    (line,) = shown.json["deliveries"]
    assert (line["to"], line["reason"]) == (PUSHED, "the webhook answered 410")
    assert (driven.json["deliveries"], left.out) == ([line], "0 queued\n")
    assert system.seen == [line["delivery"]] * 2


# --- an upload in two halves -------------------------------------------------------------------------


@dataclass
class Upload:
    """A request of which the exchange has one half."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    rest: bytes

    async def finish(self) -> bytes:
        """Send the other half and return the answer."""
        self.writer.write(self.rest)
        async with asyncio.timeout(WITHIN_SECONDS):
            answer = await self.reader.read()
        self.writer.close()
        return answer


async def half_uploaded(server: Server, client: Mapping[str, str], paper: Path) -> Upload:
    form = aiohttp.MultipartWriter("form-data", boundary="half")
    envelope = {"document_id": "VB-1", "subject": "Thử", "to": [RECIPIENT]}
    form.append_json(envelope).set_content_disposition("form-data", name="envelope")
    content = await asyncio.to_thread(paper.read_bytes)
    form.append(content).set_content_disposition("form-data", name="file", filename="a.pdf")
    body = await form.as_bytes()
    bearer = await token(server, client)
    head = (
        f"POST /v1/documents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {bearer}\r\n"
        f"Content-Type: multipart/form-data; boundary=half\r\nContent-Length: {len(body)}\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    address = server.url.removeprefix("http://").rstrip("/")
    reader, writer = await asyncio.open_connection(*address.rsplit(":", 1))
    middle = len(body) // 2
    writer.write(head.encode() + body[:middle])
    async with asyncio.timeout(WITHIN_SECONDS):
        invited = await reader.readuntil(b"\r\n\r\n")
    # It is said when the body is first read: so the exchange works on this upload.
    assert invited.startswith(b"HTTP/1.1 100 ")
    return Upload(reader, writer, body[middle:])


async def token(server: Server, client: Mapping[str, str]) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/v1/token", data=form) as answer,
    ):
        return str((await answer.json())["access_token"])


async def until_nothing_new_is_taken(server: Server) -> None:
    async with asyncio.timeout(WITHIN_SECONDS), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{server.url}/v1/openapi.json"):
                    await asyncio.sleep(0.02)
            except aiohttp.ClientConnectionError:
                return


# --- an agency that is pushed to ---------------------------------------------------------------------


@dataclass
class AgencySystem:
    """An agency's own system: answers as it is told and remembers what it was offered."""

    answers: list[int]
    url: str = ""
    seen: list[str] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        """Take a delivery, or not."""
        self.seen.append(json.loads(await request.read())["delivery"])
        return web.Response(status=self.answers.pop(0))


@asynccontextmanager
async def agency_system(*, answers: list[int]) -> AsyncIterator[AgencySystem]:
    system = AgencySystem(answers)
    app = web.Application()
    app.router.add_post("/in", system.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        system.url = f"http://127.0.0.1:{site.port}/in"
        yield system
    finally:
        await runner.cleanup()


async def state_of(program: ExchangeClient, document: str) -> str:
    return str((await program.document(document))["deliveries"][0]["state"])


async def until_it_is(program: ExchangeClient, document: str, state: str) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while await state_of(program, document) != state:  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.05)
