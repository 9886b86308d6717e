# ruff: noqa: N999 (named by its date)
"""${message[:1].upper() + message[1:]}."""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}

# One change of the schema a call. What cannot get its lock gives up: it would hold up everybody else.


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    ${upgrades if upgrades else ""}


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    ${downgrades if downgrades else ""}
