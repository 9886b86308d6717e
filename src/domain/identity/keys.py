"""API keys: what a program may do for its owner, or for the house (M5)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ..shared import Actor, Forbidden, RuleForbids, StateForbids, evolve
from .records import ApiKey, KeyRole

MOST_KEYS = 50
"""Open ones of one member."""
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
    message = "An account has {most} API keys at most: revoke those that nobody uses."
    most: int


class KeyEnds(RuleForbids):
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


def check_new(keys: Iterable[ApiKey], expires_at: datetime | None, at: datetime) -> None:
    """Raise TooManyKeys, or KeyEnds where it would have ended already, or last for too long."""
    if sum(is_good(one, at) for one in keys) >= MOST_KEYS:
        raise TooManyKeys(most=MOST_KEYS)
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
