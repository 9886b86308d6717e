"""The use cases by which points go to another member, or become another unit."""

from uuid import UUID

from ...domain import points, shared
from .. import identity
from ..work import SIGNED_IN, Wanted, Work, use_case
from .book import book_keys, keep, open_book, policy_of
from .commands import Convert, Give
from .moving import balance_of, check_owner
from .records import RATES, GiftNote
from .views import Converted, Given


def _recipient_login(command: Give, work: Work) -> tuple[Wanted, ...]:
    return identity.naming_keys(command.recipient)


def _recipient(command: Give, work: Work) -> tuple[Wanted, ...]:
    return (identity.MEMBERS.key(_recipient_id(command, work)),)


def _recipient_id(command: Give, work: Work) -> UUID:
    """Whom an e-mail or an id names. Raises NotFound."""
    if (found := identity.named(command.recipient, work)) is None:
        raise shared.NotFound(kind="member", id=command.recipient)
    return found


def _owner(command: Give | Convert, work: Work) -> UUID:
    return command.user_id or work.actor.user_id


def _give_locks(command: Give, work: Work) -> tuple[Wanted, ...]:
    to = _recipient_id(command, work)
    return (*book_keys(_owner(command, work), command.unit), *book_keys(to, command.unit))


@use_case(allow=SIGNED_IN, loads=(_recipient_login, _recipient), locks=_give_locks)
async def give(command: Give, work: Work) -> Given:
    """Give points to another member: one's own; anybody's for an admin."""
    owner = _owner(command, work)
    work.actor.must_own(owner, "account", owner)
    to, gift_id = _recipient_id(command, work), work.new_id()
    check_owner(work, to, command.unit)
    giver = await open_book(work, owner, command.unit, needed=command.amount)
    receiver = await open_book(work, to, command.unit, needed=0)
    given, received = points.give(
        giver.book,
        receiver.book,
        amount=command.amount,
        gift_id=gift_id,
        at=work.now,
        ids=work.new_id,
    )
    keep(work, giver, receiver, given, received)
    if command.message:
        work.save(GiftNote(owner, gift_id, command.message))
    return Given(gift_id, to, command.amount, balance_of(given, work.now))


def _convert_locks(command: Convert, work: Work) -> tuple[Wanted, ...]:
    rate, owner = RATES.group("pair", command.unit, command.to_unit), _owner(command, work)
    return (rate, *book_keys(owner, command.unit), *book_keys(owner, command.to_unit))


@use_case(allow=SIGNED_IN, locks=_convert_locks)
async def convert(command: Convert, work: Work) -> Converted:
    """Turn points of one unit into another at the rate in force: one's own; anybody's for an admin."""
    owner = _owner(command, work)
    work.actor.must_own(owner, "account", owner)
    policy_of(work, command.unit), policy_of(work, command.to_unit)
    if command.unit == command.to_unit:
        raise points.SameUnit(unit=command.unit)
    stored = work.list(RATES.group("pair", command.unit, command.to_unit))
    rate = points.rate_in_force(stored, command.unit, command.to_unit, work.now)
    book = await open_book(work, owner, command.unit, needed=command.amount)
    other = await open_book(work, owner, command.to_unit, needed=0)
    conversion_id = work.new_id()
    left, got = points.convert(
        book.book,
        other.book,
        rate,
        amount=command.amount,
        conversion_id=conversion_id,
        at=work.now,
        ids=work.new_id,
    )
    keep(work, book, other, left, got)
    to_amount = points.converted(rate, command.amount)
    return Converted(
        conversion_id,
        command.amount,
        to_amount,
        f"{rate.get}/{rate.give}",
        balance_of(left, work.now),
        balance_of(got, work.now),
    )
