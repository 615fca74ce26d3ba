"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_QUEUED = "state = 'QUEUED'"
_OPEN = "state IN ('OFFERED', 'PARKED', 'QUEUED')"
_ENDED = "state IN ('DELIVERED', 'EXPIRED', 'RECALLED', 'REFUSED')"
_IN_LINE = "state = 'QUEUED' AND channel = 'webhook'"

_NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make all tables."""
    _agencies()
    _clients()
    _documents()
    _deliveries()
    _proofs()


def _required(name: str, kind: sa.types.TypeEngine[Any], *more: sa.ForeignKey) -> sa.Column[Any]:
    return sa.Column(name, kind, *more, nullable=False)


def _key(name: str, kind: sa.types.TypeEngine[Any], *more: sa.ForeignKey) -> sa.Column[Any]:
    return sa.Column(name, kind, *more, primary_key=True)


def _partial_index(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "deliveries", columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _agencies() -> None:
    op.create_table(
        "agencies",
        _key("code", _NAME),
        _required("name", sa.Text()),
        _required("level", sa.Integer()),
        sa.Column("parent", _NAME),
        _required("channel", sa.Text()),
        _required("policy", sa.Text()),
        sa.Column("webhook_url", sa.Text()),
        sa.Column("webhook_secret", sa.Text()),
        sa.Column("email", sa.Text()),
        sa.Column("phone", sa.Text()),
        sa.Column("closed_on", sa.Date()),
        _required("revision", sa.Integer()),
        _required("changed_at", _UTC),
    )
    op.create_table(
        "agency_aliases",
        _key("agency", _NAME, sa.ForeignKey("agencies.code")),
        _key("n", sa.Integer()),
        _required("scheme", sa.Text()),
        _required("value", _NAME),
        sa.Column("valid_from", sa.Date()),
        sa.Column("valid_until", sa.Date()),
    )
    op.create_index("agency_aliases_value", "agency_aliases", ["value"])


def _clients() -> None:
    op.create_table(
        "clients",
        _key("id", _NAME),
        _required("role", sa.Text()),
        sa.Column("agency", _NAME, sa.ForeignKey("agencies.code")),
        sa.Column("secret_sha256", sa.Text()),
        sa.Column("public_key", sa.Text()),
        _required("created_at", _UTC),
        sa.Column("revoked_at", _UTC),
        sa.Column("previous_secret_sha256", sa.Text()),
        sa.Column("previous_valid_until", _UTC),
    )
    op.create_index("clients_agency", "clients", ["agency"])
    op.create_table(
        "tokens",
        _key("sha256", _NAME),
        _required("client", _NAME, sa.ForeignKey("clients.id")),
        _required("expires_at", _UTC),
    )
    op.create_index("tokens_client", "tokens", ["client"])
    op.create_index("tokens_expires_at", "tokens", ["expires_at"])
    op.create_table(
        "assertions",
        _key("client", _NAME, sa.ForeignKey("clients.id")),
        _key("jti", _NAME),
        _required("expires_at", _UTC),
    )
    op.create_index("assertions_expires_at", "assertions", ["expires_at"])


def _documents() -> None:
    op.create_table(
        "documents",
        _key("id", _NAME),
        _required("sender", _NAME),
        _required("document_id", _NAME),
        _required("envelope", sa.Text()),
        _required("label", sa.Text()),
        _required("accepted_at", _UTC),
        sa.Column("duplicate_of", _NAME),
        _required("skipped", sa.Text()),
    )
    op.create_index("documents_sender", "documents", ["sender", "document_id"])
    op.create_table(
        "files",
        _key("document", _NAME, sa.ForeignKey("documents.id")),
        _key("n", sa.Integer()),
        _required("name", sa.Text()),
        _required("media_type", sa.Text()),
        _required("size_bytes", sa.BigInteger()),
        _required("sha256", _NAME),
        _required("verdict", sa.Text()),
        _required("report", sa.Text()),
    )
    op.create_index("files_sha256", "files", ["sha256"])
    op.create_table(
        "answers",
        _key("agency", _NAME),
        _key("route", _NAME),
        _key("key", _NAME),
        _required("fingerprint", sa.Text()),
        _required("document", _NAME),
        _required("content", sa.LargeBinary()),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        _key("id", _NAME),
        _required("document", _NAME, sa.ForeignKey("documents.id")),
        _required("recipient", _NAME),
        _required("lane", sa.Text()),
        _required("channel", sa.Text()),
        _required("state", sa.Text()),
        _required("attempts", sa.Integer()),
        _required("settled", sa.Integer()),
        _required("tries", sa.Integer()),
        sa.Column("due_at", _UTC),
        _required("expires_at", _UTC),
        sa.Column("offered_at", _UTC),
        sa.Column("parked_at", _UTC),
        sa.Column("ended_at", _UTC),
        sa.Column("reason", sa.Text()),
        sa.Column("receipt", _NAME),
        sa.Column("lease_token", sa.Text()),
        sa.Column("leased_until", _UTC),
    )
    op.create_index("deliveries_document", "deliveries", ["document", "recipient"], unique=True)
    _partial_index("deliveries_due", ["lane", "channel", "due_at"], _QUEUED)
    _partial_index("deliveries_in_line", ["recipient", "id"], _IN_LINE)
    _partial_index("deliveries_open", ["recipient", "id"], _OPEN)
    _partial_index("deliveries_expiring", ["expires_at"], _OPEN)
    _partial_index("deliveries_parked", ["parked_at"], "state = 'PARKED'")
    _partial_index("deliveries_ended", ["recipient", "state"], _ENDED)
    op.create_table(
        "attempts",
        _key("delivery", _NAME, sa.ForeignKey("deliveries.id")),
        _key("number", sa.Integer()),
        _required("at", _UTC),
        _required("outcome", sa.Text()),
        _required("detail", sa.Text()),
    )


def _proofs() -> None:
    op.create_table(
        "receipts",
        _key("id", _NAME),
        _required("kind", sa.Text()),
        _required("document", _NAME),
        sa.Column("delivery", _NAME, sa.ForeignKey("deliveries.id")),
        _required("at", _UTC),
        _required("content", sa.LargeBinary()),
    )
    op.create_index("receipts_document", "receipts", ["document"])
    op.create_index("receipts_delivery", "receipts", ["delivery"], unique=True)
    op.create_table(
        "events",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.Identity(always=True),
            primary_key=True,
        ),
        _required("document", _NAME),
        sa.Column("delivery", _NAME, sa.ForeignKey("deliveries.id")),
        _required("agency", _NAME),
        _required("kind", sa.Text()),
        _required("at", _UTC),
        _required("detail", sa.Text()),
    )
    op.create_index("events_document", "events", ["document", "seq"])
