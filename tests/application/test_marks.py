"""What the types of fields say of their values: found at any depth, hidden, and made neutral."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import inspect

from baobab.application.kinds import KINDS
from baobab.application.marks import NoNeutralValue, is_personal, marked_fields, neutral, neutral_of, shown
from baobab.domain import shared
from builders import filled

HOME = shared.Address("Rue de Fer 1", "Namur", "5000", "BE")


class Contact(shared.Record):
    phone: shared.Personal[str]
    shop: str


class Person(shared.Record):
    """Something marked at every depth, and something that is not."""

    id: int
    name: shared.Personal[shared.Name]
    token: shared.Secret[bytes]
    home: shared.Personal[shared.Address] | None = None
    contact: Contact = Contact("", "")
    others: tuple[Contact, ...] = ()
    maybe: Contact | None = None


ASH = Person(
    1, "Ash", b"hash", HOME, Contact("+32470", "Namur"), (Contact("+33", "Lyon"),), Contact("+49", "Bonn")
)
FIELDS = Person.__struct_fields__


def test_marks_are_found_at_any_depth() -> None:
    assert marked_fields(Person, "personal") == ("name", "home", "contact", "others", "maybe")
    assert marked_fields(Person, "secret") == ("token",)
    assert is_personal(tuple[Contact, ...])
    assert is_personal(Contact | None)
    assert not is_personal(shared.Money)


def test_what_is_hidden_shows_only_that_it_is_there() -> None:
    personal = {"personal": True}
    assert shown(ASH, FIELDS) == {
        "id": 1,
        "name": personal,
        "token": {"secret": True},
        "home": personal,
        "contact": {"phone": personal, "shop": "Namur"},
        "others": [{"phone": personal, "shop": "Lyon"}],
        "maybe": {"phone": personal, "shop": "Bonn"},
    }
    assert shown(Person(1, "Ash", b""), ("home", "token", "maybe")) == {
        "home": None,
        "token": "",
        "maybe": None,
    }


def test_what_is_neutral_says_nothing_and_keeps_the_rest() -> None:
    found = neutral(ASH)
    assert found == Person(
        1, "-", b"", None, Contact("", "Namur"), (Contact("", "Lyon"),), Contact("", "Bonn")
    )
    assert neutral(found) == found
    assert neutral(shared.evolve(ASH, home=None, maybe=None)).home is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (str, ""),
        (shared.Name, "-"),
        (shared.Country, "ZZ"),
        (shared.Url, "https://example.invalid/"),
        (Annotated[int, msgspec.Meta(ge=3)], 3),
        (float, 0),
        (bool, False),
        (Literal["a", "b"], "a"),
        (date | None, None),
        (date, date.min),
        (datetime, datetime(1, 1, 1, tzinfo=UTC)),
        (UUID, UUID(int=0)),
        (tuple[str, ...], ()),
        (dict[str, str], {}),
        (shared.Address, shared.Address("-", "-", "-", "ZZ")),
        (int | str, 0),
    ],
)
def test_every_type_has_a_value_that_says_nothing_and_keeps_its_constraints(kind: Any, value: Any) -> None:
    found = neutral_of(inspect.type_info(kind))
    assert found == value
    assert msgspec.convert(msgspec.to_builtins(found), kind) == value


def test_a_type_without_such_a_value_is_an_error() -> None:
    with pytest.raises(NoNeutralValue):
        neutral_of(inspect.type_info(msgspec.Raw))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_stored_record_can_be_made_neutral_and_be_read_again(kind: Any) -> None:
    found = neutral(filled(kind.record, 1))
    assert msgspec.json.decode(msgspec.json.encode(found), type=kind.record) == found
