"""Use cases that leave something in the trail, and what they left."""

from typing import Any
from uuid import UUID, uuid4

from baobab.application import points
from baobab.application.identity import MEMBERS, SESSIONS
from baobab.application.work import (
    ADMINS,
    ANYONE,
    PRIVATE_PARTS,
    RUNS,
    SIGNED_IN,
    Changes,
    Key,
    Kind,
    PrivatePart,
    Run,
    Wanted,
    Work,
    use_case,
)
from baobab.domain import shared
from baobab.domain.identity import Session
from builders import START, World, filled

SHOP = UUID(int=1)


class Rename(shared.Command, kw_only=True):
    user_id: UUID
    name: shared.Personal[shared.Name]


class Named(shared.Record):
    name: shared.Personal[str]


class Point(shared.Command, kw_only=True):
    """At something of somebody."""

    user_id: UUID
    id: UUID = SHOP


def the_member(command: Any, work: Work) -> tuple[Wanted, ...]:
    return (MEMBERS.key(command.user_id),)


def the_session(command: Any, work: Work) -> tuple[Wanted, ...]:
    return (SESSIONS.key(command.user_id, command.id),)


@use_case(allow=SIGNED_IN, locks=the_member)
async def rename(command: Rename, work: Work) -> Named:
    """Give a member another name."""
    member = work.get(MEMBERS.key(command.user_id))
    work.save(shared.evolve(member, name=command.name))
    return Named(command.name)


@use_case(allow=ADMINS, locks=the_member)
async def suspend(command: Point, work: Work) -> None:
    """Suspend a member."""
    work.save(shared.evolve(work.get(MEMBERS.key(command.user_id)), status="suspended"))


@use_case(allow=ADMINS, locks=the_member, forgets=True)
async def forget(command: Point, work: Work) -> None:
    """Make a member's name and address neutral."""
    work.erase(work.get(MEMBERS.key(command.user_id)))


@use_case(allow=ANYONE, locks=the_session, secret=True)
async def sign_in(command: Point, work: Work) -> None:
    """Make a session."""
    work.save(shared.evolve(session_of(command.user_id), id=command.id))


@use_case(allow=SIGNED_IN, locks=the_session)
async def sign_out(command: Point, work: Work) -> None:
    """Remove a session."""
    work.remove(work.get(SESSIONS.key(command.user_id, command.id)))


def the_part(command: Any, work: Work) -> tuple[Wanted, ...]:
    return (PRIVATE_PARTS.key(command.user_id, "k"),)


@use_case(allow=ADMINS, locks=the_part, forgets=True)
async def blank(command: Point, work: Work) -> None:
    """Make a record neutral that never changes otherwise."""
    work.erase(work.get(PRIVATE_PARTS.key(command.user_id, "k")))


@use_case(allow=SIGNED_IN, locks=lambda command, work: points.book_keys(command.user_id))
async def spend_own(command: points.Spend, work: Work) -> points.Balance:
    """Spend one's own points."""
    return await points.spend(command, work)


def session_of(user_id: UUID) -> Session:
    """Somebody's session, with a secret and two personal values."""
    times = dict.fromkeys(("created_at", "last_seen_at", "expires_at", "ends_at"), START)
    facts = {"token_hash": b"hash", "device": "A telephone", "address": "192.0.2.1", "revoked_at": None}
    return shared.evolve(filled(Session, 1), user_id=user_id, **facts, **times)


async def stored(world: World, *keys: Key[Any]) -> list[Any]:
    async with world.storage.begin() as transaction:
        loaded = await transaction.load(keys, lock=False)
    return [loaded.records.get(key) for key in keys]


async def left(world: World, actor: shared.Actor, key: str = "k") -> tuple[Run, PrivatePart | None]:
    """What a command left in the log, and what is private of it."""
    run, private = await stored(world, RUNS.key(actor.user_id, key), PRIVATE_PARTS.key(actor.user_id, key))
    return run, private


async def put(world: World, *records: shared.Record) -> None:
    async with world.storage.begin() as transaction:
        for record in records:
            await transaction.write(Changes({Kind.of[type(record)]: [record]}, {}))


def at_home(world: World, role: shared.Role = "member") -> shared.Actor:
    """Somebody who asks from where their session was opened."""
    return world.member(role, address="192.0.2.7", whereabouts="known", credential_id=uuid4())


def member_key(actor: shared.Actor) -> dict[str, str]:
    return {"user_id": str(actor.user_id)}
