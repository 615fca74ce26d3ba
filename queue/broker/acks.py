"""Answers that agencies give over the broker: `lienthong.acks`.

Who answers is the user the broker itself has validated, never what the message says. What came twice is
answered as the first time; what is malformed, somebody else's or out of turn is counted, logged and dropped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal, Protocol

import msgspec
from aio_pika.abc import AbstractConnection
from aiormq.abc import DeliveredMessage

from broker import topology
from broker.connection import answered, keep_connected, raise_when, running
from broker.consumer import PAUSE, acknowledge_to_broker
from broker.counters import BrokerCounters
from broker.dispatch import dispatch
from gateway.domain.errors import ExchangeError, MalformedRequest
from gateway.domain.model import AgencyCode, DeliveryId
from gateway.domain.states import DeliveryState
from gateway.domain.texts import is_prose, strict_json

log = logging.getLogger(__name__)

AT_ONCE = 50
"""Answers worked on at the same time: their receipts are signed together."""
_LONGEST_BYTES = 64 * 1024
_OWNER = topology.agency_queue(AgencyCode(""))


class Acknowledge(Protocol):
    """Records an agency's answer, as the service of the same name does."""

    async def __call__(
        self, delivery: DeliveryId, /, *, by: AgencyCode, state: DeliveryState, reason: str | None
    ) -> object:
        """Record that an agency has taken a delivery (DELIVERED), or that it refuses it and why."""


_Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}$(?!\n)")]
_Reason = Annotated[str, msgspec.Meta(max_length=1000)]


class Answer(msgspec.Struct, frozen=True):
    """What an agency says of a delivery."""

    delivery: _Id
    answer: Literal["accepted", "refused"]
    reason: _Reason | None = None

    @property
    def state(self) -> DeliveryState:
        """Return what becomes of the delivery."""
        return DeliveryState.DELIVERED if self.answer == "accepted" else DeliveryState.REFUSED


class NoAnswer(ValueError):
    """It is no answer of an agency, and never will be."""


class Acknowledgements:
    """Takes agencies' answers from the broker, one connection after another."""

    def __init__(self, acknowledge: Acknowledge, *, counters: BrokerCounters) -> None:
        self._acknowledge = acknowledge
        self._counters = counters

    async def session(self, connection: AbstractConnection, lost: asyncio.Event) -> None:
        """Take answers over one connection until it is lost or the subscription ends.

        Raises:
            BaseExceptionGroup: It ended; what was not finished comes again.
        """
        arrived: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
        channel = connection.channel(publisher_confirms=False)
        await answered(channel.initialize())
        await answered(channel.set_qos(prefetch_count=AT_ONCE))
        channel.close_callbacks.add(lambda *_: lost.set())
        raw = await answered(channel.get_underlay_channel())
        raw.on_consumer_cancel_callbacks.add(lambda _: lost.set())
        await answered(raw.basic_consume(topology.ACKS_QUEUE, arrived.put))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(raise_when(lost))
            await dispatch(arrived.get, self._take, at_once=AT_ONCE)

    async def _take(self, message: DeliveredMessage) -> None:
        try:
            agency, answer = _agency_of(message), read_answer(message.body)
            await self._record(agency, answer)
            self._counters.acknowledged += 1
        except (NoAnswer, ExchangeError) as refused:
            self._drop(message, refused)
        except Exception:
            # One of the borders where errors end: a bug must not stop all other agencies' answers.
            self._counters.acknowledgements_dropped += 1
            log.exception("answer failed", extra={"event": "broker.ack_dropped", "code": "bug"})
        await acknowledge_to_broker(message)

    async def _record(self, agency: AgencyCode, answer: Answer) -> None:
        """Record an answer; while the ledger is away it is kept in hand and tried again.

        Not put back: it would come at once, again and again, and 4.x counts how often.

        Raises:
            ExchangeError: It does not count.
        """
        while True:
            try:
                await self._acknowledge(
                    DeliveryId(answer.delivery), by=agency, state=answer.state, reason=answer.reason
                )
                return
            except ExchangeError as error:
                if not error.retry:
                    raise
                about = {"event": "broker.ack_waits", "agency": agency, "code": error.code}
                log.warning("answer not recorded yet: %r", error, extra=about)
            await asyncio.sleep(PAUSE.total_seconds())

    def _drop(self, message: DeliveredMessage, why: Exception) -> None:
        self._counters.acknowledgements_dropped += 1
        about = {
            "event": "broker.ack_dropped",
            "user": message.header.properties.user_id,
            "code": getattr(why, "code", "malformed"),
        }
        log.warning("answer dropped: %s", why, extra=about)


def _agency_of(message: DeliveredMessage) -> AgencyCode:
    """Return whose broker user has sent a message: the broker has checked the name, or there is none."""
    user = message.header.properties.user_id or ""
    if not user.startswith(_OWNER) or user == _OWNER:
        raise NoAnswer("sent without the user id of an agency")
    return AgencyCode(user.removeprefix(_OWNER))


def read_answer(body: bytes) -> Answer:
    """Return the answer in a broker message; its JSON and its texts are as strict as over `/v1`.

    Raises:
        NoAnswer: There is none in it.
    """
    if len(body) > _LONGEST_BYTES:
        raise NoAnswer(f"longer than {_LONGEST_BYTES} bytes")
    try:
        answer = msgspec.convert(strict_json(body), Answer)
    except (MalformedRequest, msgspec.ValidationError) as unreadable:
        raise NoAnswer(str(unreadable)) from unreadable
    if answer.reason is not None and not is_prose(answer.reason):
        raise NoAnswer("the reason holds characters that cannot be shown")
    return answer


@asynccontextmanager
async def open_acknowledgements(
    url: str, acknowledge: Acknowledge, *, counters: BrokerCounters
) -> AsyncIterator[None]:
    """Record what agencies answer over the broker while the block runs, connected or not."""
    acknowledgements = Acknowledgements(acknowledge, counters=counters)
    connecting = keep_connected(url, acknowledgements.session, name="acknowledgements", counters=counters)
    async with running(connecting, name="broker acknowledgements"):
        yield
