"""Guessing made slow: attempts are counted where two processes share them."""

from collections.abc import Iterable

from ...domain import identity, shared
from ...domain.identity import AttemptKind, Attempts
from ..work import ADMINS, Key, Wanted, Work, use_case
from .gate import Gate, trusted
from .records import ATTEMPTS
from .tokens import who

OLDEST = ATTEMPTS.group("oldest")


class Try(shared.Record):
    """One count to look at: the hash of who tries, and what."""

    who: str
    kind: AttemptKind


class Charge(shared.Command, kw_only=True):
    """Count an attempt before it is looked at."""

    tries: tuple[Try, ...]


class Counts(shared.Record):
    """What was counted, to be taken back if the attempt was right: of what was tried, and of the network."""

    own: str = ""
    network: str = ""


def _stale(work: Work) -> list[Attempts]:
    return [one for one in work.list(OLDEST) if identity.is_over(one, work.now)]


def _charge_locks(command: Charge, work: Work) -> Iterable[Wanted]:
    keys = [ATTEMPTS.key(one.who) for one in command.tries]
    return (*keys, *(ATTEMPTS.key(one.who) for one in _stale(work)))


@use_case(allow=ADMINS, loads=(lambda command, work: (OLDEST,),), locks=_charge_locks, secret=True)
async def charge(command: Charge, work: Work) -> None:
    """Count an attempt, and forget some that are long over. Raises TooManyAttempts, and then counts none."""
    tries = {one.who: one.kind for one in command.tries}
    before = {one: work.find(ATTEMPTS.key(one)) for one in tries}
    identity.check_patience(tuple(before.values()), work.now)
    work.save(*(identity.counted(before[one], one, kind, work.now) for one, kind in tries.items()))
    for one in _stale(work):
        found = work.find(ATTEMPTS.key(one.who))
        if found is not None and one.who not in tries and identity.is_over(found, work.now):
            work.remove(found)


async def charged(gate: Gate, actor: shared.Actor, kind: AttemptKind, value: object) -> Counts:
    """Count an attempt on something from an address; what to `forgive` if it was right. Raises
    TooManyAttempts."""
    network = identity.network_of(actor.address)
    counts = Counts(who(gate.secrets, kind, value), who(gate.secrets, "address", network))
    tries = Try(counts.own, kind), Try(counts.network, "address")
    await gate.run(charge, Charge(tries=tries), actor=trusted(actor))
    return counts


def attempt_keys(counts: Iterable[Counts]) -> tuple[Key[Attempts], ...]:
    """What to lock in order to forgive."""
    return tuple(ATTEMPTS.key(who) for one in counts for who in (one.own, one.network))


def forgive(work: Work, counts: Iterable[Counts]) -> None:
    """Take back attempts that were right: all that was counted against an account, one of a network's."""
    for one in counts:
        own = work.find(ATTEMPTS.key(one.own))
        if own is not None:
            work.remove(own)
        network = work.find(ATTEMPTS.key(one.network))
        if network is None:
            continue
        if (after := identity.forgiven(network)) is None:
            work.remove(network)
        else:
            work.save(after)
