"""Races through HTTP, against a server of its own process on the real PostgreSQL. After each the books,
the stock and the funding add up."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from serving import serving
from shop import Shop
from wishes import publish

from baobab.adapters.postgres.database import Database
from baobab.application import identity, points
from builders import World

ADDS_UP = {
    "the balance of an account is the sum of its postings and of its lots": """
        select a.user_id from baobab.account a
        where (a.balance, a.sequence) <> (
                  select coalesce(sum(p.amount), 0), count(*)
                  from baobab.posting p where p.user_id = a.user_id)
           or a.balance <> (
                  select coalesce(sum(l.remaining), 0) from baobab.lot l where l.user_id = a.user_id)""",
    "what lots gave is what postings took": """
        select l.id from baobab.lot l
        where l.amount - l.remaining
           <> (select coalesce(sum(a.amount), 0) from baobab.allocation a
               where a.user_id = l.user_id and a.lot_id = l.id)""",
    "the stock of a variant is the sum of its batches and of its movements": """
        select s.variant_id from baobab.stock s
        where (s.on_hand, s.allocated) <> (
                  select sum(b.on_hand), sum(b.allocated) from baobab.batch b
                  where b.product_id = s.product_id and b.variant_id = s.variant_id)
           or s.on_hand <> (
                  select sum(m.quantity) from baobab.movement m
                  where m.product_id = s.product_id and m.variant_id = s.variant_id
                    and m.kind not in ('allocated', 'released'))""",
    "the funding of a project is the sum of the shares taken": """
        select f.project_id from baobab.funding f
        where f.taken_cents <> (
            select coalesce(sum(e.amount_cents), 0) from baobab.funding_entry e
            where e.project_id = f.project_id and e.state = 'taken')""",
}


@pytest.fixture
def address(database_url: str) -> Iterator[str]:
    """Where a server on the test's database listens."""
    with serving(database_url) as found:
        yield found


@pytest.fixture
async def api(address: str) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=f"{address}/v1", timeout=60, limits=limits) as client:
        yield client


@pytest.fixture
def world(postgres_world: World) -> World:
    """The server's world, in its time."""
    postgres_world.clock.at(datetime.now(UTC))
    return postgres_world


class Person:
    """A member who is signed in."""

    def __init__(self, api: httpx.AsyncClient, user_id: UUID, token: str) -> None:
        self.api, self.user_id, self.headers = api, user_id, {"Authorization": f"Bearer {token}"}

    async def post(self, path: str, body: Any, key: str | None = None) -> httpx.Response:
        headers = {**self.headers, "Idempotency-Key": key or str(uuid4())}
        return await self.api.post(path, json=body, headers=headers)

    async def get(self, path: str) -> Any:
        return (await self.api.get(path, headers=self.headers)).json()


async def people(world: World, api: httpx.AsyncClient, count: int, balance: int = 0) -> list[Person]:
    """So many members with sessions and points, made all at once, past the cost of hashing passwords."""
    tokens = [identity.Token(uuid4(), uuid4(), os.urandom(32)) for _ in range(count)]

    async def join(token: identity.Token) -> Person:
        enrol = identity.Enrol(
            user_id=token.user_id, email=f"{token.user_id}@example.org", name="Member", password_hash="-"
        )
        await world.run(identity.enrol, enrol, actor=world.admin)
        session = identity.OpenSession(
            user_id=token.user_id, session_id=token.session_id, token_hash=token.digest()
        )
        await world.run(identity.open_session, session, actor=world.admin)
        if balance:
            earn = points.Earn(user_id=token.user_id, funded=balance, source_id=uuid4())
            await world.run(points.earn, earn, actor=world.admin)
        return Person(api, token.user_id, token.text())

    return list(await asyncio.gather(*map(join, tokens)))


@asynccontextmanager
async def that_adds_up(database: Database) -> AsyncIterator[None]:
    yield
    async with database.connection() as connection:
        for promise, violations in ADDS_UP.items():
            assert await connection.fetch(violations) == [], promise


