"""Sessions: opened, used, closed, listed (M1)."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from ...domain import identity, shared
from ...domain.identity import Answer, Lasting, Session
from ..pages import Limit, Page, page_of, uuid_of
from ..work import ADMINS, SIGNED_IN, Key, Read, Wanted, Work, query, use_case
from .attempts import Counts, attempt_keys, forgive
from .records import (
    API_KEYS,
    MEMBERS,
    PASSWORDS,
    SECOND_FACTORS,
    SESSIONS,
    Device,
    HasCredentials,
    MemberView,
    SessionView,
    member_view,
    session_view,
)


class Grounds(shared.Record):
    """On what somebody is let in: `password_at` is when the password that was checked had been chosen, and
    `new_hash` the same one hashed anew; `answer` what may be right of the second factor. `counts` is what was
    counted against the attempts that led here."""

    password_at: datetime | None = None
    new_hash: str = ""
    answer: Answer = Answer()
    counts: tuple[Counts, ...] = ()


NONE = Grounds()


class OpenSession(shared.Command, kw_only=True):
    """A session for a member who was recognised."""

    user_id: UUID
    session_id: UUID
    token_hash: bytes
    device: Device = ""
    grounds: Grounds = NONE
    lasting: Lasting = identity.USUAL


class CloseSession(shared.Command, kw_only=True):
    """Revoke one of one's own sessions."""

    session_id: UUID


class OfMember(shared.Command, kw_only=True):
    """Something that is done to a member."""

    user_id: UUID


class SignOut(OfMember, kw_only=True):
    """Close one's own sessions, but for the one to keep."""

    keep: UUID | None = None


class SignedOut(shared.Record):
    """How many sessions were closed."""

    closed: int


class See(shared.Command, kw_only=True):
    """A session or an API key was used, from an address."""

    user_id: UUID
    id: UUID
    address: str = ""
    idle_days: int = identity.SESSION_DAYS


class ListSessions(shared.Query, kw_only=True):
    limit: Limit = 25
    cursor: str | None = None


class Opened(shared.Record):
    """A session with its owner."""

    session: SessionView
    member: MemberView


def _sessions_of(command: OpenSession, work: Work) -> tuple[Wanted, ...]:
    return (SESSIONS.group("owner", command.user_id),)


def _forgotten(user_id: UUID, work: Work) -> list[Session]:
    """The sessions that nobody need know of any more."""
    there = work.list(SESSIONS.group("owner", user_id))
    return [one for one in there if identity.is_forgotten(one, work.now)]


def _open_locks(command: OpenSession, work: Work) -> tuple[Wanted, ...]:
    owner = command.user_id
    guarded = (MEMBERS.key(owner), PASSWORDS.key(owner), SECOND_FACTORS.key(owner))
    sessions = [SESSIONS.key(owner, one.id) for one in _forgotten(owner, work)]
    return (
        *guarded,
        SESSIONS.key(owner, command.session_id),
        *sessions,
        *attempt_keys(command.grounds.counts),
    )


@use_case(allow=ADMINS, loads=(_sessions_of,), locks=_open_locks, secret=True)
async def open_session(command: OpenSession, work: Work) -> Opened:
    """Open a session for a member who was recognised. Raises MemberSuspended, WrongCredentials where the
    password changed meanwhile, CodeRefused where there is a second factor and its code is not right."""
    member = work.get(MEMBERS.key(command.user_id))
    _check_password(command.user_id, command.grounds, work)
    factor = work.find(SECOND_FACTORS.key(command.user_id))
    if identity.is_on(factor):
        work.save(identity.used(factor, command.grounds.answer))
    session = identity.open_session(
        member,
        id=command.session_id,
        token_hash=command.token_hash,
        device=command.device,
        address=work.actor.address,
        at=work.now,
        lasting=command.lasting,
        strong=identity.is_on(factor),
    )
    _tidy(command.user_id, work)
    work.save(session)
    forgive(work, command.grounds.counts)
    return Opened(session_view(session, session.id), member_view(member))


