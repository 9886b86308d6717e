"""Searching the audit trail, in memory and on PostgreSQL alike."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from trails import Point, Rename, left, put, rename, session_of, suspend

from baobab.application import audit, points
from baobab.application.audit import BooksNeedTime, Entry, Find, FindMine, GetEntry
from baobab.application.pages import InvalidCursor, Page
from baobab.application.work import Change
from baobab.domain import shared
from builders import START, World

SHOP = UUID(int=1)


class Past:
    """What happened: Ash renamed themselves, was suspended by an administrator, and earned points."""

    def __init__(self, world: World) -> None:
        self.world, self.session = world, session_of(uuid4())
        who = {"credential_id": self.session.id, "request_id": "request-1"}
        self.ash = world.member(address="192.0.2.1", whereabouts="known", **who)
        self.admin = world.member("admin", address="192.0.2.9", credential_id=uuid4())

    @classmethod
    async def of(cls, world: World) -> "Past":
        past = cls(world)
        ash, admin = past.ash, past.admin
        await put(world, shared.evolve(past.session, user_id=ash.user_id))
        await world.run(rename, Rename(user_id=ash.user_id, name="Ash"), actor=ash, key="one")
        world.clock.advance(minutes=1)
        await world.run(suspend, Point(user_id=ash.user_id), actor=admin, key="two")
        world.clock.advance(minutes=1)
        wish = points.Earn(user_id=ash.user_id, funded=5, source_id=SHOP)
        robot = world.member("service", address="cli", whereabouts="public")
        await world.run(points.earn, wish, actor=robot, key="three")
        return past

    async def found(self, **filters: Any) -> list[str]:
        """The keys of the lines that are found."""
        return [one.key for one in (await self.page(**filters)).items]

    async def page(self, **filters: Any) -> Page[Entry]:
        return await self.world.run.read(audit.find, Find(**filters), actor=self.admin)


@pytest.fixture
async def past(any_world: World) -> Past:
    return await Past.of(any_world)


async def test_lines_are_found_newest_first_by_who_whom_what_which_and_where(past: Past) -> None:
    ash, admin = past.ash.user_id, past.admin.user_id
    assert await past.found() == ["two", "one"]
    assert await past.found(actor_id=ash) == ["one"]
    assert await past.found(actor_id=admin) == ["two"]
    assert await past.found(member_id=ash) == ["two", "one"]
    assert await past.found(member_id=admin) == []
    assert await past.found(name="trails.rename") == ["one"]
    assert await past.found(record=f"member/{ash}") == ["two", "one"]
    assert await past.found(record=f"member/{admin}") == []
    assert await past.found(request_id="request-1") == ["one"]
    assert await past.found(actor_id=ash, member_id=ash, name="trails.rename") == ["one"]


async def test_where_it_came_from_is_known_from_the_line_or_from_its_session(past: Past) -> None:
    assert await past.found(address="192.0.2.1") == ["one"]
    assert await past.found(address="192.0.2.9") == ["two"]
    assert await past.found(address="192.0.2.7") == []
    assert [one.address for one in (await past.page()).items] == ["192.0.2.9", "192.0.2.1"]


async def test_lines_are_found_by_time(past: Past) -> None:
    assert await past.found(since=START + timedelta(minutes=1)) == ["two"]
    assert await past.found(until=START + timedelta(minutes=1)) == ["one"]


async def test_what_only_moved_points_is_found_where_it_is_asked_for_within_a_month(past: Past) -> None:
    week = {"since": START, "until": START + timedelta(days=7)}
    assert await past.found(books=True, **week) == ["three", "two", "one"]
    for times in ({}, {"since": START}, {"since": START, "until": START + timedelta(days=32)}):
        with pytest.raises(BooksNeedTime):
            await past.found(books=True, **times)


async def test_pages_follow_each_other(past: Past) -> None:
    first = await past.page(limit=1)
    second = await past.page(limit=1, cursor=first.next_cursor)
    assert [one.key for one in (*first.items, *second.items)] == ["two", "one"]
    assert second.next_cursor is None


@pytest.mark.parametrize("cursor", ["", "YQ==", "MjAyNi0wMy0wMlQxMDozMCAwIGs="])
async def test_a_cursor_of_something_else_is_refused(past: Past, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await past.page(cursor=cursor)


async def test_one_line_shows_what_is_personal_of_it_until_it_is_erased(past: Past) -> None:
    question = GetEntry(user_id=past.ash.user_id, key="one")
    found = await past.world.run.read(audit.show, question, actor=past.admin)
    key = {"user_id": str(past.ash.user_id)}
    assert found.changes == (
        Change("member", key, {"name": {"personal": True}}, {"name": {"personal": True}}),
    )
    assert found.personal == (Change("member", key, {"name": "Member"}, {"name": "Ash"}),)
    assert (await left(past.world, past.ash, "one"))[1] is not None
    plain = await past.world.run.read(
        audit.show, GetEntry(user_id=past.admin.user_id, key="two"), actor=past.admin
    )
    assert plain.personal == ()
    with pytest.raises(shared.NotFound):
        await past.world.run.read(audit.show, GetEntry(user_id=SHOP, key="one"), actor=past.admin)


async def test_who_reads_what_is_personal_of_a_line_stands_in_the_log_of_the_program(
    past: Past, caplog: pytest.LogCaptureFixture
) -> None:
    """Ids alone: neither what was read, nor anything where a search shows nothing personal."""
    caplog.set_level("INFO", "baobab.audit")
    await past.page()
    assert caplog.records == []
    question = GetEntry(user_id=past.ash.user_id, key="one")
    await past.world.run.read(audit.show, question, actor=past.admin)
    (record,) = caplog.records
    facts = {"reader": str(past.admin.user_id), "line_of": str(past.ash.user_id), "key": "one"}
    assert vars(record)["facts"] == facts


async def test_a_member_sees_what_touched_them_and_of_others_the_role_alone(past: Past) -> None:
    page = await past.world.run.read(audit.find_mine, FindMine(), actor=past.ash)
    assert [(one.name, one.role, one.is_own, one.address) for one in page.items] == [
        ("trails.suspend", "admin", False, ""),
        ("trails.rename", "member", True, "192.0.2.1"),
    ]
    assert page.items[0].changes[0].new == {"status": "suspended"}
    assert "actor_id" not in page.items[0].__struct_fields__
    others = await past.world.run.read(audit.find_mine, FindMine(), actor=past.world.member())
    assert others.items == ()


async def test_the_trail_is_for_administrators(past: Past) -> None:
    with pytest.raises(shared.Forbidden):
        await past.world.run.read(audit.find, Find(), actor=past.ash)
    with pytest.raises(shared.Forbidden):
        await past.world.run.read(audit.show, GetEntry(user_id=SHOP, key="one"), actor=past.ash)
