"""A version of the connected centres.

Works while the version before it runs. What that one changes raises no revision, and is seen by the new
version when it no longer believes what it remembers, a minute later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Number the changes of each centre."""
    op.add_column("systems", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
