"""The tables of dossiers. Most of a dossier is in its documents: here is what links and plans them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Index, Integer, Table, Text

from adapters.db.dialects import Name, Utc
from adapters.db.schema import metadata

dossiers = Table(
    "dossiers",
    metadata,
    Column("code", Name, primary_key=True),
    Column("procedure", Text),
    Column("opened_by", Name, nullable=False),
    Column("opened_at", Utc, nullable=False),
)

dossier_stages = Table(
    "dossier_stages",
    metadata,
    Column("dossier", Name, ForeignKey("dossiers.code"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("agency", Name, nullable=False),
    # Which stage of this agency in the dossier it is, 1 for the first.
    Column("nth", Integer, nullable=False),
    Column("due_on", Date),
)
Index("dossier_stages_due", dossier_stages.c.due_on, dossier_stages.c.dossier)

dossier_documents = Table(
    "dossier_documents",
    metadata,
    Column("document", Name, ForeignKey("documents.id"), primary_key=True),
    Column("dossier", Name, ForeignKey("dossiers.code"), nullable=False),
)
Index("dossier_documents_dossier", dossier_documents.c.dossier, dossier_documents.c.document)

# Whoever may have a part in it: opened it, has a stage in it, or was ever sent a document of it. Only grows,
# for finding an agency's dossiers by key; whether it has a part still is another question.
dossier_parties = Table(
    "dossier_parties",
    metadata,
    Column("agency", Name, primary_key=True),
    Column("dossier", Name, ForeignKey("dossiers.code"), primary_key=True),
)

# Taken in from existing stores. Components that came with a document are files of that document.
dossier_files = Table(
    "dossier_files",
    metadata,
    Column("dossier", Name, ForeignKey("dossiers.code"), primary_key=True),
    Column("component", Name, primary_key=True),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Name, nullable=False),
    Column("kept_by", Name, nullable=False),
    Column("kept_at", Utc, nullable=False),
)
Index("dossier_files_sha256", dossier_files.c.sha256)
