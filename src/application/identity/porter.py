"""Who comes in: the actor of a bearer token or an API key, by one statement that requests share."""

import hmac
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from ...domain import identity, shared
from ...domain.identity import ApiKey, Member, Session
from ..runner import Runner
from .gate import Later
from .records import HasIdentity
from .sessions import See, see
from .tokens import KEY_PREFIX, Token, read_token

S = TypeVar("S", Session, ApiKey)


class Known(shared.Record):
    """Somebody who came in, and when their credential was last seen in use."""

    actor: shared.Actor
    last_seen: datetime | None


async def authenticate(
    text: str, queries: HasIdentity, at: datetime, *, require_second_factor: bool = False
) -> shared.Actor:
    """The actor of a bearer. Raises Unauthenticated for one that is unknown, closed or expired."""
    return (await recognise(text, queries, at, require_second_factor=require_second_factor)).actor


async def recognise(
    text: str, queries: HasIdentity, at: datetime, *, require_second_factor: bool = False
) -> Known:
    """Who shows a bearer token or an API key. Where a second factor is required, an administrator who came
    in without one is but a member. Raises Unauthenticated."""
    is_key = text.startswith(KEY_PREFIX)
    token = read_token(text.removeprefix(KEY_PREFIX))
    if is_key:
        key, member = _checked(await queries.identity.key(token.user_id, token.session_id), token)
        if not identity.is_good(key, at):
            raise shared.Unauthenticated
        actor, seen, strong = _of_key(key, member), key.last_used_at, key.strong
    else:
        session, member = _checked(await queries.identity.session(token.user_id, token.session_id), token)
        if not identity.is_open(session, at):
            raise shared.Unauthenticated
        actor = shared.Actor(
            member.user_id, member.role, member.producer_id, session.id, session.address, whereabouts="known"
        )
        seen, strong = session.last_seen_at, session.strong
    if require_second_factor and not strong and actor.is_admin:
        actor = shared.evolve(actor, role="member")
    return Known(actor, seen)


def _checked(found: tuple[S, Member] | None, token: Token) -> tuple[S, Member]:
    if found is None or not hmac.compare_digest(found[0].token_hash, token.digest()):
        raise shared.Unauthenticated
    if found[1].status != "active":
        raise shared.Unauthenticated
    return found


def _of_key(key: ApiKey, member: Member) -> shared.Actor:
    """Whom a key acts as: its owner, or a service as long as the owner is an administrator."""
    if key.acts_as == "service" and member.role != "admin":
        raise shared.Unauthenticated
    role: shared.Role = "service" if key.acts_as == "service" else member.role
    producer_id = None if key.acts_as == "service" else member.producer_id
    whereabouts: shared.Whereabouts = "public" if role == "service" else "private"
    return shared.Actor(member.user_id, role, producer_id, key.id, scopes=key.scopes, whereabouts=whereabouts)


def _at(actor: shared.Actor, address: str) -> shared.Actor:
    """The actor at an address, which their session knows or not."""
    if actor.address == address:
        return actor
    is_elsewhere = actor.whereabouts == "known"
    whereabouts: shared.Whereabouts = "private" if is_elsewhere else actor.whereabouts
    return shared.evolve(actor, address=address, whereabouts=whereabouts)


class Porter:
    """Lets requests in, and writes down now and then that a credential is in use: after the answer, at most
    every few minutes for each."""

    def __init__(
        self,
        run: Runner,
        queries: HasIdentity,
        *,
        idle_days: int = identity.SESSION_DAYS,
        require_second_factor: bool = False,
    ) -> None:
        self._run, self._queries, self._idle_days = run, queries, idle_days
        self._required = require_second_factor
        self._noting: set[UUID] = set()
        self.later = Later()

    async def actor_of(self, text: str, address: str) -> shared.Actor:
        """The actor of a bearer, at an address. Raises Unauthenticated."""
        now = self._run.clock()
        known = await recognise(text, self._queries, now, require_second_factor=self._required)
        if identity.is_due(known.last_seen, now):
            self._note(known.actor, address)
        return _at(known.actor, address)

    def _note(self, actor: shared.Actor, address: str) -> None:
        id = actor.credential_id
        if id is not None and id not in self._noting and self.later(self._seen(actor.user_id, id, address)):
            self._noting.add(id)

    async def _seen(self, user_id: UUID, id: UUID, address: str) -> None:
        command = See(user_id=user_id, id=id, address=address, idle_days=self._idle_days)
        try:
            await self._run(see, command, actor=shared.Actor(user_id, "service", credential_id=id))
        finally:
            self._noting.discard(id)
