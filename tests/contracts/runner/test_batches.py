"""Commands that arrive together share one transaction, and each gets an answer of its own."""

import asyncio
from uuid import UUID, uuid4

import pytest
from touching import (
    SHOP,
    Touch,
    Watched,
    account_lock,
    add_secret,
    balance_of,
    earn,
    funded,
    lines_of,
    lot_of,
    spend,
    stored,
    stumble,
)

from baobab.application import points
from baobab.application.points import ACCOUNTS, LOTS, Balance, Earn
from baobab.application.runner import Runner
from baobab.application.work import ADMINS, RUNS, Wanted, Work, use_case
from baobab.domain import shared
from baobab.domain.points import POINTS, InsufficientPoints, UnknownUnit, open_account
from builders import World


@use_case(allow=ADMINS, locks=account_lock)
async def add_lot_late(command: Touch, work: Work) -> int:
    """Add a lot, then look at all of them: how many there are. Refused where there are more than two."""
    work.save(lot_of(command.user_id, command.lot_id))
    await work.load(LOTS.group("account", command.user_id, POINTS))
    lots = work.list(LOTS.group("account", command.user_id, POINTS))
    if len(lots) > 2:
        raise shared.RuleForbids
    return len(lots)


@use_case(allow=ADMINS, locks=account_lock)
async def add_lot_and_refuse(command: Touch, work: Work) -> int:
    work.save(lot_of(command.user_id, command.lot_id))
    await work.load(LOTS.group("account", command.user_id, POINTS))
    raise shared.RuleForbids


@use_case(allow=ADMINS, locks=account_lock)
async def poison(command: Touch, work: Work) -> None:
    """Break a check of the database."""
    account = open_account(command.user_id, POINTS, work.now)
    work.save(shared.evolve(account, balance=-1))


