"""Each role of the database may do what it needs and no more, whatever kinds of record there will be."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from click.testing import CliRunner
from sqlalchemy.engine import make_url

from baobab.adapters.postgres import migrate, roles
from baobab.adapters.postgres.database import Database
from baobab.adapters.postgres.roles import MIGRATOR, READER, SERVICE, Grant, RolesRefused, changing, wanted
from baobab.adapters.postgres.schema import SCHEMA, metadata
from baobab.adapters.postgres.server import EmbeddedServer
from baobab.adapters.postgres.stored import STORED
from baobab.application import points
from baobab.application.points import POSTINGS
from baobab.application.work import HAPPENINGS, RUNS, NotGranted
from baobab.domain import shared
from baobab.entrypoints.cli import cli
from builders import World

NewDatabase = Callable[[], Awaitable[str]]
FOREVER = [stored for kind, stored in STORED.items() if not (kind.changes or kind.removable or kind.marked)]


async def ask(url: str, statement: str, *args: Any) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement, *args)
    finally:
        await connection.close()


def test_what_is_written_once_is_neither_changed_nor_removed_by_the_service() -> None:
    """But for the one column by which a row that is locked by name is locked."""
    assert {POSTINGS, RUNS, HAPPENINGS, points.ALLOCATIONS} <= {stored.kind for stored in FOREVER}
    for stored in FOREVER:
        name = stored.table.name
        given = {grant for grant in wanted() if grant.role == SERVICE and grant.table == name}
        locked = {Grant(SERVICE, "UPDATE", name, stored.kind.key_fields[0])} if stored.kind.root else set()
        assert given == {Grant(SERVICE, "SELECT", name), Grant(SERVICE, "INSERT", name), *locked}


async def test_every_table_there_is_has_its_grants_and_there_is_nothing_else_to_grant(
    database_url: str,
) -> None:
    """Tables and their indexes alone: no sequence, view, function or type that somebody could be given."""
    there = f"from pg_class where relnamespace = '{SCHEMA}'::regnamespace"
    assert set(await ask(database_url, f"select array_agg(distinct relkind) {there}")) == {b"r", b"i"}
    for catalog in (
        "pg_proc where pronamespace",
        "pg_type where typtype <> 'c' and typelem = 0 and typnamespace",
    ):
        assert await ask(database_url, f"select count(*) from {catalog} = '{SCHEMA}'::regnamespace") == 0
    tables = set(await ask(database_url, f"select array_agg(relname::text) {there} and relkind = 'r'"))
    assert tables == {table.name for table in metadata.sorted_tables} | {roles.VERSIONS}
    given = {
        (grant.table, grant.privilege) for grant in wanted() if grant.role == SERVICE and not grant.column
    }
    assert {name for name in tables if (name, "SELECT") in given} == tables
    assert {name for name in tables if (name, "INSERT") in given} == tables - {roles.VERSIONS}


def test_a_field_that_a_kind_fixes_is_no_column_that_the_service_updates() -> None:
    for stored in STORED.values():
        fixed = set(stored.kind.fixed) - set(stored.kind.marked)
        assert fixed.isdisjoint(changing(stored)), stored.kind


def test_nobody_but_the_migrator_makes_or_empties_anything() -> None:
    assert {grant.privilege for grant in wanted()} <= {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert {grant.role for grant in wanted()} == {SERVICE, READER}
    assert {grant.privilege for grant in wanted() if grant.role == READER} == {"SELECT"}


def test_the_reader_sees_nothing_of_a_person_and_no_secret() -> None:
    shown = {(grant.table, grant.column) for grant in wanted() if grant.role == READER}
    for stored in STORED.values():
        for name in stored.fields:
            personal = name in stored.kind.marked or name.endswith(("hash", "email", "secret", "address"))
            assert not (personal and (stored.table.name, name) in shown and stored.home), (stored.kind, name)
    assert ("posting", "amount") in shown
    assert ("posting", "kind") in shown
    assert ("order", "number") in shown


@pytest.mark.parametrize(
    "statement",
    [
        "update baobab.posting set amount = 1",
        "update baobab.posting set user_id = user_id",
        "delete from baobab.posting",
        "truncate baobab.posting",
        "update baobab.allocation set amount = 1",
        "delete from baobab.allocation",
        "update baobab.command_log set name = 'x'",
        "delete from baobab.command_log",
        "delete from baobab.event",
        "update baobab.movement set quantity = 0",
        "update baobab.receipt set amount_cents = 0",
        "update baobab.payment set amount_cents = 0",
        "update baobab.lot set amount = 1",
        "delete from baobab.member",
        "drop table baobab.posting",
        "create table baobab.mine (x int)",
        "alter table baobab.posting add x int",
        "create schema mine",
        "create table public.mine (x int)",
        "set role baobab_migrator",
        "select pg_read_file('PG_VERSION')",
    ],
)
async def test_the_service_is_refused_what_is_not_for_it(service_url: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(service_url, statement)


@pytest.mark.parametrize("kind", [POSTINGS, RUNS], ids=lambda kind: kind.name)
async def test_a_program_that_would_change_the_ledger_or_the_trail_hears_so_and_changes_nothing(
    service: Database, database: Database, kind: Any
) -> None:
    """Whatever becomes of our own rules: the database is asked by a statement as a mistake of ours would."""
    async with database.connection() as connection:
        before = await connection.fetchval(f'select count(*) from baobab."{kind.name}"')
    with pytest.raises(NotGranted, match="does not let the service"):
        await service.all(_Plain(f'delete from baobab."{kind.name}" returning 1'))
    async with database.connection() as connection:
        assert await connection.fetchval(f'select count(*) from baobab."{kind.name}"') == before
    assert issubclass(NotGranted, shared.Unavailable)


class _Plain:
    """A statement as it stands."""

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def args(self, values: dict[str, Any]) -> list[Any]:
        return []


async def test_the_service_does_everything_that_a_day_needs(postgres_world: World) -> None:
    member = postgres_world.member()
    command = points.Earn(user_id=member.user_id, funded=5, source_id=uuid4())
    await postgres_world.run(points.earn, command, actor=postgres_world.admin)
    question = points.GetBalance(user_id=member.user_id)
    assert (await postgres_world.run.read(points.balance, question, actor=member)).balance == 5


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("select sum(amount) from baobab.posting where kind = 'spent'", True),
        ("select count(*) from baobab.member where level = 'ambassadeur'", True),
        ("select email from baobab.member", False),
        ("select * from baobab.login", False),
        ("select token_hash from baobab.session", False),
        ("select body from baobab.event", False),
        ("select result from baobab.command_log", False),
        ("insert into baobab.order_counter values ('x', 1, 1)", False),
        ("delete from baobab.posting", False),
    ],
)
async def test_the_reader_reads_for_reports_alone(database_url: str, statement: str, allowed: bool) -> None:
    url = roles.as_role(database_url, READER)
    if allowed:
        assert await ask(url, statement) in (None, 0)
    else:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(url, statement)


# --- giving and taking ----------------------------------------------------------------------------


async def migrated_by_hand(url: str) -> None:
    await asyncio.to_thread(migrate.upgrade, url)


async def test_whatever_was_given_or_forgotten_is_put_right_and_then_there_is_nothing_to_do(
    migrated: Callable[[], str],
) -> None:
    url = await asyncio.to_thread(migrated)
    await roles.apply(url)
    assert await roles.plan(url) == []
    for wrong in (
        "grant update, delete on baobab.posting to baobab_service",
        "revoke select on baobab.account from baobab_service",
        "grant update (amount) on baobab.lot to baobab_service",
        "grant select on baobab.member to public",
        "alter table baobab.posting owner to current_user",
        "revoke usage on schema baobab from baobab_reader",
        "grant select (email) on baobab.member to baobab_reader",
        "grant create on schema baobab to baobab_service",
        "grant usage on schema baobab to public",
        "alter default privileges for role baobab_migrator in schema baobab "
        "grant delete on tables to baobab_service",
    ):
        await ask(url, wrong)
        assert len(await roles.plan(url)) == 1, wrong
        assert len(await roles.apply(url)) == 1, wrong
        assert await roles.plan(url) == [], wrong


async def test_a_table_that_is_new_can_be_added_to_and_no_more(migrated: Callable[[], str]) -> None:
    url = await asyncio.to_thread(migrated)
    await ask(roles.as_role(url, MIGRATOR), "create table baobab.later (x int)")
    as_service = roles.as_role(url, SERVICE)
    await ask(as_service, "insert into baobab.later values (1)")
    for statement in ("update baobab.later set x = 2", "delete from baobab.later"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(as_service, statement)


async def test_the_migrator_migrates_an_empty_database(new_database: NewDatabase) -> None:
    url = await new_database()
    await roles.apply(url)
    as_migrator = roles.as_role(url, MIGRATOR)
    await migrated_by_hand(as_migrator)
    await roles.apply(as_migrator)
    assert await roles.plan(url) == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(as_migrator, "create role mine")


# --- who is no superuser --------------------------------------------------------------------------


@pytest.fixture
def managed(tmp_path: Path) -> Iterator[str]:
    """A database as managed servers give one, on a server that has no roles of ours: its owner may make roles
    and is no superuser."""
    with EmbeddedServer.start(tmp_path / "data", durable=False) as server:
        url = server.url("postgres")
        for statement in (
            "create role managed login createrole",
            "create database managed owner managed",
            "create role other login createrole",
            "create database other owner other",
        ):
            asyncio.run(ask(url, statement))
        yield url


def owned_by(url: str, name: str) -> str:
    return make_url(url).set(username=name, database=name).render_as_string(hide_password=False)


async def test_who_may_make_roles_needs_to_be_no_superuser(managed: str) -> None:
    url = owned_by(managed, "managed")
    for (
        role
    ) in roles.ROLES:  # by hand, as an administrator's page does: they may then grant them, not act as them
        await ask(url, f"create role {role} login")
    await migrated_by_hand(url)
    assert not await roles.are_used(url)
    await roles.apply(url)
    assert await roles.plan(url) == []
    assert await roles.are_used(url)
    as_service = roles.as_role(url, SERVICE)
    assert await ask(as_service, "select count(*) from baobab.posting") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(as_service, "delete from baobab.posting")
    await migrated_by_hand(roles.as_role(url, MIGRATOR))


async def test_what_the_database_refuses_is_named_and_nothing_was_changed(managed: str) -> None:
    """Of another's roles on the same server nothing is asked, either, when a database is migrated."""
    await roles.apply(owned_by(managed, "managed"))
    url = owned_by(managed, "other")
    await migrated_by_hand(url)
    assert not await roles.are_used(url)
    before = await roles.plan(url)
    with pytest.raises(RolesRefused, match="baobab_migrator to current_user"):
        await roles.apply(url)
    assert await roles.plan(url) == before


