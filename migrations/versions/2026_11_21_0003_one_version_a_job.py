"""A training publishes one version. Of several of one job, the first stays the job's; the others stay as they are."""

from collections.abc import Sequence

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = "uq_adapters_job_id"


def upgrade() -> None:
    op.execute(
        "UPDATE adapters SET job_id = NULL WHERE EXISTS (SELECT 1 FROM adapters AS earlier "
        "WHERE earlier.job_id = adapters.job_id AND earlier.version < adapters.version)"
    )
    with op.batch_alter_table("adapters") as adapters:
        adapters.create_unique_constraint(KEY, ["job_id"])


def downgrade() -> None:
    with op.batch_alter_table("adapters") as adapters:
        adapters.drop_constraint(KEY, type_="unique")
