# SPDX-License-Identifier: Apache-2.0
"""How far live migrations are."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_COUNTERS = tuple(f"{what}_{how}" for what in ("memory", "disk") for how in ("total", "processed", "remaining"))


def upgrade() -> None:
    with op.batch_alter_table("migrations") as batch:
        for name in _COUNTERS:
            batch.add_column(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("migrations") as batch:
        for name in _COUNTERS:
            batch.drop_column(name)