def _check_password(user_id: UUID, grounds: Grounds, work: Work) -> None:
    if grounds.password_at is None:
        return
    password = work.find(PASSWORDS.key(user_id))
    if password is None or password.changed_at != grounds.password_at:
        raise identity.WrongCredentials
    if grounds.new_hash:
        work.save(shared.evolve(password, hash=grounds.new_hash))


def _tidy(user_id: UUID, work: Work) -> None:
    """Forget old sessions, and close those that make room."""
    work.remove(*_forgotten(user_id, work))
    crowd = identity.crowded_out(work.list(SESSIONS.group("owner", user_id)), work.now)
    work.save(*(identity.revoke(one, work.now) for one in crowd))


def _own_session(command: CloseSession, work: Work) -> tuple[Key[Session]]:
    return (SESSIONS.key(work.actor.user_id, command.session_id),)


@use_case(allow=SIGNED_IN, locks=_own_session)
async def close_session(command: CloseSession, work: Work) -> SessionView:
    """Sign out: revoke one of one's own sessions."""
    session = identity.revoke(work.get(*_own_session(command, work)), work.now)
    work.save(session)
    return session_view(session, work.actor.credential_id)


def closing_locks(command: OfMember, work: Work) -> tuple[Wanted, ...]:
    """What to lock in order to close a member's sessions: as opening one locks the member, none escapes."""
    return MEMBERS.key(command.user_id), SESSIONS.group("owner", command.user_id)


@use_case(allow=SIGNED_IN, locks=closing_locks)
async def sign_out_everywhere(command: SignOut, work: Work) -> SignedOut:
    """Close one's sessions wherever they are."""
    work.actor.must_own(command.user_id, "member", command.user_id)
    work.get(MEMBERS.key(command.user_id))
    return SignedOut(close_all(work, command.user_id, keep=command.keep))


@use_case(allow=ADMINS, locks=closing_locks)
async def sign_member_out(command: OfMember, work: Work) -> SignedOut:
    """Close all sessions of a member."""
    work.get(MEMBERS.key(command.user_id))
    return SignedOut(close_all(work, command.user_id))


def close_all(work: Work, user_id: UUID, *, keep: UUID | None = None) -> int:
    """Close a member's sessions inside a use case with the `closing_locks`."""
    closing = identity.open_ones(work.list(SESSIONS.group("owner", user_id)), work.now, keep)
    work.save(*(identity.revoke(one, work.now) for one in closing))
    return len(closing)


def own_session_keys(work: Work) -> tuple[Key[Session], ...]:
    """The session that asks, if it is one."""
    actor = work.actor
    return (SESSIONS.key(actor.user_id, actor.credential_id),) if actor.credential_id else ()


def check_fresh(work: Work) -> None:
    """Raise SignInAgain where the session that asks was opened too long ago. Its key was looked at."""
    for key in own_session_keys(work):
        identity.check_fresh(work.find(key), work.now)


def _seen_locks(command: See, work: Work) -> Iterable[Wanted]:
    return SESSIONS.key(command.user_id, command.id), API_KEYS.key(command.user_id, command.id)


@use_case(allow=ADMINS, locks=_seen_locks, secret=True)
async def see(command: See, work: Work) -> None:
    """Write down that a session or an API key was used; a session lasts longer by that."""
    session_key, key = SESSIONS.key(command.user_id, command.id), API_KEYS.key(command.user_id, command.id)
    session, api_key = work.find(session_key), work.find(key)
    if session is not None and identity.is_open(session, work.now):
        work.save(identity.seen(session, command.address, work.now, command.idle_days))
    if api_key is not None and identity.is_good(api_key, work.now):
        work.save(shared.evolve(api_key, last_used_at=work.now))


@query(allow=SIGNED_IN)
async def sessions(question: ListSessions, read: Read[HasCredentials]) -> Page[SessionView]:
    """One's own sessions, newest first."""
    before = uuid_of(question.cursor)
    found = await read.ports.credentials.sessions(read.actor.user_id, question.limit + 1, before)
    views = [session_view(one, read.actor.credential_id) for one in found]
    return page_of(views, question.limit, lambda one: one.id)