def order_of(variant_id: UUID, quantity: int = 1) -> dict[str, Any]:
    return {"lines": [{"variant_id": str(variant_id), "quantity": quantity}], "shipping_method": "pickup"}


def outcomes(answers: list[httpx.Response]) -> Counter[str]:
    """How often each answer came: the code of its problem, or its status."""
    return Counter(str(one.json().get("code", one.status_code)) for one in answers)


async def test_of_200_buyers_of_one_unit_one_gets_it(
    world: World, api: httpx.AsyncClient, database: Database
) -> None:
    variant = await (await Shop.open(world)).on_shelf(1)
    buyers = await people(world, api, 200, balance=50)
    async with that_adds_up(database):
        answers = await asyncio.gather(*(one.post("/orders", order_of(variant.id)) for one in buyers))
    assert outcomes(list(answers)) == {"201": 1, "insufficient_stock": 199}
    assert {one.json()["available"] for one in answers if one.status_code != 201} == {0}


async def test_one_member_spends_the_same_points_from_50_requests_once(
    world: World, api: httpx.AsyncClient, database: Database
) -> None:
    variant = await (await Shop.open(world)).on_shelf(1_000)
    [buyer] = await people(world, api, 1, balance=30)
    async with that_adds_up(database):
        answers = await asyncio.gather(*(buyer.post("/orders", order_of(variant.id)) for _ in range(50)))
    assert outcomes(list(answers)) == {"201": 3, "insufficient_points": 47}
    assert (await buyer.get("/points/balance"))["balance"] == 3


async def test_the_same_key_from_50_requests_makes_one_order(
    world: World, api: httpx.AsyncClient, database: Database
) -> None:
    variant = await (await Shop.open(world)).on_shelf(1_000)
    [buyer] = await people(world, api, 1, balance=500)
    async with that_adds_up(database):
        tries = (buyer.post("/orders", order_of(variant.id), key="order-1") for _ in range(50))
        answers = list(await asyncio.gather(*tries))
    assert outcomes(answers) == {"201": 50}
    assert len({answer.text for answer in answers}) == 1
    assert Counter(answer.headers.get("idempotent-replayed") for answer in answers) == {None: 1, "true": 49}
    assert len((await buyer.get("/orders"))["items"]) == 1
    assert (await buyer.get("/points/balance"))["balance"] == 491


async def test_of_two_payments_for_the_last_share_one_buys_it_and_the_other_goes_back(
    world: World, api: httpx.AsyncClient, database: Database
) -> None:
    shop = await Shop.open(world)
    project = await publish(world, shop.producer_id, target_cents=5_000)
    payers = await people(world, api, 2)
    operator = (await people(world, api, 1))[0]
    make_admin = identity.SetRole(user_id=operator.user_id, role="admin")
    await world.run(identity.set_role, make_admin, actor=world.admin)

    reserved = []
    for payer in payers:
        share = (await payer.post("/investments", {"project_id": str(project.id), "offer": "ruche"})).json()
        late = {"user_id": str(payer.user_id), "investment_id": share["id"], "early": True}
        assert (await operator.post("/investments/expirations", late)).json()["state"] == "expired"
        reserved.append(share)

    async with that_adds_up(database):
        paid = await asyncio.gather(
            *(
                payer.post(f"/payments/{share['payment']['id']}/sandbox", {"behaviour": "succeeds"})
                for payer, share in zip(payers, reserved, strict=True)
            )
        )
    results = sorted(
        (one.json()["state"], one.json()["payment"]["state"], one.json()["granted_points"]) for one in paid
    )
    assert results == [("active", "succeeded", 65), ("refunded", "refunded", 0)]
    balances = [(await payer.get("/points/balance"))["balance"] for payer in payers]
    assert sorted(balances) == [0, 65]
    funding = (await operator.get(f"/projects/{project.id}"))["funding"]
    assert (funding["taken"]["amount"], funding["progress_bp"]) == (5_000, 10_000)
