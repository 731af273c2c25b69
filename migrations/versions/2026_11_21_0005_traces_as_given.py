"""A reaction leaves one trace of the text it is about and one of its correction; copies of them may be many."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

AS_GIVEN = "origin IN ('reply', 'edit')"
INDEX = "uq_traces_as_given"


def upgrade() -> None:
    op.execute(
        "DELETE FROM traces WHERE origin IN ('reply', 'edit') AND EXISTS (SELECT 1 FROM traces AS earlier "
        "WHERE earlier.feedback_id = traces.feedback_id AND earlier.origin = traces.origin "
        "AND earlier.id < traces.id)"
    )
    op.create_index(
        INDEX,
        "traces",
        ["feedback_id", "origin"],
        unique=True,
        sqlite_where=sa.text(AS_GIVEN),
        postgresql_where=sa.text(AS_GIVEN),
    )


def downgrade() -> None:
    op.drop_index(INDEX, "traces")
