"""The one family of errors. `code`, `status` and `retry` decide everything that follows from one.

The first line of each docstring is the default `detail`, the rest says how to fix it; the error
catalogue page is made from them. `detail` is safe for the caller: causes stay in the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar


class ExchangeError(Exception):
    """The exchange could not do what was asked."""

    code: ClassVar[str] = "exchange-error"
    status: ClassVar[int] = 500
    retry: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        reasons: Sequence[str] = (),
        retry_after: timedelta | None = None,
    ) -> None:
        self.detail = detail or (type(self).__doc__ or "").split("\n", 1)[0]
        self.reasons = tuple(reasons)
        self.retry_after = retry_after
        super().__init__(self.detail)


# --- the sender must change something ------------------------------------------------------------


class RequestRejected(ExchangeError):
    """The request cannot be accepted as it is.

    Change what `detail` and `reasons` name, then send again.
    """

    code = "request-rejected"
    status = 422


class MalformedRequest(RequestRejected):
    """The request is not well formed.

    Compare it with the API description at /v1/docs.
    """

    code = "malformed-request"
    status = 400


class MalformedDocument(RequestRejected):
    """The envelope or a file is not what it should be.

    `reasons` names each field or file and what is wrong with it.
    """

    code = "malformed-document"


class MalformedPacket(MalformedDocument):
    """The packet is not edXML as QCVN 102:2016/BTTTT wants it.

    `reasons` names every mistake, in Vietnamese and English, with the element and the rule.
    """

    code = "malformed-packet"


class NotYourAgency(RequestRejected):
    """The sender is not an agency of these credentials.

    `From/OrganId` of the packet, the `from` of the request and the credentials must name the same agency.
    """

    code = "not-your-agency"


class NotYourDossier(RequestRejected):
    """There is a dossier of this code, and your agency has no part in it.

    Codes of dossiers are unique in the exchange: begin yours with your agency's code. Whoever opened a
    dossier, has a stage in it, or was sent a document of it that was not taken back may add to it.
    """

    code = "not-your-dossier"


class UnknownDocument(RequestRejected):
    """There is no such document that you sent or received.

    Name it by the id its sender gave it, or by the id this exchange gave it.
    """

    code = "unknown-document"


class HashMismatch(RequestRejected):
    """The bytes received are not those the sender computed a hash of.

    Send the file again. Nothing was kept.
    """

    code = "hash-mismatch"


class UnsupportedFileType(RequestRejected):
    """A file is of a kind the exchange does not take, or not what its name says.

    Send PDF, or another listed office format with the right file extension.
    """

    code = "unsupported-file-type"


class SignatureRejected(RequestRejected):
    """The agency's policy demands a valid digital signature and none was found.

    `reasons` says for each file and signature why. Have the document signed again and resend.
    """

    code = "signature-rejected"


class UnknownAgency(RequestRejected):
    """One or more recipients are unknown or closed.

    `reasons` names them all. Correct them, or send `unknown_recipients: skip` to leave them out.
    """

    code = "unknown-agency"


class StateSecret(RequestRejected):
    """Documents that contain state secrets must not be sent through the exchange.

    QĐ 28/2018/QĐ-TTg Đ1.2. Use the procedure for state secrets. Nothing was kept.
    """

    code = "state-secret"


class SealingUnavailable(RequestRejected):
    """The exchange does not seal documents yet.

    Leave `seal` out and send a document that is already sealed.
    """

    code = "sealing-unavailable"


class IdempotencyKeyReused(RequestRejected):
    """The Idempotency-Key was used before with another request.

    Use a fresh key for each new document, and the same key only to resend the same one.
    """

    code = "idempotency-key-reused"


class NotAuthenticated(RequestRejected):
    """The credentials or the access token are missing, wrong, expired or revoked.

    Get a new token at POST /v1/token.
    """

    code = "not-authenticated"
    status = 401


class NotAllowed(RequestRejected):
    """These credentials may not do this."""

    code = "not-allowed"
    status = 403


class NotFound(RequestRejected):
    """There is nothing here that you may see."""

    code = "not-found"
    status = 404


class MethodNotAllowed(RequestRejected):
    """This address exists, but not for this method."""

    code = "method-not-allowed"
    status = 405


class TooLarge(RequestRejected):
    """The request is larger than the exchange accepts.

    `detail` names the limit.
    """

    code = "too-large"
    status = 413


class TooSlow(RequestRejected):
    """The request arrived too slowly and was given up.

    Nothing was kept. Send it again over a better line.
    """

    code = "too-slow"
    status = 408
    retry = True


# --- the state says no ---------------------------------------------------------------------------


class Conflict(ExchangeError):
    """The request does not fit the present state."""

    code = "conflict"
    status = 409


class SubmissionInProgress(Conflict):
    """The same submission is being worked on right now.

    Wait a moment and resend with the same Idempotency-Key: the first answer comes back.
    """

    code = "submission-in-progress"
    retry = True


class IllegalTransition(Conflict):
    """The delivery is no longer in a state that allows this."""

    code = "illegal-transition"


class LeaseLost(Conflict):
    """Somebody else of your agency holds this delivery, or your lease ran out.

    Claim it again.
    """

    code = "lease-lost"


# --- too much, or nobody answered ----------------------------------------------------------------


class Throttled(ExchangeError):
    """Too much, too fast. Wait for `Retry-After` seconds."""

    code = "throttled"
    status = 429
    retry = True


class DependencyUnavailable(ExchangeError):
    """A part the exchange needs does not answer; nothing was kept.

    Send the same request again after `Retry-After` seconds.
    """

    code = "dependency-unavailable"
    status = 503
    retry = True


class StoreUnavailable(DependencyUnavailable):
    """The store cannot take anything now; nothing was kept."""

    code = "store-unavailable"


class VerificationUnavailable(DependencyUnavailable):
    """The signatures could not be judged now; nothing was kept."""

    code = "verification-unavailable"


class SigningUnavailable(DependencyUnavailable):
    """The receipt could not be signed now; nothing was kept."""

    code = "signing-unavailable"


class AgencyUnavailable(DependencyUnavailable):
    """The recipient's system did not take the delivery; it is tried again by schedule."""

    code = "agency-unavailable"


class OutcomeUnknown(ExchangeError):
    """The end of the operation was not seen.

    Send the same request with the same key: the first answer comes back if there was one.
    """

    code = "outcome-unknown"
    status = 503
    retry = True


class RecipientRefused(ExchangeError):
    """The recipient's system refused the delivery for good."""

    code = "recipient-refused"
    status = 422
