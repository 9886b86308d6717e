"""Investing from the reservation to the points, and back within the days to think again."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from investing import HIVE, Away, Investor, check_books, funding, happened, hives, investor, money
from wishes import move

from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application import identity, investments, payments, points
from baobab.application.runner import IdempotencyKeyReused, InvalidCommand
from baobab.domain import investments as rules
from baobab.domain import projects, shared
from builders import World

STRANGER = shared.Actor()


class Counting(SandboxGateway):
    """A sandbox that counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def create(self, asked: payments.Asked) -> payments.Intent:
        self.asked.append("create")
        return await super().create(asked)

    async def refund(
        self, reference: str, amount_cents: int, key: str, since: datetime
    ) -> payments.RefundNews:
        self.asked.append("refund")
        return await super().refund(reference, amount_cents, key, since)


# --- offers -------------------------------------------------------------------------------------


async def test_everybody_sees_what_is_offered_with_its_bonus(world: World) -> None:
    page = await world.run.read(investments.offers, investments.ListOffers(), actor=STRANGER)
    assert page.next_cursor is None
    assert [(one.type, one.price.amount, one.points, one.bonus_bp) for one in page.items] == [
        ("ruche", 5_000, 65, 3_000),
        ("olivier", 8_000, 105, 3_125),
        ("parcelle_familiale", 15_000, 210, 4_000),
    ]
    assert (page.items[0].funded_points, page.items[0].bonus_points) == (50, 15)


# --- invest -------------------------------------------------------------------------------------


async def test_a_reserved_share_says_where_to_pay_and_grants_nothing_yet(world: World) -> None:
    mine, project_id = await investor(world), await hives(world)
    one = await mine.invest(project_id, notes="pour Noël")
    assert (one.state, one.amount, one.points, one.granted_points) == ("pending", shared.Money(HIVE), 65, 0)
    assert (one.payment.state, one.payment.amount) == ("pending", shared.Money(HIVE))
    assert one.payment.pay_url == f"/v1/payments/{one.payment.id}/sandbox"
    assert one.reserved_until == one.payment.expires_at == datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
    assert await mine.show(one) == one
    assert (await mine.points(), await mine.level()) == (0, "explorateur")
    assert await funding(world, project_id) == (0, 0)
    assert happened(world, "investments.", "payments.") == [
        *("payments.requested", "investments.reserved", "payments.opened"),
    ]


async def test_the_same_key_is_the_same_investment_and_the_same_payment(world: World) -> None:
    gateway = Counting()
    mine, project_id = await investor(world, gateway=gateway), await hives(world)
    first = await mine.invest(project_id, key="k")
    assert await mine.invest(project_id, key="k") == first
    await mine.pay(first)
    assert await mine.invest(project_id, key="k") == first
    assert gateway.asked == ["create"]
    with pytest.raises(IdempotencyKeyReused):
        await mine.invest(project_id, key="k", notes="another wish")


async def test_the_same_key_asks_again_when_the_provider_did_not_answer(world: World) -> None:
    mine, project_id = await investor(world, gateway=Away()), await hives(world)
    with pytest.raises(payments.GatewayUnavailable):
        await mine.invest(project_id, key="k")
    one = await Investor(world, mine.actor, SandboxGateway()).invest(project_id, key="k")
    assert one.payment.reference
    assert happened(world, "investments.") == ["investments.reserved"]


async def test_what_is_not_offered_for_a_project_of_its_type_is_refused(world: World) -> None:
    mine, project_id = await investor(world), await hives(world)
    with pytest.raises(projects.InvestmentTypeMismatch):
        await mine.invest(project_id, offer="olivier")
    with pytest.raises(InvalidCommand):
        await mine.invest(project_id, offer="pearls")


async def test_what_a_project_has_no_room_for_is_refused(world: World) -> None:
    mine, project_id = await investor(world), await hives(world, 1)
    other = await investor(world, 2)
    await mine.invest(project_id)
    with pytest.raises(projects.FundingExceeded) as refused:
        await other.invest(project_id)
    assert refused.value.facts() == {"needed": HIVE, "room": 0}


async def test_a_closed_project_takes_no_money(world: World) -> None:
    mine, project_id = await investor(world), await hives(world)
    await move(world, project_id, "closed", 3)
    with pytest.raises(projects.ProjectNotOpen):
        await mine.invest(project_id)


async def test_an_unknown_project_and_an_unknown_member_are_not_found(world: World) -> None:
    mine = await investor(world)
    with pytest.raises(shared.NotFound) as refused:
        await mine.invest(UUID(int=9))
    assert refused.value.facts()["kind"] == "project"
    stranger = Investor(world, shared.Actor(UUID(int=7), "member"), SandboxGateway())
    project_id = await hives(world)
    with pytest.raises(shared.NotFound) as refused:
        await stranger.invest(project_id)
    assert refused.value.facts()["kind"] == "member"


