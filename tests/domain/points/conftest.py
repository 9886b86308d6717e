"""What tests of the rules of the points ledger stand on: an empty account, and one with a few lines."""

import pytest
from bookkeeping import Office
from books import Books

from baobab.domain.points import Posting
from baobab.domain.points.audit import Dossier
from baobab.domain.points.tracing import examine


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture(scope="module")
def office() -> Office:
    """One account: 50 paid for and 15 on top (lines 1, 2), 20 spent (3), 6 given back (4), 10 by correction
    (5), 45 spent (6); then 8 are held, 5 of them captured (7), and 4 more are held."""
    office = Office(members=2)
    member = office.members[0]
    points = office.earn(member, 50).book.account
    assert points.sequence == 1
    office.clock.advance(days=1)
    office.adjust(member, 15)
    spent = office.spend(member, 20)
    office.clock.advance(days=1)
    debit = next(one for one in spent.changed if isinstance(one, Posting))
    office.refund(member, debit, 6)
    office.adjust(member, 10)
    office.spend(member, 45)
    office.hold(member, 8)
    office.capture(member, 5)
    office.hold(member, 4)
    office.clock.advance(days=1)
    return office


@pytest.fixture(scope="module")
def dossier(office: Office) -> Dossier:
    found = office.dossier(office.members[0])
    assert [one.amount for one in found.postings] == [50, 15, -20, 6, 10, -45, -5]
    assert examine(found, office.clock()) == []
    return found
