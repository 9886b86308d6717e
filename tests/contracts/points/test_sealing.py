"""Seals and proofs, in memory and on PostgreSQL."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from bookkeeping import PEARLS, Office
from bureau import Bureau

from baobab.application.points import POLICIES, sealing
from baobab.application.points.auditing import FIRST, LAST
from baobab.application.points.sealing import GetProof, GetSeal, ListSeals, SealUnit
from baobab.application.work import Changes
from baobab.domain import shared
from baobab.domain.points import POINTS, Account, Policy, UnknownUnit, seals
from baobab.domain.points.seals import ProofFails, SealOutOfOrder
from baobab.domain.shared import evolve
from builders import World


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
