"""Traces and the scorers that learn from them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

RULE = "current_setting('idiolect.tenant', true) IN ('*', tenant_id)"
TABLES = ("traces", "scorers")
INDEXES = (
    ("traces", "tenant_id"),
    ("traces", "user_id"),
    ("traces", "feedback_id"),
    ("scorers", "tenant_id"),
    ("scorers", "user_id"),
)
FEEDBACK_KEY = "uq_feedback_tenant_id_id"


def upgrade() -> None:
    with op.batch_alter_table("feedback") as feedback:
        feedback.create_unique_constraint(FEEDBACK_KEY, ["tenant_id", "id"])
    op.create_table(
        "traces",
        *owned(),
        sa.Column("feedback_id", sa.String(36), nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("output", sa.Text, nullable=False),
        sa.Column("rejected", sa.Text),
        sa.Column("origin", sa.String(12), nullable=False),
        sa.Column("static_score", sa.Double, nullable=False),
        sa.Column("doubt", sa.Double, nullable=False),
        sa.Column("confidence", sa.Double, nullable=False),
        sa.Column("reply", sa.Integer, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("draw", sa.Double, nullable=False),
        sa.Column("heard_by", sa.Integer),
        sa.Column("rescored_at", sa.DateTime(timezone=True)),
        of_parent("traces", "user_id", "users"),
        of_parent("traces", "feedback_id", "feedback"),
        sa.PrimaryKeyConstraint("id", name="pk_traces"),
    )
    op.create_table(
        "scorers",
        *owned(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("replies", sa.Integer, nullable=False),
        sa.Column("features", sa.String(64), nullable=False),
        sa.Column("state", sa.LargeBinary),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("beliefs", sa.JSON, nullable=False),
        of_parent("scorers", "user_id", "users"),
        sa.UniqueConstraint("user_id", "version", name="uq_scorers_user_id_version"),
        sa.PrimaryKeyConstraint("id", name="pk_scorers"),
    )
    for table, column in INDEXES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            # Without FORCE the owner, which is who we usually connect as, would be exempt.
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY tenant ON {table} USING ({RULE}) WITH CHECK ({RULE})")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    with op.batch_alter_table("feedback") as feedback:
        feedback.drop_constraint(FEEDBACK_KEY, type_="unique")


def owned() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
    )


def of_parent(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    """The key includes the tenant, so that a row can never hang on another tenant's parent."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{parent}.tenant_id", f"{parent}.id"],
        name=f"fk_{table}_tenant_id_{column}_{parent}",
        ondelete="CASCADE",
    )
