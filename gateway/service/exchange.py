"""The ports and rules every service works with, bound once in `ops/wiring.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from gateway.domain.ids import new_id
from gateway.domain.model import Channel
from gateway.domain.ports import (
    Bodies,
    Broker,
    Clients,
    Clock,
    Connector,
    Deliveries,
    Directory,
    Inbox,
    Meter,
    Records,
    Submissions,
    Verifier,
    Wakeups,
)
from gateway.service.breaker import Breaker
from gateway.service.receipt_batch import ReceiptBatch

VIETNAM = timezone(timedelta(hours=7))
"""Legal time (QĐ 28/2018 Đ14.4); Việt Nam has no summer time."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The figures the site has chosen; see `settings.default.toml`."""

    life: timedelta
    grace: timedelta
    handover_lease: timedelta
    inbox_lease: timedelta
    retry_schedule: Sequence[timedelta]
    breaker_failures: int
    breaker_wait: timedelta


@dataclass(frozen=True, slots=True)
class Exchange:
    """Everything a service may touch."""

    clock: Clock
    random: Callable[[], float]
    rules: Rules
    directory: Directory
    clients: Clients
    submissions: Submissions
    deliveries: Deliveries
    inbox: Inbox
    records: Records
    bodies: Bodies
    verifier: Verifier
    receipts: ReceiptBatch
    connectors: Mapping[Channel, Connector]
    broker: Broker
    wakeups: Wakeups
    breaker: Breaker
    meter: Meter

    def new_id(self) -> str:
        """Return a fresh id that sorts by time."""
        return new_id(self.clock())


def legal_time(moment: datetime) -> datetime:
    """Return the moment in Vietnamese legal time."""
    return moment.astimezone(VIETNAM)


def legal_date(moment: datetime) -> date:
    """Return the day it is in Việt Nam at this moment."""
    return legal_time(moment).date()
