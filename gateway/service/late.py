"""What an agency is late with: answers to deliveries and to changes, and sending what it has issued."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.ledger import InboxItem
from gateway.domain.model import AgencyCode, Change, Document
from gateway.service.exchange import Exchange, legal_time

LIMIT = 1000
"""Lines of each list; whoever is late with more has other worries."""


@dataclass(frozen=True, slots=True)
class Late:
    """Deliveries not acknowledged in time (still open, or answered late this month), changes whose answer is
    owed, and documents sent late this month; `more` when a list was cut at LIMIT lines."""

    unacknowledged: Sequence[InboxItem]
    unanswered: Sequence[Change]
    sent: Sequence[Document]
    more: bool


async def late(x: Exchange, agencies: Collection[AgencyCode] | None, *, at: datetime) -> Late:
    """Return what these agencies, or all with None, are late with at a moment."""
    month = legal_time(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    unacknowledged = await x.records.unacknowledged(agencies, before=at, since=month, limit=LIMIT + 1)
    unanswered = await x.lives.unanswered(agencies, before=at)
    sent = await x.records.sent_late(agencies, since=month, limit=LIMIT + 1)
    more = any(len(lines) > LIMIT for lines in (unacknowledged, unanswered, sent))
    return Late(unacknowledged[:LIMIT], unanswered[:LIMIT], sent[:LIMIT], more)