async def test_what_has_no_effect_is_not_said_to_be_done(managed: str) -> None:
    """The database only warns of a grant that is not for us to give."""
    await ask(managed, "create database guest")
    await ask(managed, "grant create on database guest to managed")
    url = make_url(owned_by(managed, "managed")).set(database="guest").render_as_string(hide_password=False)
    with pytest.raises(RolesRefused, match="grant create on database guest"):
        await roles.apply(url)
    await migrated_by_hand(url)
    await roles.apply(url)
    assert await roles.plan(url) == []


async def test_a_role_with_power_over_the_server_loses_it(managed: str) -> None:
    await roles.apply(managed)
    for wrong in (
        "alter role baobab_service superuser",
        "alter role baobab_reader bypassrls",
        "grant baobab_migrator to baobab_service",
    ):
        await ask(managed, wrong)
        assert len(await roles.apply(managed)) == 1, wrong
        assert await roles.plan(managed) == [], wrong


def test_the_command_prints_checks_and_does(
    migrated: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = migrated()
    asyncio.run(roles.apply(url))
    monkeypatch.setenv("BAOBAB_DATABASE_URL", url)
    asyncio.run(ask(url, "grant update on baobab.posting to baobab_service"))
    revoked = 'revoke update on baobab."posting" from baobab_service;'
    run = CliRunner().invoke
    printed = run(cli, ["db", "roles", "--print"])
    assert (printed.exit_code, printed.output.strip()) == (0, revoked)
    checked = run(cli, ["db", "roles", "--check"])
    assert checked.exit_code == 1
    assert revoked in checked.output
    assert run(cli, ["db", "roles"]).output.strip() == revoked
    assert run(cli, ["db", "roles", "--check"]).output.strip() == "-- The roles are as they are to be."