async def test_a_stranger_does_not_invest(world: World) -> None:
    with pytest.raises(shared.Unauthenticated):
        await Investor(world, STRANGER, SandboxGateway()).invest(await hives(world))


async def test_a_member_keeps_at_most_five_shares_without_paying(world: World) -> None:
    mine, project_id = await investor(world), await hives(world, 20)
    pending = [await mine.invest(project_id) for _ in range(5)]
    with pytest.raises(rules.TooManyReservations) as refused:
        await mine.invest(project_id)
    assert refused.value.facts() == {"pending": 5, "most": 5}
    await mine.pay(pending[0])
    await mine.invest(project_id)
    world.clock.advance(minutes=30)
    assert (await mine.invest(project_id)).state == "pending"


# --- settle -------------------------------------------------------------------------------------


async def test_a_paid_share_grants_its_points_and_its_level_at_once(world: World) -> None:
    mine, project_id = await investor(world), await hives(world)
    one = await mine.pay(await mine.invest(project_id))
    assert (one.state, one.granted_points, one.payment.state) == ("active", 65, "succeeded")
    assert one.tracking_id.startswith("RUCHE-")
    assert one.withdraw_until == datetime(2026, 3, 16, 23, 0, tzinfo=UTC)
    assert await mine.show(one) == one
    assert (await mine.points(), await mine.level()) == (65, "protecteur")
    assert await funding(world, project_id) == (HIVE, 1)
    assert money(await mine.payment(one)) == [("payment", HIVE)]
    assert happened(world, "investments.", "payments.", "points.", "identity.level") == [
        *("payments.requested", "investments.reserved", "payments.opened"),
        *("payments.succeeded", "investments.activated", "points.earned", "identity.level_reached"),
    ]


async def test_the_points_of_an_investment_are_paid_for_and_bonus(world: World) -> None:
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    question = points.GetStatement(user_id=mine.actor.user_id)
    lines = (await world.run.read(points.statement, question, actor=mine.actor)).items
    assert [(line.kind, line.amount, line.source_type, line.source_id) for line in lines] == [
        ("bonus", 15, "investment", one.id),
        ("earned", 50, "investment", one.id),
    ]


async def test_what_the_provider_repeats_is_settled_once(world: World) -> None:
    mine, project_id = await investor(world), await hives(world)
    one = await mine.pay(await mine.invest(project_id), "repeats")
    assert await mine.pay(one) == one
    assert await mine.hear(one, "failed") == one
    assert await mine.hear(one, "expired") == one
    assert await mine.points() == 65
    assert await funding(world, project_id) == (HIVE, 1)
    assert money(await mine.payment(one)) == [("payment", HIVE)]
    assert happened(world, "points.") == ["points.earned"]


async def test_a_failed_payment_cancels_and_frees_the_share(world: World) -> None:
    mine, project_id = await investor(world), await hives(world, 1)
    one = await mine.pay(await mine.invest(project_id), "fails")
    assert (one.state, one.payment.state, one.payment.reason) == ("cancelled", "failed", "card_declined")
    assert await mine.points() == 0
    other = await investor(world, 2)
    assert (await other.invest(project_id)).state == "pending"


async def test_a_second_try_after_a_failure_is_honoured_while_there_is_room(world: World) -> None:
    mine, project_id = await investor(world), await hives(world, 1)
    failed = await mine.pay(await mine.invest(project_id), "fails")
    assert (await mine.pay(failed)).state == "active"
    assert await mine.points() == 65


async def test_late_money_is_honoured_while_there_is_room(world: World) -> None:
    mine, project_id = await investor(world), await hives(world, 1)
    one = await mine.pay(await mine.invest(project_id), "late")
    assert (one.state, one.granted_points) == ("active", 65)
    assert happened(world, "investments.")[1:] == ["investments.expired", "investments.activated"]


async def test_late_money_goes_back_when_the_room_is_gone(world: World) -> None:
    mine, project_id = await investor(world), await hives(world, 1)
    one = await mine.invest(project_id)
    world.clock.advance(minutes=30)
    other = await investor(world, 2)
    await other.pay(await other.invest(project_id))
    late = await mine.pay(one)
    assert (late.state, late.granted_points, late.tracking_id) == ("refunded", 0, "")
    assert (late.payment.state, late.payment.reason) == ("refunded", "funding_exceeded")
    assert (late.payment.refunded.amount, late.payment.refund_due.amount) == (HIVE, 0)
    assert money(await mine.payment(late)) == [("payment", HIVE), ("refund", HIVE)]
    assert (await mine.points(), await mine.level()) == (0, "explorateur")
    assert await funding(world, project_id) == (HIVE, 1)


