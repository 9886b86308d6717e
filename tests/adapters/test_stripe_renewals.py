"""Subscriptions through a stateful imitation of Stripe: renewed, declined, and never charged twice."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from investing import check_books, join
from stripes import DECLINED, GOOD, KEY, SECRET, Stripe, imitation
from subscribing import STANDARD, Subscriber, renew

from baobab.adapters.payments.stripe import StripeGateway
from baobab.application import investments
from baobab.application.investments import Renewals, SubscriptionView
from baobab.application.work import Changes
from baobab.domain import shared
from builders import World

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
DUE = datetime(2027, 3, 1, 23, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def there() -> Iterator[Stripe]:
    with imitation() as found:
        yield found


@pytest.fixture
async def gateway(there: Stripe) -> AsyncIterator[StripeGateway]:
    """It asks once, and leaves it to the worker to ask again."""
    there.door.faults.clear()
    opened = StripeGateway(
        KEY,
        SECRET,
        lambda: datetime.now(UTC),
        api_base=there.door.address,
        timeout=5.0,
        public_key="pk_test_open",
        retries=0,
    )
    yield opened
    await opened.close()


async def begun(world: World, there: Stripe, gateway: Any) -> tuple[Subscriber, SubscriptionView]:
    """A subscription that its member paid for in the provider's form."""
    mine = Subscriber(world, await join(world), gateway)
    asked = await mine.subscribe()
    there.pay(asked.payment.reference)
    news = (await gateway.look(asked.payment.reference)).news
    await investments.hear(news, world.run, gateway, shared.Actor())
    return mine, await mine.show(asked)


async def give_card(world: World, there: Stripe, one: SubscriptionView, number: str) -> None:
    """From now on the saved card is this one."""
    storage: Any = world.storage
    known = storage.find(investments.SUBSCRIPTIONS.key(one.user_id, one.id))
    async with storage.begin() as transaction:
        changed = shared.evolve(known, means=there.card(number))
        await transaction.write(Changes({}, {investments.SUBSCRIPTIONS: [changed]}))


def succeeded(there: Stripe, one: SubscriptionView) -> int:
    """How many payments of the member the provider has taken."""
    found = there.http.get("/v1/payment_intents", params={"limit": 1_000}).json()["data"]
    mine = [intent for intent in found if intent["metadata"].get("user_id") == str(one.user_id)]
    return sum(intent["status"] == "succeeded" for intent in mine)


async def test_a_member_pays_once_in_the_form_and_the_kept_card_pays_the_next_year(
    world: World, there: Stripe, gateway: StripeGateway
) -> None:
    mine, one = await begun(world, there, gateway)
    assert (one.state, one.means_saved, await mine.points()) == ("active", True, 280)
    await give_card(world, there, one, GOOD)
    world.clock.at(DUE)
    assert await renew(world, gateway) == Renewals(due=1, renewed=1)
    assert await renew(world, gateway) == Renewals()
    assert (await mine.points(), succeeded(there, one)) == (560, 2)
    assert [await mine.receipts(charge.payment) for charge in await mine.charges(one)] == [
        [("payment", STANDARD)]
    ] * 2
    await check_books(world)


async def test_a_card_that_is_declined_three_times_ends_it_with_the_books_right_after_each(
    world: World, there: Stripe, gateway: StripeGateway
) -> None:
    mine, one = await begun(world, there, gateway)
    await give_card(world, there, one, DECLINED)
    for moment, expected in (
        (DUE, Renewals(due=1, failed=1)),
        ("2027-03-04 00:00", Renewals(due=1, failed=1)),
        ("2027-03-09 12:00", Renewals(due=1, ended=1)),
        ("2027-04-09 12:00", Renewals()),
    ):
        world.clock.at(moment)
        assert await renew(world, gateway) == expected
        await check_books(world)
    now = await mine.show(one)
    assert (now.state, now.reason, now.payment.reason) == ("ended", "dunning", "insufficient_funds")
    assert (await mine.level(), await mine.points(), succeeded(there, one)) == ("explorateur", 280, 1)
    assert [charge.state for charge in await mine.charges(one)] == [*["failed"] * 3, "paid"]


async def test_an_answer_of_the_provider_that_was_lost_charges_nobody_twice(
    world: World, there: Stripe, gateway: StripeGateway
) -> None:
    mine, one = await begun(world, there, gateway)
    await give_card(world, there, one, GOOD)
    world.clock.at(DUE)
    there.door.faults[:] = ["lost"]
    assert await renew(world, gateway) == Renewals(due=1, unanswered=1)
    assert ((await mine.show(one)).period, succeeded(there, one)) == (1, 2)
    there.door.faults[:] = [503]
    assert await renew(world, gateway) == Renewals(due=1, unanswered=1)
    assert await renew(world, gateway) == Renewals(due=1, renewed=1)
    assert ((await mine.show(one)).period, await mine.points(), succeeded(there, one)) == (2, 560, 2)
    await check_books(world)
