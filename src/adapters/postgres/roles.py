"""The roles of the database: each may do what it needs, and what it may is derived from the kinds of record.

    baobab_migrator   owns the schema; migrations run as it
    baobab_service    the running program: reads and adds everywhere, changes the columns that a kind lets
                      change, removes only what is removable; the ledger and the trail stay as they are
    baobab_reader     reports: reads what says nothing of a person and is no secret

A new kind is protected by what it says of itself (`changes`, `removable`, the marks of its fields). A table
that a migration adds before the roles are brought up to date can be read and added to by the service, and no
more. The schema holds tables and their indexes alone: no sequence, view or function, which a test asserts.

Decision: docs/decisions/0019-authorisation-and-roles.md.
"""

import types
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import asyncpg
from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.engine import make_url

from ...domain import shared
from .rows import Stored
from .schema import SCHEMA
from .stored import STORED

MIGRATOR, SERVICE, READER = "baobab_migrator", "baobab_service", "baobab_reader"
ROLES = (MIGRATOR, SERVICE, READER)
VERSIONS = "alembic_version"
WORDS_OF_REPORTS = frozenset(
    ("currency", "number", "provider", "reference", "series", "sku", "slug", "tracking_id", "unit", "to_unit")
)
"""Columns of texts that reports need, although no type says that they hold a word of a list."""
LOCK = int.from_bytes(b"roles", "big")


class RolesRefused(shared.Unavailable):
    message = "The roles stay as they were, as this was refused: `{statement}` ({why})."
    statement: str
    why: str


class Grant(NamedTuple):
    """A privilege of a role on a table, or on one of its columns."""

    role: str
    privilege: str
    table: str
    column: str = ""


def wanted() -> set[Grant]:
    """Every privilege that there is to be."""
    found = {Grant(role, "SELECT", VERSIONS) for role in (SERVICE, READER)}
    for stored in STORED.values():
        found.update(_of_service(stored), _of_reader(stored))
    return found


def _of_service(stored: Stored[Any]) -> Iterator[Grant]:
    kind, table = stored.kind, stored.table.name
    yield Grant(SERVICE, "SELECT", table)
    yield Grant(SERVICE, "INSERT", table)
    if kind.removable:
        yield Grant(SERVICE, "DELETE", table)
    for name in changing(stored):
        yield Grant(SERVICE, "UPDATE", table, name)


def changing(stored: Stored[Any]) -> tuple[str, ...]:
    """The columns that the service may update: those that change or are made neutral. What is locked by name
    needs one, as PostgreSQL locks no row for who may not update it: the first of the key."""
    kind = stored.kind
    names = [name for name in stored.fields if name in (*kind.changes, *kind.marked)]
    free = tuple(name for name in names if name not in kind.key_fields)
    return free or (kind.key_fields[:1] if kind.root or kind.removable else ())


def _of_reader(stored: Stored[Any]) -> Iterator[Grant]:
    hints = get_type_hints(stored.kind.record, include_extras=True)
    is_shown = stored.table.info["home"] == "reference"
    for column in stored.table.columns:
        if column.name in stored.kind.marked or isinstance(column.type, BYTEA):
            continue
        word = column.name in WORDS_OF_REPORTS or _is_word(hints.get(column.name))
        if is_shown or word or not isinstance(column.type, Text | JSONB):
            yield Grant(READER, "SELECT", stored.table.name, column.name)


def _is_word(hint: Any) -> bool:
    """Whether a type is a list of words, or of them and None."""
    if get_origin(hint) in (Union, types.UnionType):
        return all(one is type(None) or _is_word(one) for one in get_args(hint))
    return get_origin(hint) is Literal


# --- what is there --------------------------------------------------------------------------------

