"""Kinds of record that no context has, with their tables: coins are listed by their end, purses are locked,
and both may be removed; rates are kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, MetaData, Table, Text

from baobab.adapters.postgres.database import Database
from baobab.adapters.postgres.rows import Stored, plain
from baobab.adapters.postgres.schema import SCHEMA, Int, Time, Uuid, field
from baobab.adapters.postgres.storage import Locking, PostgresStorage
from baobab.adapters.postgres.stored import STORED
from baobab.application.work import Group, Kind, Listed
from baobab.domain import shared
from builders import ddl_of


class Coin(shared.Record):
    user_id: UUID
    id: UUID
    left: int
    ends_at: datetime


class Purse(shared.Record):
    user_id: UUID


class Rate(shared.Record):
    name: str
    value: int
    area: str = "here"


MOST = 3
COINS = Kind(
    Coin,
    "coin",
    ("user_id", "id"),
    {
        "front": Listed(("user_id",), order=("ends_at",), most=MOST),
        "ordered": Listed(("user_id",), order=("ends_at",)),
        "account": ("user_id",),
        "history": Listed(("user_id",), history=True),
        "few": Listed(("user_id",), most=MOST),
        "oldest": Listed((), order=("ends_at",), most=1),
    },
    live=lambda coin: coin.left > 0,
    changes=("left", "ends_at"),
    removable=True,
)
PURSES = Kind(Purse, "purse", ("user_id",), root=True, changes=(), removable=True)
RATES = Kind(Rate, "rate", ("name",), {"area": ("area",)}, root=True, kept=True)

_apart = MetaData(schema=SCHEMA)
coin = Table(
    "coin",
    _apart,
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("left", Int),
    field("ends_at", Time),
    info={"home": "user_id"},
)
Index("coin_front_idx", coin.c.user_id, coin.c.ends_at, coin.c.id, postgresql_where=plain(coin.c.left > 0))
purse = Table("purse", _apart, field("user_id", Uuid, primary_key=True), info={"home": "user_id"})
rate = Table(
    "rate",
    _apart,
    field("name", Text, primary_key=True),
    field("value", Int),
    field("area", Text),
    info={"home": "reference"},
)

COIN_ROWS, PURSE_ROWS, RATE_ROWS = Stored(COINS, coin), Stored(PURSES, purse), Stored(RATES, rate)


def front(user_id: UUID) -> Group[Coin]:
    """The first coins of somebody."""
    return COINS.group("front", user_id)


@asynccontextmanager
async def with_coins(database: Database, locking: Locking | None = None) -> AsyncIterator[PostgresStorage]:
    """A storage that keeps coins and rates too, in tables that are dropped afterwards."""
    async with database.connection() as connection:
        for statement in ddl_of((coin, purse, rate)):
            await connection.execute(statement)
    try:
        rows = {**STORED, COINS: COIN_ROWS, PURSES: PURSE_ROWS, RATES: RATE_ROWS}
        yield PostgresStorage(database, rows, locking)
    finally:
        async with database.connection() as connection:
            await connection.execute("drop table baobab.coin, baobab.purse, baobab.rate")
