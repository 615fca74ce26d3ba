"""A small client of the national axis's calls (VXP): what a centre's own program would do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from gateway.domain.working_days import VIETNAM

JSON_TYPE, FILE_TYPE = "application/json", "application/octet-stream"
_PREFIX = "XroadVnpt-"
_ANSWER_SECONDS = 60

Json = dict[str, Any]


class CallRefused(Exception):
    """The axis answered FAIL; the text holds its error code and what it says."""


@dataclass(frozen=True, slots=True)
class Centre:
    """A connected centre: where it calls, as whom, and the codes of the agencies behind it."""

    endpoint: str
    system_id: str
    secret: str = field(repr=False)
    agencies: tuple[str, ...]

    def signed(self, parameters: Mapping[str, str], *, content_type: str, at: datetime) -> dict[str, str]:
        """Return the headers of one call: its parameters, and an HMAC over them and the moment.

        No two calls may have the same: one that is made twice within a millisecond is taken for a replay.
        """
        wall_clock = at.astimezone(VIETNAM)
        timestamp = wall_clock.strftime("%d%m%YT%H%M%S") + f"+{wall_clock.microsecond // 1000:04}"
        own = {"systemid": self.system_id, "timestamp": timestamp, "Content-Type": content_type}
        values = {**own, **parameters}
        prefixed = {_PREFIX + name: value for name, value in values.items()}
        text = json.dumps(prefixed, separators=(",", ":"))
        return {
            **prefixed,
            f"{_PREFIX}sign-header-key": ";".join(values),
            f"{_PREFIX}sign-header": text,
            f"{_PREFIX}hash-header": hmac.new(
                self.secret.encode(), text.encode(), hashlib.sha256
            ).hexdigest(),
            "Content-Type": content_type,
        }


def sending(packet: bytes, *, sender: str, kind: str) -> dict[str, str]:
    """Return the parameters of `sendEdoc`. `kind` is edoc or status."""
    sha256 = hashlib.sha256(packet).hexdigest()
    return {"from": sender, "servicetype": "eDoc", "messagetype": kind, "hash-file": sha256}


def listing(kind: str) -> dict[str, str]:
    """Return the parameters of the lists. `kind` is edoc or status."""
    return {"servicetype": "eDoc", "messagetype": kind}


class VxpClient:
    """One centre's program. Every call raises CallRefused when the axis says no."""

    def __init__(self, centre: Centre, session: aiohttp.ClientSession) -> None:
        self.centre = centre
        self._session = session
        self._signed_at = datetime.min.replace(tzinfo=UTC)

    async def send(self, packet: bytes, *, sender: str, kind: str = "edoc") -> str:
        """Send a packet of one of the centre's agencies and return the id it has now."""
        # The two bytes that the vendor's client puts behind each file.
        answer = await self._call(
            "sendEdoc",
            sending(packet, sender=sender, kind=kind),
            body=packet + b"\r\n",
            content_type=FILE_TYPE,
        )
        return str(answer["DocId"])

    async def waiting(self, kind: str = "edoc") -> list[Json]:
        """Return what waits for the centre's agencies."""
        return list((await self._call("getReceivedEdocList", listing(kind)))["data"])

    async def fetch(self, item: str) -> bytes:
        """Return the packet of an item."""
        return base64.b64decode((await self._call("getEdoc", {"docId": item}, body=b"{}"))["data"])

    async def done(self, item: str) -> None:
        """Take an item for good."""
        await self._call("updateStatus", {"docId": item, "status": "done"}, body=b"{}")

    async def _call(
        self,
        name: str,
        parameters: Mapping[str, str],
        *,
        body: bytes = b"",
        content_type: str = JSON_TYPE,
    ) -> Json:
        self._signed_at = max(datetime.now(UTC), self._signed_at + timedelta(milliseconds=1))
        headers = self.centre.signed(parameters, content_type=content_type, at=self._signed_at)
        url = f"{self.centre.endpoint}/{name}"
        async with self._session.post(url, data=body, headers=headers) as answer:
            told: Json = await answer.json()
        if told["status"] != "OK":
            reasons = "; ".join(told["reasons"])
            raise CallRefused(f"{name}: {told['ErrorCode']} {told['ErrorDesc']} {reasons}".rstrip())
        return told


@asynccontextmanager
async def calling(centre: Centre) -> AsyncIterator[VxpClient]:
    """Open a centre's client, and close it at the end."""
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield VxpClient(centre, session)
