"""What the hand-over counts, for `ops` to export. Nothing is dropped without one of these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class BrokerCounters:
    """Totals since the start of the process.

    `published`, `failed`, `dropped`, `consumed` and `handler_failed` count deliveries; the others
    count what their names say.
    """

    published: int = 0
    """Deliveries the broker has confirmed."""
    returned: int = 0
    """Broker messages that reached no queue."""
    failed: int = 0
    """Deliveries given up after the last try; the sweeper finds them."""
    dropped: int = 0
    """Deliveries not taken because the buffer was full; the sweeper finds them."""
    consumed: int = 0
    """Deliveries given to the handler."""
    undecodable: int = 0
    """Broker messages that were not ours to read."""
    handler_failed: int = 0
    """Deliveries whose handler raised; the sweeper brings them back."""
    sweeps_failed: int = 0
    """Rounds that the sweeper or a chore could not finish."""
    sessions_lost: int = 0
    """Connections that were lost, refused or given up."""
    queues_made_anew: int = 0
    """Work queues the broker had lost the inside of."""
    acknowledged: int = 0
    """Answers that agencies gave over the broker and that counted."""
    acknowledgements_dropped: int = 0
    """Answers over the broker that did not count: malformed, somebody else's, or out of turn."""
    connected: bool = False
    """Whether the publisher can reach the broker."""
    consuming: bool = False
    """Whether the consumer's subscriptions stand."""
    blocked: bool = False
    """Whether the broker has asked publishers to stop (its memory or disk alarm)."""
