"""One webhook endpoint that several agencies share, as a software house runs it for its customers.

It checks signatures and drops doubles by `webhook-id` over all of them, as Standard Webhooks tells it to.
Now and then it says 503 or breaks off before or after it has noted a push.
"""

from __future__ import annotations

import base64
import random
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import time
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

SHARE_TURNED_AWAY = 0.05
SHARE_BROKEN_OFF = 0.05

Taker = Callable[[str, dict[str, Any], float], Coroutine[Any, Any, None]]
"""Takes a delivery (its id, its document, when it was pushed) for an agency."""


@dataclass(slots=True)
class Receiver:
    """The endpoint. `takers` do the work for each agency; `start` owns it, None while nobody works."""

    dice: random.Random
    url: str
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    takers: dict[str, Taker] = field(default_factory=dict)
    start: Callable[[Coroutine[Any, Any, None]], None] | None = None
    forged: int = 0
    _known: set[str] = field(default_factory=set)

    def register(self, agency: str) -> tuple[str, str]:
        """Return the address and the secret under which an agency is pushed to."""
        self.secrets[agency] = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        return f"{self.url}/push/{agency}", self.secrets[agency]

    async def receive(self, request: web.Request) -> web.Response:
        """Note a push once and answer quickly; the work is done afterwards."""
        agency = request.match_info["agency"]
        try:
            push = Webhook(self.secrets[agency]).verify(await request.read(), dict(request.headers))
        except WebhookVerificationError:
            self.forged += 1
            return web.Response(status=400)
        chance = self.dice.random()
        if chance < SHARE_TURNED_AWAY:
            return web.Response(status=503)
        self._note(agency, request.headers["webhook-id"], push)
        if chance < SHARE_TURNED_AWAY + SHARE_BROKEN_OFF and request.transport is not None:
            request.transport.abort()
        return web.Response(status=204)

    def _note(self, agency: str, webhook_id: str, push: dict[str, Any]) -> None:
        if webhook_id in self._known or self.start is None:
            return
        self._known.add(webhook_id)
        self.start(self.takers[agency](push["delivery"], push["document"], time()))


@asynccontextmanager
async def open_receiver(dice: random.Random) -> AsyncIterator[Receiver]:
    """Return an endpoint on a free loopback port until the block ends."""
    receiver = Receiver(dice, url="")
    app = web.Application()
    app.router.add_post("/push/{agency}", receiver.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        receiver.url = site.name
        yield receiver
    finally:
        await runner.cleanup()
