"""What somebody changes in the database by hand is found, and the row is named."""

from uuid import UUID

import pytest
from bookkeeping import KINDS, Office
from bureau import Bureau

from baobab.adapters.postgres.database import Database
from baobab.application.points import Spend, auditing, spend
from baobab.application.points.auditing import Verify
from baobab.domain.points import Posting
from builders import World


@pytest.fixture
async def books(postgres_world: World, database: Database) -> Bureau:
    """One member's account with 50 points, 20 of them spent, 6 given back, 5 held."""
    office = Office(8, members=1)
    member = office.members[0]
    office.earn(member, 50)
    office.clock.advance(days=1)
    office.spend(member, 20)
    debit = office.all(Posting)[-1]
    office.clock.advance(days=1)
    office.refund(member, debit, 6)
    office.hold(member, 5)
    bureau = await Bureau(postgres_world, office).store()
    await bureau.seal()
    assert await bureau.found() == []
    return bureau


TAMPERING = {
    "an amount": (
        "update posting set amount = 500 where sequence = 1",
        lambda rows: ("chain", "posting", str(rows["line 1"])),
    ),
    "a deleted posting": (
        "delete from posting where sequence = 2",
        lambda rows: ("sequence", "posting", "line 2"),
    ),
    "the last posting": (
        "delete from posting where sequence = 3",
        lambda rows: ("sequence", "posting", "line 3"),
    ),
    "a swapped pair": (
        "update posting set sequence = -sequence where sequence in (1, 2);"
        " update posting set sequence = 3 + sequence where sequence < 0",
        lambda rows: ("chain", "posting", str(rows["line 2"])),
    ),
    "a balance": (
        "update account set balance = 1000000",
        lambda rows: ("balance", "account", rows["account"]),
    ),
    "what is held": (
        "update account set held = 0",
        lambda rows: ("holds", "account", rows["account"]),
    ),
    "what is left of a lot": (
        "update lot set remaining = 50",
        lambda rows: ("lots", "lot", str(rows["line 1"])),
    ),
    "the size of a lot": (
        "update lot set amount = 500",
        lambda rows: ("lots", "lot", str(rows["line 1"])),
    ),
    "the end of a lot": (
        "update lot set expires_at = '9999-01-01'",
        lambda rows: ("lots", "lot", str(rows["line 1"])),
    ),
    "whether a lot was paid for": (
        "update lot set funded = not funded",
        lambda rows: ("lots", "lot", str(rows["line 1"])),
    ),
    "a deleted lot": (
        "delete from lot",
        lambda rows: ("lots", "lot", str(rows["line 1"])),
    ),
    "an allocation": (
        "update allocation set amount = 19 where amount = 20",
        lambda rows: ("chain", "allocation", rows["spent"]),
    ),
    "a deleted allocation": (
        "delete from allocation where amount = 20",
        lambda rows: ("chain", "allocation", rows["spent"]),
    ),
    "a hold": (
        "update hold set amount = 2",
        lambda rows: ("holds", "hold", rows["hold"]),
    ),
    "a deleted hold": (
        "delete from hold",
        lambda rows: ("holds", "account", rows["account"]),
    ),
    "a deleted account": (
        "delete from account",
        lambda rows: ("account", "account", rows["account"]),
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_what_is_changed_by_sql_is_found_and_the_row_is_named(
    books: Bureau, database: Database, what: str
) -> None:
    sql, expected = TAMPERING[what]
    await by_hand(database, sql)
    assert (await books.found())[0] == expected(rows_of(books))
    verified = await books.verify()
    assert verified.broken
    noted = await books.verify(since_last=True)
    assert noted.broken or what == "a deleted account", "what is not in order has no checkpoint"


async def by_hand(database: Database, sql: str) -> None:
    async with database.connection() as connection:
        await connection.execute("set search_path = baobab")
        await connection.execute(sql)
        await connection.execute("reset search_path")


def rows_of(books: Bureau) -> dict[str, object]:
    """The keys of the rows, by what they are."""
    office, member = books.office, books.office.members[0]
    rows: dict[str, object] = {f"line {one.sequence}": one.id for one in office.all(Posting)}
    debit = rows["line 2"]
    rows["account"] = f"{member}/points"
    rows["spent"] = f"{debit}/{debit}/{rows['line 1']}"
    rows["hold"] = str(next(iter(office.dossier(member).holds)).id)
    return rows


async def test_a_tail_that_was_cut_off_everywhere_is_found_by_the_seal(
    books: Bureau, database: Database
) -> None:
    """The last line, its allocation, the lot, the account: all set back as they were. What was published was
    not."""
    await by_hand(
        database,
        """
        delete from hold;
        delete from allocation where amount = -6;
        update lot set remaining = 30;
        update account set sequence = 2, held = 0, balance = 30, spent = 20, refunded_at = '1970-01-01',
          hash = (select hash from posting where sequence = 2),
          recorded_at = (select recorded_at from posting where sequence = 2);
        delete from posting where sequence = 3
        """,
    )
    assert await books.found() == [("seal", "posting", "line 3")]


async def test_an_account_of_which_nothing_is_left_is_missed_by_the_seal(
    books: Bureau, database: Database
) -> None:
    every = "; ".join(f"delete from {kind.name}" for kind in KINDS)
    await by_hand(database, every)
    row = rows_of(books)["account"]
    assert await books.found() == [("seal", "posting", "line 3"), ("account", "account", row)]


async def test_what_was_changed_before_the_checkpoint_is_found_in_full_and_a_new_chain_at_once(
    books: Bureau, database: Database
) -> None:
    await books.verify()
    books.office.spend(books.office.members[0], 3)
    await books.store()
    await by_hand(database, "update posting set hash = sha256(hash) where sequence = 3")
    row = rows_of(books)["line 3"]
    assert (await books.found(since_last=True))[0] == ("watermark", "posting", "line 3")
    assert (await books.found())[0] == ("chain", "posting", str(row))


async def test_an_account_that_was_set_back_before_its_checkpoint_is_found_since_the_last_time(
    books: Bureau, database: Database
) -> None:
    await books.verify()
    await by_hand(database, "update account set sequence = 1")
    assert ("watermark", "account", rows_of(books)["account"]) in await books.found(since_last=True)
    await by_hand(database, "delete from account")
    assert ("account", "account", rows_of(books)["account"]) in await books.found(since_last=True)


async def test_a_statement_of_the_runner_between_two_pages_disturbs_nothing(books: Bureau) -> None:
    """Each page is of one snapshot; who moves an account meanwhile is seen before or after."""
    member, run, admin = books.office.members[0], books.world.run, books.world.admin
    before = await run.read(auditing.read_page, Verify(), actor=admin)
    wish = Spend(user_id=member, amount=1, source_id=UUID(int=1))
    await run(spend, wish, actor=admin)
    verdict = auditing.verdict_of(before, books.world.clock())
    assert (verdict.postings, verdict.findings) == (3, ())
    verified = await books.verify()
    assert (verified.postings, verified.findings) == (4, ())
