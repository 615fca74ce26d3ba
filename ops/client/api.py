"""Asynchronous client of `/v1`, one method per verb. Sending the same thing again is always safe."""

from __future__ import annotations

import json
import mimetypes
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import FileIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from ops.client.landing import Landing
from ops.client.line import Credentials, Json, Line, Patience, Request, TryAgain, open_line, read_json

Progress = Callable[[int], None]
"""Told how many more bytes have gone over the line."""

_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class ExchangeClient:
    """One agency's program at the exchange.

    Every method raises Refused when the exchange says no, and Unreachable when it gives no answer.
    """

    line: Line

    async def submit(
        self,
        envelope: Mapping[str, Any],
        files: Sequence[Path],
        *,
        idempotency_key: str | None = None,
        progress: Progress | None = None,
    ) -> Json:
        """Send a document and return the answer: ids, label, deliveries, verification and receipt.

        Without a key the exchange knows a resend by sender, document id, recipients and content.

        Raises:
            OSError: A file cannot be read.
        """

        def body(opened: AsyncExitStack) -> aiohttp.MultipartWriter:
            return _multipart(envelope, [opened.enter_context(_Counted(path, progress)) for path in files])

        return await self.line.ask(
            Request(
                "POST",
                "documents",
                body=body,
                headers={"Idempotency-Key": idempotency_key} if idempotency_key else {},
                size_bytes=total_bytes(files),
            ),
            read_json,
        )

    async def submit_packet(self, packet: Path, *, progress: Progress | None = None) -> Json:
        """Send a document as an edXML packet (QCVN 102) and return the answer, as `submit`.

        Raises:
            OSError: The packet cannot be read.
        """

        def body(opened: AsyncExitStack) -> aiohttp.MultipartWriter:
            writer = aiohttp.MultipartWriter("form-data")
            part = writer.append(opened.enter_context(_Counted(packet, progress)))
            part.set_content_disposition("form-data", name="edxml", filename="packet.edxml")
            return writer

        size_bytes = total_bytes([packet])
        return await self.line.ask(Request("POST", "documents", body=body, size_bytes=size_bytes), read_json)

    async def report(self, document: str, status: str, *, description: str = "") -> Json:
        """Report a business status (01 to 16) of a document and return the lines of history it made."""
        fields = {"status": status, "description": description}
        return await self._post(f"documents/{_segment(document)}/statuses", fields)

    async def statuses(self, *, wait: timedelta = timedelta(0)) -> Json:
        """Return a page of the statuses others reported to the agency and it has not taken."""
        query = {"wait": str(int(wait.total_seconds())), "limit": "200"}
        return await self.line.ask(Request("GET", "statuses", query=query, wait=wait), read_json)

    async def take_status(self, status: str) -> Json:
        """Take a status: it is not listed again."""
        return await self._post(f"statuses/{_segment(status)}/take", {})

    async def late(self) -> Json:
        """Return what the agency is late with."""
        return await self._get("late")

    async def document(self, document: str) -> Json:
        """Return a document with the states of its deliveries."""
        return await self._get(f"documents/{_segment(document)}")

    async def timeline(self, document: str) -> Json:
        """Return everything that happened to a document, oldest first."""
        return await self._get(f"documents/{_segment(document)}/timeline")

    async def recall(self, document: str, *, reason: str) -> Json:
        """Take a document back, at once from everybody who has not opened it."""
        return await self._post(f"documents/{_segment(document)}/recall", {"reason": reason})

    async def inbox(
        self, *, wait: timedelta = timedelta(0), cursor: str | None = None, limit: int = 100
    ) -> Json:
        """Return open deliveries (`items`) and the cursor of what follows (`next`).

        With `wait` the answer comes once there is something, at the latest after that time.
        """
        query = {"wait": str(int(wait.total_seconds())), "limit": str(limit)}
        if cursor is not None:
            query["cursor"] = cursor
        return await self.line.ask(Request("GET", "inbox", query=query, wait=wait), read_json)

    async def everything_waiting(self, *, wait: timedelta = timedelta(0), limit: int = 100) -> list[Json]:
        """Return all open deliveries, asked for in pages of `limit`; `wait` as with `inbox`."""
        page = await self.inbox(wait=wait, limit=limit)
        items = list(page["items"])
        while page["next"] is not None:
            page = await self.inbox(cursor=str(page["next"]), limit=limit)
            items += page["items"]
        return items

    async def claim(self, delivery: str) -> Json:
        """Lease a delivery: `lease` to show when answering, `until`, and the `item` itself."""
        # The token is ours: a claim whose answer was lost is sent again and does not meet itself.
        lease = secrets.token_urlsafe(16)
        return await self._post(f"inbox/{_segment(delivery)}/claim", {"lease": lease})

    async def accept(self, delivery: str, *, lease: str | None = None) -> Json:
        """Take a delivery and return the signed receipt."""
        return await self._post(f"inbox/{_segment(delivery)}/accept", _lease(lease))

    async def refuse(self, delivery: str, *, reason: str, lease: str | None = None) -> Json:
        """Refuse a delivery and return the signed receipt."""
        return await self._post(f"inbox/{_segment(delivery)}/refuse", {"reason": reason, **_lease(lease)})

    async def receipt(self, receipt: str) -> Json:
        """Return a receipt file."""
        return await self._get(f"receipts/{_segment(receipt)}")

    async def agencies(self, *, cursor: str | None = None) -> Json:
        """Return one page of the directory."""
        return await self.line.ask(
            Request("GET", "agencies", query={"cursor": cursor} if cursor else {}), read_json
        )

    async def download(
        self, document: str, file: Mapping[str, Any], *, into: Path, progress: Progress | None = None
    ) -> Path:
        """Bring one file of a document (an entry of its `files`) into a folder; return where it is.

        Raises:
            OSError: The folder cannot be written.
        """
        n = int(file["n"])

        async def land(response: aiohttp.ClientResponse) -> Path:
            name, sha256 = str(file["name"]), str(file["sha256"])
            with Landing(into, name=name, sha256=sha256, otherwise=f"file-{n}") as landing:
                async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                    landing.write(chunk)
                    if progress is not None:
                        progress(len(chunk))
                if not landing.is_whole:
                    raise TryAgain(f"{landing.name}: what came is not what was announced")
                return landing.settle()

        # The path is made here and not taken from `url`: the token goes to our exchange only.
        path = f"documents/{_segment(document)}/files/{n}"
        return await self.line.ask(Request("GET", path, size_bytes=int(file["size_bytes"])), land)

    async def _get(self, path: str) -> Json:
        return await self.line.ask(Request("GET", path), read_json)

    async def _post(self, path: str, fields: Mapping[str, Any]) -> Json:
        content = json.dumps(fields).encode()
        headers = {"Content-Type": "application/json"}
        return await self.line.ask(Request("POST", path, body=lambda _: content, headers=headers), read_json)


