"""A client that does to a server what the vendor's Java client (SDK 2.0.1) was recorded doing.

It keeps one header map for all its calls, so that parameters leak from each into the next; writes `hash-file`
without leading zeros; adds two bytes behind a file; waits for 100 Continue when it registers an agency.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Any

from yarl import URL

from gateway.domain.working_days import VIETNAM

PREFIX = "XroadVnpt-"
VERSION = "3.0.201608"
USER_AGENT = "JAVASDKAgent/1.0.0 XRoad/VPCP"


@dataclass(frozen=True)
class VxpAnswer:
    """What came back: the HTTP status, the headers by lower-case name, and the bytes."""

    http_status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """Return the content as JSON, which every answer must be."""
        return json.loads(self.content)

    @property
    def is_ok(self) -> bool:
        """Return whether the client takes it for a success."""
        return bool(self.json["status"] == "OK" and self.json["ErrorCode"] == "0")

    @property
    def refusal(self) -> tuple[str, str]:
        """Return the axis's error code and ours."""
        assert self.json["status"] == "FAIL", self.content[:200]
        return self.json["ErrorCode"], self.json["code"]


@dataclass
class JavaClient:
    """One connected centre's client. `clock` is the wall clock of its machine."""

    endpoint: URL
    system_id: str
    secret: str
    clock: Callable[[], datetime]
    parameters: dict[str, str] = field(default_factory=dict)
    """The shared header map, without prefix. A test may look into it, or break it."""
    zone: tzinfo = VIETNAM
    """Of the machine it runs on."""
    _milliseconds: int = 0

    # --- the twelve calls ------------------------------------------------------------------------

    async def agencies(self) -> VxpAnswer:
        """Ask for the directory."""
        return await self.call("POST", "/getAgenciesList")

    async def agencies_qd20(self, level: str) -> VxpAnswer:
        """Ask for the directory in QĐ 20 codes."""
        return await self.call("POST", "/getAgenciesListQD20", {"level": level})

    async def units(self) -> VxpAnswer:
        """Ask for the change feed."""
        return await self.call("POST", "/getSynchronizeUnit")

    async def register(self, **agency: str) -> VxpAnswer:
        """Register or update an agency; fields not given are empty."""
        names = ("id", "pcode", "code", "name", "mail", "mobile", "fax")
        body = json.dumps({name: agency.get(name, "") for name in names}, ensure_ascii=False).encode()
        return await self.call("POST", "/registerAgency", body=body, expects=True)

    async def delete(self, code: str) -> VxpAnswer:
        """Cancel an agency."""
        return await self.call("POST", "/deleteAgency", {"AgencyCode": code}, body=b"{}")

    async def send(self, file: bytes, *, by: str, kind: str = "edoc", **more: str) -> VxpAnswer:
        """Send a packet; `more` may hold another `hash-file` (as `hash_file`) or a `to`."""
        hash_file = more.pop("hash_file", short_hex(hashlib.sha256(file).digest()))
        parameters = {"from": by, "servicetype": "eDoc", "messagetype": kind, "hash-file": hash_file, **more}
        return await self.call(
            "POST", "/sendEdoc", parameters, body=file + b"\r\n", content_type="application/octet-stream"
        )

    async def received(self, kind: str = "edoc") -> VxpAnswer:
        """Ask what waits."""
        return await self.call("POST", "/getReceivedEdocList", {"servicetype": "eDoc", "messagetype": kind})

    async def fetch(self, doc_id: str) -> VxpAnswer:
        """Fetch an item as JSON."""
        folder = "C:\\eoffice\\nhan"
        return await self.call("POST", "/getEdoc", {"docId": doc_id, "filePath": folder}, body=b"{}")

    async def download(self, doc_id: str) -> VxpAnswer:
        """Fetch an item as a stream."""
        return await self.call("GET", "/downloadEdoc", {"docId": doc_id})

    async def update(self, doc_id: str, status: str) -> VxpAnswer:
        """Say what became of an item."""
        return await self.call("POST", "/updateStatus", {"docId": doc_id, "status": status}, body=b"{}")

    async def sent(self, kind: str = "edoc", **more: str) -> VxpAnswer:
        """Ask where sent items stand."""
        return await self.call(
            "POST", "/getSentEdocList", {"servicetype": "eDoc", "messagetype": kind, **more}
        )

    async def count(self, kind: str = "edoc", *, method: str = "POST") -> VxpAnswer:
        """Ask how much waits."""
        return await self.call(method, "/countReceiveEdoc" if kind == "edoc" else "/countReceiveStatus")

    # --- what the tests want of it ---------------------------------------------------------------

    async def waiting(self, kind: str = "edoc") -> list[Any]:
        """Return the rows of what waits."""
        answer = await self.received(kind)
        assert answer.is_ok, answer.content
        return list(answer.json["data"])

    async def packet(self, doc_id: str) -> bytes:
        """Return the packet of an item."""
        answer = await self.fetch(doc_id)
        assert answer.is_ok, answer.content
        return base64.b64decode(answer.json["data"], validate=True)

    # --- the wire --------------------------------------------------------------------------------

    async def call(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str] = MappingProxyType({}),
        *,
        body: bytes = b"",
        content_type: str = "application/json",
        expects: bool = False,
    ) -> VxpAnswer:
        """Return the answer to one call, on a connection of its own."""
        self.parameters |= parameters
        headers = self.signed(content_type)
        if body or method == "POST":
            headers["Content-Length"] = str(len(body))
        if expects:
            headers["Expect"] = "100-continue"
        head = self.head(method, path, headers)
        if expects:
            return await exchange(self.endpoint, head, then=body)
        return await exchange(self.endpoint, head + body)

    def signed(self, content_type: str) -> dict[str, str]:
        """Return the headers of the next call, as the client signs them."""
        self._milliseconds += 1
        moment = (self.clock() + timedelta(milliseconds=self._milliseconds)).astimezone(self.zone)
        timestamp = moment.strftime("%d%m%YT%H%M%S") + f"+{moment.microsecond // 1000:04}"
        own = {"systemid": self.system_id, "timestamp": timestamp, "Content-Type": content_type}
        self.parameters |= own
        return signed_headers(self.parameters, secret=self.secret, content_type=content_type)

    def head(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        """Return the head of a request as it stands on the wire."""
        lines = [f"{method} {self.endpoint.path}{path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Host: {self.endpoint.host}:{self.endpoint.port}", "Connection: Keep-Alive"]
        lines += [f"User-Agent: {USER_AGENT}", "Accept-Encoding: gzip,deflate"]
        return "\r\n".join([*lines, "", ""]).encode()


def signed_headers(parameters: Mapping[str, str], *, secret: str, content_type: str) -> dict[str, str]:
    """Return headers with these parameters signed, in the order of a hash map."""
    named = {name: parameters[name] for name in sorted(parameters, key=_bucket)}
    prefixed = {PREFIX + name: value for name, value in named.items()}
    text = json.dumps(prefixed, ensure_ascii=False, separators=(",", ":"))
    return {
        **prefixed,
        f"{PREFIX}sign-header-key": ";".join(named),
        f"{PREFIX}sign-header": text,
        f"{PREFIX}hash-header": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
        f"{PREFIX}version": VERSION,
        "Content-Type": content_type,
    }


def short_hex(digest: bytes) -> str:
    """Return bytes in hex as the client writes them: no leading zero of any byte."""
    return "".join(f"{byte:x}" for byte in digest)


def _bucket(name: str) -> int:
    """Return where a Java hash map of 32 buckets puts a name."""
    code = 0
    for letter in name:
        code = (31 * code + ord(letter)) & 0xFFFFFFFF
    return (code ^ (code >> 16)) & 31


async def exchange(endpoint: URL, request: bytes, *, then: bytes | None = None) -> VxpAnswer:
    """Return the answer to these bytes. With `then`, those follow only when the server says 100 Continue."""
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    try:
        async with asyncio.timeout(20):
            writer.write(request)
            if then is not None:
                interim = await reader.readuntil(b"\r\n\r\n")
                if not interim.startswith(b"HTTP/1.1 100 "):
                    return await _answer(reader, interim)
                writer.write(then)
            return await _answer(reader, await reader.readuntil(b"\r\n\r\n"))
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader, head: bytes) -> VxpAnswer:
    status, *lines = head.decode().rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") != "chunked":
        content = await reader.readexactly(int(headers["content-length"]))
        return VxpAnswer(int(status.split()[1]), headers, content)
    chunks = []
    while size := int(await reader.readline(), 16):
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
    return VxpAnswer(int(status.split()[1]), headers, b"".join(chunks))
