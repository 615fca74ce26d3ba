"""One agency's line to the exchange: whole answers or none, so that the journal can tell which.

Not the house's own client: that one resends by itself, here every attempt must be written down.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import aiohttp
import msgspec

from ops.dev.crash.journal import NOBODY

ANSWER_WITHIN_SECONDS = 15.0
TOKEN_SECONDS = 300
"""How long a token is used; the run's settings let it live longer."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What `lienthong clients create` has given out for an agency."""

    agency: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, or status NOBODY when there was none or only a part of one."""

    status: int
    content: bytes = b""
    retry_after: float = 0.0

    @property
    def is_yes(self) -> bool:
        """Return whether the exchange did what was asked."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the JSON value of the answer."""
        return msgspec.json.decode(self.content)

    @property
    def code(self) -> str:
        """Return the stable code of a problem (RFC 9457), empty if there is none."""
        try:
            found = self.json()
        except msgspec.DecodeError:
            return ""
        return str(found.get("code", "")) if isinstance(found, dict) else ""


SILENCE = Reply(NOBODY)


class Line:
    """Speaks for one agency, each time to any of the serving processes."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        urls: Sequence[str],
        credentials: Credentials,
        *,
        dice: random.Random,
    ) -> None:
        self.agency = credentials.agency
        self.dice = dice
        self._session = session
        self._urls = urls
        self._credentials = credentials
        self._token = ""
        self._token_until = 0.0

    async def ask(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, tuple[str, bytes]] | None = None,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        within: float = ANSWER_WITHIN_SECONDS,
    ) -> Reply:
        """Return the answer to one request below `/v1`, sent once; a token that is too old is renewed.

        Args:
            method: Of HTTP.
            path: Below `/v1/`, with its query.
            form: Multipart parts in order: name to media type (or file name) and content.
            fields: A JSON body.
            headers: Besides the credentials.
            within: Seconds for all of it.
        """
        if monotonic() > self._token_until and not await self._log_in():
            return SILENCE
        body: Any = _multipart(form) if form is not None else None
        sent = {**(headers or {}), "Authorization": f"Bearer {self._token}"}
        if fields is not None:
            body, sent["Content-Type"] = msgspec.json.encode(fields), "application/json"
        reply = await self._once(method, path, body=body, headers=sent, within=within)
        if reply.status == 401:
            self._token_until = 0.0
        return reply

    async def persist(self, method: str, path: str, *, fields: Mapping[str, str] | None = None) -> Reply:
        """Ask until the exchange has judged, however long that takes; return its answer."""
        while True:
            reply = await self.ask(method, path, fields=fields)
            if not is_worth_another_try(reply):
                return reply
            await self.pause(reply)

    async def pause(self, reply: Reply) -> None:
        """Wait as asked, but not as long: the run is to heal quickly."""
        wait = min(reply.retry_after or 0.3, 1.0)
        await asyncio.sleep(wait * self.dice.uniform(0.5, 1.5))

    async def _log_in(self) -> bool:
        form = aiohttp.FormData(
            {
                "grant_type": "client_credentials",
                "client_id": self._credentials.client_id,
                "client_secret": self._credentials.client_secret,
            }
        )
        reply = await self._once("POST", "token", body=form, headers={}, within=ANSWER_WITHIN_SECONDS)
        if not reply.is_yes:
            return False
        self._token, self._token_until = reply.json()["access_token"], monotonic() + TOKEN_SECONDS
        return True

    async def _once(
        self, method: str, path: str, *, body: Any, headers: Mapping[str, str], within: float
    ) -> Reply:
        url = f"{self.dice.choice(self._urls)}/v1/{path}"
        try:
            async with (
                asyncio.timeout(within),
                self._session.request(
                    method, url, data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                content = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return SILENCE
        asked = answer.headers.get("Retry-After", "")
        return Reply(answer.status, content, float(asked) if asked.isdigit() else 0.0)


def is_worth_another_try(reply: Reply) -> bool:
    """Return whether the same request may get another answer: all but a judgement."""
    if reply.status == 409:
        return reply.code in {"submission-in-progress", "lease-lost"}
    return reply.status in {NOBODY, 401, 408, 429} or reply.status >= 500


def _multipart(parts: Mapping[str, tuple[str, bytes]]) -> aiohttp.FormData:
    """Return a submission's form: `envelope` first, every other part is a file by its name."""
    form = aiohttp.FormData()
    for name, (media_type, content) in parts.items():
        if name == "envelope":
            form.add_field(name, content, content_type=media_type)
        else:
            form.add_field("file", content, content_type=media_type, filename=name)
    return form
