"""API keys: made, rotated, revoked, listed (M5). A key is shown once; only its hash is stored."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec

from ...domain import identity, shared
from ...domain.identity import ApiKey, KeyRole
from ..pages import Limit, Page, page_of, uuid_of
from ..work import SCOPES, SIGNED_IN, Key, Read, Wanted, Work, query, use_case
from .accounts import account_of
from .gate import Gate
from .letters import notice
from .records import API_KEYS, MEMBERS, HasCredentials, Scope
from .sessions import check_fresh, own_session_keys
from .tokens import KEY_PREFIX, Token

Scopes = Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=100)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Overlap = Annotated[
    int, msgspec.Meta(ge=0, le=60 * 24 * 30, description="Minutes that the old key lives on.", examples=[60])
]


class WishKey(shared.Command, kw_only=True):
    """A key for a program: it acts as whoever makes it or, if an administrator says so, as a service."""

    name: shared.Name
    scopes: Scopes
    acts_as: KeyRole = "owner"
    expires_at: Instant | None = None


class MakeKey(WishKey, kw_only=True):
    """A key whose secret is chosen."""

    user_id: UUID
    key_id: UUID
    token_hash: bytes


class RotateKey(shared.Command, kw_only=True):
    """A new secret for a key; the old one is good for some minutes more."""

    overlap_minutes: Overlap = 60


class ReplaceKey(RotateKey, kw_only=True):
    """A key that takes the place of another."""

    key_id: UUID
    new_id: UUID
    token_hash: bytes


class RevokeKey(shared.Command, kw_only=True):
    """Let a key open nothing any more: one's own, or an operator that of a member."""

    key_id: UUID
    user_id: UUID | None = None


class KeyView(shared.Record):
    """An API key, without its secret."""

    id: UUID
    name: shared.Personal[str]
    acts_as: KeyRole
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class KeyMade(shared.Record):
    """A fresh API key. The token is shown this once: send it as `Authorization: Bearer <token>`."""

    token: str
    key: KeyView


class ListKeys(shared.Query, kw_only=True):
    """One's own keys; for administrators, a member's."""

    user_id: UUID | None = None
    limit: Limit = 25
    cursor: str | None = None


def _view(key: ApiKey) -> KeyView:
    return shared.recast(KeyView, key)


def _maker_keys(work: Work) -> tuple[Key[ApiKey], ...]:
    """The key that asks, if it is one."""
    actor = work.actor
    return (API_KEYS.key(actor.user_id, actor.credential_id),) if actor.credential_id else ()


def _credentials(owner: UUID, work: Work) -> tuple[Wanted, ...]:
    """What to look at in order to make a key for somebody."""
    return (
        MEMBERS.key(owner),
        *own_session_keys(work),
        *_maker_keys(work),
        API_KEYS.group("owner", owner),
    )


def _make_locks(command: MakeKey, work: Work) -> tuple[Wanted, ...]:
    owner = command.user_id
    return API_KEYS.key(owner, command.key_id), *_credentials(owner, work)


def _maker(work: Work) -> ApiKey | None:
    return next((found for key in _maker_keys(work) if (found := work.find(key)) is not None), None)


def _is_strong(work: Work) -> bool:
    """Whether who asks came in with a second factor, or by a key that was made so; an operator needs none."""
    session = next((work.find(key) for key in own_session_keys(work)), None)
    makers = (session, _maker(work))
    return work.actor.credential_id is None or any(one.strong for one in makers if one is not None)


@use_case(allow=SIGNED_IN, locks=_make_locks, secret=True)
async def make_key(command: MakeKey, work: Work) -> KeyView:
    """Make an API key. Raises ScopeUnknown, ScopeNotYours, NotForServices, TooManyKeys, KeyEnds, SignInAgain,
    EmailNotVerified."""
    work.actor.must_own(command.user_id, "member", command.user_id)
    check_fresh(work)
    identity.check_verified(work.get(MEMBERS.key(command.user_id)))
    identity.check_maker(command.acts_as, work.actor)
    identity.check_scopes(command.scopes, SCOPES, work.actor)
    identity.check_end(command.expires_at, _maker(work), work.now)
    identity.check_room_for_key(work.list(API_KEYS.group("owner", command.user_id)), work.now)
    scopes = tuple(dict.fromkeys(command.scopes))
    key = shared.recast(
        ApiKey, command, id=command.key_id, scopes=scopes, strong=_is_strong(work), created_at=work.now
    )
    work.save(key)
    work.record(identity.KeyMade(key.user_id, key.id))
    return _view(key)


