"""What Alembic runs: the migrations, on the connection and in the transaction of `adapters.db.migrate`."""

from __future__ import annotations

from alembic import context

from adapters.db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # Alembic believes that SQLite cannot do this, and would commit after each migration: another process
    # that upgrades at the same time then gets in between.
    transactional_ddl=True,
)
context.run_migrations()
