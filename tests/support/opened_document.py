"""A document to two agencies of which one has opened it: where statuses and changes of documents begin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from gateway.domain.model import Delivery, Document
from tests.support.exchange import OTHER_RECIPIENT, RECIPIENT, open_world
from tests.support.paperwork import Clerk

BOTH = (RECIPIENT, OTHER_RECIPIENT)
HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    """Return the clerk of the sender agency of a fresh exchange."""
    async with open_world(tmp_path) as world:
        yield Clerk(world)


@pytest_asyncio.fixture
async def document(clerk: Clerk) -> Document:
    """Return a document to two agencies, opened by the first."""
    accepted = await clerk.sent(to=BOTH)
    await clerk.open(accepted.deliveries[0])
    return accepted.document


async def copies(clerk: Clerk, document: Document) -> tuple[Delivery, Delivery]:
    """Return the two deliveries of the document as they are now."""
    first, second = await clerk.world.exchange.records.deliveries(document.id)
    return first, second
