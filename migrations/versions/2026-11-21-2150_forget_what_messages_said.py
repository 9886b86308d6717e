# ruff: noqa: N999 (named by its date)
"""Forget what messages said."""

from alembic import op

revision = "b4d27c95e013"
down_revision = "7c1f0d2a9b64"
branch_labels = None
depends_on = None

# One change of the schema a call. What cannot get its lock gives up: it would hold up everybody else.


# Until now what a provider's message said, names and addresses of payers, was copied beside the log, where
# neither erasing a member nor forgetting old messages found it. It stands in the message alone.
def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("""delete from baobab.private_part where changes @> '[{"table": "webhook_event"}]'""")


# What is forgotten does not come back.
def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
