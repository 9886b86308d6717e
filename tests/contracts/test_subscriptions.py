"""Subscriptions in memory and on PostgreSQL alike: at the same moment, by two workers, and as it is read."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from investing import at_once, check_books, funding, hives
from subscribing import STANDARD, Subscriber, renew, subscriber

from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application import investments
from baobab.application.investments import Due, Renewals
from baobab.application.payments import Asked, Notification
from baobab.domain import shared
from baobab.domain.investments.subscriptions import Choice
from builders import World

DUE = datetime(2027, 3, 1, 23, 0, tzinfo=UTC)
NOTHING = UUID(int=9)


class Counting(SandboxGateway):
    """A provider that counts whom it charged, each charge by its own id."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[UUID] = Counter()

    async def charge(self, asked: Asked, means: str) -> Notification:
        self.asked[asked.payment_id] += 1
        return await super().charge(asked, means)


def outcomes(found: list[Any]) -> Counter[str]:
    """What came out: the state of a subscription, or the code of a refusal."""
    return Counter(one.code if isinstance(one, shared.DomainError) else one.state for one in found)


# --- races --------------------------------------------------------------------------------------


async def test_two_workers_who_renew_at_once_charge_everybody_once(any_world: World) -> None:
    gateway = Counting()
    everybody = [await subscriber(any_world, number, gateway=gateway) for number in range(6)]
    views = [await one.begin() for one in everybody]
    any_world.clock.at(DUE)
    runs = [any_world.run, any_world.runner(), any_world.runner()]
    done = await at_once(any_world, *(renew(any_world, gateway, run) for run in runs))
    assert [one for one in done if not isinstance(one, Renewals)] == []
    for one, view in zip(everybody, views, strict=True):
        charges = await one.charges(view)
        assert [(charge.number, charge.state) for charge in charges] == [(2, "paid"), (1, "paid")]
        assert await one.receipts(charges[0].payment) == [("payment", STANDARD)]
        assert await one.points() == 560
    assert len(gateway.asked) == 6
    assert await renew(any_world, gateway) == Renewals()
    await check_books(any_world)


async def test_a_message_of_the_provider_and_a_worker_at_once_settle_once(any_world: World) -> None:
    gateway = Counting()
    mine = await subscriber(any_world, gateway=gateway)
    one = await mine.begin()
    any_world.clock.at(DUE)
    begun = await any_world.run(
        investments.begin_renewal,
        investments.BeginRenewal(user_id=one.user_id, subscription_id=one.id),
        actor=any_world.admin,
    )
    reference = f"sandbox_{begun.subscription.payment.id.hex}"
    there = Subscriber(any_world, mine.actor, gateway, any_world.runner())
    told = shared.evolve(
        begun.subscription, payment=shared.evolve(begun.subscription.payment, reference=reference)
    )
    await at_once(
        any_world,
        renew(any_world, gateway),
        *(there.hear(told, "succeeded") for _ in range(3)),
        renew(any_world, gateway, any_world.runner()),
    )
    await renew(any_world, gateway)
    assert [charge.state for charge in await mine.charges(one)] == ["paid", "paid"]
    assert (await mine.points(), (await mine.show(one)).period) == (560, 2)


async def test_a_member_who_cancels_while_a_worker_renews_is_charged_or_not_and_never_half(
    any_world: World,
) -> None:
    mine = await subscriber(any_world, gateway=Counting())
    one = await mine.begin()
    any_world.clock.at(DUE)
    there = Subscriber(any_world, mine.actor, mine.gateway, any_world.runner())
    await at_once(any_world, renew(any_world, mine.gateway), there.cancel(one))
    await renew(any_world, mine.gateway)
    now = await mine.show(one)
    paid = [charge for charge in await mine.charges(one) if charge.state == "paid"]
    assert (now.state, len(paid), await mine.points()) in (
        ("active", 2, 560),
        ("cancelled", 1, 280),
    )
    assert now.cancel_at_period_end == (now.state == "active")
    await check_books(any_world)


async def test_a_member_who_subscribes_twice_at_once_has_one_subscription(any_world: World) -> None:
    mine = await subscriber(any_world)
    there = Subscriber(any_world, mine.actor, mine.gateway, any_world.runner())
    asked = await at_once(any_world, *(who.subscribe() for who in (mine, there, mine, there)))
    assert outcomes(asked) == {"pending": 1, "already_subscribed": 3}


