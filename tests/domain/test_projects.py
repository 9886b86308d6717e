"""Projects: from draft to closed, and money that never goes beyond what they may take."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import partners, projects, shared

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOON = AT + timedelta(minutes=30)
LATE = AT + timedelta(minutes=31)
PROJECT, PRODUCER, MEMBER = UUID(int=1), UUID(int=2), UUID(int=3)
PLACE = shared.Place(45.07, 5.55, "Vercors", "FR")
ADDRESS = shared.Address("1 place de l'église", "Villard-de-Lans", "38250", "FR")


def producer(**changes: Any) -> partners.Producer:
    given = partners.Producer(PRODUCER, "rucher", "Rucher", "beekeeper", PLACE, ADDRESS, AT)
    return shared.evolve(given, **changes)


def project(**changes: Any) -> projects.Project:
    given = projects.Project(
        id=PROJECT,
        slug="ruches-du-vercors",
        name="Ruches du Vercors",
        type="beehive",
        place=PLACE,
        address=ADDRESS,
        producer_id=PRODUCER,
        target_cents=20_000,
        created_at=AT,
        status="active",
    )
    return shared.evolve(given, **changes)


def entry(id: int = 10, **changes: Any) -> projects.FundingEntry:
    given = projects.FundingEntry(
        project_id=PROJECT,
        id=UUID(int=id),
        investment_id=UUID(int=id + 1_000),
        user_id=MEMBER,
        amount_cents=5_000,
        expires_at=SOON,
        recorded_at=AT,
    )
    return shared.evolve(given, **changes)


def funding(**changes: Any) -> projects.Funding:
    return shared.evolve(projects.Funding(PROJECT), **changes)


def book(*held: projects.FundingEntry, taken: int = 0, **changes: Any) -> projects.Book:
    return projects.Book(project(**changes), funding(taken_cents=taken), held)


# --- the project ------------------------------------------------------------------------------


def test_every_type_of_project_has_its_own_type_of_investment() -> None:
    assert set(projects.INVESTMENT_TYPES) == set(get_args(projects.ProjectType))
    assert set(projects.INVESTMENT_TYPES.values()) == set(get_args(projects.InvestmentType))


@pytest.mark.parametrize("type", get_args(projects.ProjectType))
def test_a_project_is_supported_with_its_own_type_of_investment_only(type: projects.ProjectType) -> None:
    own = projects.INVESTMENT_TYPES[type]
    projects.check_investment_type(project(type=type), own)
    for other in set(projects.INVESTMENT_TYPES.values()) - {own}:
        with pytest.raises(projects.InvestmentTypeMismatch) as refused:
            projects.check_investment_type(project(type=type), other)
        assert refused.value.facts() == {"project_type": type, "expected": own, "given": other}


def test_a_new_project_is_a_draft_of_its_producer_with_an_empty_fund() -> None:
    change = projects.draft(project(status="active", producer_id=UUID(int=99), version=5), producer())
    assert change.project == project(status="draft", version=1)
    assert change.funding == projects.Funding(PROJECT, taken_cents=0, supporters=0, sequence=0)
    assert change.events == (projects.Drafted(PROJECT, PRODUCER),)


def test_an_inactive_producer_is_given_no_project() -> None:
    with pytest.raises(partners.ProducerNotActive):
        projects.draft(project(), producer(status="inactive"))


@pytest.mark.parametrize(
    "terms",
    [
        {"target_cents": 0},
        {"ceiling_cents": -1},
        {"impact_metrics": projects.ImpactMetrics(co2_kg_per_year=-1)},
        {"impact_metrics": projects.ImpactMetrics(species_protected=-1)},
        {"impact_metrics": projects.ImpactMetrics(area_m2=-1)},
    ],
)
def test_terms_out_of_range_are_refused(terms: dict[str, Any]) -> None:
    with pytest.raises(shared.InvalidAmount):
        projects.draft(project(**terms), producer())


def test_a_ceiling_is_at_least_the_target() -> None:
    with pytest.raises(projects.CeilingBelowTarget) as refused:
        projects.draft(project(funding_policy="ceiling", ceiling_cents=19_999), producer())
    assert refused.value.facts() == {"ceiling": 19_999, "target": 20_000}
    assert projects.draft(project(funding_policy="ceiling", ceiling_cents=20_000), producer()).events


def test_a_project_does_not_mature_before_its_launch() -> None:
    with pytest.raises(projects.ProjectDatesReversed) as refused:
        projects.draft(project(launch_date=date(2026, 3, 2), maturity_date=date(2026, 3, 1)), producer())
    assert refused.value.facts() == {"launch": date(2026, 3, 2), "maturity": date(2026, 3, 1)}


@pytest.mark.parametrize(
    "dates",
    [
        {"launch_date": date(2026, 3, 2), "maturity_date": date(2026, 3, 2)},
        {"launch_date": date(2026, 3, 2)},
        {"maturity_date": date(2026, 3, 2)},
    ],
)
def test_dates_that_are_in_order_or_unknown_are_accepted(dates: dict[str, date]) -> None:
    assert projects.draft(project(**dates), producer()).project == project(status="draft", **dates)


def test_amending_takes_the_new_facts_and_keeps_what_is_fixed() -> None:
    wished = project(
        id=UUID(int=9),
        type="vineyard",
        producer_id=UUID(int=9),
        status="closed",
        created_at=LATE,
        name="Ruches",
        target_cents=30_000,
        version=40,
    )
    change = projects.amend(project(version=3), wished, version=3)
    assert change.project == project(name="Ruches", target_cents=30_000, version=4)
    assert change.events == (projects.Amended(PROJECT, 4),)


def test_amending_checks_the_terms() -> None:
    with pytest.raises(shared.InvalidAmount):
        projects.amend(project(), project(target_cents=-5), version=1)


def test_what_somebody_else_changed_meanwhile_is_not_overwritten() -> None:
    with pytest.raises(shared.StaleVersion) as refused:
        projects.amend(project(version=3), project(name="Ruches"), version=2)
    assert refused.value.facts() == {"kind": "project", "given": 2, "current": 3}
    with pytest.raises(shared.StaleVersion):
        projects.move(project(version=3), "closed", 2, producer())


def test_a_project_is_published_when_its_review_ends_well() -> None:
    change = projects.move(project(status="review", version=2), "active", 2, producer())
    assert change.project == project(status="active", version=3)
    assert change.events == (projects.Published(PROJECT, PRODUCER),)


def test_other_moves_are_said_with_before_and_after() -> None:
    change = projects.move(project(status="suspended"), "active", 1, producer())
    assert change.events == (projects.StatusChanged(PROJECT, "suspended", "active"),)


def test_a_project_of_an_inactive_producer_does_not_open_but_can_be_closed() -> None:
    stopped = producer(status="suspended")
    with pytest.raises(partners.ProducerNotActive):
        projects.move(project(status="review"), "active", 1, stopped)
    assert projects.move(project(status="active"), "closed", 1, stopped).project.status == "closed"


ALLOWED = {
    *(("draft", "review"), ("draft", "closed")),
    *(("review", "draft"), ("review", "active"), ("review", "closed")),
    *(("active", "funded"), ("active", "suspended"), ("active", "closed")),
    *(("funded", "active"), ("funded", "suspended"), ("funded", "closed")),
    *(("suspended", "active"), ("suspended", "closed")),
}


@pytest.mark.parametrize("before", get_args(projects.ProjectStatus))
@pytest.mark.parametrize("after", get_args(projects.ProjectStatus))
def test_a_status_leads_only_where_the_table_says(
    before: projects.ProjectStatus, after: projects.ProjectStatus
) -> None:
    if (before, after) in ALLOWED:
        moved = projects.move(project(status=before), after, 1, producer()).project
        assert moved == project(status=after, version=2)
    else:
        with pytest.raises(projects.ProjectTransitionForbidden) as refused:
            projects.move(project(status=before), after, 1, producer())
        assert refused.value.facts() == {"before": before, "after": after}


# --- what its money says ----------------------------------------------------------------------


def test_a_project_takes_its_target_and_no_more() -> None:
    assert projects.limit(project(ceiling_cents=50_000)) == 20_000


def test_a_project_with_a_ceiling_takes_up_to_it() -> None:
    assert projects.limit(project(funding_policy="ceiling", ceiling_cents=50_000)) == 50_000


def test_room_is_what_is_neither_taken_nor_held() -> None:
    assert projects.room(project(), funding(taken_cents=5_000), (entry(10), entry(11)), AT) == 5_000


def test_a_hold_stops_counting_at_the_instant_it_runs_out() -> None:
    held = [entry()]
    assert projects.room(project(), funding(), held, SOON - timedelta(microseconds=1)) == 15_000
    assert projects.room(project(), funding(), held, SOON) == 20_000


@pytest.mark.parametrize("state", ["taken", "released", "returned"])
def test_only_held_entries_count_as_held(state: projects.EntryState) -> None:
    assert projects.room(project(), funding(), [entry(state=state)], AT) == 20_000


def test_room_is_never_negative_even_after_the_target_was_lowered() -> None:
    assert projects.room(project(target_cents=1_000), funding(taken_cents=5_000), (), AT) == 0


@pytest.mark.parametrize(("taken", "shown"), [(0, 0), (1, 0), (2, 1), (10_000, 5_000), (30_000, 15_000)])
def test_progress_is_in_basis_points_of_the_target_rounded_down(taken: int, shown: int) -> None:
    assert projects.progress_bp(project(), funding(taken_cents=taken)) == shown


@pytest.mark.parametrize(
    ("stored", "taken", "shown"),
    [
        ("active", 19_999, "active"),
        ("active", 20_000, "funded"),
        ("active", 25_000, "funded"),
        ("funded", 0, "funded"),
        ("closed", 20_000, "closed"),
        ("suspended", 20_000, "suspended"),
    ],
)
def test_an_active_project_shows_as_funded_once_its_target_is_taken(
    stored: projects.ProjectStatus, taken: int, shown: str
) -> None:
    assert projects.shown_status(project(status=stored), funding(taken_cents=taken)) == shown


# --- shares -----------------------------------------------------------------------------------


def test_a_held_share_takes_room_but_no_money() -> None:
    share = projects.hold_share(book(), entry(state="taken", recorded_at=LATE), AT)
    assert share == projects.Share(funding(sequence=1), entry(state="held", recorded_at=AT))
    assert projects.room(project(), share.funding, [share.entry], AT) == 15_000


@pytest.mark.parametrize("status", ["draft", "review", "funded", "closed", "suspended"])
def test_only_an_active_project_takes_money(status: projects.ProjectStatus) -> None:
    with pytest.raises(projects.ProjectNotOpen) as refused:
        projects.hold_share(book(status=status), entry(), AT)
    assert refused.value.facts() == {"status": status}
    assert isinstance(refused.value, shared.StateForbids)


def test_what_exceeds_the_target_is_refused() -> None:
    with pytest.raises(projects.FundingExceeded) as refused:
        projects.hold_share(book(entry(11), taken=12_000), entry(), AT)
    assert refused.value.facts() == {"needed": 5_000, "room": 3_000}
    assert str(refused.value) == "5000 cents were asked for, but the project has room for 3000."


def test_what_exceeds_the_target_is_accepted_up_to_a_ceiling() -> None:
    open_to = {"taken": 20_000, "funding_policy": "ceiling"}
    assert projects.hold_share(book(ceiling_cents=25_000, **open_to), entry(), AT).entry.state == "held"
    with pytest.raises(projects.FundingExceeded):
        projects.hold_share(book(ceiling_cents=24_999, **open_to), entry(), AT)


def test_a_closed_and_full_project_says_both_and_refuses_for_the_first() -> None:
    full = book(taken=20_000, status="closed")
    codes = [objection.code for objection in projects.why_not(full, 5_000, AT)]
    assert codes == ["project_not_open", "funding_exceeded"]
    with pytest.raises(projects.ProjectNotOpen):
        projects.hold_share(full, entry(), AT)


@pytest.mark.parametrize("amount", [0, -5_000])
def test_a_share_of_nothing_is_refused(amount: int) -> None:
    with pytest.raises(shared.InvalidAmount):
        projects.hold_share(book(), entry(amount_cents=amount), AT)


def test_a_paid_share_is_taken_and_counts() -> None:
    share = projects.take_share(book(entry(), taken=5_000), entry(), 0, LATE - timedelta(minutes=5))
    assert share.funding == funding(taken_cents=10_000, supporters=1, sequence=1)
    assert share.entry == entry(state="taken", recorded_at=LATE - timedelta(minutes=5))
    assert share.events == (projects.ShareTaken(MEMBER, PROJECT, UUID(int=1_010), 5_000, 10_000),)
    assert share.refusal == ""


def test_a_share_that_is_held_needs_no_further_room() -> None:
    full = book(entry(), taken=15_000)
    assert projects.take_share(full, entry(), 0, AT).entry.state == "taken"


def test_the_target_is_reached_once() -> None:
    before = book(entry(), taken=15_000, funding_policy="ceiling", ceiling_cents=30_000)
    events = projects.take_share(before, entry(), 0, AT).events
    assert events[1:] == (projects.TargetReached(PROJECT, 20_000, 20_000),)
    after = shared.evolve(before, funding=funding(taken_cents=20_000))
    assert [type(event) for event in projects.take_share(after, entry(), 0, AT).events] == [
        projects.ShareTaken
    ]


def test_a_member_is_one_supporter_however_many_shares_they_take() -> None:
    assert projects.take_share(book(entry()), entry(), 2, AT).funding.supporters == 0
    taken = entry(state="taken")
    both = funding(taken_cents=10_000, supporters=1)
    assert projects.return_share(both, taken, 1, AT).funding.supporters == 1
    assert projects.return_share(both, taken, 0, AT).funding.supporters == 0


@pytest.mark.parametrize("state", ["held", "released"])
def test_a_late_payment_is_honoured_while_there_is_room(state: projects.EntryState) -> None:
    late = entry(state=state)
    share = projects.take_share(book(late, taken=15_000), late, 0, LATE)
    assert (share.entry.state, share.funding.taken_cents, share.refusal) == ("taken", 20_000, "")


@pytest.mark.parametrize("state", ["held", "released"])
def test_a_late_payment_is_refused_when_the_room_went_to_somebody_else(
    state: projects.EntryState,
) -> None:
    late, other = entry(state=state), entry(11, expires_at=LATE + timedelta(minutes=30))
    share = projects.take_share(book(late, other, taken=15_000), late, 0, LATE)
    assert (share.entry.state, share.funding.taken_cents) == ("released", 15_000)
    assert (share.refusal, share.events) == ("funding_exceeded", ())


def test_a_payment_for_a_project_that_closed_meanwhile_is_refused() -> None:
    share = projects.take_share(book(entry(), status="closed"), entry(), 0, AT)
    assert (share.entry.state, share.refusal) == ("released", "project_not_open")


def test_of_two_members_for_the_last_share_one_gets_it() -> None:
    first = projects.hold_share(book(taken=15_000), entry(10), AT)
    second = entry(11, user_id=UUID(int=4))
    with pytest.raises(projects.FundingExceeded) as refused:
        projects.hold_share(projects.Book(project(), first.funding, (first.entry,)), second, AT)
    assert refused.value.room == 0


@pytest.mark.parametrize("state", ["taken", "returned"])
def test_a_share_is_not_taken_or_released_once_it_was_taken(state: projects.EntryState) -> None:
    with pytest.raises(projects.ShareTransitionForbidden) as refused:
        projects.take_share(book(), entry(state=state), 0, AT)
    assert refused.value.facts() == {"before": state, "after": "taken"}
    with pytest.raises(projects.ShareTransitionForbidden) as refused:
        projects.release_share(funding(), entry(state=state), AT)
    assert refused.value.facts() == {"before": state, "after": "released"}


def test_a_released_share_gives_its_room_back() -> None:
    share = projects.release_share(funding(sequence=1), entry(), LATE)
    assert share == projects.Share(funding(sequence=2), entry(state="released", recorded_at=LATE))


def test_releasing_twice_changes_nothing() -> None:
    gone = entry(state="released")
    assert projects.release_share(funding(sequence=2), gone, LATE) == projects.Share(
        funding(sequence=2), gone
    )


def test_a_returned_share_gives_back_its_money_and_its_room() -> None:
    before = funding(taken_cents=20_000, supporters=3, sequence=8)
    share = projects.return_share(before, entry(state="taken"), 0, LATE)
    assert share.funding == funding(taken_cents=15_000, supporters=2, sequence=9)
    assert share.entry == entry(state="returned", recorded_at=LATE)
    assert share.events == (projects.ShareReturned(MEMBER, PROJECT, UUID(int=1_010), 5_000, 15_000),)


@pytest.mark.parametrize("state", ["held", "released", "returned"])
def test_only_a_taken_share_is_returned(state: projects.EntryState) -> None:
    with pytest.raises(projects.ShareTransitionForbidden) as refused:
        projects.return_share(funding(), entry(state=state), 0, AT)
    assert refused.value.facts() == {"before": state, "after": "returned"}


class Fund:
    """One project's money under any sequence of wishes, refused ones included."""

    def __init__(self, kind: projects.Project) -> None:
        self.project, self.funding, self.at = kind, projects.Funding(kind.id), AT
        self.entries: dict[int, projects.FundingEntry] = {}

    def book(self) -> projects.Book:
        return projects.Book(self.project, self.funding, tuple(self.entries.values()))

    def taken(self) -> list[projects.FundingEntry]:
        return [one for one in self.entries.values() if one.state == "taken"]

    def others(self, mine: projects.FundingEntry) -> int:
        return sum(one.user_id == mine.user_id and one.id != mine.id for one in self.taken())

    def decide(self, wish: str, pick: int, amount: int) -> projects.Share:
        if wish == "hold":
            until = self.at + timedelta(minutes=amount % 40)
            id, user = len(self.entries), UUID(int=pick % 4)
            wished = entry(id, amount_cents=amount, user_id=user, expires_at=until)
            return projects.hold_share(self.book(), wished, self.at)
        chosen = self.entries[pick % len(self.entries)]
        if wish == "take":
            return projects.take_share(self.book(), chosen, self.others(chosen), self.at)
        if wish == "release":
            return projects.release_share(self.funding, chosen, self.at)
        return projects.return_share(self.funding, chosen, self.others(chosen), self.at)

    def step(self, wish: str, pick: int, amount: int) -> None:
        self.at += timedelta(minutes=pick % 7)
        if wish == "hold" or self.entries:
            try:
                share = self.decide(wish, pick, amount)
            except shared.DomainError:
                return
            self.funding, self.entries[share.entry.id.int] = share.funding, share.entry


