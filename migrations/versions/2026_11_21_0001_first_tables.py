"""First tables, and on Postgres row-level security behind the tenant filter of the sessions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OWNED = (
    "api_keys",
    "users",
    "style_samples",
    "adapters",
    "rewrites",
    "feedback",
    "jobs",
    "job_events",
    "job_metrics",
)
TENANT = "current_setting('idiolect.tenant', true)"
RULES = {
    "tenants": f"{TENANT} IN ('*', id)",
    "admin_logins": f"{TENANT} = '*'",
    **dict.fromkeys(OWNED, f"{TENANT} IN ('*', tenant_id)"),
}
"""Who sees a row, by table. `*` stands for the sweeps, the operator and key look-up; no setting sees nothing."""

ONE_ACTIVE = sa.text("state IN ('queued', 'running')")


def upgrade() -> None:
    op.create_table(
        "admin_logins",
        *identified(),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        time("expires_at"),
        time("used_at", nullable=True),
        sa.UniqueConstraint("secret_sha256", name="uq_admin_logins_secret_sha256"),
        primary_key("admin_logins"),
    )
    op.create_table(
        "tenants",
        *identified(),
        sa.Column("name", sa.String(200), nullable=False),
        sa.UniqueConstraint("name", name="uq_tenants_name"),
        primary_key("tenants"),
    )
    op.create_table(
        "api_keys",
        *identified(),
        tenant(),
        sa.Column("kid", sa.String(16), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        time("expires_at", nullable=True),
        time("revoked_at", nullable=True),
        time("last_used_at", nullable=True),
        of_tenant("api_keys"),
        sa.UniqueConstraint("kid", name="uq_api_keys_kid"),
        primary_key("api_keys"),
    )
    op.create_table(
        "users",
        *identified(),
        tenant(),
        sa.Column("external_id", sa.String(200), nullable=False),
        sa.Column("display_name", sa.String(200), nullable=False),
        sa.Column("active_version", sa.Integer),
        of_tenant("users"),
        sa.UniqueConstraint("tenant_id", "external_id", name="uq_users_tenant_id_external_id"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_users_tenant_id_id"),
        primary_key("users"),
    )
    op.create_table(
        "style_samples",
        *identified(),
        tenant(),
        user(),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("context", sa.String(60)),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        of_user("style_samples"),
        sa.UniqueConstraint("user_id", "sha256", name="uq_style_samples_user_id_sha256"),
        primary_key("style_samples"),
    )
    op.create_table(
        "adapters",
        *identified(),
        tenant(),
        user(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("parent_version", sa.Integer),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("base_digest", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("job_id", sa.String(36)),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("gate", sa.JSON, nullable=False),
        sa.Column("modes", sa.JSON, nullable=False),
        sa.Column("manifest", sa.JSON, nullable=False),
        time("promoted_at", nullable=True),
        time("withdrawn_at", nullable=True),
        of_user("adapters"),
        sa.UniqueConstraint("user_id", "version", name="uq_adapters_user_id_version"),
        primary_key("adapters"),
    )
    op.create_table(
        "rewrites",
        *identified(),
        tenant(),
        user(),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("outputs", sa.JSON, nullable=False),
        sa.Column("adapter_version", sa.Integer),
        sa.Column("adapter_digest", sa.String(64)),
        sa.Column("base_digest", sa.String(64), nullable=False),
        sa.Column("mode", sa.String(60)),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("usage", sa.JSON, nullable=False),
        sa.Column("timing", sa.JSON, nullable=False),
        sa.Column("scores", sa.JSON),
        time("scored_at", nullable=True),
        of_user("rewrites"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_rewrites_tenant_id_id"),
        primary_key("rewrites"),
    )
    op.create_table(
        "feedback",
        *identified(),
        tenant(),
        user(),
        sa.Column("rewrite_id", sa.String(36), nullable=False),
        sa.Column("output_index", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("rating", sa.Double),
        sa.Column("edited_text", sa.Text),
        sa.Column("satisfaction", sa.Double),
        sa.Column("scorer", sa.String(80)),
        time("scored_at", nullable=True),
        of_user("feedback"),
        of_parent("feedback", "rewrite_id", "rewrites"),
        primary_key("feedback"),
    )
    op.create_table(
        "jobs",
        *identified(),
        tenant(),
        user(),
        sa.Column("recipe", sa.String(40), nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("stage", sa.String(40), nullable=False),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("lease_owner", sa.String(120)),
        time("lease_until", nullable=True),
        time("heartbeat_at", nullable=True),
        time("published_at"),
        time("started_at", nullable=True),
        time("finished_at", nullable=True),
        sa.Column("result", sa.JSON, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("remedy", sa.Text),
        of_user("jobs"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_jobs_tenant_id_id"),
        primary_key("jobs"),
    )
    op.create_table(
        "job_events",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        tenant(),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        time("created_at"),
        of_parent("job_events", "job_id", "jobs"),
        primary_key("job_events"),
    )
    op.create_table(
        "job_metrics",
        tenant(),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        of_parent("job_metrics", "job_id", "jobs"),
        primary_key("job_metrics", "job_id", "stage", "step", "name"),
    )
    for table, *columns in INDEXES:
        op.create_index(op.f(f"ix_{'_'.join([table, *columns])}"), table, columns)
    op.create_index(
        "uq_jobs_one_active_per_user",
        "jobs",
        ["user_id"],
        unique=True,
        sqlite_where=ONE_ACTIVE,
        postgresql_where=ONE_ACTIVE,
    )
    if op.get_bind().dialect.name == "postgresql":
        for table, rule in RULES.items():
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            # Without FORCE the owner, which is who we usually connect as, would be exempt.
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY tenant ON {table} USING ({rule}) WITH CHECK ({rule})")


def downgrade() -> None:
    for table in CHILDREN_FIRST:
        op.drop_table(table)


INDEXES = (
    *((table, "tenant_id") for table in OWNED),
    *((table, "user_id") for table in ("style_samples", "adapters", "rewrites", "feedback", "jobs")),
    ("adapters", "digest"),
    ("feedback", "rewrite_id"),
    ("jobs", "state"),
    ("job_events", "job_id"),
)

CHILDREN_FIRST = (
    "job_metrics",
    "job_events",
    "jobs",
    "feedback",
    "rewrites",
    "adapters",
    "style_samples",
    "users",
    "api_keys",
    "tenants",
    "admin_logins",
)


def identified() -> tuple[sa.Column[str], sa.Column[object]]:
    return sa.Column("id", sa.String(36), nullable=False), time("created_at")


def time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def tenant() -> sa.Column[str]:
    return sa.Column("tenant_id", sa.String(36), nullable=False)


def user() -> sa.Column[str]:
    return sa.Column("user_id", sa.String(36), nullable=False)


def primary_key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*(columns or ("id",)), name=f"pk_{table}")


def of_tenant(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_tenant_id_tenants"
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=name, ondelete="CASCADE")


def of_user(table: str) -> sa.ForeignKeyConstraint:
    return of_parent(table, "user_id", "users")


def of_parent(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    """The key includes the tenant, so that a row can never hang on another tenant's parent."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{parent}.tenant_id", f"{parent}.id"],
        name=f"fk_{table}_tenant_id_{column}_{parent}",
        ondelete="CASCADE",
    )
