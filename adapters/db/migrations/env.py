"""What Alembic runs: the migrations, on the connection and in the transaction of `adapters.db.migrate`."""

from __future__ import annotations

from alembic import context

from adapters.db.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
