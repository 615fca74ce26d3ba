"""The tables. `migrations/` makes them; a test holds the two together.

Codes of agencies carry no foreign key on the tables that grow: agencies are closed, never removed, and
every check would lock the row of an agency that hundreds of transactions name at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    FromClause,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    literal_column,
)

from adapters.db.dialects import Json, Name, Utc
from gateway.domain.envelope import Envelope, Staff
from gateway.domain.model import Channel
from gateway.domain.states import OPEN_STATES, ChangeKind, ChangeState, DeliveryState
from signing.report import VerificationReport

metadata = MetaData()


def _literal(word: str) -> ColumnElement[str]:
    # Written out, not as a parameter: otherwise no database can see that a partial index fits the query.
    return literal_column(f"'{word}'", Text)


def _partial_index(
    name: str, *columns: Column[Any], where: ColumnElement[bool], unique: bool = False
) -> None:
    Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


# --- agencies and their credentials --------------------------------------------------------------

agencies = Table(
    "agencies",
    metadata,
    Column("code", Name, primary_key=True),
    Column("name", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("parent", Name),
    Column("channel", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("webhook_url", Text),
    Column("webhook_secret", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("closed_on", Date),
    Column("dialect", Text, nullable=False, server_default="java"),
    # Raised by every import that changes the row; the highest one is the directory's version.
    Column("revision", Integer, nullable=False),
    Column("changed_at", Utc, nullable=False),
)

agency_aliases = Table(
    "agency_aliases",
    metadata,
    Column("agency", Name, ForeignKey("agencies.code"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("scheme", Text, nullable=False),
    Column("value", Name, nullable=False),
    Column("valid_from", Date),
    Column("valid_until", Date),
)
Index("agency_aliases_value", agency_aliases.c.value)

clients = Table(
    "clients",
    metadata,
    Column("id", Name, primary_key=True),
    Column("role", Text, nullable=False),
    Column("agency", Name, ForeignKey("agencies.code")),
    Column("secret_sha256", Text),
    Column("public_key", Text),
    Column("created_at", Utc, nullable=False),
    Column("revoked_at", Utc),
    Column("previous_secret_sha256", Text),
    Column("previous_valid_until", Utc),
)
Index("clients_agency", clients.c.agency)

tokens = Table(
    "tokens",
    metadata,
    Column("sha256", Name, primary_key=True),
    Column("client", Name, ForeignKey("clients.id"), nullable=False),
    Column("expires_at", Utc, nullable=False),
)
Index("tokens_client", tokens.c.client)
Index("tokens_expires_at", tokens.c.expires_at)

assertions = Table(
    "assertions",
    metadata,
    Column("client", Name, ForeignKey("clients.id"), primary_key=True),
    Column("jti", Name, primary_key=True),
    Column("expires_at", Utc, nullable=False),
)
Index("assertions_expires_at", assertions.c.expires_at)

# --- documents -----------------------------------------------------------------------------------

documents = Table(
    "documents",
    metadata,
    Column("id", Name, primary_key=True),
    Column("sender", Name, nullable=False),
    # The sender's own id, also in the envelope: here to be found by.
    Column("document_id", Name, nullable=False),
    Column("envelope", Json(Envelope), nullable=False),
    Column("label", Text, nullable=False),
    Column("accepted_at", Utc, nullable=False),
    Column("duplicate_of", Name),
    Column("skipped", Json(tuple[str, ...]), nullable=False),
    Column("kind", Text, nullable=False, server_default="new"),
    # Also in the envelope, which lists do not read: it may be megabytes.
    Column("subject", Text),
    # Also in the envelope: number and symbol are unique per issuer and year (NĐ 30/2020 Đ15).
    Column("number", Text),
    Column("notation", Text),
    Column("year", Integer),
    # Until when it should have been sent (QĐ 28/2018 Đ6.2); unknown without a day of issue.
    Column("send_by", Utc),
)
Index("documents_sender", documents.c.sender, documents.c.document_id)
Index("documents_sent", documents.c.sender, documents.c.id)
Index("documents_number", documents.c.sender, documents.c.number, documents.c.notation, documents.c.year)
WAS_SENT_LATE = documents.c.accepted_at > documents.c.send_by
_partial_index("documents_late", documents.c.sender, documents.c.accepted_at, where=WAS_SENT_LATE)

packets = Table(
    "packets",
    metadata,
    Column("document", Name, ForeignKey("documents.id"), primary_key=True),
    Column("sha256", Name, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("header", LargeBinary, nullable=False),
)
Index("packets_sha256", packets.c.sha256)

files = Table(
    "files",
    metadata,
    Column("document", Name, ForeignKey("documents.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Name, nullable=False),
    # Also in the report: here for people who ask the database.
    Column("verdict", Text, nullable=False),
    Column("report", Json(VerificationReport), nullable=False),
)
Index("files_sha256", files.c.sha256)

answers = Table(
    "answers",
    metadata,
    Column("agency", Name, primary_key=True),
    Column("route", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    # No foreign key: the answer is written first, to win or lose its key before anything else is kept.
    Column("document", Name, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

# --- deliveries ----------------------------------------------------------------------------------

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Name, primary_key=True),
    Column("document", Name, ForeignKey("documents.id"), nullable=False),
    Column("recipient", Name, nullable=False),
    Column("lane", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    # The last attempt whose end is recorded, so that none is recorded twice.
    Column("settled", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", Utc),
    Column("expires_at", Utc, nullable=False),
    Column("offered_at", Utc),
    Column("parked_at", Utc),
    Column("ended_at", Utc),
    Column("reason", Text),
    Column("receipt", Name),
    Column("lease_token", Text),
    Column("leased_until", Utc),
    Column("opened_at", Utc),
    Column("acknowledge_by", Utc),
    # The three parts of `Life`.
    Column("progress", Text),
    Column("asked", Text),
    Column("ended_by", Text),
)


def _state_in(states: Iterable[DeliveryState]) -> ColumnElement[bool]:
    return deliveries.c.state.in_([_literal(state) for state in sorted(states)])


IS_QUEUED = deliveries.c.state == _literal(DeliveryState.QUEUED)
IS_PARKED = deliveries.c.state == _literal(DeliveryState.PARKED)
IS_OPEN = _state_in(OPEN_STATES)
IS_ENDED = _state_in(set(DeliveryState) - OPEN_STATES)
WAS_ANSWERED_LATE = (deliveries.c.ended_at > deliveries.c.acknowledge_by) & _state_in(
    # What its sender has taken back nobody had to answer.
    {DeliveryState.DELIVERED, DeliveryState.REFUSED, DeliveryState.EXPIRED}
)
IS_RECALLED_BUT_OPEN = IS_OPEN & (deliveries.c.ended_by == _literal(ChangeKind.RECALL))
"""The recipient has accepted the recall and the delivery has not been ended yet."""


def in_line(table: FromClause) -> ColumnElement[bool]:
    """Return the condition that a delivery must wait for the earlier ones of its recipient."""
    return (table.c.state == _literal(DeliveryState.QUEUED)) & (table.c.channel == _literal(Channel.WEBHOOK))


def may_be_read(table: FromClause) -> ColumnElement[bool]:
    """Return the condition that the recipient of a delivery may (still) read its files: as `states` says."""
    over = [_literal(DeliveryState.RECALLED), _literal(DeliveryState.EXPIRED)]
    return table.c.state.not_in(over) & table.c.ended_by.is_distinct_from(_literal(ChangeKind.RECALL))


# One delivery per document and agency, whatever a worker or a resend does.
Index("deliveries_document", deliveries.c.document, deliveries.c.recipient, unique=True)
_partial_index(
    "deliveries_due", deliveries.c.lane, deliveries.c.channel, deliveries.c.due_at, where=IS_QUEUED
)
_partial_index("deliveries_in_line", deliveries.c.recipient, deliveries.c.id, where=in_line(deliveries))
_partial_index("deliveries_open", deliveries.c.recipient, deliveries.c.id, where=IS_OPEN)
_partial_index("deliveries_expiring", deliveries.c.expires_at, where=IS_OPEN)
_partial_index("deliveries_parked", deliveries.c.parked_at, where=IS_PARKED)
_partial_index("deliveries_ended", deliveries.c.recipient, deliveries.c.state, where=IS_ENDED)
_partial_index("deliveries_late", deliveries.c.recipient, deliveries.c.ended_at, where=WAS_ANSWERED_LATE)
_partial_index("deliveries_recalled", deliveries.c.id, where=IS_RECALLED_BUT_OPEN)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery", Name, ForeignKey("deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

# --- what is proved and what happened ------------------------------------------------------------
# No foreign key to the document: each of its 632 acknowledgements would lock the document's row.

receipts = Table(
    "receipts",
    metadata,
    Column("id", Name, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("document", Name, nullable=False),
    Column("delivery", Name, ForeignKey("deliveries.id")),
    Column("at", Utc, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
Index("receipts_document", receipts.c.document)
# A delivery ends once, so it has one receipt at most (NULL, the acceptance receipt, is never equal to NULL).
Index("receipts_delivery", receipts.c.delivery, unique=True)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), Identity(always=True), primary_key=True),
    Column("document", Name, nullable=False),
    Column("delivery", Name, ForeignKey("deliveries.id")),
    Column("agency", Name, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("detail", Text, nullable=False),
)
Index("events_document", events.c.document, events.c.seq)

# --- the business life: statuses and changes -----------------------------------------------------

statuses = Table(
    "statuses",
    metadata,
    Column("id", Name, primary_key=True),
    Column("document", Name, nullable=False),
    Column("delivery", Name, ForeignKey("deliveries.id"), nullable=False),
    Column("author", Name, nullable=False),
    Column("addressee", Name, nullable=False),
    Column("status", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("said_at", Utc, nullable=False),
    Column("description", Text, nullable=False),
    Column("staff", Json(Staff)),
    Column("packet", LargeBinary),
    Column("taken_at", Utc),
)
Index("statuses_document", statuses.c.document, statuses.c.id)
Index("statuses_addressee", statuses.c.addressee, statuses.c.id)
IS_NOT_TAKEN = statuses.c.taken_at.is_(None)
_partial_index("statuses_waiting", statuses.c.addressee, statuses.c.id, where=IS_NOT_TAKEN)

changes = Table(
    "changes",
    metadata,
    Column("id", Name, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("document", Name, nullable=False),
    Column("delivery", Name, ForeignKey("deliveries.id"), nullable=False),
    Column("recipient", Name, nullable=False),
    Column("asked_by", Name, nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("reason", Text, nullable=False),
    Column("answer_by", Utc, nullable=False),
    # When the recipient had opened the document before it was asked for: the proof.
    Column("opened_at", Utc),
    Column("order", Name),
    Column("state", Text, nullable=False),
    Column("answered_at", Utc),
)
IS_ASKED = changes.c.state == _literal(ChangeState.ASKED)
Index("changes_document", changes.c.document, changes.c.recipient)
# One change at a time waits for its answer.
_partial_index("changes_delivery", changes.c.delivery, where=IS_ASKED, unique=True)
_partial_index("changes_asked", changes.c.recipient, changes.c.answer_by, where=IS_ASKED)

# --- connected centres (VXP) ---------------------------------------------------------------------

systems = Table(
    "systems",
    metadata,
    Column("id", Name, primary_key=True),
    Column("name", Text, nullable=False),
    # Encrypted: HMAC needs the secret itself, a hash would not do.
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("register_under", Name),
    Column("previous_secret", LargeBinary),
    Column("previous_valid_until", Utc),
    Column("revoked_at", Utc),
    # Raised by every change of the row or of who is behind it; their sum is the version of all centres.
    Column("revision", Integer, nullable=False, server_default="1"),
)

system_agencies = Table(
    "system_agencies",
    metadata,
    # An agency is behind one centre only: two would both take its documents.
    Column("agency", Name, ForeignKey("agencies.code"), primary_key=True),
    Column("system", Name, ForeignKey("systems.id"), nullable=False),
    # The day on which the centre itself closed the agency: what others have closed it does not open again.
    Column("closed_on", Date),
)
Index("system_agencies_system", system_agencies.c.system)

vxp_calls = Table(
    "vxp_calls",
    metadata,
    Column("system", Name, primary_key=True),
    Column("sha256", Name, primary_key=True),
    Column("expires_at", Utc, nullable=False),
)
Index("vxp_calls_expires_at", vxp_calls.c.expires_at)
