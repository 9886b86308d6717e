"""Subscribing: the wish, its first payment, and the projects that the money goes to."""

from uuid import UUID

import pytest
from investing import Investor, check_books, funding, happened, hives, join
from subscribing import DUE, PREMIUM, STANDARD, Subscriber, begun, subscriber, verify
from wishes import move

from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application import investments, points
from baobab.domain import projects, shared
from baobab.domain.identity import limits
from baobab.domain.investments import subscriptions as rules
from baobab.domain.investments.subscriptions import Choice
from builders import World

UNKNOWN = UUID(int=9)


async def test_everybody_sees_the_plans_with_their_bonus(world: World) -> None:
    page = await world.run.read(investments.plans, investments.ListPlans(), actor=shared.Actor())
    assert [(one.code, one.price.amount, one.funded_points, one.bonus_points) for one in page.items] == [
        ("ambassadeur_standard", STANDARD, 200, 80),
        ("ambassadeur_premium", PREMIUM, 350, 175),
    ]


async def test_a_subscription_is_pending_until_it_is_paid(world: World) -> None:
    mine = await subscriber(world)
    one = await mine.subscribe()
    assert (one.state, one.period, one.means_saved, one.charge.state) == ("pending", 0, False, "pending")
    assert one.payment.pay_url == f"/v1/payments/{one.payment.id}/sandbox"
    assert (one.payment.saved, one.payment.purpose_id) == (True, one.id)
    assert (await mine.points(), await mine.level()) == (0, "explorateur")
    assert await mine.show(one) == one


async def test_paid_it_grants_points_and_level_and_goes_to_the_projects_at_once(world: World) -> None:
    hive, tree = await hives(world), await hives(world, slug="ruches-du-diois")
    mine = await subscriber(world)
    one = await mine.begin(hive, tree)
    assert (one.state, one.period, one.period_end, one.means_saved) == ("active", 1, DUE, True)
    assert (await mine.points(), await mine.level()) == (280, "ambassadeur")
    assert (await funding(world, hive), await funding(world, tree)) == ((10_000, 1), (10_000, 1))
    [charge] = await mine.charges(one)
    assert [(part.project_id, part.amount.amount) for part in charge.portions] == [
        (hive, 10_000),
        (tree, 10_000),
    ]
    assert charge.unplaced.amount == 0
    assert await mine.receipts(one.payment) == [("payment", STANDARD)]
    assert happened(world, "investments.", "points.", "identity.level") == [
        *("investments.subscription_requested", "investments.subscription_begun", "points.earned"),
        "identity.level_reached",
    ]
    await check_books(world)


async def test_the_points_say_that_they_come_from_the_subscription(world: World) -> None:
    mine, _, one = await begun(world)
    question = points.GetStatement(user_id=mine.actor.user_id)
    lines = (await world.run.read(points.statement, question, actor=mine.actor)).items
    assert [(line.kind, line.amount, line.source_type, line.source_id) for line in lines] == [
        ("bonus", 80, "subscription", one.id),
        ("earned", 200, "subscription", one.id),
    ]


async def test_what_the_provider_repeats_is_settled_once(world: World) -> None:
    mine = await subscriber(world)
    one = await mine.pay(await mine.subscribe(), "repeats")
    assert await mine.hear(one, "failed") == one
    assert await mine.hear(one, "succeeded") == one
    assert await mine.points() == 280
    assert await mine.receipts(one.payment) == [("payment", STANDARD)]


async def test_the_same_key_is_the_same_subscription(world: World) -> None:
    mine = await subscriber(world)
    assert await mine.subscribe(key="k") == await mine.subscribe(key="k")
    with pytest.raises(rules.AlreadySubscribed):
        await mine.subscribe(key="another")


async def test_a_payment_that_failed_begins_nothing_and_the_next_one_may(world: World) -> None:
    mine = await subscriber(world)
    one = await mine.pay(await mine.subscribe(), "fails")
    assert (one.state, one.reason, one.charge.state) == ("ended", "payment_failed", "failed")
    other = await mine.begin()
    assert other.state == "active"
    late = await mine.hear(one, "succeeded")
    assert (late.state, late.charge.state, late.payment.state) == ("ended", "returned", "refunded")
    assert await mine.receipts(late.payment) == [("payment", STANDARD), ("refund", STANDARD)]
    assert await mine.points() == 280


async def test_a_verified_e_mail_alone_is_not_enough_for_a_year(world: World) -> None:
    mine = Subscriber(world, await join(world, kyc=0), SandboxGateway())
    with pytest.raises(limits.ContributionLimit):
        await mine.subscribe()
    await verify(world, mine.actor, 1)
    assert (await mine.subscribe()).state == "pending"


async def test_projects_that_are_not_open_are_refused_and_drafts_do_not_exist(world: World) -> None:
    mine, project_id = await subscriber(world), await hives(world)
    await move(world, project_id, "closed", 3)
    with pytest.raises(projects.ProjectNotOpen):
        await mine.subscribe(project_id)
    with pytest.raises(shared.NotFound):
        await mine.subscribe(UNKNOWN)


async def test_nobody_subscribes_as_a_stranger(world: World) -> None:
    with pytest.raises(shared.Unauthenticated):
        await Subscriber(world, shared.Actor(), SandboxGateway()).subscribe()


async def test_money_without_a_project_waits_until_one_is_chosen(world: World) -> None:
    mine, _, one = await begun(world)
    assert one.charge.unplaced.amount == STANDARD
    project_id = await hives(world)
    chosen = await mine.choose_projects(one, Choice(project_id, 3))
    assert (chosen.projects, chosen.charge.unplaced.amount) == ((Choice(project_id, 3),), 0)
    assert await funding(world, project_id) == (STANDARD, 1)
    assert await mine.choose_projects(one, Choice(project_id, 3)) == chosen
    assert await funding(world, project_id) == (STANDARD, 1)


async def test_what_a_project_has_no_room_for_waits_and_shows(world: World) -> None:
    small, large = await hives(world, 1), await hives(world, 2, "ruches-du-diois")
    _, _, one = await begun(world, ids=(small, large))
    assert await funding(world, small) == (5_000, 1)
    assert await funding(world, large) == (10_000, 1)
    assert one.charge.unplaced.amount == 5_000


async def test_a_share_and_a_subscription_of_one_member_are_one_supporter(world: World) -> None:
    project_id = await hives(world, 9)
    mine = await subscriber(world)
    other = Investor(world, mine.actor, mine.gateway)
    share = await other.pay(await other.invest(project_id))
    one = await mine.begin(project_id)
    assert await funding(world, project_id) == (25_000, 1)
    await other.withdraw(share)
    assert await funding(world, project_id) == (STANDARD, 1)
    assert await mine.level() == "ambassadeur"
    await mine.withdraw(one)
    assert await funding(world, project_id) == (0, 0)
    assert await mine.level() == "explorateur"


async def test_choosing_projects_refuses_what_is_not_open(world: World) -> None:
    mine, _, one = await begun(world)
    with pytest.raises(shared.NotFound):
        await mine.choose_projects(one, Choice(UNKNOWN))
    project_id = await hives(world)
    with pytest.raises(rules.ProjectChosenTwice):
        await mine.choose_projects(one, Choice(project_id), Choice(project_id))


async def test_the_projects_are_chosen_before_the_first_payment_too(world: World) -> None:
    mine, project_id = await subscriber(world), await hives(world)
    one = await mine.choose_projects(await mine.subscribe(), Choice(project_id))
    await mine.pay(one)
    assert await funding(world, project_id) == (STANDARD, 1)
