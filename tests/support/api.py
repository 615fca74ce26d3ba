"""A `/v1` on a real socket, and a client that speaks to it in the words of the tests."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio
from yarl import URL

from adapters.secrets import SecretBox
from adapters.vxp.server import mount as mount_vxp
from gateway.edge.limits import Limits
from gateway.edge.server import serve
from gateway.http.app import make_app
from tests.support.exchange import RECIPIENT, SENDER, World, open_world, secret_of
from tests.support.twins import SIGNED

VXP_WINDOW = timedelta(minutes=5)
VXP_AGENCIES = 20
PUBLIC_URL = "https://lienthong.example.vn"
LIMITS = Limits(
    max_request_bytes=4_000_000,
    max_file_bytes=2_000_000,
    max_files=5,
    max_header_bytes=8190,
    max_envelope_bytes=100_000,
    header_timeout=timedelta(seconds=10),
    idle_timeout=timedelta(seconds=60),
    body_idle_timeout=timedelta(seconds=10),
    body_min_rate_bytes=1000,
    max_connections=100,
    max_connections_per_address=100,
    requests_per_second=100,
    requests_burst=1000,
    bytes_per_second=1_000_000,
    bytes_burst=10_000_000,
    token_life=timedelta(minutes=15),
    inbox_wait_max=timedelta(seconds=30),
)


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers and the bytes."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """Return the content as JSON."""
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """Return the stable code of a problem."""
        return str(self.json["code"])


@dataclass
class Api:
    """A client of a running `/v1`. Calls are made as the sender agency unless `by` says otherwise."""

    world: World
    url: URL
    session: aiohttp.ClientSession
    observed: list[tuple[str, str, int]]
    _tokens: dict[str, str] = field(default_factory=dict)

    async def call(
        self,
        method: str,
        path: str,
        *,
        by: str | None = SENDER,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        **more: Any,
    ) -> Answer:
        """Return the answer to one request; `body` is sent as JSON, None `by` shows no token."""
        sent = dict(headers or {})
        if by is not None:
            sent.setdefault("Authorization", f"Bearer {await self.token(by)}")
        if body is not None:
            more["json"] = body
        async with self.session.request(method, self.url.join(URL(path)), headers=sent, **more) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, *, by: str | None = SENDER, **more: Any) -> Answer:
        """Return the answer to a GET."""
        return await self.call("GET", path, by=by, **more)

    async def post(self, path: str, *, by: str | None = SENDER, **more: Any) -> Answer:
        """Return the answer to a POST."""
        return await self.call("POST", path, by=by, **more)

    async def token(self, client: str) -> str:
        """Return the token of a client, asked for once."""
        if client not in self._tokens:
            answer = await self.login(client, secret_of(client))
            self._tokens[client] = answer.json["access_token"]
        return self._tokens[client]

    async def login(self, client: str, secret: str) -> Answer:
        """Return the answer of the token endpoint to a client secret."""
        basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
        form = {"grant_type": "client_credentials"}
        return await self.post("/v1/token", by=None, headers={"Authorization": f"Basic {basic}"}, data=form)

    async def submit(
        self,
        *files: tuple[str, bytes],
        by: str = SENDER,
        key: str | None = None,
        envelope: Any = None,
        **changes: Any,
    ) -> Answer:
        """Return the answer to a submission; `changes` are made to the usual envelope."""
        sent = usual_envelope(**changes) if envelope is None else envelope
        form = form_of(sent, files or (("Quyết định số 12.pdf", SIGNED),))
        headers = {"Idempotency-Key": key} if key else {}
        return await self.post("/v1/documents", by=by, headers=headers, data=form)

    async def raw(self, request: bytes, *, within: float = 5) -> bytes:
        """Return everything the server says to these bytes on a connection of their own."""
        reader, writer = await asyncio.open_connection(self.url.host, self.url.port)
        try:
            writer.write(request)
            async with asyncio.timeout(within):
                return await reader.read()
        finally:
            writer.close()

    def wait(self, time: timedelta) -> None:
        """Let so much time pass; tokens are asked for anew."""
        self.world.clock += time
        self._tokens.clear()

    async def is_alive(self) -> bool:
        """Return whether the server still takes a document."""
        return (await self.submit(document_id="still-alive")).status == 202


def usual_envelope(**changes: Any) -> dict[str, Any]:
    """Return an envelope to one agency; a field changed to None is left out."""
    usual = {
        "document_id": "VB-2026-0012",
        "number": "12",
        "notation": "QĐ-UBND",
        "subject": "Về việc bảo đảm an toàn thông tin",
        "to": [RECIPIENT],
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def form_of(envelope: Any, files: Sequence[tuple[str, bytes]]) -> aiohttp.FormData:
    """Return a submission form; an envelope of bytes is sent as it is."""
    form = aiohttp.FormData(quote_fields=False)
    raw = envelope if isinstance(envelope, bytes) else json.dumps(envelope, ensure_ascii=False).encode()
    form.add_field("envelope", io.BytesIO(raw), filename="envelope.json")
    for name, content in files:
        form.add_field("file", io.BytesIO(content), filename=name)
    return form


@asynccontextmanager
async def open_api(folder: Path, *, free_floor_bytes: int = 0, **limits: Any) -> AsyncIterator[Api]:
    """Open an exchange and serve its `/v1` on a free port; `limits` replace the usual ones."""
    observed: list[tuple[str, str, int]] = []
    chosen = replace(LIMITS, **limits)
    async with open_world(folder, free_floor_bytes=free_floor_bytes) as world:
        app = make_app(
            world.exchange,
            chosen,
            public_url=PUBLIC_URL,
            observer=lambda method, route, status, _: observed.append((method, route, status)),
        )
        box = SecretBox(folder / "vxp-key")
        mount_vxp(app, box=box, window=VXP_WINDOW, max_agencies=VXP_AGENCIES)
        serving = serve(app, host="127.0.0.1", port=0, limits=chosen, patience=timedelta(seconds=0.5))
        async with aiohttp.ClientSession() as session, serving as url:
            yield Api(world, url, session, observed)


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """Serve a fresh exchange."""
    async with open_api(tmp_path) as opened:
        yield opened