STEPS = st.tuples(
    st.sampled_from(["hold", "hold", "take", "take", "release", "return"]),
    st.integers(0, 30),
    st.integers(1, 12_000),
)


@given(st.lists(STEPS, max_size=40), st.sampled_from([0, 20_000, 26_000]))
def test_funding_never_exceeds_the_limit_whatever_is_held_taken_released_and_returned(
    steps: list[tuple[str, int, int]], ceiling: int
) -> None:
    fund = Fund(project(funding_policy="ceiling" if ceiling else "refuse", ceiling_cents=ceiling))
    for step in steps:
        fund.step(*step)
        taken = sum(one.amount_cents for one in fund.taken())
        promised = sum(
            one.amount_cents
            for one in fund.entries.values()
            if one.state == "held" and one.expires_at > fund.at
        )
        assert fund.funding.taken_cents == taken
        assert fund.funding.supporters == len({one.user_id for one in fund.taken()})
        assert taken + promised <= (ceiling or 20_000)


def test_records_are_read_back_from_their_rows() -> None:
    whole = project(labels=("bio",), launch_date=date(2026, 3, 2), featured=True)
    for record in (whole, funding(taken_cents=3), entry()):
        assert msgspec.convert(msgspec.to_builtins(record), type(record)) == record


def test_events_are_named_after_their_context() -> None:
    kinds = [
        *(projects.Drafted, projects.Amended, projects.Published, projects.StatusChanged),
        *(projects.ShareTaken, projects.ShareReturned, projects.TargetReached),
    ]
    assert [str(kind.__struct_config__.tag) for kind in kinds] == [
        *("projects.drafted", "projects.amended", "projects.published", "projects.status_changed"),
        *("projects.share_taken", "projects.share_returned", "projects.target_reached"),
    ]
