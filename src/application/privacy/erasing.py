"""How somebody is erased: at once who they are and how they come in, then table by table what is left.

Each piece is a command, and done again it does nothing: what was interrupted goes on where it stood. A table
that comes later is erased too, as the types of its fields say what is personal.

Decision: docs/decisions/0017-audit-and-privacy.md.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, get_args, get_type_hints
from uuid import UUID

import msgspec

from ...domain import identity as people
from ...domain import payments as money
from ...domain import privacy, shared
from ...domain.privacy import Erasure, Facts
from ..fulfillment import SHIPMENTS
from ..identity import API_KEYS, LOGINS, MEMBERS, PASSWORDS, PROOFS, SECOND_FACTORS, SESSIONS
from ..identity.people import PROFILES
from ..investments import INVESTMENTS, SUBSCRIPTIONS
from ..marks import neutral
from ..orders import ORDERS
from ..payments import PAYMENTS, WEBHOOK_EVENTS
from ..points import ACCOUNTS
from ..runner import Runner
from ..work import (
    ADMINS,
    PRIVATE_PARTS,
    SIGNED_IN,
    Key,
    Kind,
    PrivatePart,
    Read,
    Wanted,
    Work,
    query,
    use_case,
)
from .records import (
    ERASURES,
    MOST_ROWS,
    Erase,
    EraseRows,
    ErasureView,
    Finish,
    HasPrivacy,
    Of,
    RowsOf,
    Unfinished,
)

PURPOSES = get_args(people.Purpose)
HOUSE = shared.Actor(role="service", address="erasure", whereabouts="public")
"""Who goes on with an erasure once it was begun: nobody in particular."""
NOT_TO_BE_READ = "whom it spoke of was erased"


def _unread(event: money.WebhookEvent, work: Work) -> shared.Record:
    """A message that nobody can work on any more is shown to a person, who asks the provider instead."""
    if event.state in money.WAITING:
        event = money.close(event, "set_aside", work.now, NOT_TO_BE_READ)
    return money.forget(event, work.now)


FIRST: Mapping[Kind[Any], Callable[[Any, Work], shared.Record]] = {WEBHOOK_EVENTS: _unread}
"""What else changes in a record that is made neutral."""


WAYS_IN: tuple[Kind[Any], ...] = (LOGINS, SESSIONS, API_KEYS)


# --- who they are, at once ------------------------------------------------------------------------


def _theirs(command: Erase, work: Work) -> tuple[Wanted, ...]:
    owner = command.user_id
    kinds = (LOGINS, SESSIONS, API_KEYS, ACCOUNTS, ORDERS, SHIPMENTS, PAYMENTS, INVESTMENTS, SUBSCRIPTIONS)
    keys = (PASSWORDS.key(owner), SECOND_FACTORS.key(owner), PROFILES.key(owner))
    proofs = (PROOFS.key(owner, purpose) for purpose in PURPOSES)
    return (MEMBERS.key(owner), *keys, *proofs, *(kind.group("owner", owner) for kind in kinds))


def _their_locks(command: Erase, work: Work) -> tuple[Wanted, ...]:
    """What is read is read again, under the locks of the member, their accounts and how they come in."""
    owner = command.user_id
    roots: tuple[Kind[Any], ...] = (*WAYS_IN, ACCOUNTS)
    found = (
        kind.key(*kind.values_of(one)) for kind in roots for one in work.list(kind.group("owner", owner))
    )
    return (ERASURES.key(owner), *found, *_theirs(command, work))


@use_case(allow=SIGNED_IN, loads=[_theirs], locks=_their_locks, forgets=True)
async def begin(command: Erase, work: Work) -> ErasureView:
    """Erase who a member is and how they come in; oneself with a session that was just opened, others for
    administrators. Raises NotFound, SignInAgain, MemberBound."""
    owner = command.user_id
    work.actor.must_own(owner, "member", owner)
    member = work.get(MEMBERS.key(owner))
    if (known := work.find(ERASURES.key(owner))) is not None:
        return _view(known)
    if work.actor.user_id == owner:
        privacy.check_recent(_session_of(work), work.now)
    privacy.check_free(_facts(command, member, work))
    _lock_out(owner, work)
    work.erase(shared.evolve(member, status="erased"))
    erasure = Erasure(owner, "begun", command.grounds, work.actor.user_id, work.now)
    work.save(erasure)
    work.record(privacy.MemberErased(owner))
    return _view(erasure)


def _session_of(work: Work) -> people.Session | None:
    """The session that asks; nothing for a key."""
    mine = work.list(SESSIONS.group("owner", work.actor.user_id))
    return next((one for one in mine if one.id == work.actor.credential_id), None)


def _facts(command: Erase, member: people.Member, work: Work) -> Facts:
    owner = command.user_id
    return Facts(
        member,
        tuple(work.list(ACCOUNTS.group("owner", owner))),
        tuple(work.list(ORDERS.group("owner", owner))),
        tuple(work.list(SHIPMENTS.group("owner", owner))),
        tuple(work.list(PAYMENTS.group("owner", owner))),
        tuple(work.list(INVESTMENTS.group("owner", owner))),
        tuple(work.list(SUBSCRIPTIONS.group("owner", owner))),
        command.give_up_points,
    )


def _lock_out(owner: UUID, work: Work) -> None:
    """End every session, and free the addresses: nobody comes in by what they had."""
    for kind in WAYS_IN:
        work.remove(*work.list(kind.group("owner", owner)))
    proofs = (work.find(PROOFS.key(owner, purpose)) for purpose in PURPOSES)
    for one in (work.find(PASSWORDS.key(owner)), work.find(SECOND_FACTORS.key(owner)), *proofs):
        if one is not None:
            work.remove(one)


# --- what is left, table by table -----------------------------------------------------------------


def kind_of(table: str) -> Kind[Any]:
    """The kind of a table. Raises NotFound."""
    for kind in Kind.of.values():
        if kind.name == table and kind.has_owner:
            return kind
    raise shared.NotFound(kind="table", id=table)


@lru_cache(maxsize=256)
def key_decoder(table: str) -> Callable[[str], tuple[Any, ...]]:
    kind = kind_of(table)
    hints = get_type_hints(kind.record)
    fields: Any = tuple(hints[name] for name in kind.key_fields)
    return msgspec.json.Decoder(tuple[fields]).decode


def key_text(kind: Kind[Any], record: Any) -> str:
    """The key of a record as JSON."""
    return msgspec.json.encode(kind.values_of(record)).decode()


def _keys(command: EraseRows) -> list[Key[Any]]:
    kind, decode = kind_of(command.table), key_decoder(command.table)
    return [kind.key(*decode(one)) for one in command.keys]


def _rows(command: EraseRows, work: Work) -> Iterable[Wanted]:
    return _keys(command)


def _row_locks(command: EraseRows, work: Work) -> Iterable[Wanted]:
    """A part under the lock of its guard, so that nobody who changes it meanwhile puts anything back."""
    keys = _keys(command)
    guard = kind_of(command.table).guard
    if guard is None:
        return keys
    return (*(guard(one) for key in keys if (one := work.find(key)) is not None), *keys)


@use_case(allow=ADMINS, loads=[_rows], locks=_row_locks, forgets=True)
async def erase_rows(command: EraseRows, work: Work) -> int:
    """Make rows neutral, or remove them where nothing of them has to stay: how many."""
    kind = kind_of(command.table)
    found = [one for key in _keys(command) if (one := work.find(key)) is not None]
    theirs = [one for one in found if kind is PRIVATE_PARTS or one.user_id in (command.user_id, None)]
    for one in theirs:
        if kind.removable:
            work.remove(one)
        else:
            work.erase(FIRST[kind](one, work) if kind in FIRST else one)
    return len(theirs)


@use_case(allow=ADMINS, locks=lambda command, work: [ERASURES.key(command.user_id)])
async def finish(command: Finish, work: Work) -> ErasureView:
    """Say that a member is erased, and what stays. Raises NotFound."""
    erasure = work.get(ERASURES.key(command.user_id))
    if erasure.state == "begun":
        kept = privacy.kept(command.rows, work.now)
        erasure = shared.evolve(erasure, state="done", done_at=work.now, kept=kept)
        work.save(erasure)
    return _view(erasure)


# --- what is looked at, and the whole way ----------------------------------------------------------


@query(allow=ADMINS)
async def dirty_rows(question: RowsOf, read: Read[HasPrivacy]) -> tuple[tuple[str, ...], str | None]:
    """The keys of rows that say something of a member, and where to look on."""
    kind = kind_of(question.table)
    after = None if question.after is None else key_decoder(question.table)(question.after)
    rows = await read.ports.privacy.rows(kind, question.user_id, after, MOST_ROWS)
    keys = tuple(key_text(kind, one) for one in rows if kind.removable or neutral(one) != one)
    return keys, key_text(kind, rows[-1]) if len(rows) == MOST_ROWS else None


@query(allow=ADMINS)
async def spoken_of(question: Of, read: Read[HasPrivacy]) -> tuple[str, ...]:
    """The keys of what is private of what others did to a member."""
    found: list[PrivatePart] = await read.ports.privacy.spoken_of(question.user_id, MOST_ROWS)
    return tuple(key_text(PRIVATE_PARTS, one) for one in found)


@query(allow=ADMINS)
async def messages(question: Of, read: Read[HasPrivacy]) -> tuple[str, ...]:
    """The keys of a provider's messages of a member that were not known to be theirs."""
    found: list[money.WebhookEvent] = await read.ports.privacy.messages(question.user_id, MOST_ROWS)
    return tuple(key_text(WEBHOOK_EVENTS, one) for one in found)