async def test_the_last_share_completes_the_target(world: World) -> None:
    mine, project_id = await investor(world), await hives(world, 1)
    await mine.pay(await mine.invest(project_id))
    assert "projects.target_reached" in happened(world, "projects.")


async def test_news_of_a_payment_nobody_asked_for_is_not_found(world: World) -> None:
    mine = await investor(world)
    news = payments.Notification("sandbox_unknown", "succeeded")
    with pytest.raises(shared.NotFound):
        await investments.hear(news, world.run, mine.gateway, STRANGER)


async def test_a_member_does_not_settle_their_own_payment(world: World) -> None:
    mine = await investor(world)
    one = await mine.invest(await hives(world))
    command = investments.Settle(user_id=one.user_id, payment_id=one.payment.id, outcome="succeeded")
    with pytest.raises(shared.Forbidden):
        await world.run(investments.settle, command, actor=mine.actor)


async def test_a_member_does_not_choose_how_somebody_else_s_payment_goes(world: World) -> None:
    mine, other = await investor(world), await investor(world, 2)
    one = await mine.invest(await hives(world))
    with pytest.raises(shared.NotFound):
        await other.pay(one)
    assert (await mine.show(one)).state == "pending"


# --- expire -------------------------------------------------------------------------------------


async def test_a_reservation_expires_when_its_hold_ran_out(world: World) -> None:
    mine, project_id = await investor(world), await hives(world)
    one = await mine.invest(project_id)
    with pytest.raises(rules.HoldStillRuns):
        await mine.expire(one)
    world.clock.advance(minutes=30)
    gone = await mine.expire(one)
    assert (gone.state, gone.payment.state, gone.payment.reason) == ("expired", "cancelled", "hold_expired")


async def test_a_reservation_is_given_up_early_on_an_administrator_s_word(world: World) -> None:
    mine, project_id = await investor(world), await hives(world, 1)
    one = await mine.expire(await mine.invest(project_id), early=True)
    assert (one.state, one.payment.reason) == ("expired", "given_up")
    other = await investor(world, 2)
    assert (await other.invest(project_id)).state == "pending"


async def test_what_is_paid_does_not_expire(world: World) -> None:
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    assert await mine.expire(one, early=True) == one


async def test_a_member_does_not_expire_reservations(world: World) -> None:
    mine = await investor(world)
    one = await mine.invest(await hives(world))
    command = investments.ExpireInvestment(user_id=one.user_id, investment_id=one.id, early=True)
    with pytest.raises(shared.Forbidden):
        await world.run(investments.expire, command, actor=mine.actor)


# --- withdraw -----------------------------------------------------------------------------------


async def test_who_thinks_again_has_the_money_back_and_no_points(world: World) -> None:
    mine, project_id = await investor(world), await hives(world)
    one = await mine.pay(await mine.invest(project_id))
    at = world.clock.advance(days=3)
    back = await mine.withdraw(one)
    assert (back.state, back.granted_points, back.withdrawn_at) == ("withdrawn", 0, at)
    assert (back.payment.state, back.payment.refunded) == ("refunded", shared.Money(HIVE))
    assert (await mine.points(), await mine.level()) == (0, "explorateur")
    assert await funding(world, project_id) == (0, 0)
    receipts = (await mine.payment(one)).receipts
    assert [(one.kind, one.amount.amount, one.issued_at) for one in receipts][1:] == [("refund", HIVE, at)]
    assert "points.grant_revoked" in happened(world, "points.")


async def test_a_repeated_withdrawal_answers_as_the_first_time_and_pays_once(world: World) -> None:
    gateway = Counting()
    mine = await investor(world, gateway=gateway)
    one = await mine.pay(await mine.invest(await hives(world)))
    back = await mine.withdraw(one, key="w")
    assert await mine.withdraw(one, key="w") == back
    assert gateway.asked == ["create", "refund"]
    with pytest.raises(rules.InvestmentNotActive):
        await mine.withdraw(one, key="another")


async def test_the_level_stays_while_another_investment_is_active(world: World) -> None:
    mine, project_id = await investor(world), await hives(world)
    one, other = [await mine.pay(await mine.invest(project_id)) for _ in range(2)]
    assert await funding(world, project_id) == (2 * HIVE, 1)
    await mine.withdraw(one)
    assert (await mine.points(), await mine.level()) == (65, "protecteur")
    assert await funding(world, project_id) == (HIVE, 1)
    await mine.withdraw(other)
    assert (await mine.level(), await funding(world, project_id)) == ("explorateur", (0, 0))
    history = world.storage.all(identity.LEVEL_CHANGES)  # type: ignore[attr-defined]
    assert [change.level for change in history] == ["protecteur", "explorateur"]