def _replace_locks(command: ReplaceKey, work: Work) -> tuple[Wanted, ...]:
    owner = work.actor.user_id
    keys = API_KEYS.key(owner, command.key_id), API_KEYS.key(owner, command.new_id)
    return *keys, *_credentials(owner, work)


@use_case(allow=SIGNED_IN, locks=_replace_locks, secret=True)
async def replace_key(command: ReplaceKey, work: Work) -> KeyView:
    """Make a key with the name, the scopes and the end of another, which is good for a while yet. It is good
    for no more than the credential that asks. Raises KeyRevokedAlready, ScopeNotYours, KeyEnds, TooManyKeys,
    SignInAgain."""
    check_fresh(work)
    old = work.get(API_KEYS.key(work.actor.user_id, command.key_id))
    identity.check_maker(old.acts_as, work.actor)
    identity.check_scopes(old.scopes, {*SCOPES, *old.scopes}, work.actor)
    ending = identity.superseded(old, timedelta(minutes=command.overlap_minutes), work.now)
    identity.check_end(old.expires_at, _maker(work), work.now)
    work.save(ending)
    identity.check_room_for_key(work.list(API_KEYS.group("owner", old.user_id)), work.now)
    key = shared.evolve(
        old,
        id=command.new_id,
        token_hash=command.token_hash,
        strong=old.strong and _is_strong(work),
        created_at=work.now,
        last_used_at=None,
    )
    work.save(key)
    work.record(identity.KeyMade(key.user_id, key.id))
    return _view(key)


def _revoke_locks(command: RevokeKey, work: Work) -> tuple[Wanted, ...]:
    return (API_KEYS.key(command.user_id or work.actor.user_id, command.key_id),)


@use_case(allow=SIGNED_IN, locks=_revoke_locks)
async def revoke_key(command: RevokeKey, work: Work) -> KeyView:
    """Let one of one's own keys open nothing any more; an administrator, a member's."""
    owner = command.user_id or work.actor.user_id
    work.actor.must_own(owner, "api_key", command.key_id)
    key = identity.revoked_key(work.get(API_KEYS.key(owner, command.key_id)), work.now)
    work.save(key)
    work.record(identity.KeyRevoked(key.user_id, key.id))
    return _view(key)


@query(allow=SIGNED_IN)
async def api_keys(question: ListKeys, read: Read[HasCredentials]) -> Page[KeyView]:
    """One's own API keys, newest first."""
    owner, before = question.user_id or read.actor.user_id, uuid_of(question.cursor)
    read.actor.must_own(owner, "member", owner)
    found = await read.ports.credentials.keys(owner, question.limit + 1, before)
    return page_of([_view(one) for one in found], question.limit, lambda one: one.id)


async def new_key(command: WishKey, gate: Gate, actor: shared.Actor, *, owner: UUID | None = None) -> KeyMade:
    """Make a key of one's own; an operator, one of a member, who is told. Raises what `make_key` does."""
    token = Token(owner or actor.user_id, gate.run.new_id(), gate.secrets.random(32))
    facts = {"user_id": token.user_id, "key_id": token.session_id, "token_hash": token.digest()}
    made = await gate.run(make_key, shared.recast(MakeKey, command, **facts), actor=actor)
    found = await account_of(token.user_id, gate, actor)
    gate.write(notice(found.member.email, "key_made"))
    return KeyMade(KEY_PREFIX + token.text(), made)


async def rotate_key(key_id: UUID, command: RotateKey, gate: Gate, actor: shared.Actor) -> KeyMade:
    """A new secret for one of one's own keys. Raises what `replace_key` does."""
    token = Token(actor.user_id, gate.run.new_id(), gate.secrets.random(32))
    wish = ReplaceKey(
        key_id=key_id,
        new_id=token.session_id,
        token_hash=token.digest(),
        overlap_minutes=command.overlap_minutes,
    )
    made = await gate.run(replace_key, wish, actor=actor)
    return KeyMade(KEY_PREFIX + token.text(), made)