async def test_commands_that_arrive_together_share_one_transaction(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member = await funded(any_world)
    commands = [spend(member) for _ in range(60)]
    found = await asyncio.gather(*(run(points.spend, one, actor=any_world.admin) for one in commands))
    assert [one.balance for one in found] == list(range(99, 39, -1))
    assert watched.begun == 1
    assert await lines_of(any_world, member) == [100] + [-1] * 60


async def test_a_lone_command_waits_for_no_company(any_world: World, run: Runner, watched: Watched) -> None:
    member = any_world.member().user_id
    for turn in range(1, 4):
        await run(points.earn, earn(member), actor=any_world.admin)
        assert watched.begun == turn


async def test_commands_that_arrive_during_a_commit_form_the_next_batch(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member, doors = any_world.member().user_id, [asyncio.Event(), asyncio.Event()]

    @use_case(allow=ADMINS)
    async def wait(command: Touch, work: Work) -> None:
        doors[0].set()
        await doors[1].wait()

    first = asyncio.create_task(run(wait, Touch(user_id=member), actor=any_world.admin))
    await doors[0].wait()
    later = [asyncio.create_task(run(points.earn, earn(member), actor=any_world.admin)) for _ in range(9)]
    await asyncio.sleep(0)
    assert watched.begun == 1
    doors[1].set()
    await asyncio.gather(first, *later)
    assert watched.begun == 2
    assert await balance_of(any_world, member) == 900


async def test_one_transaction_takes_so_many_commands_and_no_more(any_world: World, watched: Watched) -> None:
    run = any_world.runner(watched, most_grouped=10)
    members = [any_world.member().user_id for _ in range(25)]
    await asyncio.gather(*(run(points.earn, earn(one), actor=any_world.admin) for one in members))
    assert watched.begun == 3


async def test_each_command_of_a_batch_gets_its_own_answer_or_its_own_error(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member, stranger = await funded(any_world, 10), any_world.member().user_id
    wishes = [
        (points.spend, spend(member, 6)),
        (points.spend, spend(member, 6)),
        (points.earn, Earn(user_id=stranger, unit="pearls", funded=1, source_id=SHOP)),
        (points.capture, points.CaptureHold(user_id=member, hold_id=SHOP)),
        (stumble, Touch(user_id=member)),
        (points.spend, spend(member, 3)),
    ]
    found = await asyncio.gather(
        *(run(which, wish, actor=any_world.admin) for which, wish in wishes), return_exceptions=True
    )
    kinds = [Balance, InsufficientPoints, UnknownUnit, shared.NotFound, ZeroDivisionError, Balance]
    assert [type(one) for one in found] == kinds
    assert str(found[1]) == "6 points are needed, 4 are available."
    assert watched.begun == 1
    assert await lines_of(any_world, member) == [10, -6, -3]


async def test_a_refused_command_leaves_no_trace(any_world: World) -> None:
    member, admin, lots = await funded(any_world), any_world.admin, [uuid4() for _ in range(3)]
    wishes = [Touch(user_id=member, lot_id=lot_id) for lot_id in lots]
    found = await asyncio.gather(
        any_world.run(add_lot_and_refuse, wishes[0], actor=admin, key="one"),
        any_world.run(stumble, wishes[1], actor=admin, key="two"),
        any_world.run(add_lot_late, wishes[2], actor=admin),
        return_exceptions=True,
    )
    assert [type(one) for one in found[:2]] == [shared.RuleForbids, ZeroDivisionError]
    assert found[2] == 2, "the lot of the grant and its own, not those of the refused neighbours"
    runs = [RUNS.key(admin.user_id, key) for key in ("one", "two")]
    assert await stored(any_world, *(LOTS.key(member, lot_id) for lot_id in lots[:2]), *runs) == []


async def test_a_late_look_sees_what_an_earlier_command_of_the_batch_saved(any_world: World) -> None:
    member = await funded(any_world)
    wishes = [Touch(user_id=member, lot_id=uuid4()) for _ in range(3)]
    found = await asyncio.gather(
        *(any_world.run(add_lot_late, wish, actor=any_world.admin) for wish in wishes), return_exceptions=True
    )
    assert found[0] == 2
    assert [type(one) for one in found[1:]] == [shared.RuleForbids, shared.RuleForbids]


async def test_a_lot_that_comes_back_is_there_for_the_next_command_of_the_batch(any_world: World) -> None:
    member = await funded(any_world, 50)
    spent = await any_world.run(points.spend, spend(member, 50), actor=any_world.admin)
    refund = points.Refund(user_id=member, debit_id=spent.posting_id)
    _, balance = await asyncio.gather(
        any_world.run(points.refund, refund, actor=any_world.admin),
        any_world.run(points.spend, spend(member, 20), actor=any_world.admin),
    )
    assert balance.available == 30


async def test_a_command_that_is_refused_while_it_looks_does_not_disturb_its_neighbours(
    any_world: World, run: Runner, watched: Watched
) -> None:
    def refuse(command: Touch, work: Work) -> list[Wanted]:
        raise shared.NotFound(kind="lot", id=str(command.lot_id))

    @use_case(allow=ADMINS, loads=[refuse, refuse], locks=refuse)
    async def look(command: Touch, work: Work) -> None:
        work.save(lot_of(command.user_id, command.lot_id))

    member = await funded(any_world)
    found = await asyncio.gather(
        run(look, Touch(user_id=member), actor=any_world.admin),
        run(points.spend, spend(member), actor=any_world.admin),
        return_exceptions=True,
    )
    assert [type(one) for one in found] == [shared.NotFound, Balance]
    assert watched.begun == 1
    assert await stored(any_world, LOTS.key(member, UUID(int=0))) == []


async def test_a_poisoned_command_fails_alone(postgres_world: World) -> None:
    member, victim = await funded(postgres_world), postgres_world.member().user_id
    wishes = [(points.spend, spend(member)), (poison, Touch(user_id=victim)), (points.spend, spend(member))]
    found = await asyncio.gather(
        *(postgres_world.run(which, wish, actor=postgres_world.admin) for which, wish in wishes),
        return_exceptions=True,
    )
    assert [type(one).__name__ for one in found] == ["Balance", "CheckViolationError", "Balance"]
    assert await lines_of(postgres_world, member) == [100, -1, -1]
    assert await stored(postgres_world, ACCOUNTS.key(victim, POINTS)) == []


async def test_a_look_that_breaks_the_transaction_fails_alone(postgres_world: World) -> None:
    @use_case(allow=ADMINS)
    async def look_for_nonsense(command: Touch, work: Work) -> None:
        await work.load(ACCOUNTS.key(command.user_id, "no text holds \x00"))

    member = await funded(postgres_world)
    found = await asyncio.gather(
        postgres_world.run(look_for_nonsense, Touch(user_id=member), actor=postgres_world.admin),
        postgres_world.run(add_lot_late, Touch(user_id=member), actor=postgres_world.admin),
        return_exceptions=True,
    )
    assert [type(one).__name__ for one in found] == ["CharacterNotInRepertoireError", "int"]


async def test_a_long_batch_is_written_in_pieces_and_committed_once(
    any_world: World, run: Runner, watched: Watched
) -> None:
    member, amounts = await funded(any_world, 500), [999 if number % 50 == 9 else 1 for number in range(120)]
    found = await asyncio.gather(
        *(run(points.spend, spend(member, amount), actor=any_world.admin) for amount in amounts),
        return_exceptions=True,
    )
    assert [type(one) for one in found] == [InsufficientPoints if one > 1 else Balance for one in amounts]
    assert watched.begun == 1
    assert await balance_of(any_world, member) == 500 - 117
    assert await lines_of(any_world, member) == [-1] * 100, "the last hundred"


async def test_a_late_look_sees_what_an_earlier_piece_of_the_batch_wrote(any_world: World) -> None:
    member, other = await funded(any_world), await funded(any_world)
    last = asyncio.gather(
        any_world.run(add_secret, Touch(user_id=member), actor=any_world.admin),
        *(any_world.run(points.spend, spend(other), actor=any_world.admin) for _ in range(100)),
        any_world.run(add_lot_late, Touch(user_id=member, lot_id=uuid4()), actor=any_world.admin),
    )
    with pytest.raises(shared.RuleForbids):
        await last
    assert await balance_of(any_world, other) == 0


async def test_a_poisoned_command_of_a_long_batch_fails_alone(postgres_world: World) -> None:
    member, admin = await funded(postgres_world), postgres_world.admin
    poisoned, *found = await asyncio.gather(
        postgres_world.run(poison, Touch(user_id=postgres_world.member().user_id), actor=admin),
        *(postgres_world.run(points.spend, spend(member), actor=admin) for _ in range(100)),
        return_exceptions=True,
    )
    assert type(poisoned).__name__ == "CheckViolationError"
    assert [one.balance for one in found if isinstance(one, Balance)] == list(range(99, -1, -1))
