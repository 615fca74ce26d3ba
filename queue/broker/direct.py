"""The in-process `Broker` of the embedded size. It loses everything on a crash: the rows remember."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from broker.codec import BATCH
from broker.consumer import crews_at_work, stations_for
from broker.counters import BrokerCounters
from broker.publisher import CAPACITY
from broker.stations import CREWS, Arrival, Crew, Handler
from gateway.domain.model import Channel, Handover, Lane
from gateway.domain.routing import batches


class DirectBroker:
    """The port `Broker` without a broker: batches go straight to the stations of the same process."""

    def __init__(
        self,
        *,
        counters: BrokerCounters,
        capacity: int = CAPACITY,
        crews: Mapping[Channel, Crew] = CREWS,
    ) -> None:
        self._counters = counters
        self._counters.connected = self._counters.consuming = True  # there is no connection to lose
        self._room = capacity
        self._stations = stations_for(tuple(Lane), tuple(Channel), crews=crews)

    def announce(self, handovers: Sequence[Handover]) -> None:
        """Hand over soon; what finds no room is dropped and counted."""
        kept = handovers[: self._room]
        self._room -= len(kept)
        self._counters.published += len(kept)
        self._counters.dropped += len(handovers) - len(kept)
        for batch in batches(kept, size=BATCH):
            self._stations[batch[0].lane, batch[0].channel].arrive(self._arrival(batch))

    async def waiting(self) -> dict[tuple[Lane, Channel], int]:
        """Return how many batches nobody has taken yet."""
        return {queue: station.waiting for queue, station in self._stations.items()}

    def work(
        self, handle: Handler, *, stop_within: timedelta = timedelta(seconds=20)
    ) -> AbstractAsyncContextManager[None]:
        """Let `handle` deliver what is announced while the block runs; leaving finishes what was taken."""
        return crews_at_work(self._stations, handle, counters=self._counters, stop_within=stop_within)

    def _arrival(self, batch: Sequence[Handover]) -> Arrival:
        async def make_room() -> None:
            self._room += len(batch)

        return Arrival(batch, make_room)