async def test_whose_points_are_spent_in_part_has_the_rest_of_the_money_back(world: World) -> None:
    mine, project_id = await investor(world), await hives(world)
    one = await mine.pay(await mine.invest(project_id))
    await mine.spend(20)
    at = world.clock.advance(days=1)
    back = await mine.withdrawal(one)
    assert (back.kind, back.contribution_id, back.at) == ("investment", one.id, at)
    assert (back.granted_points, back.returned_points, back.spent_points) == (65, 45, 20)
    assert [money.amount for money in (back.paid, back.deducted, back.refund)] == [HIVE, 2_000, 3_000]
    assert (back.payment.state, back.payment.refunded.amount) == ("refunded", 3_000)
    assert money(await mine.payment(one)) == [("payment", HIVE), ("refund", 3_000)]
    assert ((await mine.show(one)).state, await mine.points()) == ("withdrawn", 0)
    assert await funding(world, project_id) == (0, 0)
    await check_books(world)


async def test_whose_points_are_all_spent_withdraws_for_nothing_and_owes_nothing(world: World) -> None:
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    await mine.spend(65)
    back = await mine.withdrawal(one)
    assert (back.refund.amount, back.deducted.amount, back.returned_points) == (0, HIVE, 0)
    assert (back.payment.state, (await mine.show(one)).state) == ("succeeded", "withdrawn")
    assert money(await mine.payment(one)) == [("payment", HIVE)]
    await check_books(world)


async def test_points_that_are_set_aside_stay_the_member_s_and_are_deducted(world: World) -> None:
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    hold = points.PlaceHold(user_id=mine.actor.user_id, amount=5, source_id=one.id)
    await world.run(points.hold, hold, actor=world.admin)
    back = await mine.withdrawal(one)
    assert (back.returned_points, back.refund.amount) == (60, 4_500)
    world.clock.advance(minutes=31)
    assert await mine.points() == 5
    await check_books(world)


async def test_what_would_come_back_is_shown_before(world: World) -> None:
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    await mine.spend(20)
    wish = investments.Withdraw(kind="investment", contribution_id=one.id)
    shown = await world.run(investments.withdraw, wish, actor=mine.actor, dry_run=True)
    assert (shown.refund.amount, shown.spent_points) == (3_000, 20)
    assert (await mine.show(one), await mine.points()) == (one, 45)
    assert (await mine.withdrawal(one)).refund == shown.refund


async def test_a_withdrawal_does_not_wait_for_the_provider(world: World) -> None:
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    away = Investor(world, mine.actor, Away())
    back = await away.withdrawal(one, key="w")
    assert (back.payment.state, back.payment.refund_due.amount) == ("refund_due", HIVE)
    assert (await mine.withdrawal(one, key="w")).payment.state == "refunded"
    assert money(await mine.payment(one)) == [("payment", HIVE), ("refund", HIVE)]


async def test_after_the_days_to_think_again_it_is_too_late(world: World) -> None:
    mine = await investor(world)
    one = await mine.pay(await mine.invest(await hives(world)))
    world.clock.at("2026-03-16 23:00")
    with pytest.raises(rules.WithdrawalWindowClosed):
        await mine.withdraw(one)
    assert await mine.points() == 65


async def test_what_is_not_paid_yet_is_not_withdrawn_from(world: World) -> None:
    mine = await investor(world)
    one = await mine.invest(await hives(world))
    with pytest.raises(rules.InvestmentNotActive) as refused:
        await mine.withdraw(one)
    assert refused.value.facts() == {"state": "pending"}


async def test_nobody_withdraws_from_somebody_else_s_investment(world: World) -> None:
    mine, other = await investor(world), await investor(world, 2)
    one = await mine.pay(await mine.invest(await hives(world)))
    with pytest.raises(shared.NotFound):
        await other.withdraw(one)
    assert await mine.show(one) == one


# --- read ---------------------------------------------------------------------------------------


async def test_a_member_sees_their_own_investments_and_an_admin_anybody_s(world: World) -> None:
    mine, other, project_id = await investor(world), await investor(world, 2), await hives(world)
    first, second = [await mine.invest(project_id) for _ in range(2)]
    question = investments.ListInvestments(user_id=mine.actor.user_id, limit=1)
    page = await world.run.read(investments.listing, question, actor=world.admin)
    assert page.items == (second,)
    rest = shared.evolve(question, cursor=page.next_cursor)
    assert (await world.run.read(investments.listing, rest, actor=mine.actor)).items == (first,)
    with pytest.raises(shared.NotFound):
        await world.run.read(investments.listing, question, actor=other.actor)


async def test_an_investment_is_its_owner_s_to_see(world: World) -> None:
    mine, other = await investor(world), await investor(world, 2)
    one = await mine.invest(await hives(world))
    with pytest.raises(shared.NotFound):
        await other.show(one)
    with pytest.raises(shared.NotFound):
        await mine.show(shared.evolve(one, id=UUID(int=9)))
