"""How Alembic runs a migration: on the connection that baobab.adapters.postgres.migrate opened."""

from typing import Any

from alembic import context

from baobab.adapters.postgres import stored
from baobab.adapters.postgres.schema import SCHEMA, metadata

assert stored.STORED, "importing the stored kinds puts every table in the metadata"


def is_ours(name: str | None, kind: str, parents: dict[str, Any]) -> bool:
    """Whether a name of the database is looked at: no other schema than ours."""
    return kind != "schema" or name == SCHEMA


def forget_what_is_empty(migration: Any, revision: Any, drafts: list[Any]) -> None:
    """Write no file for a draft that changes nothing."""
    if drafts[0].upgrade_ops.is_empty():
        drafts.clear()


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
    include_name=is_ours,
    process_revision_directives=forget_what_is_empty,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
