"""Ending what nobody took: a negative end is also a receipt, nothing ends in silence."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.ledger import Claim
from gateway.domain.states import DeliveryState
from gateway.service.ending import End, end
from gateway.service.exchange import Exchange

BATCH = 200
ROUNDS = 50
"""Batches in a row before other chores may have their turn; the rest is found the next time."""


async def expire(x: Exchange) -> int:
    """End open deliveries whose life is over, at most ROUNDS batches; return how many ended here.

    Several workers may do so at once: each delivery ends once, the other's receipt is thrown away unseen.
    """
    ended = 0
    for _ in range(ROUNDS):
        over = await x.deliveries.expired(now=x.clock(), limit=BATCH)
        ended += await _end(x, over)
        if len(over) < BATCH:
            break
    return ended


async def _end(x: Exchange, over: Sequence[Claim]) -> int:
    ends = [
        End(claim.delivery, claim.document, DeliveryState.EXPIRED, claim.document.sender, "not taken in time")
        for claim in over
    ]
    return len(await end(x, ends))
