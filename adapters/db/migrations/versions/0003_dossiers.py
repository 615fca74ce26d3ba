"""Dossiers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

_NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables of dossiers."""
    op.create_table(
        "dossiers",
        sa.Column("code", _NAME, primary_key=True),
        sa.Column("procedure", sa.Text()),
        sa.Column("opened_by", _NAME, nullable=False),
        sa.Column("opened_at", _UTC, nullable=False),
    )
    op.create_table(
        "dossier_stages",
        sa.Column("dossier", _NAME, sa.ForeignKey("dossiers.code"), primary_key=True),
        sa.Column("n", sa.Integer(), primary_key=True),
        sa.Column("agency", _NAME, nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date()),
    )
    op.create_index("dossier_stages_due", "dossier_stages", ["due_on", "dossier"])
    op.create_table(
        "dossier_documents",
        sa.Column("document", _NAME, sa.ForeignKey("documents.id"), primary_key=True),
        sa.Column("dossier", _NAME, sa.ForeignKey("dossiers.code"), nullable=False),
    )
    op.create_index("dossier_documents_dossier", "dossier_documents", ["dossier", "document"])
    op.create_table(
        "dossier_parties",
        sa.Column("agency", _NAME, primary_key=True),
        sa.Column("dossier", _NAME, sa.ForeignKey("dossiers.code"), primary_key=True),
    )
    _files()


def _files() -> None:
    op.create_table(
        "dossier_files",
        sa.Column("dossier", _NAME, sa.ForeignKey("dossiers.code"), primary_key=True),
        sa.Column("component", _NAME, primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", _NAME, nullable=False),
        sa.Column("kept_by", _NAME, nullable=False),
        sa.Column("kept_at", _UTC, nullable=False),
    )
    op.create_index("dossier_files_sha256", "dossier_files", ["sha256"])
