"""Connector that pushes deliveries to an agency's own system (Standard Webhooks 1.0).

The announcement carries who, what and where to fetch; the bodies stay here. It is sent at least once,
always with the same `webhook-id` (the delivery's id) and, time stamp and signature apart, the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

from adapters.egress import Egress, EgressAnswer, ForbiddenDestination, NoAnswer
from gateway.domain.errors import AgencyUnavailable, RecipientRefused
from gateway.domain.ledger import Claim
from gateway.domain.model import Document, StoredFile
from gateway.domain.ports import Clock
from gateway.service.exchange import legal_time

SECRET_PREFIX = "whsec_"

_NEVER = frozenset({400, 410, 413, 415, 422})
"""Answers about this very document. All others may pass: a deployment or a changed password answers 401,
403 or 404 for a while, and must not park everything that waits for the agency."""
_MAY_NAME_A_TIME = frozenset({429, 503})
_LONGEST_RETRY_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class WebhookConnector:
    """Offers deliveries by POST to `recipient.webhook`; `public_url` is where clients reach us."""

    egress: Egress
    public_url: str
    clock: Clock

    async def deliver(self, claim: Claim) -> None:
        """Offer a delivery to its recipient; any 2xx means that it has it.

        Raises:
            AgencyUnavailable: Not now: no answer, another status, or no usable webhook is registered yet.
            RecipientRefused: Never: the answer is one about this document.
        """
        webhook = claim.recipient.webhook
        if webhook is None:
            raise AgencyUnavailable("no webhook is registered for the agency")
        now = self.clock()
        content = self._announcement(claim)
        headers = {
            "content-type": "application/json",
            "webhook-id": claim.delivery.id,
            "webhook-timestamp": str(int(now.timestamp())),
        }
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + content
        headers["webhook-signature"] = "v1," + _signature(webhook.secret, signed)
        try:
            answer = await self.egress.post(webhook.url, content=content, headers=headers)
        except ForbiddenDestination as forbidden:
            raise AgencyUnavailable(f"the webhook cannot be used: {forbidden}") from forbidden
        except NoAnswer as silence:
            raise AgencyUnavailable(f"the webhook does not answer: {silence}") from silence
        _judge(answer, now=now)

    def _announcement(self, claim: Claim) -> bytes:
        """Return the JSON that announces a delivery: the same bytes on every attempt."""
        announcement = {
            "type": "document.offered",
            "delivery": claim.delivery.id,
            "document": {**_about(claim.document), "files": self._files(claim.document)},
            "expires_at": _shown(claim.delivery.expires_at),
        }
        return msgspec.json.encode(announcement)

    def _files(self, document: Document) -> list[dict[str, object]]:
        base = f"{self.public_url.rstrip('/')}/v1/documents/{document.id}/files"
        return [_file(file, n=n, url=f"{base}/{n}") for n, file in enumerate(document.files, start=1)]


def _about(document: Document) -> dict[str, object]:
    envelope = document.envelope
    return {
        "id": document.id,
        "document_id": envelope.document_id,
        "number": envelope.number,
        "notation": envelope.notation,
        "subject": envelope.subject,
        "kind": envelope.kind,
        "urgency": envelope.urgency,
        "due_date": envelope.due_date.isoformat() if envelope.due_date else None,
        "from": document.sender,
        "label": document.label,
        "accepted_at": _shown(document.accepted_at),
    }


def _file(file: StoredFile, *, n: int, url: str) -> dict[str, object]:
    return {
        "n": n,
        "name": file.name,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "media_type": file.media_type,
        "url": url,
    }


def _shown(moment: datetime) -> str:
    """Return a moment as `/v1` shows it: in Vietnamese legal time."""
    return legal_time(moment).isoformat(timespec="milliseconds")


def _signature(secret: str, signed: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise AgencyUnavailable("the webhook secret is not base64") from error
    if not key:
        raise AgencyUnavailable("the webhook secret is empty")
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _judge(answer: EgressAnswer, *, now: datetime) -> None:
    """Pass when the recipient took it."""
    status = answer.status
    if 200 <= status < 300:
        return
    detail = f"the webhook answered {status}"
    if status in _NEVER:
        raise RecipientRefused(detail)
    wait = None
    if status in _MAY_NAME_A_TIME:
        wait = _retry_after(answer.headers.get("Retry-After", ""), now=now)
    raise AgencyUnavailable(detail, retry_after=wait)


def _retry_after(text: str, *, now: datetime) -> timedelta | None:
    """Return the wait of a Retry-After header (seconds or an HTTP date), None if there is none."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        # Cut before conversion: the other side may have sent thousands of digits.
        return timedelta(seconds=min(int(text[:10]), int(_LONGEST_RETRY_AFTER.total_seconds())))
    try:
        moment = parsedate_to_datetime(text)
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return None
    return min(wait, _LONGEST_RETRY_AFTER) if wait > timedelta(0) else None