_GRANTED = """
select coalesce(r.rolname, 'public'), x.privilege_type, c.relname, ''
from pg_class c, aclexplode(c.relacl) x left join pg_roles r on r.oid = x.grantee
where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p') and x.grantee <> c.relowner
union all
select coalesce(r.rolname, 'public'), x.privilege_type, c.relname, a.attname
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped,
     aclexplode(a.attacl) x left join pg_roles r on r.oid = x.grantee
where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p') and x.grantee <> c.relowner
"""
_OWNED = """
select c.relname from pg_class c
where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p') and pg_get_userbyid(c.relowner) <> $2
order by 1
"""
_COLUMNS = """
select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
"""
_SCHEMA_GRANTED = """
select coalesce(r.rolname, 'public'), x.privilege_type
from pg_namespace n, aclexplode(n.nspacl) x left join pg_roles r on r.oid = x.grantee
where n.nspname = $1 and x.grantee <> n.nspowner
"""
_FUTURE = """
select coalesce(r.rolname, 'public'), x.privilege_type
from pg_default_acl d, aclexplode(d.defaclacl) x left join pg_roles r on r.oid = x.grantee
where d.defaclnamespace = to_regnamespace($1) and d.defaclobjtype = 'r'
  and pg_get_userbyid(d.defaclrole) = $2 and x.grantee <> d.defaclrole
"""
_POWERS = """
select r.rolname, a.name
from pg_roles r, lateral (
    values ('superuser', rolsuper), ('createrole', rolcreaterole), ('createdb', rolcreatedb),
           ('bypassrls', rolbypassrls), ('replication', rolreplication)
) a (name, held)
where r.rolname = any($1) and a.held
order by 1, 2
"""
_BECOMES_MIGRATOR = """
select m.rolname
from pg_auth_members g join pg_roles m on m.oid = g.member join pg_roles r on r.oid = g.roleid
where r.rolname = $1 and m.rolname = any($2) order by 1
"""
_IN_FUTURE = f"alter default privileges for role {MIGRATOR} in schema {SCHEMA} {{}} {{}} on tables {{}} {{}}"
FUTURE = frozenset((SERVICE, privilege) for privilege in ("SELECT", "INSERT"))
"""What is given on a table that the migrator makes."""
ENTRANCE = frozenset((role, "USAGE") for role in (SERVICE, READER))
"""Who may look into the schema."""


async def differences(connection: Any) -> list[str]:
    """The statements that bring the roles of a database to what they are to be, in their order."""
    known = await connection.fetch("select rolname from pg_roles where rolname = any($1)", list(ROLES))
    there = {row[0] for row in known}
    found = [f"create role {role} login" for role in ROLES if role not in there]
    found += await _powers(connection)
    if await connection.fetchval("select to_regnamespace($1)", SCHEMA) is None:
        return found + await _making(connection, is_new=MIGRATOR not in there)
    found += await _acting(connection, is_new=MIGRATOR not in there)
    found += await _ownership(connection)
    found += await _entrance(connection)
    granted = {Grant(*row) for row in await connection.fetch(_GRANTED, SCHEMA)}
    ours, needed = {grant for grant in granted if grant.role in (*ROLES, "public")}, await _needed(connection)
    found += _statements("revoke", "from", ours - needed)
    found += _statements("grant", "to", needed - ours)
    return found + await _future(connection)


async def _needed(connection: Any) -> set[Grant]:
    """What is wanted, as far as the revision that the database is at has the tables and columns."""
    rows = await connection.fetch(_COLUMNS, SCHEMA)
    columns = {(row[0], row[1]) for row in rows} | {(row[0], "") for row in rows}
    return {grant for grant in wanted() if (grant.table, grant.column) in columns}


async def _given(connection: Any, query: str, *args: Any) -> set[tuple[str, str]]:
    """What our roles and everybody were given, as role and privilege."""
    rows = await connection.fetch(query, *args)
    return {(row[0], row[1]) for row in rows if row[0] in (*ROLES, "public")}


async def _entrance(connection: Any) -> list[str]:
    """The service and the reader may look into the schema; nobody but the migrator makes anything in it."""
    given = await _given(connection, _SCHEMA_GRANTED, SCHEMA)
    revoked = [f"revoke {what.lower()} on schema {SCHEMA} from {role}" for role, what in given - ENTRANCE]
    return sorted(revoked) + [
        f"grant {what.lower()} on schema {SCHEMA} to {role}" for role, what in sorted(ENTRANCE - given)
    ]


async def _future(connection: Any) -> list[str]:
    """What is given on tables that the migrator will make."""
    given = await _given(connection, _FUTURE, SCHEMA, MIGRATOR)
    wrong = [_IN_FUTURE.format("revoke", what.lower(), "from", role) for role, what in given - FUTURE]
    missing = [_IN_FUTURE.format("grant", what.lower(), "to", role) for role, what in FUTURE - given]
    return [*sorted(wrong), *sorted(missing)]


async def _powers(connection: Any) -> list[str]:
    """None of the roles has any power over the server, and only the migrator is the migrator."""
    powers = await connection.fetch(_POWERS, list(ROLES))
    found = [f"alter role {row[0]} no{row[1]}" for row in powers]
    members = await connection.fetch(_BECOMES_MIGRATOR, MIGRATOR, [SERVICE, READER])
    return found + [f"revoke {MIGRATOR} from {row[0]}" for row in members]


