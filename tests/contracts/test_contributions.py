"""What members paid for, and what most of them support: in memory and on PostgreSQL alike (M19)."""

from typing import Any
from uuid import UUID

import pytest
from investing import HIVE, Investor, hives
from subscribing import STANDARD, Subscriber, subscriber

from baobab.application import projects
from baobab.application.investments import contributions
from baobab.domain import shared
from builders import World


async def listed(world: World, mine: Subscriber, **page: Any) -> tuple[contributions.ContributionView, ...]:
    question = contributions.ListContributions(user_id=mine.actor.user_id, **page)
    return (await world.run.read(contributions.contributions, question, actor=mine.actor)).items


async def test_shares_and_periods_are_listed_together_with_their_receipts_and_notes(any_world: World) -> None:
    project_id = await hives(any_world, 9)
    mine = await subscriber(any_world)
    buyer = Investor(any_world, mine.actor, mine.gateway)
    share = await buyer.pay(await buyer.invest(project_id, notes="pour Noël"))
    await buyer.pay(await buyer.invest(project_id), "fails")
    period = await mine.begin(project_id)
    await (await subscriber(any_world, 2)).begin()
    found = await listed(any_world, mine)
    assert [(one.kind, one.contribution_id, one.amount.amount) for one in found] == [
        ("subscription", period.id, STANDARD),
        ("investment", share.id, HIVE),
    ]
    assert [(one.plan, one.number, one.project_id) for one in found] == [
        ("ambassadeur_standard", 1, None),
        (None, None, project_id),
    ]
    assert [(one.notes, one.points, one.state) for one in found] == [
        ("", 280, "paid"),
        ("pour Noël", 65, "active"),
    ]
    assert [[receipt.kind for receipt in one.receipts] for one in found] == [["payment"]] * 2
    assert [one.given_back for one in found] == [None, None]


async def test_what_was_given_back_says_so_for_good(any_world: World) -> None:
    mine = await subscriber(any_world)
    one = await mine.begin()
    await mine.spend(30)
    back = await mine.withdraw(one)
    [found] = await listed(any_world, mine)
    assert found.given_back == contributions.GivenBack(
        back.at, shared.Money(17_000), shared.Money(3_000), 250, 30
    )
    assert [(receipt.kind, receipt.amount.amount) for receipt in found.receipts] == [
        ("payment", STANDARD),
        ("refund", 17_000),
    ]
    assert found.state == "withdrawn"


async def test_they_are_listed_newest_first_page_by_page_to_their_owner(any_world: World) -> None:
    project_id = await hives(any_world, 9)
    mine, other = await subscriber(any_world), await subscriber(any_world, 2)
    buyer = Investor(any_world, mine.actor, mine.gateway)
    shares = [await buyer.pay(await buyer.invest(project_id)) for _ in range(3)]
    question = contributions.ListContributions(user_id=mine.actor.user_id, limit=2)
    first = await any_world.run.read(contributions.contributions, question, actor=any_world.admin)
    assert [one.contribution_id for one in first.items] == [shares[2].id, shares[1].id]
    assert first.next_cursor is not None
    assert [one.contribution_id for one in await listed(any_world, mine, cursor=first.next_cursor)] == [
        shares[0].id
    ]
    with pytest.raises(shared.NotFound):
        await any_world.run.read(contributions.contributions, question, actor=other.actor)
    assert await listed(any_world, other) == ()


async def test_projects_are_popular_by_supporters_or_by_what_they_raised(any_world: World) -> None:
    many, much = await hives(any_world, 90), await hives(any_world, 90, "ruches-du-diois")
    await hives(any_world, 9, "ruches-du-trieves")
    for number in range(2):
        one = await subscriber(any_world, number)
        buyer = Investor(any_world, one.actor, one.gateway)
        await buyer.pay(await buyer.invest(many))
    await (await subscriber(any_world, 3)).begin(much)

    async def popular(**wish: Any) -> list[tuple[UUID, int, int]]:
        question = projects.ListPopular(**wish)
        page = await any_world.run.read(projects.popular, question, actor=shared.Actor())
        return [(one.id, one.funding.supporters, one.funding.taken.amount) for one in page.items]

    assert await popular() == [(many, 2, 2 * HIVE), (much, 1, STANDARD)]
    assert await popular(by="raised") == [(much, 1, STANDARD), (many, 2, 2 * HIVE)]
    assert await popular(limit=1) == [(many, 2, 2 * HIVE)]
