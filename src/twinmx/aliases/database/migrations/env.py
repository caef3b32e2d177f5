"""What alembic runs to apply migrations: on the connection it was given, in that transaction."""

from alembic import context

from twinmx.aliases.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
