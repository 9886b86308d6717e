"""Verify and seals, in memory and on PostgreSQL: what is stored is read whole, in pages, since the last time;
and what somebody changes in the database by hand is found and named."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from bookkeeping import KINDS, PEARLS, Office

from baobab.adapters.postgres.database import Database
from baobab.application.points import POLICIES, Spend, auditing, sealing, spend
from baobab.application.points.auditing import FIRST, LAST, GetVerification, Verify, verify
from baobab.application.points.sealing import GetProof, GetSeal, ListSeals, SealUnit
from baobab.application.work import Changes
from baobab.domain import shared
from baobab.domain.points import POINTS, Account, Lot, Policy, Posting, UnknownUnit, seals
from baobab.domain.points.audit import Dossier
from baobab.domain.points.seals import ProofFails, SealOutOfOrder
from baobab.domain.shared import evolve
from builders import World


class Bureau:
    """A world that holds the books of an office."""

    def __init__(self, world: World, office: Office) -> None:
        self.world, self.office = world, office
        world.clock.now = office.clock.now
        self.known: dict[Any, dict[tuple[object, ...], Any]] = {kind: {} for kind in KINDS}

    async def store(self) -> "Bureau":
        """Write what the office wrote since the last time."""
        changes = Changes({}, {})
        for kind in KINDS:
            for key, record in self.office.rows[kind].items():
                if key not in self.known[kind]:
                    changes.added.setdefault(kind, []).append(record)
                elif self.known[kind][key] is not record:
                    changes.changed.setdefault(kind, []).append(record)
            self.known[kind] = dict(self.office.rows[kind])
        async with self.world.storage.begin() as transaction:
            await transaction.write(changes)
        self.world.clock.now = self.office.clock.now
        return self

    async def verify(self, keep: bool = True, **facts: Any) -> auditing.Verification:
        return await verify(Verify(**facts), self.world.run, actor=self.world.admin, keep=keep)

    async def found(self, **facts: Any) -> list[tuple[str, str, str]]:
        """The check, the table and the key of each finding."""
        return [(one.check, one.table, one.row) for one in (await self.verify(False, **facts)).findings]

    async def seal(self, unit: str = POINTS) -> sealing.SealView:
        return await sealing.seal(SealUnit(unit=unit), self.world.run, actor=self.world.admin)

    async def proof(self, user_id: UUID, **facts: Any) -> sealing.ProofView:
        question = GetProof(user_id=user_id, **facts)
        return await self.world.run.read(sealing.proof, question, actor=self.world.admin)


@pytest.fixture
async def bureau(any_world: World) -> Bureau:
    """Four members after half a year."""
    return await Bureau(any_world, Office(5, members=4).play(160)).store()


async def page(bureau: Bureau, **facts: Any) -> auditing.AuditPage:
    facts = {"first": FIRST, "last": LAST, "lines": 10**6, **facts}
    found: auditing.AuditPage = await bureau.world.queries.audit.page(**facts)
    return found


# --- reading ------------------------------------------------------------------------------------------


def as_sets(dossier: Dossier) -> tuple[object, ...]:
    parts = (dossier.allocations, dossier.lots, dossier.holds)
    return dossier.user_id, dossier.unit, dossier.account, dossier.postings, *map(set_of, parts)


def set_of(records: tuple[shared.Record, ...]) -> set[str]:
    return {repr(one) for one in records}


async def test_a_page_has_all_that_is_stored_of_its_accounts(bureau: Bureau) -> None:
    found = await page(bureau)
    wanted = sorted(bureau.office.dossiers(), key=lambda one: (one.user_id, one.unit))
    assert [as_sets(one) for one in found.dossiers] == [as_sets(one) for one in wanted]
    assert found.through is None
    assert len(found.dossiers) == 8


@pytest.mark.parametrize("lines", [1, 30, 60])
async def test_pages_follow_each_other_and_tear_no_owner_apart(bureau: Bureau, lines: int) -> None:
    seen, first = list[Dossier](), FIRST
    while True:
        found = await page(bureau, first=first, lines=lines)
        seen += found.dossiers
        owners = {one.user_id for one in found.dossiers}
        assert len(owners) == 1 or sum(len(one.postings) for one in found.dossiers) <= lines
        if found.through is None:
            break
        assert found.through == max(owners)
        first = UUID(int=found.through.int + 1)
    everything = await page(bureau)
    assert [as_sets(one) for one in seen] == [as_sets(one) for one in everything.dossiers]


async def test_a_range_of_owners_is_read_alone(bureau: Bureau) -> None:
    one, other = bureau.office.members[1:3]
    found = await page(bureau, first=one, last=other)
    assert {dossier.user_id for dossier in found.dossiers} == {one, other}


async def test_how_much_there_is_is_known_before(bureau: Bureau) -> None:
    size = await bureau.world.run.read(auditing.size, Verify(), actor=bureau.world.admin)
    assert (size.accounts, size.postings) == (8, len(bureau.office.all(Posting)))
    nobody = Verify(first=LAST, last=LAST)
    assert (await bureau.world.run.read(auditing.size, nobody, actor=bureau.world.admin)).accounts == 0


# --- verifying ------------------------------------------------------------------------------------------


async def test_honest_books_are_in_order(bureau: Bureau) -> None:
    verified = await bureau.verify()
    assert (verified.accounts, verified.postings) == (8, len(bureau.office.all(Posting)))
    assert (verified.broken, verified.findings) == (0, ())
    assert verified.checks[0] == "chain"
    assert {"gifts", "conversions", "balance", "lots"} < set(verified.checks)


async def test_each_page_is_told_of(bureau: Bureau) -> None:
    told: list[auditing.Verdict] = []
    await verify(Verify(), bureau.world.run, actor=bureau.world.admin, tell=told.append)
    assert [(one.accounts, one.through) for one in told] == [(8, None)]


async def test_books_without_an_account_are_in_order(any_world: World) -> None:
    verified = await verify(Verify(), any_world.run, actor=any_world.admin)
    assert (verified.accounts, verified.broken) == (0, 0)


async def test_since_the_last_time_only_what_moved_is_verified_from_there_on(bureau: Bureau) -> None:
    await bureau.verify()
    assert (await bureau.verify(since_last=True)).accounts == 0
    before = len(bureau.office.all(Posting))
    bureau.office.play(12)
    await bureau.store()
    moved = len(bureau.office.all(Posting)) - before
    tried = await bureau.verify(False, since_last=True)
    assert (tried.postings, tried.broken) == (moved, 0)
    verified = await bureau.verify(since_last=True)
    assert (verified.postings, verified.broken) == (moved, 0)
    assert 0 < verified.accounts < 8
    assert (await bureau.verify(since_last=True)).postings == 0


async def test_the_first_time_since_the_last_time_is_everything(bureau: Bureau) -> None:
    verified = await bureau.verify(since_last=True)
    assert (verified.accounts, verified.postings) == (8, len(bureau.office.all(Posting)))


async def test_many_rounds_since_the_last_time_find_nothing_in_honest_books(any_world: World) -> None:
    bureau = Bureau(any_world, Office(11))
    verified = 0
    for _ in range(8):
        bureau.office.play(25)
        await bureau.store()
        round = await bureau.verify(since_last=True)
        assert round.findings == ()
        verified += round.postings
    assert verified == len(bureau.office.all(Posting))


async def test_a_checkpoint_never_goes_back(bureau: Bureau) -> None:
    found = await bureau.world.run.read(auditing.read_page, Verify(), actor=bureau.world.admin)
    verdict = auditing.verdict_of(found, bureau.world.clock())
    await bureau.verify()
    earlier = evolve(verdict.checkpoints[0], sequence=0, hash=b"")
    wish = auditing.KeepCheckpoints(checkpoints=(earlier,))
    assert await bureau.world.run(auditing.keep_checkpoints, wish, actor=bureau.world.admin) == 0
    assert (await bureau.verify(since_last=True)).accounts == 0


async def test_an_account_that_was_in_order_and_is_gone_is_missed(bureau: Bureau) -> None:
    await bureau.verify()
    found = await bureau.world.run.read(auditing.read_page, Verify(), actor=bureau.world.admin)
    verdict = auditing.verdict_of(found, bureau.world.clock())
    gone = evolve(verdict.checkpoints[0], user_id=UUID(int=7))
    wish = auditing.KeepCheckpoints(checkpoints=(gone,))
    await bureau.world.run(auditing.keep_checkpoints, wish, actor=bureau.world.admin)
    missed = await bureau.found(since_last=True)
    assert {(table, row) for check, table, row in missed if check == "account"} == {
        ("account", f"{gone.user_id}/{gone.unit}")
    }


async def test_a_verification_that_is_stopped_leaves_nothing_running(any_world: World) -> None:
    office = Office(9, members=40)
    for member in office.members:
        for _ in range(2):
            office.earn(member, 3)
    bureau = await Bureau(any_world, office).store()

    class Stopped(Exception):
        pass

    def stop(verdict: auditing.Verdict) -> None:
        raise Stopped

    before = asyncio.all_tasks()
    with pytest.raises(Stopped):
        await verify(Verify(lines=20), bureau.world.run, actor=bureau.world.admin, tell=stop)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    verified = await verify(Verify(lines=20), bureau.world.run, actor=bureau.world.admin)
    assert (verified.accounts, verified.postings, verified.broken) == (40, 80, 0)


async def test_members_verify_their_own_accounts_and_no_others(bureau: Bureau) -> None:
    one, other = bureau.office.members[:2]
    me = shared.Actor(one, "member")
    mine = await bureau.world.run.read(auditing.verification, GetVerification(user_id=one), actor=me)
    assert (mine.accounts, mine.broken) == (2, 0)
    assert mine.postings == sum(posting.user_id == one for posting in bureau.office.all(Posting))
    with pytest.raises(shared.NotFound):
        await bureau.world.run.read(auditing.verification, GetVerification(user_id=other), actor=me)
    with pytest.raises(shared.Forbidden):
        await verify(Verify(), bureau.world.run, actor=me)


# --- what does not belong together -------------------------------------------------------------------------


async def test_rows_without_an_account_are_found(any_world: World) -> None:
    office = Office(2, members=2).play(30)
    member = office.members[0]
    for kind, records in office.rows.items():
        if kind.record is Account:
            records.clear()
    bureau = await Bureau(any_world, office).store()
    found = await bureau.found()
    assert found[0] == ("account", "account", f"{member}/pearls")


async def test_a_lot_or_a_hold_of_nobody_is_found(any_world: World) -> None:
    office = Office(2, members=1)
    office.earn(office.members[0], 20)
    office.hold(office.members[0], 5)
    stranger = UUID(int=5)
    for kind, records in office.rows.items():
        kept = [evolve(one, user_id=stranger) for one in records.values()]
        if kind.record not in (Account, Posting):
            office.rows[kind] = {kind.values_of(one): one for one in kept}
    bureau = await Bureau(any_world, office).store()
    found = await bureau.found(first=stranger, last=stranger)
    assert {row for _, table, row in found if table == "account"} == {f"{stranger}/points"}


@pytest.mark.parametrize("kind", ["given", "received"])
async def test_a_gift_with_one_side_is_found(any_world: World, kind: str) -> None:
    office = Office(3, members=2)
    office.earn(office.members[0], 50)
    gift_id = office.give(office.members[0], 9)
    for one in office.all(Posting):
        if one.kind == kind:
            drop(office, one)
    bureau = await Bureau(any_world, office).store()
    found = [one for one in (await bureau.verify()).findings if one.check == "gifts"]
    assert len(found) == 1
    assert str(gift_id) in found[0].says
    assert [one for one in await bureau.found(first=office.members[0]) if one[0] == "gifts"] == []


def drop(office: Office, record: shared.Record) -> None:
    for kind, records in office.rows.items():
        if isinstance(record, kind.record):
            del records[kind.values_of(record)]


async def test_a_gift_that_names_somebody_else_is_found(any_world: World) -> None:
    office = Office(3, members=2)
    office.earn(office.members[0], 50)
    office.give(office.members[0], 9)
    for kind, records in office.rows.items():
        for key, one in records.items():
            if isinstance(one, Posting) and one.kind == "given":
                office.rows[kind][key] = evolve(one, contra_id=UUID(int=3))
    bureau = await Bureau(any_world, office).store()
    found = [one.says for one in (await bureau.verify()).findings if one.check == "gifts"]
    assert [says.endswith("its sides do not name each other.") for says in found] == [True]


async def test_no_more_than_a_hundred_findings_are_shown_and_all_are_counted(any_world: World) -> None:
    office = Office(4, members=60)
    for member in office.members:
        office.earn(member, 10), office.earn(member, 10)
    for kind, records in office.rows.items():
        if kind.record is Lot:
            office.rows[kind] = {key: evolve(one, funded=False) for key, one in records.items()}
    bureau = await Bureau(any_world, office).store()
    verified = await bureau.verify()
    assert len(verified.findings) == 60 == verified.broken
    office.clock.advance(days=1)
    for member in office.members:
        office.earn(member, 10)
    for kind, records in office.rows.items():
        if kind.record is Account:
            office.rows[kind] = {key: evolve(one, earned=1) for key, one in records.items()}
    await bureau.store()
    verified = await bureau.verify()
    assert (len(verified.findings), verified.broken) == (100, 120)


# --- seals -----------------------------------------------------------------------------------------------


async def test_a_seal_holds_the_sum_of_all_balances_of_a_unit(bureau: Bureau) -> None:
    sealed = await bureau.seal()
    mine = [one for one in bureau.office.all(Account) if one.unit == POINTS]
    assert (sealed.total, sealed.accounts) == (sum(one.balance for one in mine), len(mine))
    assert (sealed.number, sealed.previous, sealed.day) == (1, "", bureau.world.clock().date())


async def test_a_day_is_sealed_once(bureau: Bureau) -> None:
    first = await bureau.seal()
    bureau.office.play(10)
    await bureau.store()
    bureau.world.clock.now = first.sealed_at
    assert await bureau.seal() == first
    bureau.world.clock.advance(days=1)
    second = await bureau.seal()
    assert (second.number, second.previous, second.day) == (2, first.hash, first.day + timedelta(days=1))


async def test_a_clock_that_was_turned_back_seals_nothing(bureau: Bureau) -> None:
    await bureau.seal()
    bureau.world.clock.advance(days=-2)
    with pytest.raises(SealOutOfOrder):
        await bureau.seal()


async def test_of_two_who_seal_at_once_the_second_finds_the_first(bureau: Bureau) -> None:
    draft = await bureau.world.run.read(sealing.begin, SealUnit(), actor=bureau.world.admin)
    first = await bureau.seal()
    wish = sealing.KeepSeal(
        unit=POINTS,
        number=1,
        day=draft.day,
        tree_id=UUID(int=1),
        tops=b"",
        accounts=0,
        sealed_at=draft.at,
    )
    assert await bureau.world.run(sealing.keep_seal, wish, actor=bureau.world.admin) == first


async def test_each_unit_has_seals_of_its_own(bureau: Bureau) -> None:
    with pytest.raises(UnknownUnit):
        await bureau.seal("pearls")
    policy: Policy = evolve(PEARLS, version=2, in_force_at=bureau.world.clock() - timedelta(days=9))
    async with bureau.world.storage.begin() as transaction:
        await transaction.write(Changes({POLICIES: [policy]}, {}))
    bureau.world.clock.advance(minutes=2)
    pearls, points = await bureau.seal("pearls"), await bureau.seal()
    assert (pearls.unit, pearls.number, points.number) == ("pearls", 1, 1)
    member = bureau.office.members[0]
    assert (await bureau.proof(member, unit="pearls")).balance == balance_of(bureau, member, "pearls")
    assert (await bureau.verify()).findings == ()


def balance_of(bureau: Bureau, member: UUID, unit: str = POINTS) -> int:
    found: int = next(
        one.balance for one in bureau.office.all(Account) if (one.user_id, one.unit) == (member, unit)
    )
    return found


async def test_everybodys_proof_holds_against_the_published_root(bureau: Bureau) -> None:
    sealed = await bureau.seal()
    for member in bureau.office.members:
        proof = await bureau.proof(member)
        assert proof.seal == sealed
        assert proof.balance == balance_of(bureau, member)
        seals.check_proof(sealing.proof_of(proof), bytes.fromhex(sealed.root))
        richer = sealing.proof_of(evolve(proof, balance=proof.balance + 1))
        with pytest.raises(ProofFails):
            seals.check_proof(richer, bytes.fromhex(sealed.root))


async def test_a_proof_is_of_the_day_that_was_asked_for(bureau: Bureau) -> None:
    first = await bureau.seal()
    member = bureau.office.members[0]
    bureau.office.clock.advance(days=1)
    bureau.office.earn(member, 50)
    await bureau.store()
    second = await bureau.seal()
    old = await bureau.proof(member, day=first.day)
    new = await bureau.proof(member)
    assert (old.seal, new.seal) == (first, second)
    assert (await bureau.proof(member, day=second.day)) == new
    assert old.balance != new.balance


async def test_who_had_no_account_then_has_no_proof(bureau: Bureau) -> None:
    member = bureau.office.members[0]
    with pytest.raises(shared.NotFound, match="There is no seal points/newest"):
        await bureau.proof(member)
    await bureau.seal()
    for stranger in (FIRST, LAST, UUID(int=member.int + 1)):
        with pytest.raises(shared.NotFound, match="There is no sealed account"):
            await bureau.proof(stranger)
    with pytest.raises(shared.NotFound, match="There is no seal"):
        await bureau.proof(member, day=date(2020, 1, 1))


async def test_more_accounts_than_a_piece_holds_have_proofs_too(any_world: World) -> None:
    office = Office(6, members=0)
    for number in range(1, seals.CHUNK + 200):
        office.earn(UUID(int=number), 5)
    bureau = await Bureau(any_world, office).store()
    sealed = await bureau.seal()
    assert (sealed.accounts, sealed.total) == (seals.CHUNK + 199, 5 * (seals.CHUNK + 199))
    for number in (1, seals.CHUNK, seals.CHUNK + 1, seals.CHUNK + 199):
        proof = await bureau.proof(UUID(int=number))
        seals.check_proof(sealing.proof_of(proof), bytes.fromhex(sealed.root))
    with pytest.raises(shared.NotFound):
        await bureau.proof(UUID(int=5_000))
    assert (await bureau.verify()).broken == 0


async def test_of_a_unit_without_accounts_there_is_an_empty_seal(any_world: World) -> None:
    bureau = Bureau(any_world, Office())
    sealed = await bureau.seal()
    assert (sealed.total, sealed.accounts) == (0, 0)
    with pytest.raises(shared.NotFound):
        await bureau.proof(FIRST)


async def test_seals_are_public_and_listed_newest_first(bureau: Bureau) -> None:
    made = []
    for _ in range(3):
        made.append(await bureau.seal())
        bureau.world.clock.advance(days=1)
    read, anyone = bureau.world.run.read, shared.Actor()
    first = await read(sealing.list_seals, ListSeals(limit=2), actor=anyone)
    assert first.items == (made[2], made[1])
    second = await read(sealing.list_seals, ListSeals(limit=2, cursor=first.next_cursor), actor=anyone)
    assert (second.items, second.next_cursor) == ((made[0],), None)
    assert await read(sealing.show_seal, GetSeal(day=made[1].day), actor=anyone) == made[1]
    with pytest.raises(shared.NotFound):
        await read(sealing.show_seal, GetSeal(day=date(2020, 1, 1)), actor=anyone)


async def test_a_proof_is_for_its_owner(bureau: Bureau) -> None:
    await bureau.seal()
    one, other = bureau.office.members[:2]
    read = bureau.world.run.read
    assert (
        await read(sealing.proof, GetProof(user_id=one), actor=shared.Actor(one, "member"))
    ).user_id == one
    with pytest.raises(shared.NotFound):
        await read(sealing.proof, GetProof(user_id=one), actor=shared.Actor(other, "member"))
    with pytest.raises(shared.Unauthenticated):
        await read(sealing.proof, GetProof(user_id=one), actor=shared.Actor())
    with pytest.raises(shared.Forbidden):
        await sealing.seal(SealUnit(), bureau.world.run, actor=shared.Actor(one, "member"))


# --- by hand, in the database ------------------------------------------------------------------------------


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
