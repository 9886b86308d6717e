"""Where the money of a subscription goes: over the projects that the member chose, by their weights.

The parts are whole cents and add up exactly: largest remainders first, at equal remainders the project chosen
first. A project takes no more than it has room for; what it leaves goes to the others, and what nobody can
take stays with the charge, to be placed when the member chooses again. Without a choice that is all of it:
nobody's money goes where they did not say.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ... import projects, shared
from .records import Charge, Choice, Portion


class Placed(shared.Record):
    """What is to be saved together, and what became of the rest."""

    charge: Charge
    portions: tuple[Portion, ...] = ()
    entries: tuple[projects.FundingEntry, ...] = ()
    fundings: tuple[projects.Funding, ...] = ()
    events: tuple[shared.Event, ...] = ()


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount in whole parts by weights, which are positive; they add up to it exactly."""
    total = sum(weights)
    parts = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda one: -(amount * weights[one] % total))
    for one in by_remainder[: amount - sum(parts)]:
        parts[one] += 1
    return parts


def split_within(amount: int, weights: Sequence[int], rooms: Sequence[int]) -> list[int]:
    """The same, where none takes more than its room; what does not fit at all is left out."""
    parts = [0] * len(weights)
    open_to = [one for one, room in enumerate(rooms) if room > 0]
    while open_to:
        wanted = split(amount - sum(parts), [weights[one] for one in open_to])
        full = [one for one, part in zip(open_to, wanted, strict=True) if part >= rooms[one]]
        if not full:
            for one, part in zip(open_to, wanted, strict=True):
                parts[one] = part
            break
        for one in full:
            parts[one] = rooms[one]
        open_to = [one for one in open_to if one not in full]
    return parts


def place(
    charge: Charge,
    choices: Sequence[Choice],
    books: Mapping[UUID, projects.Book],
    others: Mapping[UUID, int],
    at: datetime,
    ids: Callable[[], UUID],
) -> Placed:
    """Put what rests of a paid charge into the chosen projects, whose `books` are all there.

    `others` is how many shares the member has in each already.
    """
    rooms = [_room(books[one.project_id], at) for one in choices]
    parts = split_within(charge.rest_cents, [one.weight for one in choices], rooms)
    placed = Placed(shared.evolve(charge, rest_cents=charge.rest_cents - sum(parts)))
    for choice, part in zip(choices, parts, strict=True):
        if part:
            portion = _portion(charge, ids(), choice.project_id, part, at)
            placed = _with_share(placed, portion, books[choice.project_id], others[choice.project_id], at)
    return placed


def take_out(
    charge: Charge,
    portions: Sequence[Portion],
    entries: Mapping[UUID, projects.FundingEntry],
    fundings: Mapping[UUID, projects.Funding],
    others: Mapping[UUID, int],
    at: datetime,
) -> Placed:
    """Take the money of a charge, all these portions, out of its projects again. `others` is how many
    further shares the member has in each."""
    placed, left, now = Placed(charge), Counter(one.project_id for one in portions), dict(fundings)
    for portion in portions:
        id = portion.project_id
        left[id] -= 1
        share = projects.return_share(now[id], entries[portion.id], others[id] + left[id], at)
        now[id] = share.funding
        placed = shared.evolve(
            placed,
            portions=(*placed.portions, shared.evolve(portion, state="returned")),
            entries=(*placed.entries, share.entry),
            events=(*placed.events, *share.events),
        )
    return shared.evolve(placed, fundings=tuple(now.values()))


def _room(book: projects.Book, at: datetime) -> int:
    if projects.why_not(book, 1, at):
        return 0
    return projects.room(book.project, book.funding, book.held, at)


def _portion(charge: Charge, id: UUID, project_id: UUID, cents: int, at: datetime) -> Portion:
    return Portion(charge.user_id, id, charge.payment_id, charge.subscription_id, project_id, cents, at)


def _with_share(placed: Placed, portion: Portion, book: projects.Book, others: int, at: datetime) -> Placed:
    ids = portion.project_id, portion.id, portion.subscription_id, portion.user_id
    wished = projects.FundingEntry(*ids, portion.amount_cents, at, at)
    held = projects.hold_share(book, wished, at)
    counted = shared.evolve(book, funding=held.funding)
    share = projects.take_share(counted, held.entry, others, at)
    return shared.evolve(
        placed,
        portions=(*placed.portions, portion),
        entries=(*placed.entries, share.entry),
        fundings=(*placed.fundings, share.funding),
        events=(*placed.events, *share.events),
    )
