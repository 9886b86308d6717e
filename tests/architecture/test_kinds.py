"""What every kind of record says of itself: that it is audited or why not, and what in it is personal."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from baobab.adapters.memory.storage import MemoryStorage
from baobab.application.kinds import KINDS
from baobab.application.marks import is_personal
from baobab.application.work import RUNS, Changes, Kind
from baobab.domain import shared
from builders import filled

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
OF_PEOPLE = {
    "address",
    "bio",
    "birth_date",
    "device",
    "email",
    "family_name",
    "feedback",
    "given_name",
    "phone",
}
OF_SECRETS = ("_hash", "secret", "sealed", "recovery", "password")
NOT_OF_PEOPLE = {
    "posting.hash": "it chains the ledger",
    "account.hash": "it chains the ledger",
    "checkpoint.hash": "it chains the ledger",
    "seal.hash": "it chains the seals",
    "seal.sealed_at": "a time",
    "producer.address": "a workshop's, shown to everybody",
    "project.address": "a field's, shown to everybody",
}
"""Fields that only sound like a person or a secret, and why they are neither."""
UNAUDITED = {
    *("account", "allocation", "hold", "lot", "posting", "opening", "checkpoint"),
    *("seal", "seal_tree", "seal_chunk", "funding"),
    *("stock", "batch", "movement"),
    *(
        "order_line",
        "order_status_change",
        "order_number",
        "order_counter",
        "shipment_line",
        "shipment_change",
    ),
    *("level_change", "attempts", "command_log", "private_part", "event"),
}
"""Reviewed by hand: a kind that stops telling its changes is added here, by somebody who knows why."""


def suspicious(kind: Kind[Any]) -> Iterator[str]:
    """Fields whose names sound like a person or a secret, and that are not marked."""
    for name in kind.record.__struct_fields__:
        sounds = name in OF_PEOPLE or name == "hash" or any(word in name for word in OF_SECRETS)
        if sounds and name not in kind.marked:
            yield f"{kind.name}.{name}"


@each_kind
def test_a_kind_is_audited_or_says_why_not(kind: Kind[Any]) -> None:
    assert bool(kind.unaudited) == (kind.name in UNAUDITED)
    assert not kind.unaudited or len(kind.unaudited.split()) > 2


@each_kind
def test_what_sounds_like_a_person_or_a_secret_is_marked(kind: Kind[Any]) -> None:
    assert [one for one in suspicious(kind) if one not in NOT_OF_PEOPLE] == []


def test_a_field_that_sounds_like_a_person_and_is_not_marked_is_found() -> None:
    class Planted(shared.Record):
        user_id: UUID
        email: str
        token_hash: bytes
        phone: shared.Personal[str]

    kind = Kind(Planted, "planted", ("user_id",))
    try:
        assert list(suspicious(kind)) == ["planted.email", "planted.token_hash"]
    finally:
        del Kind.of[Planted]


def events() -> list[type[shared.Event]]:
    found: list[type[shared.Event]] = []
    waiting: list[type[shared.Event]] = [shared.Event]
    while waiting:
        found += (below := waiting.pop().__subclasses__())
        waiting += below
    return found


@pytest.mark.parametrize("event", events(), ids=lambda event: f"{event.__module__}.{event.__name__}")
def test_an_event_says_nothing_personal(event: type[shared.Event]) -> None:
    """It is there for good, and read by others: ids alone."""
    assert not is_personal(event)
    assert OF_PEOPLE.isdisjoint(event.__struct_fields__)


async def test_a_line_of_the_log_is_neither_changed_nor_removed() -> None:
    storage, line = MemoryStorage(), filled(RUNS.record, 1)
    async with storage.begin() as transaction:
        await transaction.write(Changes({RUNS: [line]}, {}))
    for changes in (Changes({}, {RUNS: [line]}), Changes({}, {}, {RUNS: [line]})):
        with pytest.raises(TypeError):
            async with storage.begin() as transaction:
                await transaction.write(changes)
    assert storage.all(RUNS) == [line]
