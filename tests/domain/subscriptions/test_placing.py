"""Money that is placed over projects adds up to the cent."""

from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import UUID

from charges import AT, HIVES, OLIVES, PRODUCER, VINES, active, tags
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import projects, shared
from baobab.domain.investments import subscriptions
from baobab.domain.investments.subscriptions import Choice


def project(id: UUID, **changes: Any) -> projects.Project:
    facts = projects.Project(
        id=id,
        slug=f"project-{id.int}",
        name="Ruches du Vercors",
        type="beehive",
        place=shared.Place(45.1, 5.5, "Isère", "FR"),
        address=shared.Address("1 place de l'église", "Villard-de-Lans", "38250", "FR"),
        producer_id=PRODUCER,
        target_cents=1_000_000,
        created_at=AT,
        status="active",
    )
    return shared.evolve(facts, **changes)


def book(id: UUID, taken: int = 0, **changes: Any) -> projects.Book:
    return projects.Book(project(id, **changes), projects.Funding(id, taken_cents=taken))


def ids() -> Iterator[UUID]:
    return (UUID(int=number) for number in count(1_000))


def place(
    weights: dict[UUID, int], *books: projects.Book, others: int = 0, amount: int = 20_000
) -> subscriptions.Placed:
    charge = shared.evolve(active().charge, rest_cents=amount)
    choices = tuple(Choice(id, weight) for id, weight in weights.items())
    known = {one.project.id: one for one in books}
    made = ids()
    return subscriptions.place(charge, choices, known, dict.fromkeys(known, others), AT, lambda: next(made))


def test_money_is_split_by_weights_largest_remainder_first() -> None:
    assert subscriptions.split(20_000, [1, 1, 1]) == [6_667, 6_667, 6_666]
    assert subscriptions.split(20_000, [1, 2, 4]) == [2_857, 5_714, 11_429]
    assert subscriptions.split(1, [1, 3]) == [0, 1]


@given(
    st.integers(0, 10**9),
    st.lists(st.tuples(st.integers(1, 1_000), st.integers(0, 10**9)), min_size=1, max_size=20),
)
def test_parts_always_add_up_and_nobody_takes_more_than_there_is_room_for(
    amount: int, projects_of: list[tuple[int, int]]
) -> None:
    weights, rooms = [one[0] for one in projects_of], [one[1] for one in projects_of]
    assert sum(subscriptions.split(amount, weights)) == amount
    parts = subscriptions.split_within(amount, weights, rooms)
    assert sum(parts) == min(amount, sum(rooms))
    assert all(0 <= part <= room for part, room in zip(parts, rooms, strict=True))


@given(st.integers(1, 10**9), st.lists(st.integers(1, 1_000), min_size=1, max_size=20))
def test_without_limits_nobody_is_a_cent_or_more_from_what_their_weight_says(
    amount: int, weights: list[int]
) -> None:
    for part, weight in zip(subscriptions.split(amount, weights), weights, strict=True):
        assert abs(part - amount * weight / sum(weights)) < 1


def test_a_project_takes_its_share_as_if_it_were_bought() -> None:
    placed = place({HIVES: 3, OLIVES: 1}, book(HIVES), book(OLIVES, taken=5))
    assert [one.amount_cents for one in placed.portions] == [15_000, 5_000]
    assert [one.taken_cents for one in placed.fundings] == [15_000, 5_005]
    assert [one.supporters for one in placed.fundings] == [1, 1]
    assert [one.state for one in placed.entries] == ["taken", "taken"]
    assert [one.id for one in placed.entries] == [one.id for one in placed.portions]
    assert placed.charge.rest_cents == 0
    assert tags(placed) == ["projects.share_taken"] * 2
    assert place({HIVES: 1}, book(HIVES), others=1).fundings[0].supporters == 0


def test_what_a_project_cannot_take_goes_to_the_others_and_then_waits() -> None:
    full = book(HIVES, taken=999_000)
    closed = book(OLIVES, status="closed")
    placed = place({HIVES: 8, OLIVES: 1, VINES: 1}, full, closed, book(VINES, taken=990_000))
    assert [(one.project_id, one.amount_cents) for one in placed.portions] == [
        (HIVES, 1_000),
        (VINES, 10_000),
    ]
    assert placed.charge.rest_cents == 9_000


def test_a_ceiling_above_the_target_is_room() -> None:
    roomy = book(HIVES, taken=1_000_000, funding_policy="ceiling", ceiling_cents=1_015_000)
    assert place({HIVES: 1}, roomy).charge.rest_cents == 5_000


def test_without_a_choice_the_money_waits() -> None:
    placed = place({})
    assert (placed.portions, placed.charge.rest_cents) == ((), 20_000)


def test_money_is_taken_out_of_its_projects_to_the_cent() -> None:
    first = place({HIVES: 3, OLIVES: 1}, book(HIVES), book(OLIVES), amount=12_000)
    now = {one.project_id: one for one in first.fundings}
    second = place({HIVES: 1}, shared.evolve(book(HIVES), funding=now[HIVES]), others=1, amount=8_000)
    portions = (*first.portions, shared.evolve(second.portions[0], id=UUID(int=9_999)))
    entries = {one.id: one for one in first.entries} | {
        UUID(int=9_999): shared.evolve(second.entries[0], id=UUID(int=9_999))
    }
    fundings = now | {HIVES: second.fundings[0]}
    out = subscriptions.take_out(second.charge, portions, entries, fundings, dict.fromkeys(fundings, 0), AT)
    assert {one.project_id: (one.taken_cents, one.supporters) for one in out.fundings} == {
        HIVES: (0, 0),
        OLIVES: (0, 0),
    }
    assert {one.state for one in (*out.portions, *out.entries)} == {"returned"}
    assert tags(out) == ["projects.share_returned"] * 3
