"""Sessions: how long somebody stays signed in (M1)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from ..shared import Forbidden, Record, StateForbids, evolve
from .records import Member, Session

SESSION_DAYS = 30
LIMIT_DAYS = 180
SEEN_MINUTES = 10
FRESH_MINUTES = 15
KEPT_DAYS = 30
"""How long a session that ended is still listed."""
MOST_SESSIONS = 50
"""Open ones of one member; the oldest make room."""


class MemberSuspended(StateForbids):
    message = "This account is suspended."


class SignInAgain(Forbidden):
    message = "For this you must have signed in within the last {minutes} minutes: sign in again."
    minutes: int


class Lasting(Record):
    """How long a session lasts: so many days without use, and in all."""

    idle_days: int = SESSION_DAYS
    limit_days: int = LIMIT_DAYS


USUAL = Lasting()


def open_session(
    member: Member,
    *,
    id: UUID,
    token_hash: bytes,
    device: str,
    address: str,
    at: datetime,
    lasting: Lasting = USUAL,
    strong: bool = False,
) -> Session:
    """A new session of an active member. Raises MemberSuspended."""
    if member.status != "active":
        raise MemberSuspended
    ends = at + timedelta(days=lasting.limit_days)
    expires = min(at + timedelta(days=lasting.idle_days), ends)
    return Session(member.user_id, id, token_hash, device, address, expires, at, at, ends, strong)


def is_open(session: Session, at: datetime) -> bool:
    """Whether a session still lets its owner in."""
    return session.revoked_at is None and session.expires_at > at


def revoke(session: Session, at: datetime) -> Session:
    """The session closed; one that is closed already stays as it was."""
    return evolve(session, revoked_at=at) if session.revoked_at is None else session


def is_due(last_seen: datetime | None, at: datetime) -> bool:
    """Whether it is time to write down again that a credential is in use."""
    return last_seen is None or at - last_seen >= timedelta(minutes=SEEN_MINUTES)


def seen(session: Session, address: str, at: datetime, idle_days: int) -> Session:
    """The session used once more, from an address: it lasts longer, up to its end."""
    expires = max(session.expires_at, min(at + timedelta(days=idle_days), session.ends_at))
    return evolve(session, last_seen_at=at, address=address or session.address, expires_at=expires)


def check_fresh(session: Session | None, at: datetime) -> None:
    """Raise SignInAgain where a session was opened too long ago to change how its owner signs in. What has no
    session (an API key, an operator) was given that right on purpose."""
    if session is not None and at - session.created_at > timedelta(minutes=FRESH_MINUTES):
        raise SignInAgain(minutes=FRESH_MINUTES)


def open_ones(sessions: Iterable[Session], at: datetime, keep: UUID | None = None) -> list[Session]:
    """The sessions that are open, but for the one to keep."""
    return [one for one in sessions if is_open(one, at) and one.id != keep]


def crowded_out(sessions: Sequence[Session], at: datetime) -> list[Session]:
    """The oldest of the open sessions that make room for one more."""
    oldest_first = sorted(open_ones(sessions, at), key=lambda one: one.last_seen_at)
    return oldest_first[: max(0, len(oldest_first) + 1 - MOST_SESSIONS)]


def is_unclaimed(
    member: Member, sessions: Iterable[Session], signed_up_before: datetime, at: datetime
) -> bool:
    """Whether nobody verified an account that was opened before a time, and nobody is signed in there: then
    nobody ever comes in again."""
    is_old = member.status == "active" and member.created_at < signed_up_before
    return is_old and member.verified_at is None and not open_ones(sessions, at)


def is_forgotten(session: Session, at: datetime) -> bool:
    """Whether a session ended so long ago that nobody need know of it."""
    return (session.revoked_at or session.expires_at) < at - timedelta(days=KEPT_DAYS)
