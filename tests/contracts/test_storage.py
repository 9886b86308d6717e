"""What the Runner asks of a storage: in memory, on PostgreSQL, and on PostgreSQL locked as a cluster is.

Every kind of record that the product stores passes, made of arbitrary values: the tables of these tests
have lost the checks that would refuse them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import timedelta
from itertools import count, islice
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
from coins import COIN_ROWS, COINS, MOST, Coin, Purse, with_coins

from baobab.adapters.memory.storage import MemoryStorage
from baobab.adapters.postgres import roles
from baobab.adapters.postgres.database import Database
from baobab.adapters.postgres.storage import ArrayLocking, PipelinedLocking, PostgresStorage
from baobab.adapters.postgres.stored import STORED
from baobab.application.catalog import CATEGORIES
from baobab.application.kinds import KINDS
from baobab.application.work import HAPPENINGS, Changes, Conflict, Group, Key, Kind, Loaded, Storage, Wanted
from baobab.domain import shared
from builders import PATIENT, START, filled

CHECKS = """
select format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint
where connamespace = 'baobab'::regnamespace and contype in ('c', 'f', 'u', 'x')
union all
select format('drop index %s', indexrelid::regclass) from pg_index join pg_class c on c.oid = indexrelid
where c.relnamespace = 'baobab'::regnamespace and indisunique and not indisprimary
and not exists (select from pg_constraint where conindid = indexrelid)
"""

UntilItWaits = Callable[[asyncio.Task[Any]], Awaitable[None]]
WAITING = """
select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
"""

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
ROOTS = [kind for kind in KINDS if kind.root]
CHANGING = [kind for kind in KINDS if kind.changes]
each_root = pytest.mark.parametrize("kind", ROOTS, ids=lambda kind: kind.name)
each_changing = pytest.mark.parametrize("kind", CHANGING, ids=lambda kind: kind.name)
each_changing_root = pytest.mark.parametrize(
    "kind", [kind for kind in ROOTS if kind in CHANGING], ids=lambda kind: kind.name
)
GROUPS = [(kind, group) for kind in KINDS for group, listed in kind.groups.items() if listed.by]
each_group = pytest.mark.parametrize(
    ("kind", "group"), GROUPS, ids=[f"{kind.name}-{group}" for kind, group in GROUPS]
)
LIVE_GROUPS = [(kind, group) for kind, group in GROUPS if kind.live and not kind.groups[group].history]
each_live_group = pytest.mark.parametrize(
    ("kind", "group"), LIVE_GROUPS, ids=[f"{kind.name}-{group}" for kind, group in LIVE_GROUPS]
)


@pytest.fixture(scope="module")
def lenient_url(migrated: Callable[[], str]) -> str:
    """A migrated database whose tables take every value."""
    url = migrated()

    async def drop_checks() -> None:
        connection = await asyncpg.connect(url)
        for row in await connection.fetch(CHECKS):
            await connection.execute(row[0])
        await connection.close()

    asyncio.run(drop_checks())
    return url


@pytest.fixture
async def lenient(lenient_url: str) -> AsyncIterator[Database]:
    async with Database(lenient_url) as database:
        yield database


@pytest.fixture
async def served(lenient_url: str) -> AsyncIterator[Database]:
    """The same as the role of the service, which waits however busy the machine is."""
    async with Database(roles.as_role(lenient_url, roles.SERVICE), limits=PATIENT) as database:
        yield database


@pytest.fixture(params=["memory", "postgres", "pipelined"])
def storage(request: pytest.FixtureRequest) -> Storage:
    if request.param == "memory":
        return MemoryStorage()
    locking = ArrayLocking() if request.param == "postgres" else PipelinedLocking()
    return PostgresStorage(request.getfixturevalue("served"), STORED, locking)


seeds = count(1)
"""No two tests make the same records, so that they can share a database."""


def made(kind: Kind[Any], number: int = 1) -> list[Any]:
    """Some records with different keys. The body of an event is JSON as PostgreSQL spells it."""
    bodies = {"body": '{"of": "é", "amount": 1}'} if kind is HAPPENINGS else {}
    return [shared.evolve(filled(kind.record, seed), **bodies) for seed in islice(seeds, number)]


def key_of(record: Any) -> Key[Any]:
    kind = Kind.of[type(record)]
    return kind.key(*kind.values_of(record))


def mixed(old: Any, new: Any) -> Any:
    """The record with the fields of another that an update of its kind writes."""
    return shared.evolve(old, **{name: getattr(new, name) for name in Kind.of[type(old)].changes})


async def keep(
    storage: Storage, *added: Any, changed: Iterable[Any] = (), removed: Iterable[Any] = ()
) -> None:
    async with storage.begin() as transaction:
        await transaction.write(changes(*added, changed=changed, removed=removed))


def changes(*added: Any, changed: Iterable[Any] = (), removed: Iterable[Any] = ()) -> Changes:
    return Changes(*map(by_kind, (added, changed, removed)))


def by_kind(records: Iterable[Any]) -> dict[Kind[Any], list[shared.Record]]:
    side: dict[Kind[Any], list[shared.Record]] = {}
    for record in records:
        side.setdefault(Kind.of[type(record)], []).append(record)
    return side


async def find(storage: Storage, *wanted: Wanted, lock: bool = False) -> Loaded:
    async with storage.begin() as transaction:
        return await transaction.load(wanted, lock=lock)


# --- reading what was written -------------------------------------------------------------------


@each_kind
async def test_a_record_comes_back_as_it_was_written(storage: Storage, kind: Kind[Any]) -> None:
    records = made(kind, 8)
    await keep(storage, *records)
    loaded = await find(storage, *map(key_of, records))
    assert loaded.records == {key_of(record): record for record in records}
    came_back = [loaded.records[key_of(record)] for record in records]
    assert msgspec.json.encode(came_back) == msgspec.json.encode(records), "1 is not true"


@each_kind
@pytest.mark.parametrize("lock", [False, True], ids=["read", "locked"])
async def test_what_is_not_there_is_left_out(storage: Storage, kind: Kind[Any], lock: bool) -> None:
    present, absent = made(kind, 2)
    await keep(storage, present)
    loaded = await find(storage, key_of(absent), key_of(present), lock=lock)
    assert loaded.records == {key_of(present): present}


@each_changing
async def test_a_change_replaces_what_was_written(storage: Storage, kind: Kind[Any]) -> None:
    one, other, new = made(kind, 3)
    await keep(storage, one, other)
    changed = mixed(one, new)
    await keep(storage, changed=[changed])
    loaded = await find(storage, key_of(one), key_of(other))
    assert loaded.records == {key_of(one): changed, key_of(other): other}


async def test_one_write_takes_records_of_every_kind_new_and_changed(storage: Storage) -> None:
    old = {kind: made(kind, 2) for kind in KINDS}
    await keep(storage, *(record for pair in old.values() for record in pair))
    new = [record for kind in KINDS for record in made(kind, 2)]
    changed = [mixed(*old[kind]) for kind in CHANGING]
    await keep(storage, *new, changed=changed)
    loaded = await find(storage, *map(key_of, (*new, *changed)))
    assert loaded.records == {key_of(record): record for record in (*new, *changed)}


# --- groups -------------------------------------------------------------------------------------


def members_of(kind: Kind[Any], group: str, live: bool, number: int) -> list[Any]:
    """Records of one group, in its order, that are live or are not."""
    common = made(kind)[0]
    same = {name: getattr(common, name) for name in kind.groups[group].by}
    found: dict[tuple[object, ...], Any] = {}
    for _ in range(500):
        one = shared.evolve(*made(kind), **same)
        if kind.is_live(one) is live:
            found[kind.values_of(one)] = one
        if len(found) == number or (found and same.keys() >= {*kind.key_fields}):
            break
    return sorted(found.values(), key=kind.order_of[group])


@each_group
async def test_a_group_lists_its_records_in_its_order(storage: Storage, kind: Kind[Any], group: str) -> None:
    mine, others = members_of(kind, group, True, 5), members_of(kind, group, True, 2)
    await keep(storage, *reversed(mine), *others)
    wanted = [kind.group(group, *kind.group_values_of[group](one[0])) for one in (mine, others)]
    loaded = await find(storage, *wanted)
    assert loaded.groups == {wanted[0]: mine, wanted[1]: others}


@each_group
async def test_a_group_without_records_is_empty(storage: Storage, kind: Kind[Any], group: str) -> None:
    wanted = kind.group(group, *kind.group_values_of[group](made(kind)[0]))
    assert (await find(storage, wanted, lock=True)).groups == {wanted: []}


async def test_a_group_by_no_field_lists_the_whole_kind_in_key_order(storage: Storage) -> None:
    mine = made(CATEGORIES, 4)
    await keep(storage, *mine)
    whole = CATEGORIES.group("tree")
    listed = (await find(storage, whole, lock=True)).groups[whole]
    assert {one.id for one in mine} <= {one.id for one in listed}
    assert listed == sorted(listed, key=CATEGORIES.values_of)


@each_live_group
async def test_a_group_leaves_out_what_is_history(storage: Storage, kind: Kind[Any], group: str) -> None:
    dead = members_of(kind, group, False, 3)
    same = {name: getattr(dead[0], name) for name in kind.groups[group].by}
    live = shared.evolve(members_of(kind, group, True, 1)[0], **same)
    await keep(storage, *dead, live)
    wanted = kind.group(group, *kind.group_values_of[group](live))
    loaded = await find(storage, wanted, key_of(dead[0]))
    assert loaded.groups == {wanted: [live]}
    assert loaded.records == {key_of(dead[0]): dead[0]}


@pytest.fixture(params=["memory", "postgres", "pipelined"])
async def coined(request: pytest.FixtureRequest, lenient: Database) -> AsyncIterator[Storage]:
    """A storage that keeps the coins of these tests too."""
    if request.param == "memory":
        yield MemoryStorage()
    else:
        locking = ArrayLocking() if request.param == "postgres" else PipelinedLocking()
        async with with_coins(lenient, locking) as storage:
            yield storage


def coins_of(owner: UUID, *days: int, left: int = 1) -> list[Coin]:
    """Coins of one owner that end after so many days."""
    return [Coin(owner, uuid4(), left, START + timedelta(days=day)) for day in days]


async def listed(storage: Storage, *groups: Group[Coin]) -> list[list[shared.Record]]:
    found = (await find(storage, *groups)).groups
    return [found[group] for group in groups]


async def test_a_group_lists_only_its_first_few_in_its_order(coined: Storage) -> None:
    """Of each of several owners; who has none, has an empty front."""
    owners = [uuid4() for _ in range(4)]
    wealth = [
        coins_of(owner, *days) for owner, days in zip(owners, ([5, 1, 4, 2, 3], [9, 8], [1]), strict=False)
    ]
    used_up = [one for owner in owners for one in coins_of(owner, 0, left=0)]
    await keep(coined, *(coin for coins in wealth for coin in coins), *used_up)
    fronts = await listed(coined, *(COINS.group("front", owner) for owner in owners))
    first, second, third = wealth
    assert fronts == [[first[1], first[3], first[4]], [second[1], second[0]], third, []]


async def test_equals_are_listed_in_key_order(coined: Storage) -> None:
    owner = uuid4()
    coins = coins_of(owner, 1, 1, 1, 1)
    await keep(coined, *coins)
    ordered = sorted(coins, key=lambda coin: coin.id)
    assert await listed(coined, COINS.group("front", owner)) == [ordered[:MOST]]
    assert await listed(coined, COINS.group("ordered", owner)) == [ordered]
    assert await listed(coined, COINS.group("few", owner)) == [ordered[:MOST]]


async def test_a_group_with_history_lists_what_is_no_longer_live(coined: Storage) -> None:
    owner = uuid4()
    (live,), (used_up,) = coins_of(owner, 1), coins_of(owner, 2, left=0)
    await keep(coined, live, used_up)
    (history,) = await listed(coined, COINS.group("history", owner))
    assert history == sorted((live, used_up), key=lambda coin: coin.id)
    assert await listed(coined, COINS.group("account", owner)) == [[live]]


async def test_the_first_of_a_whole_kind_is_found(coined: Storage) -> None:
    coins = coins_of(uuid4(), 3, 2) + coins_of(uuid4(), 1, 4)
    await keep(coined, *coins)
    assert await listed(coined, COINS.group("oldest")) == [[coins[2]]]


async def test_what_is_removed_is_neither_found_nor_listed(coined: Storage) -> None:
    coins = coins_of(uuid4(), 1, 2, 3)
    owner, purse = coins[0].user_id, Purse(coins[0].user_id)
    await keep(coined, *coins, purse)
    await keep(coined, removed=[coins[0], coins[2], purse])
    loaded = await find(coined, *map(key_of, (*coins, purse)), COINS.group("account", owner))
    assert loaded.records == {key_of(coins[1]): coins[1]}
    assert loaded.groups == {COINS.group("account", owner): [coins[1]]}


async def test_one_write_removes_a_record_and_takes_another_of_its_key(coined: Storage) -> None:
    coin, other = coins_of(uuid4(), 1, 2)
    await keep(coined, coin, other)
    anew, changed = shared.evolve(coin, left=9), shared.evolve(other, left=8)
    await keep(coined, anew, changed=[changed], removed=[coin])
    assert await listed(coined, COINS.group("ordered", coin.user_id)) == [[anew, changed]]


async def test_what_is_there_for_good_is_not_removed(storage: Storage) -> None:
    record = made(HAPPENINGS)[0]
    await keep(storage, record)
    with pytest.raises(TypeError, match="for good"):
        await keep(storage, removed=[record])
    assert (await find(storage, key_of(record))).records == {key_of(record): record}


@pytest.mark.parametrize("form", ["plain", "spread"])
async def test_the_first_few_are_read_from_an_index_and_not_sorted(lenient: Database, form: str) -> None:
    async with with_coins(lenient), lenient.by_key() as connection:
        await keep(PostgresStorage(lenient, {COINS: COIN_ROWS}), *coins_of(uuid4(), *range(99)))
        owners = [uuid4()] if form == "plain" else uuid4()
        explained = f"explain {getattr(COIN_ROWS, form).by_group['front']}"
        plan = "\n".join(row[0] for row in await connection.fetch(explained, owners))
    assert "Index Scan using coin_front_idx" in plan
    assert "Sort" not in plan


# --- all or nothing -----------------------------------------------------------------------------


@each_kind
async def test_a_taken_key_is_a_conflict_and_nothing_of_that_write_stays(
    storage: Storage, kind: Kind[Any]
) -> None:
    taken, neighbour, other = made(kind, 3)
    await keep(storage, taken)
    same = shared.evolve(other, **{name: getattr(taken, name) for name in kind.key_fields})
    with pytest.raises(Conflict):
        await keep(storage, neighbour, same)
    loaded = await find(storage, key_of(taken), key_of(neighbour))
    assert loaded.records == {key_of(taken): taken}


async def test_a_block_that_fails_leaves_nothing(storage: Storage) -> None:
    new = [record for kind in KINDS for record in made(kind)]

    async def fail() -> None:
        async with storage.begin() as transaction:
            await transaction.write(changes(*new))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert (await find(storage, *map(key_of, new))).records == {}


# --- two at once --------------------------------------------------------------------------------


@pytest.fixture
def until_it_waits(storage: Storage, request: pytest.FixtureRequest) -> UntilItWaits:
    """Goes on once a task waits for another transaction."""
    is_memory = isinstance(storage, MemoryStorage)
    lenient = None if is_memory else request.getfixturevalue("lenient")

    async def in_memory(task: asyncio.Task[Any]) -> None:
        await asyncio.sleep(0)
        assert not task.done()

    async def on_postgres(task: asyncio.Task[Any]) -> None:
        assert lenient is not None
        async with asyncio.timeout(10), lenient.connection() as connection:
            while not await connection.fetchval(WAITING):
                assert not task.done()

    return in_memory if is_memory else on_postgres


@each_changing_root
async def test_a_lock_makes_others_wait_and_see_what_was_committed(
    storage: Storage, kind: Kind[Any], until_it_waits: UntilItWaits
) -> None:
    record, new = made(kind, 2)
    await keep(storage, record)
    changed = mixed(record, new)
    async with storage.begin() as transaction:
        await transaction.load([key_of(record)], lock=True)
        second = asyncio.create_task(find(storage, key_of(record), lock=True))
        await until_it_waits(second)
        await transaction.write(changes(changed=[changed]))
    assert (await second).records == {key_of(record): changed}


@each_root
async def test_of_two_writers_of_one_new_key_the_second_meets_a_conflict(
    storage: Storage, kind: Kind[Any], until_it_waits: UntilItWaits
) -> None:
    first, other = made(kind, 2)
    second = shared.evolve(other, **{name: getattr(first, name) for name in kind.key_fields})
    async with storage.begin() as transaction:
        await transaction.load([key_of(first)], lock=True)
        await transaction.write(changes(first))
        late = asyncio.create_task(keep(storage, second))
        await until_it_waits(late)
    with pytest.raises(Conflict):
        await late
    assert (await find(storage, key_of(first))).records == {key_of(first): first}


async def test_locks_taken_in_any_order_never_block_each_other_for_good(storage: Storage) -> None:
    records = [record for kind in ROOTS for record in made(kind, 3)]
    await keep(storage, *records)
    keys = [key_of(record) for record in records]
    orders = [keys[turn:] + keys[:turn] for turn in range(len(keys))]
    rounds = [find(storage, *order, lock=True) for order in (*orders, *map(reversed, orders))]
    found = await asyncio.gather(*rounds)
    assert all(loaded.records == {key_of(record): record for record in records} for loaded in found)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.fixed], ids=lambda kind: kind.name)
async def test_memory_refuses_a_change_that_postgresql_would_not_write(kind: Kind[Any]) -> None:
    storage = MemoryStorage()
    old, new = filled(kind.record, 1), filled(kind.record, 2)
    key = {name: getattr(old, name) for name in kind.key_fields}
    async with storage.begin() as transaction:
        await transaction.write(Changes({kind: [old]}, {}))
    with pytest.raises(TypeError, match="never change"):
        async with storage.begin() as transaction:
            await transaction.write(Changes({}, {kind: [shared.evolve(new, **key)]}))
    assert storage.find(kind.key(*kind.values_of(old))) == old


async def test_memory_refuses_to_change_what_is_not_there() -> None:
    with pytest.raises(TypeError):
        async with MemoryStorage().begin() as transaction:
            await transaction.write(Changes({}, {CHANGING[0]: [filled(CHANGING[0].record, 1)]}))
