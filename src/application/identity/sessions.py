"""Sessions: opened, closed, listed (M1)."""

from uuid import UUID

from ...domain import identity, shared
from ...domain.identity import Session
from ..pages import Limit, Page, page_of, uuid_of
from ..work import ADMINS, SIGNED_IN, Key, Read, Wanted, Work, query, use_case
from .records import (
    MEMBERS,
    SESSIONS,
    Device,
    HasIdentity,
    MemberView,
    SessionView,
    member_view,
    session_view,
)


class OpenSession(shared.Command, kw_only=True):
    """A session for a member whose password was checked."""

    user_id: UUID
    session_id: UUID
    token_hash: bytes
    device: Device = ""


class CloseSession(shared.Command, kw_only=True):
    """Revoke one of one's own sessions."""

    session_id: UUID


class ListSessions(shared.Query, kw_only=True):
    limit: Limit = 25
    cursor: str | None = None


class Opened(shared.Record):
    """A session with its owner."""

    session: SessionView
    member: MemberView


def _session_locks(command: OpenSession, work: Work) -> tuple[Wanted, ...]:
    return (MEMBERS.key(command.user_id), SESSIONS.key(command.user_id, command.session_id))


@use_case(allow=ADMINS, locks=_session_locks, secret=True)
async def open_session(command: OpenSession, work: Work) -> Opened:
    """Open a session for a member whose password was checked. Raises MemberSuspended."""
    member = work.get(MEMBERS.key(command.user_id))
    session = identity.open_session(
        member,
        id=command.session_id,
        token_hash=command.token_hash,
        device=command.device,
        address=work.actor.address,
        at=work.now,
    )
    work.save(session)
    return Opened(session_view(session, session.id), member_view(member))


def _own_session(command: CloseSession, work: Work) -> tuple[Key[Session]]:
    return (SESSIONS.key(work.actor.user_id, command.session_id),)


@use_case(allow=SIGNED_IN, locks=_own_session)
async def close_session(command: CloseSession, work: Work) -> SessionView:
    """Sign out: revoke one of one's own sessions."""
    session = identity.revoke(work.get(*_own_session(command, work)), work.now)
    work.save(session)
    return session_view(session, work.actor.credential_id)


@query(allow=SIGNED_IN)
async def sessions(question: ListSessions, read: Read[HasIdentity]) -> Page[SessionView]:
    """One's own sessions, newest first."""
    before = uuid_of(question.cursor)
    found = await read.ports.identity.sessions(read.actor.user_id, question.limit + 1, before)
    views = [session_view(one, read.actor.credential_id) for one in found]
    return page_of(views, question.limit, lambda one: one.id)
