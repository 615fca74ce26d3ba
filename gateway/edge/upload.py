"""Receiving files: a document as an envelope and then its files, or what is only to be judged; streamed into
drafts within budgets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import hdrs, web

from gateway.domain.errors import MalformedDocument, MalformedRequest, TooLarge
from gateway.domain.file_types import check_content, shown_name, type_by_content, type_by_name
from gateway.domain.packets import ReceivedFile
from gateway.domain.ports import Bodies, Draft
from gateway.domain.texts import strict_json
from gateway.edge.body import Body
from gateway.edge.limits import Limits
from gateway.edge.multipart import Multipart, Part, boundary_of
from gateway.edge.surface import surface_of
from gateway.edge.tokens import Caller

ENVELOPE, EDXML = "envelope", "edxml"
FIRST_PARTS = frozenset({ENVELOPE, EDXML})


@asynccontextmanager
async def receiving(request: web.Request, *, caller: Caller) -> AsyncIterator[Upload]:
    """Open a multipart body: an `envelope` part and then up to `max_files` `file` parts, or one `edxml` part.

    Its drafts live as long as the context: what the caller has not kept by then is gone, and so is
    everything when the sender breaks off.

    Raises:
        MalformedRequest: The body is not multipart/form-data.
    """
    surface = surface_of(request)
    limits = surface.limits
    body = Body(request, max_bytes=limits.max_request_bytes, account=caller.account)
    boundary = boundary_of(request.headers.get(hdrs.CONTENT_TYPE, ""))
    parts = Multipart(body.read, boundary=boundary, max_header_bytes=limits.max_header_bytes)
    async with AsyncExitStack() as drafts:
        yield Upload(parts, surface.exchange.bodies, limits, drafts)


class Upload:
    """A document being received. `begin` says what it is; then ask for the envelope and the files, or for
    the packet."""

    def __init__(self, parts: Multipart, bodies: Bodies, limits: Limits, drafts: AsyncExitStack) -> None:
        self._parts = parts
        self._bodies = bodies
        self._limits = limits
        self._drafts = drafts

    async def begin(self) -> str:
        """Return the name of the first part, `envelope` or `edxml`.

        Raises:
            MalformedRequest: It is neither.
        """
        part = await self._parts.next_part()
        if part is None or part.name not in FIRST_PARTS:
            raise MalformedRequest("The first part must be the envelope, or the edXML packet.")
        return part.name

    async def packet(self) -> Draft:
        """Return the packet, in a draft.

        Raises:
            TooLarge: It is larger than a request may be.
            MalformedRequest: Something comes behind it.
            StoreUnavailable: There is no room for it.
        """
        draft: Draft = await self._drafts.enter_async_context(self._bodies.receiving())
        async for chunk in self._parts.content():
            await draft.write(chunk)
        if await self._parts.next_part() is not None:
            raise MalformedRequest("Send nothing but the packet: it holds its own files.")
        return draft

    async def envelope(self) -> Any:
        """Return the JSON value of the first part.

        Raises:
            MalformedRequest: It is not JSON.
            TooLarge: It is larger than an envelope may be.
        """
        limit = self._limits.max_envelope_bytes
        raw = bytearray()
        async for chunk in self._parts.content():
            raw += chunk
            if len(raw) > limit:
                raise TooLarge(f"The envelope is larger than {limit} bytes.")
        return strict_json(bytes(raw))

    async def files(self) -> list[ReceivedFile]:
        """Return the files, each in a draft.

        Raises:
            TooLarge: They are too many, or one is too large.
            MalformedDocument: A name is unusable or given twice.
            UnsupportedFileType: A file is of no accepted type, or not what its name says.
            StoreUnavailable: There is no room for them.
        """
        files: list[ReceivedFile] = []
        names: set[str] = set()
        while (part := await self._parts.next_part()) is not None:
            if part.name != "file":
                raise MalformedRequest(reasons=(f"{part.name[:40]!r}: no such part; send `file` parts",))
            if len(files) == self._limits.max_files:
                raise TooLarge(f"The document has more than {self._limits.max_files} files.")
            file = await self._file(part)
            if file.name.casefold() in names:
                # Receipts list files by name; numbering them would change what the sender has signed off.
                raise MalformedDocument(reasons=(f"{file.name}: two files have this name",))
            names.add(file.name.casefold())
            files.append(file)
        return files

    async def signed(self) -> tuple[ReceivedFile, Draft | None]:
        """Return the file to be judged, and the file that it signs if one came, each in a draft.

        Raises:
            MalformedRequest: There is no `file`, a part twice, or one that is neither this nor `content`.
            TooLarge: One is too large.
            StoreUnavailable: There is no room for them.
        """
        received: dict[str, ReceivedFile] = {}
        while (part := await self._parts.next_part()) is not None:
            if part.name not in ("file", "content") or part.name in received:
                raise MalformedRequest(
                    "Send one `file` part, and one `content` part if it signs another file."
                )
            draft = await self._draft(part.name)
            received[part.name] = ReceivedFile(part.name, type_by_content(draft.head), draft)
        if "file" not in received:
            raise MalformedRequest("Send the file in a `file` part.")
        content = received.get("content")
        return received["file"], content.draft if content else None

    async def _draft(self, name: str) -> Draft:
        draft: Draft = await self._drafts.enter_async_context(self._bodies.receiving())
        async for chunk in self._parts.content():
            await draft.write(chunk)
            if draft.size_bytes > self._limits.max_file_bytes:
                raise TooLarge(f"{name} is larger than {self._limits.max_file_bytes} bytes.")
        return draft

    async def _file(self, part: Part) -> ReceivedFile:
        name = shown_name(part.filename)
        kind = type_by_name(name)
        draft = await self._draft(name)
        check_content(name, kind, head=draft.head)
        return ReceivedFile(name, kind.media_type, draft)
