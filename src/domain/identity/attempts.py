"""Guessing made slow: who tried in vain too often waits, each time longer, but never for ever (M1).

An attempt is counted before it is looked at, so that many at once are no way around; one that succeeds is
taken back. Accounts and addresses are counted apart, and an account that does not exist is counted too.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Literal

from ..shared import TooMany, evolve
from .records import Attempts

AttemptKind = Literal["password", "code", "second_factor", "mail", "address"]
FREE: dict[AttemptKind, int] = {"password": 5, "code": 5, "second_factor": 5, "mail": 3, "address": 60}
"""How many attempts cost no pause."""
LONGEST = timedelta(minutes=15)
FADES: dict[AttemptKind, timedelta] = {"address": timedelta(minutes=1)}
"""In what time one attempt is forgotten: of a network, as many people share one and some mistype each day."""
FORGOTTEN = timedelta(days=1)
"""After so long without an attempt all is forgotten."""


class TooManyAttempts(TooMany):
    message = "Too many attempts: wait {retry_after} seconds. A link by mail still lets the owner in."


def network_of(address: str) -> str:
    """What is counted of an address: of version 6 the network of 64 bits: whoever has one has all."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    return str(IPv6Address(int(ip) >> 64 << 64)) if ip.ipv4_mapped is None else str(ip.ipv4_mapped)


def pause_after(count: int, free: int) -> timedelta:
    """How long one waits after so many attempts: a second, then twice as long each time."""
    if count < free:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(count - free, 20)), LONGEST)


def is_over(attempts: Attempts, at: datetime) -> bool:
    """Whether these were so long ago that they do not count any more."""
    return at - attempts.last_at >= FORGOTTEN


def counted(before: Attempts | None, who: str, kind: AttemptKind, at: datetime) -> Attempts:
    """One attempt more."""
    count, since = (0, at) if before is None or is_over(before, at) else _left(before, kind, at)
    return Attempts(who, count + 1, since, at + pause_after(count + 1, FREE[kind]))


def _left(before: Attempts, kind: AttemptKind, at: datetime) -> tuple[int, datetime]:
    """How many attempts are not forgotten, and since when the next one fades."""
    if kind not in FADES:
        return before.count, at
    faded = max(0, (at - before.last_at) // FADES[kind])
    return (before.count - faded, before.last_at + faded * FADES[kind]) if faded < before.count else (0, at)


def forgiven(attempts: Attempts) -> Attempts | None:
    """One attempt less, that turned out to be right; None where it was the only one."""
    if attempts.count <= 1:
        return None
    return evolve(attempts, count=attempts.count - 1, until=attempts.last_at)


def check_patience(attempts: Sequence[Attempts | None], at: datetime) -> None:
    """Raise TooManyAttempts while one of them is to wait."""
    waits = [one.until - at for one in attempts if one is not None and one.until > at]
    if waits:
        raise TooManyAttempts(retry_after=-(-max(waits) // timedelta(seconds=1)))
