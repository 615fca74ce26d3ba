"""Connections are used again, and what that must not change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from adapters.egress import EgressRules, ForbiddenDestination, open_egress
from adapters.webhook import WebhookConnector
from gateway.domain.errors import AgencyUnavailable
from gateway.domain.ledger import Claim
from gateway.domain.model import AttemptOutcome, Channel, Webhook
from tests.support.exchange_samples import claim
from tests.support.hand_over import hand_over_floor
from tests.support.ledgers import PUSHED

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOOPBACK = EgressRules((ip_network("127.0.0.0/8"),))
TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
TAKEN_WITH_WORDS = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"ok":true}'
HALF_AN_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"ok"'
LAST = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
HANG_UP = b""


@dataclass
class Receiver:
    """Answers each request on a connection with the next line of that connection's script, and hangs up
    after the last one."""

    scripts: list[list[bytes]]
    url: str = ""
    connections: int = 0
    received: list[bytes] = field(default_factory=list)
    hung_up: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self.scripts[self.connections]
        self.connections += 1
        try:
            for answer in script:
                self.received.append(await request(reader))
                writer.write(answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.hung_up.release()


async def request(reader: asyncio.StreamReader) -> bytes:
    """Return the head of one request, its body read away."""
    head = await reader.readuntil(b"\r\n\r\n")
    (length,) = (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    return head


@asynccontextmanager
async def receiving(*scripts: list[bytes]) -> AsyncIterator[Receiver]:
    receiver = Receiver(list(scripts))
    server = await asyncio.start_server(receiver.talk, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()


@asynccontextmanager
async def connector(rules: EgressRules = LOOPBACK) -> AsyncIterator[WebhookConnector]:
    async with open_egress(rules) as egress:
        yield WebhookConnector(egress, "https://lienthong.example/", lambda: datetime.now(UTC))


async def offer(webhook: WebhookConnector, receiver: Receiver, *, times: int = 1) -> None:
    for _ in range(times):
        await webhook.deliver(claim(Webhook(receiver.url, SECRET)))


@dataclass(frozen=True)
class AtReceiver:
    """The real connector, for an agency whose webhook is registered at `url`."""

    webhook: WebhookConnector
    url: str

    async def deliver(self, claim: Claim) -> None:
        """Offer a delivery there."""
        recipient = replace(claim.recipient, webhook=Webhook(self.url, SECRET))
        await self.webhook.deliver(replace(claim, recipient=recipient))


def ids(heads: Sequence[bytes]) -> set[bytes]:
    """Return the different `webhook-id` lines."""
    return {line for head in heads for line in head.split(b"\r\n") if line.startswith(b"webhook-id")}


# --- used again ------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [TAKEN, TAKEN_WITH_WORDS])
async def test_one_connection_serves_one_offer_after_the_other(answer: bytes) -> None:
    async with receiving([answer] * 3) as receiver, connector() as webhook:
        await offer(webhook, receiver, times=3)
    assert (receiver.connections, len(receiver.received)) == (1, 3)


async def test_offers_at_the_same_time_do_not_share_a_connection() -> None:
    async with receiving([TAKEN], [TAKEN]) as receiver, connector() as webhook:
        await asyncio.gather(offer(webhook, receiver), offer(webhook, receiver))
    assert (receiver.connections, len(receiver.received)) == (2, 2)


async def test_rest_of_an_unfinished_answer_is_not_taken_for_the_next_one() -> None:
    async with receiving([HALF_AN_ANSWER, TAKEN], [TAKEN]) as receiver, connector() as webhook:
        await offer(webhook, receiver, times=2)
    assert (receiver.connections, len(receiver.received)) == (2, 2)


# --- closed meanwhile ------------------------------------------------------------------------------


async def test_connection_closed_while_idle_is_followed_by_another() -> None:
    async with receiving([TAKEN], [TAKEN]) as receiver, connector() as webhook:
        await offer(webhook, receiver)
        await receiver.hung_up.acquire()
        await offer(webhook, receiver)
    assert (receiver.connections, len(receiver.received)) == (2, 2)


async def test_connection_closed_in_the_moment_of_use_is_the_same_attempt_on_another() -> None:
    async with receiving([TAKEN, HANG_UP], [TAKEN]) as receiver, connector() as webhook:
        await offer(webhook, receiver, times=2)
    assert (receiver.connections, len(receiver.received)) == (2, 3)
    assert len(ids(receiver.received)) == 1


async def test_resend_on_another_connection_counts_as_one_attempt(tmp_path: Path) -> None:
    async with (
        receiving([TAKEN, HANG_UP], [TAKEN]) as receiver,
        connector() as webhook,
        hand_over_floor(tmp_path) as floor,
    ):
        floor.exchange = replace(
            floor.exchange, connectors={Channel.WEBHOOK: AtReceiver(webhook, receiver.url)}
        )
        line = [(await floor.books.accept(PUSHED))[0] for _ in range(2)]
        await floor.hand_over(*line)
        attempts = [await floor.attempts(each) for each in line]
    assert [[each.outcome for each in made] for made in attempts] == [[AttemptOutcome.OFFERED]] * 2
    assert len(receiver.received) == 3


async def test_attempt_on_another_connection_is_the_last() -> None:
    async with receiving([TAKEN, HANG_UP], [HANG_UP], [TAKEN]) as receiver, connector() as webhook:
        await offer(webhook, receiver)
        with pytest.raises(AgencyUnavailable, match="broke before an answer"):
            await offer(webhook, receiver)
    assert (receiver.connections, len(receiver.received)) == (2, 3)


async def test_fresh_connection_that_breaks_is_a_failed_attempt() -> None:
    async with receiving([HANG_UP], [TAKEN]) as receiver, connector() as webhook:
        with pytest.raises(AgencyUnavailable, match="broke before an answer"):
            await offer(webhook, receiver)
    assert (receiver.connections, len(receiver.received)) == (1, 1)


async def test_silence_on_a_used_connection_is_a_failed_attempt_and_not_sent_again() -> None:
    silent = asyncio.Event()

    async def fall_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(TAKEN)
        await request(reader)
        silent.set()
        await reader.read()
        writer.close()

    rules = EgressRules(LOOPBACK.allowed, total=timedelta(seconds=0.4))
    server = await asyncio.start_server(fall_silent, "127.0.0.1", 0)
    receiver = Receiver([], f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    async with server, connector(rules) as webhook:
        await offer(webhook, receiver)
        with pytest.raises(AgencyUnavailable, match=r"no answer within 0\.4 seconds"):
            await offer(webhook, receiver)
    assert silent.is_set()


# --- what stays as it is on a fresh connection -----------------------------------------------------


async def test_redirect_on_a_used_connection_is_not_followed() -> None:
    async with receiving([TAKEN]) as elsewhere:
        redirect = b"HTTP/1.1 307 Elsewhere\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n"
        script = [TAKEN, redirect % elsewhere.url.encode()]
        async with receiving(script) as receiver, connector() as webhook:
            await offer(webhook, receiver)
            with pytest.raises(AgencyUnavailable, match="answered 307"):
                await offer(webhook, receiver)
        assert (receiver.connections, elsewhere.connections) == (1, 0)


@pytest.mark.parametrize("ending", [LAST, HANG_UP], ids=["announced", "in the moment of use"])
async def test_name_that_leads_inside_by_now_is_not_connected_to_again(ending: bytes) -> None:
    addresses = ["127.0.0.1"]

    async def look_up(host: str) -> Sequence[str]:
        return addresses

    rules = EgressRules((ip_network("127.0.0.1/32"),))
    script = [TAKEN, ending]
    async with receiving(script, [TAKEN]) as receiver, open_egress(rules, look_up=look_up) as egress:
        url = receiver.url.replace("127.0.0.1", "rebinding.example")
        await egress.post(url, content=b"{}", headers={})
        addresses[:] = ["127.0.0.2"]
        if ending == LAST:
            await egress.post(url, content=b"{}", headers={})
        with pytest.raises(ForbiddenDestination):
            await egress.post(url, content=b"{}", headers={})
    assert receiver.connections == 1


async def test_second_host_at_the_address_of_the_first_has_a_connection_of_its_own() -> None:
    async def look_up(host: str) -> Sequence[str]:
        return ["127.0.0.1"] if host == "first.example" else ["127.0.0.1", "127.0.0.2"]

    rules = EgressRules((ip_network("127.0.0.1/32"),))
    async with receiving([TAKEN], [TAKEN]) as receiver, open_egress(rules, look_up=look_up) as egress:
        await egress.post(receiver.url.replace("127.0.0.1", "first.example"), content=b"{}", headers={})
        with pytest.raises(ForbiddenDestination):
            await egress.post(receiver.url.replace("127.0.0.1", "second.example"), content=b"{}", headers={})
    assert receiver.connections == 1
