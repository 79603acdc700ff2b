"""What Alembic runs: the revisions, on the connection it was handed."""

from alembic import context
from sqlalchemy import Connection

from gateway.adapters.journal.tables import metadata

connection: Connection = context.config.attributes["connection"]
# SQLite cannot change most of a table in place: batch mode copies it.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
