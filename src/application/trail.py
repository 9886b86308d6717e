"""What a command leaves: its line of the command log, and apart from it what is personal of that.

The line is there for good, so it shows of a personal value only that it was there. What it was, the answer
where that is personal, and the address that the credential does not know, are a private part, which is
written only where there is something to write and goes when the person is erased.

Decision: docs/decisions/0017-audit-and-privacy.md.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from ..domain import shared
from .marks import BOTH, SECRET, Mark, shown
from .work import Change, Done, Kind, PrivatePart, Run, UseCase

_encode = msgspec.json.Encoder().encode
_owner_of = attrgetter("user_id")


class AnswerErased(shared.StateForbids):
    message = "The command with the key {key} was run; its answer is no longer kept."
    key: str


class Performed(NamedTuple):
    """A command that was run: whose key it has, and what it did."""

    use_case: UseCase[Any, Any]
    actor: shared.Actor
    key: str
    digest: bytes
    result: Any
    steps: Sequence[Done]
    at: datetime


def left_by(one: Performed) -> tuple[shared.Record, ...]:
    """What is to be stored of it."""
    case, who = one.use_case, one.actor
    audited = [step for step in one.steps if not step.kind.unaudited]
    answer = b"" if case.secret else _encode(one.result)
    run = Run(
        who.user_id,
        one.key,
        case.name,
        b"" if case.is_personal else one.digest,
        who.user_id,
        who.role,
        who.address if who.whereabouts == "public" else "",
        who.request_id,
        b"" if case.answers_personally else answer,
        one.at,
        who.credential_id,
        tuple(map(_change, audited)) if audited else None,
        _touched(who, one.steps, audited),
    )
    private = None if case.forgets else _private_part(one, audited, answer)
    return (run,) if private is None else (run, private)


def _private_part(one: Performed, audited: Sequence[Done], answer: bytes) -> PrivatePart | None:
    """None where there is nothing, or nobody could ever have it erased."""
    case, who = one.use_case, one.actor
    changes = tuple([change for step in audited if (change := _private_change(step)) is not None])
    digest = one.digest if case.is_personal else b""
    result = answer if case.answers_personally else b""
    address = who.address if who.whereabouts == "private" else ""
    if not (changes or digest or result or address):
        return None
    subjects = tuple(sorted(_owners(one.steps) - {who.user_id})) or None
    if who.user_id == shared.NOBODY and not subjects:
        return None
    return PrivatePart(who.user_id, one.key, digest, result, address, one.at, changes or None, subjects)


def _change(step: Done) -> Change:
    """What the trail shows of a change: nothing personal, nothing secret."""
    kind = step.kind
    return Change(kind.name, shown(_either(step), kind.key_fields), *_sides(step, _changed(step), BOTH))


def _private_change(step: Done) -> Change | None:
    """What is personal of a change; None where nothing is."""
    kind = step.kind
    if not kind.marked:
        return None
    old, new = _sides(step, [name for name in _changed(step) if name in kind.personal], SECRET)
    if not (old or new or any(name in kind.personal for name in kind.key_fields)):
        return None
    return Change(kind.name, shown(_either(step), kind.key_fields, SECRET), old, new)


def _changed(step: Done) -> Sequence[str]:
    """The fields that a change shows: those that differ, of a new record those that may change later."""
    kind, before, after = step.kind, step.before, step.after
    if before is None:
        return kind.changes
    return [
        name
        for name in kind.record.__struct_fields__
        if name not in kind.key_fields and (after is None or getattr(before, name) != getattr(after, name))
    ]


def _sides(
    step: Done, names: Sequence[str], hide: frozenset[Mark]
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Old and new values of some fields; null where there is nothing to show, and without what a new or a
    removed record leaves empty."""
    old, new = (side and shown(side, names, hide) for side in (step.before, step.after))
    if old is None or new is None:
        old, new = (
            side and {name: one for name, one in side.items() if one not in EMPTY} for side in (old, new)
        )
    return old or None, new or None


EMPTY: tuple[object, ...] = (None, "", [])


def _either(step: Done) -> shared.Record:
    record = step.after or step.before
    assert record is not None
    return record


def _touched(who: shared.Actor, steps: Sequence[Done], audited: Sequence[Done]) -> tuple[str, ...] | None:
    """The records of a trail and their owners; where a person acts for others, also the owners of what is
    proven elsewhere."""
    if not audited and who.role == "service":
        return None
    owners = _owners(audited)
    if who.role != "service":
        owners |= _owners(steps) - {who.user_id}
    names = dict.fromkeys(place_of(step.kind, _either(step)) for step in audited)
    return (*names, *map(person, sorted(owners))) if owners or names else None


def place_of(kind: Kind[Any], record: shared.Record) -> str:
    """How a trail names a record: `table/key`; without what is personal of the key."""
    values = ("-" if name in kind.marked else str(getattr(record, name)) for name in kind.key_fields)
    return "/".join((kind.name, *values))


def person(user_id: UUID) -> str:
    """How a trail names whom it touched."""
    return f"person/{user_id}"


def _owners(steps: Iterable[Done]) -> set[UUID]:
    """Whose records they are; some are nobody's yet, such as a message that was not understood."""
    return {_owner_of(_either(step)) for step in steps if step.kind.has_owner} - {None}
