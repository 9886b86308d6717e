"""Sessions: how long somebody stays signed in (M1)."""

from datetime import datetime, timedelta
from uuid import UUID

from ..shared import StateForbids, evolve
from .records import Member, Session

SESSION_DAYS = 30


class MemberSuspended(StateForbids):
    message = "This account is suspended."


def open_session(
    member: Member, *, id: UUID, token_hash: bytes, device: str, address: str, at: datetime
) -> Session:
    """A new session of an active member. Raises MemberSuspended."""
    if member.status != "active":
        raise MemberSuspended
    return Session(member.user_id, id, token_hash, device, address, at + timedelta(days=SESSION_DAYS), at)


def is_open(session: Session, at: datetime) -> bool:
    """Whether a session still lets its owner in."""
    return session.revoked_at is None and session.expires_at > at


def revoke(session: Session, at: datetime) -> Session:
    """The session closed; one that is closed already stays as it was."""
    return evolve(session, revoked_at=at) if session.revoked_at is None else session
