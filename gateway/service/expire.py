"""Ending what nobody took: a negative end is also a receipt, nothing ends in silence."""

from __future__ import annotations

from gateway.domain.states import DeliveryState
from gateway.service.ending import End, end
from gateway.service.exchange import Exchange

BATCH = 200


async def expire(x: Exchange) -> int:
    """End open deliveries whose life is over, at most BATCH of them; return how many ended."""
    over = await x.deliveries.expired(now=x.clock(), limit=BATCH)
    ends = [
        End(claim.delivery, claim.document, DeliveryState.EXPIRED, claim.document.sender, "not taken in time")
        for claim in over
    ]
    return len(await end(x, ends)) if ends else 0
