"""multipart/form-data (RFC 7578), strictly: one level, no preamble, bounded headers, content in chunks.

Strict on purpose. Whatever two readers could understand differently (a preamble, padding behind a
boundary, a transfer encoding, a header twice) is refused, and no client in use sends any of it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote

from gateway.domain.errors import MalformedRequest

Read = Callable[[], Awaitable[bytes]]
"""Returns the next bytes of the body, empty at its end."""

_BOUNDARY = re.compile(
    r'multipart/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;.*)?', re.IGNORECASE
)
_HEADER = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_PARAMETER = re.compile(r';[ \t]*([a-zA-Z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))[ \t]*')
_PLAIN_ENCODINGS = frozenset({"binary", "8bit", "7bit"})


@dataclass(frozen=True, slots=True)
class Part:
    """The head of one part: its field name, and the file name its sender gave, as it came."""

    name: str
    filename: str | None


def boundary_of(content_type: str) -> bytes:
    """Return the boundary a Content-Type names.

    Raises:
        MalformedRequest: It is not multipart/form-data, or names no usable boundary.
    """
    match = _BOUNDARY.fullmatch(content_type)
    boundary = (match[1] or match[2]) if match else ""
    if not boundary or not boundary.isascii() or boundary.endswith(" "):
        raise MalformedRequest("Send multipart/form-data with a boundary.")
    return boundary.encode("ascii")


class Multipart:
    """The parts of a body, one after the other. Each part's content must be read to its end."""

    def __init__(self, read: Read, *, boundary: bytes, max_header_bytes: int) -> None:
        self._read = read
        self._delimiter = b"\r\n--" + boundary
        self._max_header_bytes = max_header_bytes
        # As if a line had ended before the body: the first delimiter then looks like all others.
        self._buffer = b"\r\n"
        self._started = False

    async def next_part(self) -> Part | None:
        """Return the head of the next part, None after the last.

        Raises:
            MalformedRequest: The body is not well formed here.
        """
        if not self._started:
            await self._fill(len(self._delimiter))
            if not self._buffer.startswith(self._delimiter):
                raise _malformed("the body does not begin with its boundary")
            self._buffer = self._buffer[len(self._delimiter) :]
            self._started = True
        await self._fill(2)
        mark = self._buffer[:2]
        if mark == b"--":
            await self._check_end()
            return None
        if mark != b"\r\n":
            raise _malformed("something stands behind a boundary")
        return _part(await self._head())

    async def content(self) -> AsyncIterator[bytes]:
        """Yield the content of the present part in chunks."""
        kept = len(self._delimiter) - 1  # a delimiter may have begun in what has arrived so far
        while (end := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > kept:
                chunk, self._buffer = self._buffer[:-kept], self._buffer[-kept:]
                yield chunk
            await self._more()
        chunk, self._buffer = self._buffer[:end], self._buffer[end + len(self._delimiter) :]
        if chunk:
            yield chunk

    async def _head(self) -> str:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > self._max_header_bytes:
                break
            await self._more()
        if not 0 <= end <= self._max_header_bytes:
            raise _malformed(f"the headers of a part are longer than {self._max_header_bytes} bytes")
        head, self._buffer = self._buffer[2:end], self._buffer[end + 4 :]
        try:
            return head.decode("utf-8")
        except UnicodeDecodeError as exc:
            raise _malformed("the headers of a part are not UTF-8") from exc

    async def _check_end(self) -> None:
        rest = self._buffer[2:]
        while not rest.strip(b"\r\n"):
            rest = await self._read()
            if not rest:
                return
        raise _malformed("something stands behind the last boundary")

    async def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            await self._more()

    async def _more(self) -> None:
        chunk = await self._read()
        if not chunk:
            raise _malformed("the body ends before its last boundary")
        self._buffer += chunk


def _part(head: str) -> Part:
    headers: dict[str, str] = {}
    for line in head.split("\r\n"):
        match = _HEADER.fullmatch(line)
        if match is None or match[1].lower() in headers:
            raise _malformed("the headers of a part are not well formed")
        headers[match[1].lower()] = match[2].strip()
    if headers.get("content-type", "").lower().startswith("multipart/"):
        raise _malformed("a part holds parts of its own")
    if headers.get("content-transfer-encoding", "binary").lower() not in _PLAIN_ENCODINGS:
        raise _malformed("a part has a Content-Transfer-Encoding")
    return _disposition(headers.get("content-disposition", ""))


def _disposition(header: str) -> Part:
    kind, semicolon, rest = header.partition(";")
    parameters: dict[str, str] = {}
    rest = semicolon + rest
    while rest:
        match = _PARAMETER.match(rest)
        if match is None or match[1].lower() in parameters:
            raise _malformed("a Content-Disposition is not well formed")
        parameters[match[1].lower()] = _unquoted(match[2]) if match[2] is not None else match[3]
        rest = rest[match.end() :]
    if kind.strip().lower() != "form-data" or "name" not in parameters:
        raise _malformed("a part has no Content-Disposition: form-data with a name")
    extended = parameters.get("filename*")
    return Part(parameters["name"], _extended(extended) if extended else parameters.get("filename"))


def _unquoted(text: str) -> str:
    # RFC 9110 clients write \" for a quotation mark, browsers %22.
    return re.sub(r'\\(["\\])', r"\1", text).replace("%22", '"')


def _extended(text: str) -> str:
    charset, _, rest = text.partition("'")
    _, _, encoded = rest.partition("'")
    try:
        if charset.lower() != "utf-8":
            raise ValueError(charset)
        return unquote(encoded, errors="strict")
    except ValueError as exc:
        raise _malformed("a filename* is not UTF-8") from exc


def _malformed(reason: str) -> MalformedRequest:
    return MalformedRequest("The multipart body is not well formed.", reasons=(reason,))
