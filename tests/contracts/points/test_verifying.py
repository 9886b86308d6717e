"""Verify, in memory and on PostgreSQL: what is stored is read whole, in pages, since the last time."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from bookkeeping import Office
from bureau import Bureau

from baobab.application.points import auditing
from baobab.application.points.auditing import FIRST, LAST, GetVerification, Verify, verify
from baobab.domain import shared
from baobab.domain.points import Account, Lot, Posting
from baobab.domain.points.audit import Dossier
from baobab.domain.shared import evolve
from builders import World


async def page(bureau: Bureau, **facts: Any) -> auditing.AuditPage:
    facts = {"first": FIRST, "last": LAST, "lines": 10**6, **facts}
    found: auditing.AuditPage = await bureau.world.queries.audit.page(**facts)
    return found


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
