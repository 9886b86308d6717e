"""Subscribing from the wish to the third year: renewals, dunning, decisions, and thinking again."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from investing import Away, Investor, check_books, funding, happened, hives, join
from subscribing import PREMIUM, STANDARD, Subscriber, renew, subscriber, verify
from wishes import move

from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application import investments, payments, points
from baobab.application.investments import Renewals, paying
from baobab.application.payments import Asked, GatewayUnavailable, NewsOutcome, Notification, Standing
from baobab.application.work import Changes
from baobab.domain import projects, shared
from baobab.domain.identity import limits
from baobab.domain.investments import subscriptions as rules
from baobab.domain.investments.subscriptions import Choice
from builders import World

DUE = datetime(2027, 3, 1, 23, 0, tzinfo=UTC)
"""When a subscription of 2 March 2026, in Paris, is renewed."""
UNKNOWN = UUID(int=9)


class Cards(SandboxGateway):
    """A provider whose next charges go as they are told: an outcome, or silence before or after it."""

    def __init__(self, *script: str) -> None:
        super().__init__()
        self.script, self.charged, self.known = list(script), list[UUID](), dict[str, Notification]()

    async def charge(self, asked: Asked, means: str) -> Notification:
        reference = f"sandbox_{asked.payment_id.hex}"
        told = self.script.pop(0) if self.script else "succeeded"
        if told == "silent":
            raise GatewayUnavailable
        if told.startswith("refused "):
            raise payments.GatewayRefused(reason=told.partition(" ")[2])
        if reference not in self.known:
            self.charged.append(asked.payment_id)
            outcome: Any = "succeeded" if told == "lost" else told
            self.known[reference] = Notification(
                reference, outcome, "" if outcome != "failed" else "declined"
            )
        if told == "lost":
            raise GatewayUnavailable
        return self.known[reference]

    async def look(self, reference: str) -> Standing:
        return Standing(self.known[reference])

    def tell(self, payment: payments.PaymentView, outcome: NewsOutcome) -> None:
        self.known[payment.reference] = Notification(payment.reference, outcome)


async def begun(world: World, *script: str, ids: tuple[UUID, ...] = ()) -> tuple[Subscriber, Cards, Any]:
    """A member whose subscription is paid, and the provider of the renewals to come."""
    cards = Cards(*script)
    mine = await subscriber(world, gateway=cards)
    return mine, cards, await mine.begin(*ids)


# --- subscribe ----------------------------------------------------------------------------------


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


# --- projects -----------------------------------------------------------------------------------


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


# --- renew --------------------------------------------------------------------------------------


async def test_a_year_later_the_saved_means_are_charged_once(world: World) -> None:
    project_id = await hives(world, 9)
    mine, cards, one = await begun(world, ids=(project_id,))
    world.clock.at("2027-03-01 22:59")
    assert await renew(world, cards) == Renewals()
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)
    assert await renew(world, cards) == Renewals()
    now = await mine.show(one)
    assert (now.state, now.period, now.period_end) == ("active", 2, datetime(2028, 3, 1, 23, tzinfo=UTC))
    assert (await mine.points(), len(cards.charged)) == (560, 1)
    assert await funding(world, project_id) == (2 * STANDARD, 1)
    assert [await mine.receipts(charge.payment) for charge in await mine.charges(one)] == [
        [("payment", STANDARD)],
        [("payment", STANDARD)],
    ]
    await check_books(world)


async def test_a_card_that_fails_three_times_ends_it_and_its_benefits(world: World) -> None:
    mine, cards, one = await begun(world, "failed", "failed", "failed")
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, failed=1)
    assert ((await mine.show(one)).state, await mine.level()) == ("past_due", "ambassadeur")
    for day, expected in (("2027-03-03", Renewals()), ("2027-03-04", Renewals(due=1, failed=1))):
        world.clock.at(f"{day} 22:00")
        assert await renew(world, cards) == expected
    world.clock.at("2027-03-09 23:00")
    assert await renew(world, cards) == Renewals(due=1, ended=1)
    now = await mine.show(one)
    assert (now.state, now.reason, now.due_at, now.failures) == ("ended", "dunning", None, 3)
    assert (await mine.level(), await mine.points()) == ("explorateur", 280)
    assert await renew(world, cards) == Renewals()
    assert [charge.state for charge in await mine.charges(one)] == [*["failed"] * 3, "paid"]
    assert happened(world, "investments.subscription_")[2:] == [
        *["investments.subscription_past_due"] * 2,
        "investments.subscription_ended",
    ]


async def test_a_card_that_works_again_heals(world: World) -> None:
    mine, cards, one = await begun(world, "failed")
    world.clock.at(DUE)
    await renew(world, cards)
    world.clock.advance(days=2)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)
    now = await mine.show(one)
    assert (now.state, now.failures, now.period) == ("active", 0, 2)
    assert now.period_end == datetime(2028, 3, 1, 23, tzinfo=UTC)


async def test_a_provider_that_does_not_answer_is_no_failure_and_is_asked_again(world: World) -> None:
    mine, cards, one = await begun(world, "silent", "silent", "silent", "silent")
    world.clock.at(DUE)
    for _ in range(4):
        assert await renew(world, cards) == Renewals(due=1, unanswered=1)
        world.clock.advance(days=1)
    assert ((await mine.show(one)).state, (await mine.show(one)).failures) == ("active", 0)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)
    assert len(await mine.charges(one)) == 2


async def test_means_that_are_gone_are_a_failure_and_whatever_else_is_refused_is_none(world: World) -> None:
    mine, cards, one = await begun(world, "refused idempotency_key_in_use", "refused resource_missing")
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, unanswered=1)
    assert (await mine.show(one)).failures == 0
    assert await renew(world, cards) == Renewals(due=1, failed=1)
    assert (await mine.show(one)).payment.reason == "resource_missing"


async def test_an_answer_that_was_lost_is_asked_for_again_and_nobody_is_charged_twice(world: World) -> None:
    mine, cards, _ = await begun(world, "lost", "succeeded")
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, unanswered=1)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)
    assert (len(cards.charged), await mine.points()) == (1, 560)


async def test_a_charge_under_way_is_heard_of_later(world: World) -> None:
    mine, cards, one = await begun(world, "pending")
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, waiting=1)
    under_way = await mine.show(one)
    assert await renew(world, cards) == Renewals(due=1, waiting=1)
    cards.tell(under_way.payment, "declined")
    assert await renew(world, cards) == Renewals(due=1, failed=1)
    assert len(cards.charged) == 1


async def test_a_charge_that_the_provider_gave_up_is_a_try_that_failed(world: World) -> None:
    """Otherwise it would be tried for ever, and the benefits kept for as long."""
    mine, cards, one = await begun(world, "pending", "pending", "pending")
    for moment, expected in (
        (DUE, Renewals(due=1, failed=1)),
        ("2027-03-04 00:00", Renewals(due=1, failed=1)),
        ("2027-03-09 12:00", Renewals(due=1, ended=1)),
    ):
        world.clock.at(moment)
        assert await renew(world, cards) == Renewals(due=1, waiting=1)
        cards.tell((await mine.show(one)).payment, "expired")
        assert await renew(world, cards) == expected
    assert (await mine.show(one)).reason == "dunning"


async def test_one_card_that_fails_and_one_that_breaks_stop_nobody_else(world: World) -> None:
    class Broken(Cards):
        async def charge(self, asked: Asked, means: str) -> Notification:
            if asked.user_id == broken.actor.user_id:
                raise RuntimeError("something nobody thought of")
            return await super().charge(asked, means)

    cards = Broken()
    everybody = [await subscriber(world, number, gateway=cards) for number in range(20)]
    views = [await one.begin() for one in everybody]
    broken = everybody[3]
    cards.script = ["failed"]
    world.clock.at(DUE)
    with pytest.raises(RuntimeError):
        await renew(world, cards)
    states = [(await one.show(view)).period for one, view in zip(everybody, views, strict=True)]
    assert sorted(states) == [1, 1, *[2] * 18]


async def test_who_saved_no_means_is_asked_to_pay_by_hand(world: World) -> None:
    mine, cards, one = await begun(world)
    storage: Any = world.storage
    key = investments.SUBSCRIPTIONS.key(one.user_id, one.id)
    async with storage.begin() as transaction:
        changed = shared.evolve(storage.find(key), means="")
        await transaction.write(Changes({}, {investments.SUBSCRIPTIONS: [changed]}))
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, failed=1)
    late = await mine.show(one)
    assert (late.payment.reason, cards.charged) == ("no_means", [])
    by_hand = await mine.pay_now(late)
    assert (await mine.pay(by_hand)).state == "active"
    assert (await mine.show(one)).means_saved


async def test_a_renewal_beyond_the_member_s_limit_is_not_charged(world: World) -> None:
    """A check holds for two years: who is not checked again may not put in so much in the third."""
    cards = Cards()
    mine = Subscriber(world, await join(world, kyc=0), cards)
    await verify(world, mine.actor, 1)
    one = await mine.begin()
    world.clock.at(DUE)
    await renew(world, cards)
    world.clock.at("2028-03-03 12:00")
    assert await renew(world, cards) == Renewals(due=1, failed=1)
    late = await mine.show(one)
    assert (late.payment.reason, len(cards.charged)) == ("contribution_limit", 1)
    with pytest.raises(limits.ContributionLimit):
        await mine.pay_now(late)
    await verify(world, mine.actor, 1)
    world.clock.advance(days=2)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)


async def test_another_provider_leaves_a_renewal_alone(world: World) -> None:
    class Other(SandboxGateway):
        name = "other"

    await begun(world)
    world.clock.at(DUE)
    assert await renew(world, Other()) == Renewals(due=1, unanswered=1)


async def test_who_never_paid_is_given_up(world: World) -> None:
    mine = await subscriber(world)
    one = await mine.subscribe()
    world.clock.advance(minutes=30)
    assert await renew(world, mine.gateway) == Renewals(due=1, ended=1)
    gone = await mine.show(one)
    assert (gone.state, gone.reason, gone.payment.state) == ("ended", "hold_expired", "cancelled")
    assert (await mine.pay(gone)).state == "active"


async def test_only_services_renew(world: World) -> None:
    mine, _, one = await begun(world)
    command = investments.BeginRenewal(user_id=one.user_id, subscription_id=one.id)
    with pytest.raises(shared.Forbidden):
        await world.run(investments.begin_renewal, command, actor=mine.actor)


async def test_only_the_first_are_renewed_where_that_is_asked(world: World) -> None:
    cards = Cards()
    for number in range(5):
        await (await subscriber(world, number, gateway=cards)).begin()
    world.clock.at(DUE)
    some = await investments.renew_due(world.run, cards, actor=world.admin, most=2, share=0.5)
    assert some == Renewals(due=2, renewed=2)
    seen: list[tuple[int, int]] = []
    await investments.renew_due(world.run, cards, actor=world.admin, watch=lambda *one: seen.append(one))
    assert seen[-1] == (3, 3)


# --- pay by hand --------------------------------------------------------------------------------


async def test_a_member_pays_by_hand_what_the_card_did_not(world: World) -> None:
    mine, cards, one = await begun(world, "failed")
    world.clock.at(DUE)
    await renew(world, cards)
    by_hand = await mine.pay_now(one)
    assert (by_hand.charge.automatic, by_hand.payment.state) == (False, "pending")
    assert by_hand.payment.pay_url
    world.clock.advance(days=2)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)
    late = await mine.pay(by_hand)
    assert (late.charge.state, late.payment.state, late.period) == ("returned", "refunded", 2)
    assert await mine.points() == 560


async def test_nothing_is_to_be_paid_where_no_renewal_failed(world: World) -> None:
    mine, _, one = await begun(world)
    with pytest.raises(rules.NothingToPay):
        await mine.pay_now(one)


# --- decide -------------------------------------------------------------------------------------


async def test_a_cancelled_subscription_runs_until_its_period_is_over(world: World) -> None:
    mine, cards, one = await begun(world)
    asked = await mine.cancel(one)
    assert (asked.state, asked.cancel_at_period_end, await mine.level()) == ("active", True, "ambassadeur")
    assert await mine.cancel(one) == asked
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, cancelled=1)
    over = await mine.show(one)
    assert (over.state, over.reason, await mine.level()) == ("cancelled", "period_end", "explorateur")
    assert (await mine.cancel(one), cards.charged) == (over, [])


async def test_a_cancellation_is_taken_back(world: World) -> None:
    mine, cards, one = await begun(world)
    await mine.cancel(one)
    command = investments.ResumeSubscription(subscription_id=one.id)
    resumed = await world.run(investments.resume_subscription, command, actor=mine.actor)
    assert not resumed.cancel_at_period_end
    world.clock.at(DUE)
    assert await renew(world, cards) == Renewals(due=1, renewed=1)


async def test_cancelling_while_it_is_tried_again_stops_at_once(world: World) -> None:
    mine, cards, one = await begun(world, "failed")
    world.clock.at(DUE)
    await renew(world, cards)
    assert (await mine.cancel(one)).state == "cancelled"
    assert await mine.level() == "explorateur"
    world.clock.advance(days=30)
    assert await renew(world, cards) == Renewals()


async def test_money_of_a_renewal_that_was_cancelled_meanwhile_goes_back(world: World) -> None:
    mine, cards, one = await begun(world, "pending")
    world.clock.at(DUE)
    await renew(world, cards)
    under_way = await mine.show(one)
    assert (await mine.cancel(one)).state == "cancelled"
    late = await mine.hear(under_way, "succeeded")
    assert (late.charge.state, late.payment.state) == ("returned", "refunded")
    assert await mine.points() == 280
    await check_books(world)


async def test_an_administrator_stops_it_at_once_with_a_reason(world: World) -> None:
    mine, _, one = await begun(world)
    command = investments.StopSubscription(
        user_id=one.user_id, subscription_id=one.id, reason="asked by telephone"
    )
    stopped = await world.run(investments.stop_subscription, command, actor=world.admin)
    assert (stopped.state, stopped.reason, await mine.level()) == ("cancelled", "admin", "explorateur")
    with pytest.raises(shared.Forbidden):
        await world.run(investments.stop_subscription, command, actor=mine.actor)


async def test_another_plan_is_charged_from_the_next_period_on(world: World) -> None:
    mine, cards, one = await begun(world)
    chosen = await mine.choose_plan(one, "ambassadeur_premium")
    assert (chosen.plan, chosen.next_plan, await mine.points()) == (
        *("ambassadeur_standard", "ambassadeur_premium"),
        280,
    )
    world.clock.at(DUE)
    await renew(world, cards)
    now = await mine.show(one)
    assert (now.plan, now.next_plan, now.charge.amount.amount) == ("ambassadeur_premium", None, PREMIUM)
    assert await mine.points() == 280 + 525
    await check_books(world)


async def test_nobody_decides_for_somebody_else_or_sees_what_is_theirs(world: World) -> None:
    mine, _, one = await begun(world)
    other = await subscriber(world, 2)
    for wish in (other.cancel(one), other.choose_plan(one, "ambassadeur_premium"), other.withdraw(one)):
        with pytest.raises(shared.NotFound):
            await wish
    for look in (other.show(one), other.charges(one)):
        with pytest.raises(shared.NotFound):
            await look
    assert await mine.show(one) == one
    question = investments.ListSubscriptions(user_id=one.user_id)
    with pytest.raises(shared.NotFound):
        await world.run.read(investments.subscription_listing, question, actor=other.actor)


async def test_subscriptions_are_listed_newest_first(world: World) -> None:
    mine = await subscriber(world)
    first = await mine.pay(await mine.subscribe(), "fails")
    second = await mine.begin()
    question = investments.ListSubscriptions(user_id=mine.actor.user_id, limit=1)
    page = await world.run.read(investments.subscription_listing, question, actor=world.admin)
    assert page.items == (second,)
    rest = shared.evolve(question, cursor=page.next_cursor)
    assert (await world.run.read(investments.subscription_listing, rest, actor=mine.actor)).items == (first,)


# --- withdraw -----------------------------------------------------------------------------------


async def test_who_thinks_again_gets_back_what_is_not_spent(world: World) -> None:
    project_id = await hives(world)
    mine, _, one = await begun(world, ids=(project_id,))
    await mine.spend(100)
    back = await mine.withdraw(one)
    assert (back.refund.amount, back.deducted.amount, back.returned_points) == (10_000, 10_000, 180)
    assert (back.payment.state, await mine.points(), await mine.level()) == ("refunded", 0, "explorateur")
    assert await funding(world, project_id) == (0, 0)
    over = await mine.show(one)
    assert (over.state, over.charge.state, over.due_at) == ("withdrawn", "withdrawn", None)
    assert (await mine.charges(one))[0].portions == ()
    await check_books(world)


async def test_a_withdrawal_of_a_subscription_answers_the_same_again_and_happens_once(world: World) -> None:
    mine, _, one = await begun(world)
    assert await mine.withdraw(one, key="w") == await mine.withdraw(one, key="w")
    with pytest.raises(rules.NothingToWithdraw):
        await mine.withdraw(one, key="another")
    assert await mine.receipts(one.payment) == [("payment", STANDARD), ("refund", STANDARD)]


async def test_what_was_never_paid_is_not_withdrawn_from(world: World) -> None:
    mine = await subscriber(world)
    with pytest.raises(rules.NothingToWithdraw):
        await mine.withdraw(await mine.subscribe())


async def test_money_is_taken_from_projects_that_were_chosen_later_too(world: World) -> None:
    small, later = await hives(world, 1), await hives(world, slug="ruches-du-diois")
    mine, _, one = await begun(world, ids=(small,))
    await mine.choose_projects(one, Choice(small), Choice(later))
    assert [await funding(world, id) for id in (small, later)] == [(5_000, 1), (15_000, 1)]
    await mine.withdraw(one)
    assert [await funding(world, id) for id in (small, later)] == [(0, 0), (0, 0)]


async def dispute(world: World, one: investments.SubscriptionView, state: Any = "lost") -> None:
    """A member's bank takes the money of the last charge back."""
    command = payments.BookDispute(
        user_id=one.user_id, payment_id=one.payment.id, reference="dp_1", amount_cents=STANDARD, state=state
    )
    await world.run(paying.PURCHASES["subscription"].disputed, command, actor=world.admin)


