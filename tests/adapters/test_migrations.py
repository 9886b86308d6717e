"""The migrations make what the tables say and undo it without a trace; tables keep the rule of homes."""

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, MetaData, Table, UniqueConstraint
from sqlalchemy.engine import make_url
from sqlalchemy.schema import SchemaItem

from baobab.adapters.postgres import migrate, stored
from baobab.adapters.postgres.schema import metadata
from builders import ddl_of

ROOT = Path(__file__).parents[2]
TABLES = sorted(metadata.tables.values(), key=lambda table: table.name)
NewDatabase = Callable[[], Awaitable[str]]

SCHEMA_IN_LINES = """
with ours as (
    select c.oid, c.relname, c.relkind from pg_class c
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'baobab'
    where c.relname !~ '^alembic_version'
)
select format('%s is %s', relname, relkind) from ours
union all
select format('%s.%s %s null:%s default:%s %s%s', relname, attname, format_type(atttypid, atttypmod),
              not attnotnull, pg_get_expr(adbin, adrelid), attidentity, attgenerated)
from ours join pg_attribute on attrelid = ours.oid and attnum > 0 and not attisdropped
left join pg_attrdef on adrelid = attrelid and adnum = attnum
union all
select format('%s: %s %s', relname, conname, pg_get_constraintdef(c.oid))
from ours join pg_constraint c on conrelid = ours.oid and contype <> 'n'
union all
select pg_get_indexdef(indexrelid) from ours join pg_index on indrelid = ours.oid
"""
EVERYTHING = """
select nspname::text from pg_namespace where nspname !~ '^(pg_|information_schema)'
union all
select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where nspname !~ '^(pg_|information_schema)'
"""


async def ask(url: str, query: str) -> list[str]:
    """The first column of every row, sorted. Names of our schema are told apart from those of others."""
    connection = await asyncpg.connect(url, server_settings={"search_path": "public"})
    try:
        return sorted(row[0] for row in await connection.fetch(query))
    finally:
        await connection.close()


async def do(url: str, *statements: str) -> None:
    for statement in statements:
        await ask(url, statement)


async def upgrade(url: str) -> None:
    await asyncio.to_thread(migrate.upgrade, url)


async def test_the_migrations_make_what_the_tables_say_to_the_last_check(new_database: NewDatabase) -> None:
    migrated, made = await new_database(), await new_database()
    await upgrade(migrated)
    await do(made, "create schema baobab", *ddl_of(TABLES))
    assert await ask(migrated, SCHEMA_IN_LINES) == await ask(made, SCHEMA_IN_LINES)


async def test_down_leaves_nothing_behind_and_up_again_makes_the_same(
    new_database: NewDatabase,
) -> None:
    url = await new_database()
    empty = await ask(url, EVERYTHING)
    await upgrade(url)
    first = await ask(url, SCHEMA_IN_LINES)
    await asyncio.to_thread(migrate.downgrade, url, "base")
    assert await ask(url, EVERYTHING) == empty
    await upgrade(url)
    assert await ask(url, SCHEMA_IN_LINES) == first


async def test_a_database_says_whether_it_is_current(new_database: NewDatabase) -> None:
    url = await new_database()
    assert await asyncio.to_thread(migrate.current, url) is None
    await upgrade(url)
    assert await asyncio.to_thread(migrate.current, url) == migrate.head()


async def test_programs_that_upgrade_at_once_take_turns(new_database: NewDatabase) -> None:
    url = await new_database()
    await asyncio.gather(*(upgrade(url) for _ in range(4)))
    assert await asyncio.to_thread(migrate.current, url) == migrate.head()


async def test_a_schema_that_was_there_before_is_used(new_database: NewDatabase) -> None:
    url = await new_database()
    await do(url, "create schema baobab")
    await upgrade(url)
    assert await asyncio.to_thread(migrate.current, url) == migrate.head()


async def test_what_providers_wrote_of_payers_is_forgotten_where_it_was_copied_to(
    new_database: NewDatabase,
) -> None:
    """Of what else is private nothing goes."""
    url = await new_database()
    await asyncio.to_thread(migrate.upgrade, url, "7c1f0d2a9b64")
    for key, table in (("message", "webhook_event"), ("profile", "profile")):
        await do(
            url,
            "insert into baobab.private_part (user_id, key, digest, result, address, recorded_at, changes) "
            f"values (gen_random_uuid(), '{key}', '', '', '', now(), '[{{\"table\": \"{table}\"}}]') "
            "returning key",
        )
    await upgrade(url)
    assert await ask(url, "select key from baobab.private_part") == ["profile"]