async def _acting(connection: Any, *, is_new: bool) -> list[str]:
    """Whoever runs this may act as the migrator, give it what is there, and grant what is the migrator's."""
    with_set = connection.get_server_version().major >= 16
    ways = ("usage", "set") if with_set else ("usage",)
    may = " and ".join(f"pg_has_role($1::name, '{way}')" for way in ways)
    if not is_new and await connection.fetchval(f"select {may}", MIGRATOR):
        return []
    return [f"grant {MIGRATOR} to current_user" + (" with inherit true, set true" if with_set else "")]


async def _making(connection: Any, *, is_new: bool) -> list[str]:
    """The migrator may make the schema, which is not there yet."""
    found = await _acting(connection, is_new=is_new)
    may_create = "select has_database_privilege($1::name, current_database(), 'create')"
    if is_new or not await connection.fetchval(may_create, MIGRATOR):
        name = await connection.fetchval("select quote_ident(current_database())")
        found.append(f"grant create on database {name} to {MIGRATOR}")
    return found


async def _ownership(connection: Any) -> list[str]:
    """The migrator owns the schema with all that is in it."""
    owner = await connection.fetchval(
        "select pg_get_userbyid(nspowner) from pg_namespace where nspname = $1", SCHEMA
    )
    found = [] if owner == MIGRATOR else [f"alter schema {SCHEMA} owner to {MIGRATOR}"]
    tables = await connection.fetch(_OWNED, SCHEMA, MIGRATOR)
    return found + [f'alter table {SCHEMA}."{row[0]}" owner to {MIGRATOR}' for row in tables]


def _statements(verb: str, to: str, grants: Iterable[Grant]) -> list[str]:
    """One statement for all that a role is given on a table, or that is taken from it; columns together."""
    by_table: dict[tuple[str, str], dict[str, list[str]]] = {}
    for grant in sorted(grants):
        privileges = by_table.setdefault((grant.role, grant.table), {})
        privileges.setdefault(grant.privilege.lower(), []).append(grant.column)
    found = []
    for (role, table), privileges in by_table.items():
        words = [name for name, columns in privileges.items() if "" in columns]
        for name, columns in privileges.items():
            if named := ", ".join(f'"{column}"' for column in columns if column):
                words.append(f"{name} ({named})")
        found.append(f'{verb} {", ".join(words)} on {SCHEMA}."{table}" {to} {role}')
    return found


# --- doing it -------------------------------------------------------------------------------------


def as_role(url: str, role: str) -> str:
    """The address of a database in another role: as that user where no password is asked, else as a user who
    takes the role on."""
    there = make_url(url)
    there = there.update_query_dict({"role": role}) if there.password else there.set(username=role)
    return there.render_as_string(hide_password=False)


async def plan(url: str) -> list[str]:
    """What `apply` would do."""
    connection = await asyncpg.connect(url)
    try:
        return await differences(connection)
    finally:
        await connection.close()


async def apply(url: str) -> list[str]:
    """Make the roles and give them what they are to have, all or nothing; the statements that did it. Done
    again, there are none. Programs that do it at once in one database take turns. Raises RolesRefused."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
            statements = await differences(connection)
            for statement in statements:
                await _do(connection, statement)
            for statement in await differences(connection):
                raise RolesRefused(
                    statement=statement, why="it has no effect: the privilege is not ours to give"
                )
            return statements
    finally:
        await connection.close()


async def _do(connection: Any, statement: str) -> None:
    try:
        await connection.execute(_or_there_already(statement))
    except asyncpg.InsufficientPrivilegeError as error:
        raise RolesRefused(statement=statement, why=str(error)) from error


async def are_used(url: str) -> bool:
    """Whether the database has our roles: what a migration adds is then to be granted. Another database of
    the same server may have them, too, and be somebody else's."""
    connection = await asyncpg.connect(url)
    try:
        owner = "select pg_get_userbyid(nspowner) = $2 from pg_namespace where nspname = $1"
        return bool(await connection.fetchval(owner, SCHEMA, MIGRATOR))
    finally:
        await connection.close()


def _or_there_already(statement: str) -> str:
    """Roles belong to all databases of a server: another one may make them at the same moment."""
    if not statement.startswith("create role"):
        return statement
    return f"do $$ begin {statement}; exception when duplicate_object or unique_violation then null; end $$"