@asynccontextmanager
async def connect(
    credentials: Credentials, *, patience: Patience | None = None
) -> AsyncIterator[ExchangeClient]:
    """Open the client of an agency's program, and close it at the end."""
    async with open_line(credentials, patience=patience) as line:
        yield ExchangeClient(line)


def total_bytes(files: Sequence[Path]) -> int:
    """Return the size of all these files together."""
    return sum(path.stat().st_size for path in files)


class _Counted(FileIO):
    """A file that tells how much of it has been read."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        super().__init__(path)
        self.shown_name = path.name
        self._progress = progress

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(-1 if size is None else size) or b""
        if self._progress is not None:
            self._progress(len(chunk))
        return chunk


def _multipart(envelope: Mapping[str, Any], files: Sequence[_Counted]) -> aiohttp.MultipartWriter:
    writer = aiohttp.MultipartWriter("form-data")
    part = writer.append_json(dict(envelope))
    part.set_content_disposition("form-data", name="envelope")
    for file in files:
        kind = mimetypes.guess_type(file.shown_name)[0] or "application/octet-stream"
        part = writer.append(file, {"Content-Type": kind})
        # As browsers do: the name in UTF-8, not percent-encoded.
        part.set_content_disposition("form-data", quote_fields=False, name="file", filename=file.shown_name)
    return writer


def _lease(lease: str | None) -> dict[str, str]:
    return {"lease": lease} if lease else {}


def _segment(text: str) -> str:
    return quote(text, safe="")