# --- drafts -------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package with its migrations, where drafts may be written."""
    for source, copy in (("src", "baobab"), ("migrations", "baobab/migrations")):
        shutil.copytree(ROOT / source, tmp_path / copy, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def versions(tree: Path) -> set[Path]:
    return set(tree.glob("baobab/migrations/versions/2*.py"))


async def run(tree: Path, *arguments: str) -> str:
    """What Python prints, run in a tree."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, *arguments],
        cwd=tree,
        env={"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def calling(call: str) -> tuple[str, str]:
    return "-c", f"from baobab.adapters.postgres import migrate; print(migrate.{call})"


async def test_where_history_and_tables_agree_nothing_is_drafted(
    tree: Path, new_database: NewDatabase
) -> None:
    before = versions(tree)
    assert await run(tree, *calling(f"new_revision('nothing new', {await new_database()!r})")) == "None"
    assert versions(tree) == before


async def test_a_draft_is_dated_formatted_and_makes_what_the_tables_say(
    tree: Path, new_database: NewDatabase
) -> None:
    """Also on a database whose default schema is ours, as it is for a user called `baobab`."""
    for file in versions(tree):
        file.unlink()
    url, made = await new_database(), await new_database()
    await do(url, f"alter database {make_url(url).database} set search_path = baobab, public")
    draft = await run(tree, *calling(f"new_revision('every table', {url!r})"))
    assert versions(tree) == {Path(draft)}
    assert re.search(r"/20\d\d-\d\d-\d\d-\d{4}_every_table\.py$", draft)
    await run(tree, "-m", "ruff", "format", "--check", draft)
    await run(tree, *calling(f"upgrade({url!r})"))
    await do(made, "create schema baobab", *ddl_of(TABLES))
    assert await ask(url, SCHEMA_IN_LINES) == await ask(made, SCHEMA_IN_LINES)
    assert await run(tree, *calling(f"new_revision('nothing new', {url!r})")) == "None"


def test_every_migration_gives_up_where_it_must_wait_for_a_lock() -> None:
    files = sorted((ROOT / "migrations" / "versions").glob("2*.py"))
    first = re.compile(
        r"^def (?:up|down)grade\(\) -> None:\n    op\.execute\(\"set local lock_timeout", re.MULTILINE
    )
    assert {len(first.findall(file.read_text())) for file in files} == {2}


# --- homes --------------------------------------------------------------------------------------


def objections(table: Table) -> Iterator[str]:
    """Where a table breaks the rule of homes: it could not be distributed, or not be kept together."""
    home = table.info["home"]
    if home != "reference":
        if [column.name for column in table.primary_key][:1] != [home]:
            yield f"{home} is not first in the primary key"
        uniques = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
        for unique in (*uniques, *(index for index in table.indexes if index.unique)):
            if home not in unique.columns:
                yield f"{home} is not in {unique.name}"
    for key in table.foreign_key_constraints:
        yield from _key_objections(home, key)


def _key_objections(home: str, key: ForeignKeyConstraint) -> Iterator[str]:
    if "SET NULL" in (key.ondelete or "") or key.onupdate:
        yield f"{key.name} changes rows by itself"
    there = key.referred_table.info["home"]
    if there == "reference":
        return
    pairs = [(element.parent.name, element.column.name) for element in key.elements]
    if there != home or (home, home) not in pairs:
        yield f"{key.name} leaves home"


def test_every_kind_of_record_has_a_table() -> None:
    assert {one.table for one in stored.STORED.values()} <= set(TABLES)
    assert len({one.table.name for one in stored.STORED.values()}) == len(stored.STORED)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_can_be_distributed_by_its_home(table: Table) -> None:
    assert list(objections(table)) == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_everything_in_a_table_has_a_name_of_its_own(table: Table) -> None:
    named = [one.name for one in (*table.constraints, *table.indexes)]
    assert None not in named
    assert all(str(name).startswith(table.name) for name in named)


def planted() -> dict[str, Table]:
    tables = MetaData()

    def table(name: str, home: str, *rest: SchemaItem) -> Table:
        columns = [Column("user_id", Integer, primary_key=True), Column("id", Integer, primary_key=True)]
        return Table(name, tables, *columns, Column("other", Integer), *rest, info={"home": home})

    table("member", "user_id")
    table("product", "reference")
    ids, to_member = ["user_id", "id"], ["member.user_id", "member.id"]
    to_product = ["product.user_id", "product.id"]
    return {
        "id is not first in the primary key": table("a", "id"),
        "user_id is not in b_key": table("b", "user_id", UniqueConstraint("other", name="b_key")),
        "user_id is not in c_idx": table("c", "user_id", Index("c_idx", "other", unique=True)),
        "d leaves home": table("d", "user_id", ForeignKeyConstraint(["other", "id"], to_member, name="d")),
        "e leaves home": table("e", "reference", ForeignKeyConstraint(ids, to_member, name="e")),
        "f changes rows by itself": table(
            "f", "user_id", ForeignKeyConstraint(["other", "id"], to_product, name="f", ondelete="SET NULL")
        ),
    }


@pytest.mark.parametrize(("objection", "table"), planted().items(), ids=list(planted()))
def test_a_planted_violation_of_the_rule_of_homes_is_named(objection: str, table: Table) -> None:
    assert list(objections(table)) == [objection]