async def test_many_subscriptions_fill_a_project_to_the_cent_and_the_rest_waits(any_world: World) -> None:
    project_id = await hives(any_world, 10)
    runs = [any_world.run, any_world.runner()]
    everybody = [await subscriber(any_world, number, run=runs[number % 2]) for number in range(4)]
    asked = [await one.subscribe(project_id) for one in everybody]
    paid = await at_once(
        any_world, *(one.pay(view, "repeats") for one, view in zip(everybody, asked, strict=True))
    )
    assert outcomes(paid) == {"active": 4}
    taken, supporters = await funding(any_world, project_id)
    assert (taken, supporters) == (50_000, 3)
    charges = [(await one.charges(view))[0] for one, view in zip(everybody, asked, strict=True)]
    assert sum(one.unplaced.amount for one in charges) == 4 * STANDARD - 50_000
    for one in charges:
        placed = sum(part.amount.amount for part in one.portions)
        assert placed + one.unplaced.amount == STANDARD


async def test_projects_are_chosen_while_money_is_withdrawn(any_world: World) -> None:
    project_id = await hives(any_world, 10)
    mine = await subscriber(any_world)
    one = await mine.begin()
    there = Subscriber(any_world, mine.actor, mine.gateway, any_world.runner())
    await at_once(any_world, mine.choose_projects(one, Choice(project_id)), there.withdraw(one))
    assert (await mine.show(one)).state == "withdrawn"
    assert await funding(any_world, project_id) == (0, 0)
    assert await mine.receipts(one.payment) == [("payment", STANDARD), ("refund", STANDARD)]
    await check_books(any_world)


# --- what is stored and read ----------------------------------------------------------------------


async def test_what_was_answered_is_what_is_read_later(any_world: World) -> None:
    mine, project_id = await subscriber(any_world), await hives(any_world)
    asked = await mine.subscribe(project_id)
    assert await mine.show(asked) == asked
    active = await mine.pay(asked)
    assert await mine.show(active) == active
    chosen = await mine.choose_plan(active, "ambassadeur_premium")
    assert await mine.show(chosen) == chosen
    cancelled = await mine.cancel(active)
    assert await mine.show(cancelled) == cancelled
    ports = any_world.queries.subscriptions
    assert await ports.subscription(active.user_id, active.id, NOTHING) is None
    assert await ports.subscription(NOTHING, active.id, None) is None


async def test_charges_are_read_newest_first_with_their_portions(any_world: World) -> None:
    mine, other = await subscriber(any_world), await subscriber(any_world, 2)
    hive, tree = await hives(any_world, 20), await hives(any_world, 9, "ruches-du-diois")
    one = await mine.begin(hive, tree)
    await other.begin(hive)
    any_world.clock.at(DUE)
    await renew(any_world, mine.gateway)
    found = await any_world.queries.subscriptions.charges(one.user_id, one.id)
    assert [charged.charge.number for charged in found] == [2, 1]
    for charged in found:
        assert charged.payment.id == charged.charge.payment_id
        assert [part.project_id for part in charged.portions] == [hive, tree]
    assert await any_world.queries.subscriptions.charges(one.user_id, NOTHING) == []


async def test_a_member_s_subscriptions_are_listed_newest_first(any_world: World) -> None:
    mine = await subscriber(any_world)
    first = await mine.pay(await mine.subscribe(), "fails")
    second = await mine.begin()
    ports, me = any_world.queries.subscriptions, mine.actor.user_id
    assert [one.subscription.id for one in await ports.subscriptions(me, 9, None)] == [second.id, first.id]
    assert [one.subscription.id for one in await ports.subscriptions(me, 9, second.id)] == [first.id]
    assert await ports.subscriptions(NOTHING, 9, None) == []


async def test_what_is_due_is_found_page_by_page_longest_due_first(any_world: World) -> None:
    gateway = SandboxGateway()
    for number in range(3):
        await (await subscriber(any_world, number, gateway=gateway)).begin()
        any_world.clock.advance(days=1)
    ports = any_world.queries.subscriptions
    assert await ports.due(any_world.clock.now, 9, None) == []
    at = datetime(2027, 3, 3, 22, 59, tzinfo=UTC)
    assert await ports.count_due(at) == 2
    found = await ports.due(at, 9, None)
    assert [one.due_at.day for one in found] == [1, 2]
    assert await ports.due(at, 1, None) == found[:1]
    assert await ports.due(at, 9, found[0]) == found[1:]
    assert await ports.due(at, 9, Due(DUE, NOTHING, NOTHING)) == found
    assert await ports.due(at, 9, found[1]) == []
