"""The demo community: what it shows, that its books add up, and that it is loaded once."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner
from dependency_injector import providers

from baobab.adapters.memory.queries import MemoryQueries
from baobab.adapters.memory.storage import MemoryStorage, MemoryTransaction
from baobab.application import (
    catalog,
    fulfillment,
    identity,
    inventory,
    investments,
    orders,
    partners,
    points,
    projects,
)
from baobab.application.runner import Runner
from baobab.domain import points as ledger
from baobab.domain import shared
from baobab.domain.inventory import recount
from baobab.entrypoints import demo
from baobab.entrypoints.cli import cli
from baobab.entrypoints.container import Container, MemoryContainer
from baobab.entrypoints.program import OPERATOR, opened
from baobab.entrypoints.settings import Settings

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
MANY = 100


class QuickSecrets:
    """Hashes that cost nothing."""

    async def hash(self, password: str) -> str:
        return f"quick:{password}"

    async def matches(self, password_hash: str, password: str) -> bool:
        return password_hash == f"quick:{password}"

    def random(self, size: int) -> bytes:
        return bytes(size)


class PowerCut(Exception):
    """The machine stops."""


class Interrupted(MemoryStorage):
    """Memory that stops after some transactions, and counts them."""

    def __init__(self, after: float = float("inf")) -> None:
        super().__init__()
        self.after, self.begun = after, 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryTransaction]:
        if self.begun >= self.after:
            raise PowerCut
        self.begun += 1
        async with super().begin() as transaction:
            yield transaction


def quick(container: Container, now: datetime = NOW) -> Container:
    """The container with cheap hashes, at a time that stands still."""
    container.secrets.override(providers.Object(QuickSecrets()))
    container.clock.override(providers.Object(lambda: now))
    return container


def in_memory(now: datetime = NOW) -> Container:
    return quick(MemoryContainer(settings=Settings()), now)


def on(storage: MemoryStorage, now: datetime = NOW) -> Container:
    container = in_memory(now)
    container.storage.override(providers.Object(storage))
    container.queries.override(providers.Object(MemoryQueries(storage)))
    return container


@pytest.fixture(scope="module", params=["memory", "postgres"])
def stored(request: pytest.FixtureRequest) -> tuple[Callable[[], Container], demo.Demo]:
    """The demo, loaded once: what makes a container on it, and what was said of it."""
    memory = in_memory()
    if request.param == "memory":
        return lambda: memory, asyncio.run(demo.load(memory))
    settings = Settings(database_url=request.getfixturevalue("migrated")(), connections=2)

    async def load() -> demo.Demo:
        async with opened(quick(Container(settings=settings))) as container:
            return await demo.load(container)

    return lambda: quick(Container(settings=settings)), asyncio.run(load())


@pytest.fixture
def told(stored: tuple[Callable[[], Container], demo.Demo]) -> demo.Demo:
    return stored[1]


@pytest.fixture
async def container(stored: tuple[Callable[[], Container], demo.Demo]) -> AsyncIterator[Container]:
    """A container on the loaded demo, for tests that only look at it."""
    async with opened(stored[0]()) as container:
        yield container


async def enrol(container: Container, email: str, password: str) -> identity.MemberView:
    run = container.runner()
    password_hash = await container.secrets().hash(password)
    wish = identity.Enrol(user_id=run.new_id(), email=email, name="Somebody", password_hash=password_hash)
    return await run(identity.enrol, wish, actor=OPERATOR)


async def members_of(run: Runner) -> dict[str, identity.MemberView]:
    page = await run.read(identity.members, identity.ListMembers(limit=MANY), actor=OPERATOR)
    return {one.email: one for one in page.items}


async def products_of(run: Runner, actor: shared.Actor) -> dict[str, catalog.ProductDetails]:
    page = await run.read(catalog.products, catalog.ListProducts(limit=MANY), actor=actor)
    questions = [catalog.GetProduct(reference=card.slug) for card in page.items]
    found = [await run.read(catalog.product, question, actor=actor) for question in questions]
    return {one.slug: one for one in found}


async def picture(container: Container) -> dict[str, Mapping[str, Any]]:
    """Everything of the demo that has a name, under that name."""
    run: Runner = container.runner()
    members = await members_of(run)
    ports = container.queries()
    books = {email: await ports.points.book(one.user_id, ledger.POINTS) for email, one in members.items()}
    launched = await run.read(projects.listing, projects.ListProjects(limit=MANY), actor=OPERATOR)
    placed = await run.read(orders.search, orders.SearchOrders(limit=MANY), actor=OPERATOR)
    sent = await run.read(fulfillment.shipments, fulfillment.SearchShipments(limit=MANY), actor=OPERATOR)
    stock = await run.read(inventory.overview, inventory.ListStock(limit=MANY), actor=OPERATOR)
    return {
        "members": {email: (one.role, one.level) for email, one in members.items()},
        "balances": {email: book and book.account.balance for email, book in books.items()},
        "projects": {one.slug: (one.status, one.funding) for one in launched.items},
        "orders": {one.number: (one.status, one.total_points, one.placed_at) for one in placed.items},
        "shipments": {one.number: one.status for one in sent.items},
        "stock": {one.sku: (one.on_hand, one.allocated) for one in stock.items},
    }


async def test_it_has_producers_projects_goods_and_members(container: Container, told: demo.Demo) -> None:
    run = container.runner()
    producers = await run.read(partners.producers, partners.ListProducers(limit=MANY), actor=OPERATOR)
    shown = await picture(container)
    assert told.outcome == "loaded"
    assert told.made["producers"] == len(producers.items) >= 5
    assert told.made["projects"] == len(shown["projects"]) == 7
    assert told.made["products"] == len(await products_of(run, OPERATOR)) >= 40
    assert told.made["members"] == len(shown["members"])
    assert told.made["orders"] == len(shown["orders"])
    assert told.made["shipments"] == len(shown["shipments"])


async def test_there_is_a_member_at_each_level_a_partner_and_an_administrator(container: Container) -> None:
    people = (await picture(container))["members"]
    assert people["member-1@example.org"] == ("member", "explorateur")
    assert people["member-2@example.org"] == ("member", "protecteur")
    assert people["member-3@example.org"] == ("member", "ambassadeur")
    assert people["partner@example.org"][0] == "partner_owner"
    assert people["admin@example.org"][0] == "admin"


async def test_one_project_is_funded_and_one_has_a_single_share_left(container: Container) -> None:
    shown = (await picture(container))["projects"]
    assert [slug for slug, (status, _) in shown.items() if status == "funded"] == [
        "olive-trees-that-came-back"
    ]
    status, funding = shown["hives-at-the-edge-of-the-forest"]
    assert status == "active"
    assert funding.target.amount - funding.taken.amount == 5_000


async def test_goods_come_from_the_hub_and_from_producers_and_some_cannot_be_bought(
    container: Container,
) -> None:
    run = container.runner()
    newcomer = (await members_of(run))["member-1@example.org"]
    goods = await products_of(run, shared.Actor(newcomer.user_id, "member"))
    offers = [offer for good in goods.values() for offer in good.variants]
    codes = {objection.code for offer in offers for objection in offer.objections}
    assert {good.fulfilment for good in goods.values()} == {"stock", "dropship"}
    assert codes >= {"out_of_season", "level_too_low", "not_yet_launched", "discontinued"}
    assert {offer.sku for offer in offers if offer.in_stock == 0} == {"ANT-PEPPER-50"}
    assert sum(offer.may_buy for offer in offers) >= 40


async def test_what_expires_first_is_promised_first(container: Container) -> None:
    run = container.runner()
    (size,) = (await products_of(run, OPERATOR))["gingerbread-namur"].variants
    good = await run.read(catalog.product, catalog.GetProduct(reference="gingerbread-namur"), actor=OPERATOR)
    question = inventory.GetStock(product_id=good.id, variant_id=size.id)
    near, far = (await run.read(inventory.stock, question, actor=OPERATOR)).batches
    assert near.best_before is not None
    assert far.best_before is not None
    assert near.best_before < far.best_before
    assert (near.best_before - NOW.date()).days < 30
    assert (near.allocated, far.allocated) == (2, 0)


async def test_the_protecteur_has_points_that_expired_that_expire_soon_and_a_history(
    container: Container,
) -> None:
    run = container.runner()
    user_id = (await members_of(run))["member-2@example.org"].user_id
    me = shared.Actor(user_id, "member")
    soon = await run.read(points.expiring, points.GetExpiring(user_id=user_id), actor=me)
    summary = await run.read(points.summary, points.GetBalance(user_id=user_id), actor=me)
    mine = await run.read(orders.search, orders.SearchOrders(), actor=me)
    shares = await run.read(investments.listing, investments.ListInvestments(user_id=user_id), actor=me)
    assert soon.total > 0
    assert summary.expired > 0
    assert {order.status for order in mine.items} == {"delivered", "cancelled", "confirmed"}
    assert {share.state for share in shares.items} == {"active", "cancelled", "withdrawn"}


async def test_the_partner_has_something_to_send_for_their_producer_alone(container: Container) -> None:
    run = container.runner()
    owner = (await members_of(run))["partner@example.org"]
    actor = shared.Actor(owner.user_id, owner.role, owner.producer_id)
    mine = await run.read(fulfillment.shipments, fulfillment.SearchShipments(limit=MANY), actor=actor)
    assert {one.producer_id for one in mine.items} == {owner.producer_id}
    assert {"pending", "delivered"} <= {one.status for one in mine.items}


async def test_the_points_of_every_member_add_up(container: Container) -> None:
    ports = container.queries()
    added = 0
    for member in (await members_of(container.runner())).values():
        if (book := await ports.points.book(member.user_id, ledger.POINTS)) is None:
            continue
        lines = await ports.points.lines(member.user_id, ledger.POINTS, 1_000, None)
        assert book.account.balance == sum(line.amount for line in lines)
        assert book.account.balance == sum(lot.remaining for lot in book.lots)
        added += 1
    assert added == 14


async def test_the_stock_of_every_variant_adds_up(container: Container) -> None:
    ports = container.queries()
    for line in await ports.inventory.overview(1_000, None):
        totals, batches = await ports.inventory.stock(line.product_id, line.variant_id)
        moves = await ports.inventory.movements(line.product_id, line.variant_id, 1_000, None)
        assert (totals.on_hand, totals.allocated) == recount(moves)
        assert totals.on_hand == sum(batch.on_hand for batch in batches)
        assert totals.allocated == sum(batch.allocated for batch in batches)


async def test_the_money_of_every_project_is_that_of_its_shares_and_subscriptions(
    container: Container,
) -> None:
    run = container.runner()
    taken: dict[Any, int] = {}
    for member in (await members_of(run)).values():
        question = investments.ListInvestments(user_id=member.user_id, limit=MANY)
        for share in (await run.read(investments.listing, question, actor=OPERATOR)).items:
            if share.state == "active":
                taken[share.project_id] = taken.get(share.project_id, 0) + share.amount.amount
        yearly = investments.ListSubscriptions(user_id=member.user_id, limit=MANY)
        for one in (await run.read(investments.subscription_listing, yearly, actor=OPERATOR)).items:
            paid = investments.ListCharges(user_id=member.user_id, subscription_id=one.id)
            for charge in (await run.read(investments.charges, paid, actor=OPERATOR)).items:
                for part in charge.portions:
                    taken[part.project_id] = taken.get(part.project_id, 0) + part.amount.amount
    launched = await run.read(projects.listing, projects.ListProjects(limit=MANY), actor=OPERATOR)
    funded = {one.id: one.funding.taken.amount for one in launched.items if one.funding.taken.amount}
    assert taken == funded


async def test_loading_again_changes_nothing(container: Container, told: demo.Demo) -> None:
    before = await picture(container)
    again = await demo.load(quick(container, datetime(2027, 3, 1, tzinfo=UTC)))
    assert again == shared.evolve(told, outcome="there already", found={})
    assert await picture(container) == before


@pytest.mark.parametrize("percent", [3, 6, 12, 35, 70, 99])
async def test_an_interrupted_loading_is_completed_by_the_next_on_the_days_of_the_first(percent: int) -> None:
    whole, cut = Interrupted(), Interrupted()
    await demo.load(on(whole))
    cut.after = whole.begun * percent // 100
    with pytest.raises(PowerCut):
        await demo.load(on(cut))
    cut.after = float("inf")
    completed = await demo.load(on(cut, datetime(2026, 11, 25, 3, tzinfo=UTC)))
    assert (completed.outcome, completed.since) == ("completed", NOW)
    assert await picture(on(cut)) == await picture(on(whole))


async def test_two_programs_that_load_at_once_make_one_demo() -> None:
    alone, shared_one = in_memory(), in_memory()
    await demo.load(alone)
    both = await asyncio.gather(demo.load(shared_one), demo.load(shared_one))
    assert both[0].made == both[1].made
    assert await picture(shared_one) == await picture(alone)


@pytest.mark.parametrize(
    "now",
    [
        datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC),
        datetime(2027, 3, 28, 1, 30, tzinfo=UTC),
        datetime(2027, 6, 30, 23, 59, tzinfo=UTC),
        datetime(2028, 2, 29, 12, tzinfo=UTC),
        datetime(2027, 8, 31, 22, 30, tzinfo=UTC),
    ],
    ids=str,
)
async def test_on_any_day_something_is_out_of_season_and_points_expire_within_sixty_days(
    now: datetime,
) -> None:
    container = in_memory(now)
    await demo.load(container)
    run = container.runner()
    goods = await products_of(run, shared.Actor())
    reasons = {reason.code for good in goods.values() for size in good.variants for reason in size.objections}
    user_id = (await members_of(run))["member-2@example.org"].user_id
    soon = await run.read(points.expiring, points.GetExpiring(user_id=user_id), actor=OPERATOR)
    assert "out_of_season" in reasons
    assert soon.total > 0


async def test_everybody_who_is_printed_can_sign_in() -> None:
    container = MemoryContainer(settings=Settings())
    await demo.load(container)
    for account in demo.ACCOUNTS:
        wish = identity.SignIn(email=account.email, password=account.password)
        answer = await identity.sign_in(wish, container.gate(), shared.Actor())
        assert answer.member.email == account.email


async def test_what_was_there_before_is_counted_and_stays() -> None:
    container = in_memory()
    mine = await enrol(container, "somebody@example.org", "correct horse")
    loaded = await demo.load(container)
    assert loaded.found == {"members": 1, "producers": 0, "projects": 0, "products": 0}
    assert (await members_of(container.runner()))["somebody@example.org"] == mine


async def test_it_is_not_loaded_where_real_money_is_taken() -> None:
    container = quick(MemoryContainer(settings=Settings(sandbox=False)))
    with pytest.raises(demo.DemoNotHere, match="BAOBAB_SANDBOX"):
        await demo.load(container)
    assert await members_of(container.runner()) == {}


async def test_another_version_that_was_loaded_in_part_is_refused() -> None:
    container = in_memory()
    admin = await enrol(container, "admin@example.org", "demo-administrator")
    other = identity.SetRole(user_id=admin.user_id, role="member")
    await container.runner()(identity.set_role, other, actor=OPERATOR, key="demo-role-admin@example.org")
    with pytest.raises(demo.DemoOutdated):
        await demo.load(container)


@pytest.mark.parametrize("email", ["admin@example.org", "member-4@example.org"])
async def test_an_account_of_somebody_else_is_given_no_role_of_the_demo(email: str) -> None:
    container = in_memory()
    mine = await enrol(container, email, "correct horse")
    with pytest.raises(demo.AccountTaken, match=email):
        await demo.load(container)
    assert (await members_of(container.runner()))[email] == mine


def test_the_command_says_what_it_made_and_the_second_time_that_it_is_there(
    migrated: Callable[[], str],
) -> None:
    command, environment = CliRunner(), {"BAOBAB_DATABASE_URL": migrated()}
    first = command.invoke(cli, ["demo"], env=environment, catch_exceptions=False)
    second = command.invoke(cli, ["demo", "--json"], env=environment, catch_exceptions=False)
    answer = json.loads(second.output)
    assert first.exit_code == second.exit_code == 0
    assert "52 products" in first.output
    assert "member-2@example.org" in first.output
    assert answer["demo"]["outcome"] == "there already"
    assert {account["email"] for account in answer["accounts"]} == {one.email for one in demo.ACCOUNTS}
