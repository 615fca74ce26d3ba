"""What the `vxp` bench sends: a document over both surfaces in turn, steady submissions, polling centres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import msgspec

from ops.dev.bench.lean_http import Connection, UnexpectedAnswer, ask, connect, multipart, multipart_type
from ops.dev.bench.load import Member, envelope
from ops.dev.packets import Letter, letter_packet
from ops.dev.vxp_client import FILE_TYPE, JSON_TYPE, Centre, listing, sending

POLL_EVERY_SECONDS = 5.0
_LIST = "getReceivedEdocList"


@dataclass(frozen=True, slots=True)
class Both:
    """An agency that sends over `/v1` and, behind its centre, over `/vxp`; and whom it sends to."""

    port: int
    member: Member
    centre: Centre
    recipient: str

    async def in_turn(self, papers: Sequence[tuple[Path, Path]]) -> tuple[list[float], list[float]]:
        """Send the first of each two papers over `/v1` and the other over `/vxp`, every second pair the
        other way round; return the seconds of each until its answer."""
        connection = await connect(self.port)
        v1, vxp = [], []
        try:
            for number, (for_v1, for_vxp) in enumerate(papers):
                if number % 2:
                    vxp.append(await self._over_vxp(connection, for_vxp))
                    v1.append(await self._over_v1(connection, for_v1))
                else:
                    v1.append(await self._over_v1(connection, for_v1))
                    vxp.append(await self._over_vxp(connection, for_vxp))
        finally:
            connection.close()
        return v1, vxp

    async def send_packet(self, packet: bytes) -> None:
        """Send a packet over `/vxp`, on a connection of its own."""
        connection = await connect(self.port)
        try:
            await self._send(connection, packet)
        finally:
            connection.close()

    def packet(self, paper: Path) -> bytes:
        """Return the packet that says what the envelope over `/v1` says."""
        fields = envelope(paper.stem, to=[self.recipient])
        letter = Letter(
            document_id=f"edxml-{paper.stem}",
            number=12,
            notation=str(fields["notation"]),
            subject=str(fields["subject"]),
            sender=self.member.code,
            to=[self.recipient],
        )
        return letter_packet(letter, paper)

    async def _over_v1(self, connection: Connection, paper: Path) -> float:
        pdf = await asyncio.to_thread(paper.read_bytes)
        body, content_type = multipart(envelope(paper.stem, to=[self.recipient]), pdf)
        began = perf_counter()
        await _submit(connection, self.member, body=body, content_type=content_type)
        return perf_counter() - began

    async def _over_vxp(self, connection: Connection, paper: Path) -> float:
        return await self._send(connection, await asyncio.to_thread(self.packet, paper))

    async def _send(self, connection: Connection, packet: bytes) -> float:
        parameters = sending(packet, sender=self.member.code, kind="edoc")
        began = perf_counter()
        await _call(connection, self.centre, "sendEdoc", parameters, body=packet + b"\r\n", kind=FILE_TYPE)
        return perf_counter() - began


@dataclass(slots=True)
class Steady:
    """Submissions over `/v1` at a fixed rate, however long each takes; each on a connection of its own."""

    port: int
    member: Member
    recipients: Sequence[str]
    papers: Iterator[Path]

    async def submit(self, count: int, *, per_second: float) -> list[float]:
        """Submit documents and return the seconds of each, from its due time until its answer.

        Raises:
            UnexpectedAnswer: One was refused.
        """
        prepared = await asyncio.to_thread(lambda: [self._body(number) for number in range(count)])
        began = asyncio.get_running_loop().time() + 1 / per_second
        async with asyncio.TaskGroup() as together:
            tasks = [
                together.create_task(self._submit(body, due=began + number / per_second))
                for number, body in enumerate(prepared)
            ]
        return [task.result() for task in tasks]

    def _body(self, number: int) -> bytes:
        paper, to = next(self.papers), self.recipients[number % len(self.recipients)]
        return multipart(envelope(paper.stem, to=[to]), paper.read_bytes())[0]

    async def _submit(self, body: bytes, *, due: float) -> float:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(due - loop.time())
        connection = await connect(self.port)
        try:
            await _submit(connection, self.member, body=body, content_type=multipart_type())
        finally:
            connection.close()
        return loop.time() - due


@dataclass(slots=True)
class Pollers:
    """Centres that ask every few seconds what waits, each time on a new connection."""

    port: int
    centres: Sequence[Centre]
    polls: list[float] = field(default_factory=list)
    """Seconds each poll took."""

    @asynccontextmanager
    async def polling(self) -> AsyncIterator[None]:
        """Poll, spread evenly over time, until the block ends.

        Raises:
            UnexpectedAnswer: A poll was refused.
        """
        tasks = []
        async with asyncio.TaskGroup() as together:
            for number, centre in enumerate(self.centres):
                begin_after = POLL_EVERY_SECONDS * number / len(self.centres)
                tasks.append(together.create_task(self._poll(centre, begin_after)))
            yield
            for task in tasks:
                task.cancel()

    async def _poll(self, centre: Centre, begin_after: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + begin_after
        while True:
            await asyncio.sleep(due - loop.time())
            began = perf_counter()
            headers = centre.signed(listing("edoc"), content_type=JSON_TYPE, at=datetime.now(UTC))
            _check(_LIST, await ask(self.port, f"/vxp/{_LIST}", headers=headers))
            self.polls.append(perf_counter() - began)
            due += POLL_EVERY_SECONDS


async def _submit(connection: Connection, member: Member, *, body: bytes, content_type: str) -> None:
    connection.send("POST", "/v1/documents", token=member.token, body=body, content_type=content_type)
    await connection.answer(expected=202)


async def _call(
    connection: Connection,
    centre: Centre,
    name: str,
    parameters: Mapping[str, str],
    *,
    body: bytes,
    kind: str,
) -> None:
    headers = centre.signed(parameters, content_type=kind, at=datetime.now(UTC))
    connection.send("POST", f"/vxp/{name}", body=body, headers=headers)
    _check(name, await connection.answer(expected=200))


def _check(name: str, answer: bytes) -> None:
    if msgspec.json.decode(answer)["status"] != "OK":
        raise UnexpectedAnswer(f"{name}: {answer[:2000].decode()}")