@query(allow=ADMINS)
async def tables(question: Of, read: Read[HasPrivacy]) -> tuple[str, ...]:
    """The tables in which something of a member may be personal or let them in."""
    kinds = (kind for kind in read.ports.privacy.kinds if kind.has_owner)
    return tuple(kind.name for kind in kinds if kind.marked or kind.removable)


@query(allow=ADMINS)
async def counts(question: Of, read: Read[HasPrivacy]) -> dict[str, int]:
    """How many rows of each table are a member's."""
    return dict(await read.ports.privacy.counts(question.user_id))


@query(allow=ADMINS)
async def erasure(question: Of, read: Read[HasPrivacy]) -> ErasureView:
    """Where the erasure of a member stands. Raises NotFound."""
    found = await read.ports.privacy.erasure(question.user_id)
    if found is None:
        raise shared.NotFound(kind="erasure", id=str(question.user_id))
    return _view(found)


@query(allow=ADMINS)
async def unfinished(question: Unfinished, read: Read[HasPrivacy]) -> tuple[UUID, ...]:
    """Whose erasure was begun and is not done."""
    return tuple(await read.ports.privacy.begun())


async def erase(command: Erase, run: Runner, *, actor: shared.Actor) -> ErasureView:
    """Erase a member: who they are at once, then the rest. Raises what `begin` raises."""
    await run(begin, command, actor=actor)
    return await go_on(command.user_id, run)


