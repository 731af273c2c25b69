"""Which samples trainings are tested on stays with them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("style_samples", sa.Column("is_held_out", sa.Boolean))


def downgrade() -> None:
    with op.batch_alter_table("style_samples") as samples:
        samples.drop_column("is_held_out")
