"""An HTTP/1.1 client that costs the machine as little as possible, so that the server gets it all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

ANSWER_SECONDS = 120
_LENGTH = b"content-length:"
_MULTIPART_BOUNDARY = "lienthong-bench-7f3a"


class UnexpectedAnswer(Exception):
    """The exchange answered otherwise than the bench needs; the text holds its answer."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One kept connection. A request may be sent first and its answer taken later."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    host: str

    def send(
        self,
        verb: str,
        path: str,
        *,
        token: str = "",
        body: bytes = b"",
        content_type: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Send a request without waiting for its answer; `headers` are sent besides."""
        length = len(body)
        self.begin(verb, path, token=token, content_type=content_type, content_length=length, headers=headers)
        self.writer.write(body)

    def begin(
        self,
        verb: str,
        path: str,
        *,
        token: str = "",
        content_type: str = "",
        content_length: int = 0,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Send the head of a request whose body follows."""
        head = [f"{verb} {path} HTTP/1.1", f"Host: {self.host}"]
        if token:
            head.append(f"Authorization: Bearer {token}")
        if verb == "POST":
            head.append(f"Content-Length: {content_length}")
        if content_type:
            head.append(f"Content-Type: {content_type}")
        head += [f"{name}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join([*head, "", ""]).encode())

    async def write(self, chunk: bytes) -> None:
        """Send a part of a body; return when there is room for the next."""
        self.writer.write(chunk)
        async with asyncio.timeout(ANSWER_SECONDS):
            await self.writer.drain()

    async def answer(self, *, expected: int) -> bytes:
        """Return the body of the next answer.

        Raises:
            UnexpectedAnswer: It has another status, or no Content-Length.
        """
        async with asyncio.timeout(ANSWER_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            body = await self.reader.readexactly(_content_length(head))
        if int(head[9:12]) != expected:
            raise UnexpectedAnswer((head.splitlines()[0] + b": " + body[:2000]).decode(errors="replace"))
        return body

    def close(self) -> None:
        """Close the connection."""
        self.writer.close()


async def connect(port: int) -> Connection:
    """Return a new connection to the exchange on this machine."""
    async with asyncio.timeout(ANSWER_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    return Connection(reader, writer, f"127.0.0.1:{port}")


def multipart(envelope: Mapping[str, object], file: bytes) -> tuple[bytes, str]:
    """Return the body of a submission with one PDF, and its content type."""
    body = b"".join([multipart_head(envelope), file, multipart_tail()])
    return body, multipart_type()


def multipart_head(envelope: Mapping[str, object]) -> bytes:
    """Return what comes before the bytes of the PDF."""
    return (
        f"--{_MULTIPART_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="envelope"\r\n'
        "Content-Type: application/json\r\n\r\n"
    ).encode() + (
        msgspec.json.encode(envelope)
        + (
            f"\r\n--{_MULTIPART_BOUNDARY}\r\n"
            'Content-Disposition: form-data; name="file"; filename="cong-van.pdf"\r\n'
            "Content-Type: application/pdf\r\n\r\n"
        ).encode()
    )


def multipart_tail() -> bytes:
    """Return what comes behind the bytes of the PDF."""
    return f"\r\n--{_MULTIPART_BOUNDARY}--\r\n".encode()


def multipart_type() -> str:
    """Return the content type of a submission."""
    return f"multipart/form-data; boundary={_MULTIPART_BOUNDARY}"


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(_LENGTH):
            return int(line[len(_LENGTH) :])
    raise UnexpectedAnswer(f"no Content-Length: {head.decode(errors='replace')}")