async def test_money_that_a_bank_takes_back_ends_the_subscription_and_its_benefits(world: World) -> None:
    project_id = await hives(world)
    mine, _, one = await begun(world, ids=(project_id,))
    await mine.spend(100)
    await dispute(world, one, "opened")
    assert (await mine.show(one)).state == "active"
    await dispute(world, one)
    lost = await mine.show(one)
    assert (lost.state, lost.reason, lost.charge.state) == ("cancelled", "chargeback", "lost")
    assert (await mine.level(), await funding(world, project_id)) == ("explorateur", (0, 0))
    question = points.GetBalance(user_id=mine.actor.user_id)
    balance = await world.run.read(points.balance, question, actor=mine.actor)
    assert (balance.available, balance.debt) == (0, 100)
    await dispute(world, one)
    with pytest.raises(rules.NothingToWithdraw):
        await mine.withdraw(one)
    await check_books(world)


async def test_the_money_of_an_earlier_year_is_lost_and_the_present_one_goes_on(world: World) -> None:
    mine, cards, one = await begun(world)
    world.clock.at(DUE)
    await renew(world, cards)
    await dispute(world, one)
    assert ((await mine.show(one)).state, await mine.points()) == ("active", 280)
    assert [charge.state for charge in await mine.charges(one)] == ["paid", "lost"]
    await check_books(world)


async def test_a_withdrawal_from_a_subscription_does_not_wait_for_the_provider(world: World) -> None:
    mine, _, one = await begun(world)
    away = Subscriber(world, mine.actor, Away())
    assert (await away.withdraw(one, key="w")).payment.state == "refund_due"
    assert (await mine.withdraw(one, key="w")).payment.state == "refunded"
