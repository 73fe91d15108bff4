"""Alembic's environment: writes the SQL script of one phase, which `wisipay.core.migrations` then runs.

Each phase keeps its own version table, so `pre` and `post` move along the same chain independently.
"""

from alembic import context

if not context.is_offline_mode() or "phase" not in context.config.attributes:
    raise SystemExit("run `wisipay migrate`: revisions need a phase, which plain alembic cannot give")

context.configure(
    dialect_name="postgresql",
    version_table=f"schema_version_{context.config.attributes['phase']}",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
