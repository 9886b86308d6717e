"""API keys: what a program may do for its owner, or for the house (M5)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ..shared import Actor, Forbidden, RuleForbids, StateForbids, evolve
from .records import ApiKey, KeyRole

MOST_KEYS = 50
"""Of one member: those that are good, and those that were made within `A_DAY`."""
A_DAY = timedelta(days=1)
LONGEST = timedelta(days=3_650)
"""A key that says when it ends lasts so long at most."""


class ScopeUnknown(RuleForbids):
    message = "There is no scope {scope}; known: {known}."
    scope: str
    known: str


class ScopeNotYours(Forbidden):
    message = "A key is good for no more than the credential that makes it: {scope} is missing."
    scope: str


class NotForServices(Forbidden):
    message = "Only an administrator makes a key that acts as a service."


class TooManyKeys(RuleForbids):
    message = "An account has {most} API keys at most, and makes no more in a day: revoke those nobody uses."
    most: int


class KeyEnds(RuleForbids):
    """It would have ended already, or last for too long, or for longer than the key that makes it."""

    message = "A key ends after it begins, and by {latest}: choose another time."
    latest: datetime


class KeyRevokedAlready(StateForbids):
    message = "This key was revoked, or has ended: make a new one."


def is_good(key: ApiKey, at: datetime) -> bool:
    """Whether a key still opens anything."""
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > at)


def check_scopes(scopes: Iterable[str], known: Iterable[str], maker: Actor) -> None:
    """Raise ScopeUnknown, or ScopeNotYours where the maker's own credential is not good for it."""
    known = sorted(known)
    for scope in scopes:
        if scope not in known:
            raise ScopeUnknown(scope=scope, known=", ".join(known))
        if maker.scopes is not None and scope not in maker.scopes:
            raise ScopeNotYours(scope=scope)


def check_maker(acts_as: KeyRole, maker: Actor) -> None:
    """Raise NotForServices unless the maker may have others act for the house."""
    if acts_as == "service" and not maker.is_admin:
        raise NotForServices


def check_room_for_key(keys: Iterable[ApiKey], at: datetime) -> None:
    """Raise TooManyKeys where there are as many as there may be."""
    if sum(is_good(one, at) or at - one.created_at < A_DAY for one in keys) >= MOST_KEYS:
        raise TooManyKeys(most=MOST_KEYS)


def check_end(expires_at: datetime | None, maker: ApiKey | None, at: datetime) -> None:
    """Raise KeyEnds unless a key ends at a fit time: by the end of the key that makes it, if one does."""
    latest = maker.expires_at if maker is not None else None
    if latest is not None and (expires_at is None or expires_at > latest):
        raise KeyEnds(latest=latest)
    if expires_at is not None and not at < expires_at <= at + LONGEST:
        raise KeyEnds(latest=at + LONGEST)


def revoked_key(key: ApiKey, at: datetime) -> ApiKey:
    """The key, good for nothing; one that was revoked already stays as it was."""
    return evolve(key, revoked_at=at) if key.revoked_at is None else key


def superseded(key: ApiKey, overlap: timedelta, at: datetime) -> ApiKey:
    """The old key of a rotation: it is good for a while yet. Raises KeyRevokedAlready."""
    if not is_good(key, at):
        raise KeyRevokedAlready
    ends = at + overlap
    return evolve(key, expires_at=min(ends, key.expires_at) if key.expires_at else ends)
