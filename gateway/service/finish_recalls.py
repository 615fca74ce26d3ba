"""Finishing recalls that a crash, or a part that was away, has left half done."""

from __future__ import annotations

from gateway.service.exchange import Exchange
from gateway.service.taking_back import take_back

BATCH = 1000
"""Recalls finished at once; the rest is found the next time."""


async def finish_recalls(x: Exchange) -> None:
    """End the deliveries and close the changes of recalls that were asked for or agreed to, not finished.

    Several processes may do so at once: each delivery ends once.
    """
    await take_back(x, await x.lives.unopened_recalls(limit=BATCH))
