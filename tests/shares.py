"""Shares of a project as the functions of the domain see them: reserved, paid, active."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from baobab.domain import investments, projects, shared

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOON = AT + timedelta(minutes=10)
HELD_UNTIL = AT + timedelta(minutes=30)
LATE = AT + timedelta(minutes=40)
PROJECT, PRODUCER, MEMBER, RECEIPT = (UUID(int=number) for number in range(1, 5))
POLICY = investments.Policy()
HIVE = investments.DEFAULT_OFFERS[0]


def project(**changes: Any) -> projects.Project:
    given = projects.Project(
        id=PROJECT,
        slug="ruches-du-vercors",
        name="Ruches du Vercors",
        type="beehive",
        place=shared.Place(45.07, 5.55, "Vercors", "FR"),
        address=shared.Address("1 place de l'église", "Villard-de-Lans", "38250", "FR"),
        producer_id=PRODUCER,
        target_cents=20_000,
        created_at=AT,
        status="active",
    )
    return shared.evolve(given, **changes)


def book(*held: projects.FundingEntry, taken: int = 0, **changes: Any) -> projects.Book:
    return projects.Book(project(**changes), projects.Funding(PROJECT, taken_cents=taken), held)


def wish(number: int = 100, **changes: Any) -> investments.Wish:
    ids = (UUID(int=number), UUID(int=number + 1), UUID(int=number + 2))
    return shared.evolve(investments.Wish(MEMBER, *ids, "sandbox"), **changes)


def reserve(before: projects.Book, number: int = 100, at: datetime = AT) -> investments.Outcome:
    return investments.reserve(wish(number), before, HIVE, POLICY, at)


def case_of(outcome: investments.Outcome, **changes: Any) -> investments.Case:
    """What the next decision looks at, after this outcome was saved."""
    held = (outcome.entry,) if outcome.entry.state == "held" else ()
    after = projects.Book(project(**changes), outcome.funding, held)
    return investments.Case(outcome.investment, outcome.payment, outcome.entry, after)


def pay(case: investments.Case, at: datetime = SOON) -> investments.Settlement:
    return investments.settle_paid(case, RECEIPT, POLICY, at)


def active(at: datetime = SOON) -> investments.Case:
    """An investment that was paid for at that time."""
    return case_of(pay(case_of(reserve(book())), at))


def tags(outcome: investments.Outcome) -> list[str]:
    return [str(type(event).__struct_config__.tag) for event in outcome.events]


def pending(number: int, **changes: Any) -> investments.Investment:
    return shared.evolve(reserve(book(), number).investment, **changes)
