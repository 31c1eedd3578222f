"""Alembic's entry: runs revisions on the connection that `core.store.migrations` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
with context.begin_transaction():
    context.run_migrations()
