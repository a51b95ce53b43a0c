# SPDX-License-Identifier: Apache-2.0
"""alembic's environment, the same for every database: it works on the connection it is given."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
