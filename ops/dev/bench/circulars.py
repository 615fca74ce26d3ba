"""One document after the other to everybody else, whatever channel they are on."""

from __future__ import annotations

import asyncio
import csv
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import msgspec

from gateway.domain.model import Channel
from ops.dev.bench import usage
from ops.dev.bench.lean_http import Connection, connect, multipart
from ops.dev.bench.ledger_watch import LedgerWatch, Offer
from ops.dev.bench.load import envelope
from ops.dev.bench.receivers import Receivers
from ops.dev.bench.site import BenchFailed, Site
from ops.dev.city import city

CHANNELS = (Channel.INBOX, Channel.WEBHOOK, Channel.AMQP)
SILENT_SHARE = 0.3
_SECRET = "whsec_YmVuY2ggc2VjcmV0IG9mIG5vYm9keQ=="
_GIVE_UP_SECONDS = 180
_LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class HandingOver:
    """How fast a backlog was offered, and the milliseconds of CPU each program had for one delivery."""

    ids_per_second: float
    cpu_ms: Mapping[str, float]


class Circulars:
    """Sends circulars from the city to all others, a third of them on each channel. `servers` are the
    process ids of the programs to be watched besides the worker."""

    def __init__(
        self,
        site: Site,
        watch: LedgerWatch,
        webhooks: Receivers,
        *,
        servers: Mapping[str, int],
        directory: Path,
        papers: Sequence[Path],
    ) -> None:
        self.watch = watch
        self.silent: frozenset[str] = frozenset()
        """Agencies whose webhooks take a connection and never answer."""
        self._site = site
        self._servers = servers
        self._directory = directory
        self._papers = iter(papers)
        self._rows = city(len(site.secrets))
        self._sender, *self._recipients = site.secrets
        self._channels = {
            code: CHANNELS[number % len(CHANNELS)] for number, code in enumerate(self._recipients)
        }
        hooked = [code for code, channel in self._channels.items() if channel is Channel.WEBHOOK]
        self._webhooks = dict(zip(hooked, webhooks.quick_urls, strict=False))
        self._silent_url = webhooks.silent_url

    async def mix_channels(self) -> None:
        """Give the agencies their channels."""
        rows = [asdict(row) | self._address(row.code) for row in self._rows]
        with self._directory.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        await self._site.import_agencies(self._directory)

    def _address(self, code: str) -> dict[str, str]:
        channel = self._channels.get(code, Channel.INBOX)
        if channel is not Channel.WEBHOOK:
            return {"channel": channel, "webhook_url": "", "webhook_secret": ""}
        url = self._silent_url if code in self.silent else self._webhooks[code]
        return {"channel": channel, "webhook_url": url, "webhook_secret": _SECRET}

    async def silence_some(self) -> None:
        """Let some of the webhooks answer no more."""
        self.silent = frozenset([*self._webhooks][: round(SILENT_SHARE * len(self._webhooks))])
        await self.mix_channels()

    async def hand_over(self, count: int) -> HandingOver:
        """Return how that many circulars were offered that all waited for the worker.

        It sleeps while they are submitted: verifying and keeping them is not to be measured.

        Raises:
            BenchFailed: Not all were after three minutes.
        """
        worker = self._site.worker.process
        roots = {"worker": worker.pid, **self._servers}
        worker.send_signal(signal.SIGSTOP)
        try:
            sent = await self._submit_all(count)
            before = {name: usage.cpu_seconds(root) for name, root in roots.items()}
        finally:
            worker.send_signal(signal.SIGCONT)
        began = datetime.now(UTC)
        offers = await self._all_offered(sent)
        spent = {name: usage.cpu_seconds(root) - before[name] for name, root in roots.items()}
        seconds = (max(each.offered_at for each in offers) - began).total_seconds()
        return HandingOver(
            len(offers) / seconds, {name: 1000 * used / len(offers) for name, used in spent.items()}
        )

    async def send(self, count: int, *, every_seconds: float) -> list[Offer]:
        """Send circulars, one every so many seconds; return when and how all deliveries were offered, without
        those to the silent.

        Raises:
            BenchFailed: Not all were after three minutes.
        """
        return await self._all_offered(await self._submit_all(count, every_seconds=every_seconds))

    async def _submit_all(self, count: int, *, every_seconds: float = 0) -> list[str]:
        token = (await self._site.member(self._sender)).token
        connection = await connect(self._site.port)
        sent, began = [], monotonic()
        try:
            for number in range(count):
                await asyncio.sleep(max(0, began + number * every_seconds - monotonic()))
                sent.append(await self._submit(next(self._papers), connection, token=token))
        finally:
            connection.close()
        return sent

    async def _submit(self, paper: Path, connection: Connection, *, token: str) -> str:
        pdf = await asyncio.to_thread(paper.read_bytes)
        letter = envelope(f"circular-{paper.stem}", to=self._recipients)
        body, content_type = multipart(letter, pdf)
        connection.send("POST", "/v1/documents", token=token, body=body, content_type=content_type)
        return str(msgspec.json.decode(await connection.answer(expected=202))["id"])

    async def _all_offered(self, sent: Sequence[str]) -> list[Offer]:
        wanted = len(sent) * (len(self._recipients) - len(self.silent))
        end = monotonic() + _GIVE_UP_SECONDS
        while monotonic() < end:
            offers = await self.watch.offers(sent, without=self.silent)
            if len(offers) == wanted:
                return offers
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
        raise BenchFailed(f"{wanted - len(offers)} of {wanted} were not offered after {_GIVE_UP_SECONDS} s")
