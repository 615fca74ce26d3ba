"""The ports and rules every service works with, bound once in `ops/wiring.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.domain.directory_ports import Clients, Directory, Systems
from gateway.domain.dossiers import Dossiers
from gateway.domain.ids import new_id
from gateway.domain.ledger_ports import Deliveries, Inbox, Lives, Records, Submissions
from gateway.domain.model import Channel
from gateway.domain.packets import Packets
from gateway.domain.ports import Bodies, Broker, Clock, Connector, Meter, Verifier, Wakeups
from gateway.domain.reports import Reports
from gateway.domain.working_days import VIETNAM, WorkingCalendar
from gateway.service.breaker import Breaker
from gateway.service.receipt_batch import ReceiptBatch


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
    calendar: WorkingCalendar
    urgent_within: timedelta
    """How soon an urgent document should be acknowledged, at any hour."""
    change_answer_days: int
    """Working days for the answer to a change."""
    returns_before_parked: int
    """After how many returns by the recipient's own system (VXP `fail`) a delivery is parked."""


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
    lives: Lives
    systems: Systems
    dossiers: Dossiers
    reports: Reports
    packets: Packets
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
