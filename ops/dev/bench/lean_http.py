"""An HTTP/1.1 client that costs the machine as little as possible, so that the server gets it all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

ANSWER_SECONDS = 120
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"
_PIECE_BYTES = 64 * 1024
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
            head = await self.reader.readuntil(_END_OF_HEAD)
            body = await self.reader.readexactly(_content_length(head))
        return _expected(head, body, status=expected)

    def close(self) -> None:
        """Close the connection."""
        self.writer.close()


async def connect(port: int) -> Connection:
    """Return a new connection to the exchange on this machine."""
    async with asyncio.timeout(ANSWER_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    return Connection(reader, writer, f"127.0.0.1:{port}")


async def ask(port: int, path: str, *, headers: Mapping[str, str]) -> bytes:
    """Return the body of the answer to a POST without a body, on a connection of its own. It costs a third
    of what `connect` and a `Connection` do: hundreds of clients that poll must not be what is measured.

    Raises:
        UnexpectedAnswer: It is not 200, or has no Content-Length.
        EOFError: It broke off.
    """
    fields = [f"{name}: {value}" for name, value in headers.items()]
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Content-Length: 0", *fields, "", ""]
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)
        async with asyncio.timeout(ANSWER_SECONDS):
            await loop.sock_connect(connection, ("127.0.0.1", port))
            await loop.sock_sendall(connection, "\r\n".join(lines).encode())
            answer = b""
            while not _is_whole(answer):
                piece = await loop.sock_recv(connection, _PIECE_BYTES)
                if not piece:
                    raise EOFError("the answer broke off")
                answer += piece
    head, _, body = answer.partition(_END_OF_HEAD)
    return _expected(head, body, status=200)


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


def _expected(head: bytes, body: bytes, *, status: int) -> bytes:
    if int(head[9:12]) != status:
        raise UnexpectedAnswer((head.splitlines()[0] + b": " + body[:2000]).decode(errors="replace"))
    return body


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(_END_OF_HEAD)
    return bool(end) and len(body) >= _content_length(head)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(_LENGTH):
            return int(line[len(_LENGTH) :])
    raise UnexpectedAnswer(f"no Content-Length: {head.decode(errors='replace')}")
