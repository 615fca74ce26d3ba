"""The business life of documents, packets, and connected centres.

Works while the version before it runs: every new column of an old table is empty or has a default there.
But that version records no openings, and an empty `opened_at` proves that nobody has read a document: stop it
before documents are recalled.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

_OPEN = "state IN ('OFFERED', 'PARKED', 'QUEUED')"
_ANSWERED_LATE = "ended_at > acknowledge_by AND state IN ('DELIVERED', 'EXPIRED', 'REFUSED')"
_ASKED = "state = 'asked'"
_NOT_TAKEN = "taken_at IS NULL"

_NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add columns to the first tables, and the new tables."""
    _columns()
    _packets()
    _statuses()
    _changes()
    _systems()
    _fill()


def _required(name: str, kind: sa.types.TypeEngine[Any], *more: sa.ForeignKey) -> sa.Column[Any]:
    return sa.Column(name, kind, *more, nullable=False)


def _key(name: str, kind: sa.types.TypeEngine[Any], *more: sa.ForeignKey) -> sa.Column[Any]:
    return sa.Column(name, kind, *more, primary_key=True)


def _partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


def _columns() -> None:
    op.add_column("agencies", sa.Column("dialect", sa.Text(), nullable=False, server_default="java"))
    for column in (
        sa.Column("kind", sa.Text(), nullable=False, server_default="new"),
        sa.Column("subject", sa.Text()),
        sa.Column("number", sa.Text()),
        sa.Column("notation", sa.Text()),
        sa.Column("year", sa.Integer()),
        sa.Column("send_by", _UTC),
    ):
        op.add_column("documents", column)
    op.create_index("documents_number", "documents", ["sender", "number", "notation", "year"])
    op.create_index("documents_sent", "documents", ["sender", "id"])
    _partial_index("documents_late", "documents", ["sender", "accepted_at"], "accepted_at > send_by")
    for column in (
        sa.Column("opened_at", _UTC),
        sa.Column("acknowledge_by", _UTC),
        sa.Column("progress", sa.Text()),
        sa.Column("asked", sa.Text()),
        sa.Column("ended_by", sa.Text()),
    ):
        op.add_column("deliveries", column)
    _partial_index("deliveries_late", "deliveries", ["recipient", "ended_at"], _ANSWERED_LATE)
    _partial_index("deliveries_recalled", "deliveries", ["id"], f"{_OPEN} AND ended_by = 'recall'")


def _fill() -> None:
    """Fill the new columns of old rows. Nobody has written down which documents were opened: all may have
    been, since they were there. When they should have been acknowledged stays unknown."""
    op.execute(
        "UPDATE deliveries SET opened_at = COALESCE("
        "CASE WHEN state IN ('DELIVERED', 'REFUSED') THEN ended_at END, "
        "(SELECT accepted_at FROM documents WHERE documents.id = deliveries.document))"
    )
    if op.get_bind().dialect.name == "postgresql":
        field = "CAST(envelope AS json) ->> '{}'"
        year = "EXTRACT(YEAR FROM accepted_at AT TIME ZONE 'UTC' + INTERVAL '7 hours')"
    else:
        field = "json_extract(envelope, '$.{}')"
        year = "strftime('%Y', accepted_at, '+7 hours')"
    fields = ", ".join(f"{name} = {field.format(name)}" for name in ("subject", "number", "notation"))
    # Without a day of issue, which the first release did not know, it is the year of acceptance.
    op.execute(f"UPDATE documents SET {fields}, year = CAST({year} AS INTEGER)")  # noqa: S608


def _packets() -> None:
    op.create_table(
        "packets",
        _key("document", _NAME, sa.ForeignKey("documents.id")),
        _required("sha256", _NAME),
        _required("dialect", sa.Text()),
        _required("header", sa.LargeBinary()),
    )
    op.create_index("packets_sha256", "packets", ["sha256"])


def _statuses() -> None:
    op.create_table(
        "statuses",
        _key("id", _NAME),
        _required("document", _NAME),
        _required("delivery", _NAME, sa.ForeignKey("deliveries.id")),
        _required("author", _NAME),
        _required("addressee", _NAME),
        _required("status", sa.Text()),
        _required("at", _UTC),
        _required("said_at", _UTC),
        _required("description", sa.Text()),
        sa.Column("staff", sa.Text()),
        sa.Column("packet", sa.LargeBinary()),
        sa.Column("taken_at", _UTC),
    )
    op.create_index("statuses_document", "statuses", ["document", "id"])
    op.create_index("statuses_addressee", "statuses", ["addressee", "id"])
    _partial_index("statuses_waiting", "statuses", ["addressee", "id"], _NOT_TAKEN)


def _changes() -> None:
    op.create_table(
        "changes",
        _key("id", _NAME),
        _required("kind", sa.Text()),
        _required("document", _NAME),
        _required("delivery", _NAME, sa.ForeignKey("deliveries.id")),
        _required("recipient", _NAME),
        _required("asked_by", _NAME),
        _required("asked_at", _UTC),
        _required("reason", sa.Text()),
        _required("answer_by", _UTC),
        sa.Column("opened_at", _UTC),
        sa.Column("order", _NAME),
        _required("state", sa.Text()),
        sa.Column("answered_at", _UTC),
    )
    op.create_index("changes_document", "changes", ["document", "recipient"])
    _partial_index("changes_delivery", "changes", ["delivery"], _ASKED, unique=True)
    _partial_index("changes_asked", "changes", ["recipient", "answer_by"], _ASKED)


def _systems() -> None:
    op.create_table(
        "systems",
        _key("id", _NAME),
        _required("name", sa.Text()),
        _required("secret", sa.LargeBinary()),
        _required("created_at", _UTC),
        sa.Column("register_under", _NAME),
        sa.Column("previous_secret", sa.LargeBinary()),
        sa.Column("previous_valid_until", _UTC),
        sa.Column("revoked_at", _UTC),
    )
    op.create_table(
        "system_agencies",
        _key("agency", _NAME, sa.ForeignKey("agencies.code")),
        _required("system", _NAME, sa.ForeignKey("systems.id")),
        sa.Column("closed_on", sa.Date()),
    )
    op.create_index("system_agencies_system", "system_agencies", ["system"])
    op.create_table(
        "vxp_calls",
        _key("system", _NAME),
        _key("sha256", _NAME),
        _required("expires_at", _UTC),
    )
    op.create_index("vxp_calls_expires_at", "vxp_calls", ["expires_at"])