async def go_on(user_id: UUID, run: Runner) -> ErasureView:
    """Finish what was begun, from wherever it stands. Raises NotFound."""
    whose = Of(user_id=user_id)
    await run.read(erasure, whose, actor=HOUSE)
    await _clean_found(messages, WEBHOOK_EVENTS, user_id, run)  # while we know how the provider calls them
    for table in await run.read(tables, whose, actor=HOUSE):
        await _clean(table, user_id, run)
    await _clean_found(spoken_of, PRIVATE_PARTS, user_id, run)
    rows = await run.read(counts, whose, actor=HOUSE)
    return await run(finish, Finish(user_id=user_id, rows=rows), actor=HOUSE)


async def _clean_found(looking: Any, kind: Kind[Any], user_id: UUID, run: Runner) -> None:
    while keys := await run.read(looking, Of(user_id=user_id), actor=HOUSE):
        await run(erase_rows, EraseRows(user_id=user_id, table=kind.name, keys=keys), actor=HOUSE)


async def _clean(table: str, user_id: UUID, run: Runner) -> None:
    after: str | None = None
    while True:
        question = RowsOf(user_id=user_id, table=table, after=after)
        keys, after = await run.read(dirty_rows, question, actor=HOUSE)
        if keys:
            await run(erase_rows, EraseRows(user_id=user_id, table=table, keys=keys), actor=HOUSE)
        if after is None:
            return


def _view(one: Erasure) -> ErasureView:
    return shared.recast(ErasureView, one)
