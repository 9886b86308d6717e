"""Checks of who a member is, the level that follows, and how much they may put in."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import shared
from baobab.domain.identity import checks, limits
from baobab.domain.identity.checks import Check, CheckPolicy, Decision
from baobab.domain.identity.limits import Contribution, LimitPolicy, Standing

MEMBER, OTHER, ADMIN = UUID(int=1), UUID(int=2), UUID(int=9)
AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
POLICY, LIMITS = CheckPolicy(), LimitPolicy()
FOREVER = datetime(2100, 1, 1, tzinfo=UTC)


def check(**facts: Any) -> Check:
    plain = Check(MEMBER, UUID(int=3), 1, "pending", "manual", "file 12", AT, AT + timedelta(days=30))
    return shared.evolve(plain, **facts)


def verified(level: checks.CheckedLevel = 1, until: datetime = FOREVER) -> Check:
    return check(level=level, status="verified", expires_at=until)


def decision(**facts: Any) -> Decision:
    return shared.evolve(Decision("verified", ADMIN, "The papers are right."), **facts)


# --- checks ---------------------------------------------------------------------------------------


def test_a_check_waits_thirty_whole_days_for_its_decision() -> None:
    asked, event = checks.ask(check(expires_at=AT), (), POLICY, AT)
    assert asked.expires_at == datetime(2026, 4, 1, 22, tzinfo=UTC)  # midnight in Paris
    assert event == checks.CheckAsked(MEMBER, asked.id, 1)


def test_one_check_is_under_way_at_a_time() -> None:
    with pytest.raises(checks.CheckUnderWay) as refused:
        checks.ask(check(level=2), (verified(), check()), POLICY, AT)
    assert (refused.value.level, refused.value.until) == (1, AT + timedelta(days=30))


def test_who_waited_too_long_may_ask_again() -> None:
    asked, _ = checks.ask(check(), (check(),), POLICY, AT + timedelta(days=30))
    assert asked.status == "pending"


def test_a_verified_check_holds_for_two_years_unless_a_day_is_named() -> None:
    longest, event = checks.decide(check(), decision(), POLICY, AT)
    assert (longest.status, longest.decided_by, longest.decided_at) == ("verified", ADMIN, AT)
    assert longest.expires_at == datetime(2028, 3, 2, 23, tzinfo=UTC)
    assert event == checks.CheckDecided(MEMBER, longest.id, 1, "verified")
    named, _ = checks.decide(check(), decision(valid_until=date(2026, 7, 1)), POLICY, AT)
    assert named.expires_at == datetime(2026, 7, 1, 22, tzinfo=UTC)


@pytest.mark.parametrize("day", [date(2026, 3, 1), date(2028, 3, 3)])
def test_a_check_holds_neither_until_yesterday_nor_longer_than_two_years(day: date) -> None:
    with pytest.raises(checks.ValidityImplausible) as refused:
        checks.decide(check(), decision(valid_until=day), POLICY, AT)
    assert (refused.value.earliest, refused.value.latest) == (date(2026, 3, 2), date(2028, 3, 2))


def test_a_decision_names_who_checked_or_leaves_what_was_known() -> None:
    kept, _ = checks.decide(check(), decision(), POLICY, AT)
    assert (kept.provider, kept.evidence) == ("manual", "file 12")
    told, _ = checks.decide(check(), decision(provider="post-office", evidence="case 7"), POLICY, AT)
    assert (told.provider, told.evidence) == ("post-office", "case 7")


@pytest.mark.parametrize("verdict", ["failed", "expired"])
def test_what_is_not_verified_gives_no_level(verdict: checks.Verdict) -> None:
    decided, _ = checks.decide(check(level=2), decision(verdict=verdict), POLICY, AT)
    assert (decided.status, checks.level_of((decided,), AT)) == (verdict, 0)


def test_nobody_decides_on_their_own() -> None:
    with pytest.raises(checks.OwnCheck):
        checks.decide(check(), decision(by=MEMBER), POLICY, AT)
    with pytest.raises(checks.OwnCheck):
        checks.revoke(verified(), MEMBER, "mine", AT)


@pytest.mark.parametrize("status", ["verified", "failed", "revoked", "expired"])
def test_what_is_decided_stays_decided(status: checks.CheckStatus) -> None:
    with pytest.raises(checks.CheckNotPending) as refused:
        checks.decide(check(status=status, expires_at=FOREVER), decision(), POLICY, AT)
    assert refused.value.status == status


def test_a_check_that_waited_too_long_is_expired_though_nobody_wrote_it_down() -> None:
    with pytest.raises(checks.CheckNotPending) as refused:
        checks.decide(check(expires_at=AT), decision(), POLICY, AT)
    assert refused.value.status == "expired"


def test_a_revoked_check_keeps_everything_that_was_said_of_it() -> None:
    decided, _ = checks.decide(check(), decision(), POLICY, AT)
    gone, event = checks.revoke(decided, OTHER, "The papers were forged.", AT + timedelta(days=1))
    assert (gone.status, gone.revoked_by, gone.revoked_reason) == (
        "revoked",
        OTHER,
        "The papers were forged.",
    )
    assert (gone.decided_by, gone.reason) == (ADMIN, "The papers are right.")
    assert event == checks.CheckRevoked(MEMBER, gone.id, 1)
    assert checks.level_of((gone,), AT) == 0


@pytest.mark.parametrize("status", ["pending", "failed", "revoked", "expired"])
def test_only_a_verified_check_is_revoked(status: checks.CheckStatus) -> None:
    with pytest.raises(checks.CheckNotVerified):
        checks.revoke(check(status=status, expires_at=FOREVER), ADMIN, "late", AT)


def test_the_level_is_the_highest_of_the_checks_that_hold() -> None:
    assert checks.level_of((), AT) == 0
    assert checks.level_of((verified(1), verified(2), check(level=2)), AT) == 2
    assert checks.level_of((verified(1), verified(2, until=AT)), AT) == 1
    assert checks.level_of((verified(2, until=AT + timedelta(microseconds=1)),), AT) == 2


# --- limits ---------------------------------------------------------------------------------------


def standing(level: checks.KycLevel = 0, *cents: int, is_email_verified: bool = True) -> Standing:
    return Standing(is_email_verified, level, tuple(Contribution(one, FOREVER) for one in cents))


@pytest.mark.parametrize(
    ("level", "counted", "asked"),
    [(0, 0, 10_000), (0, 4_000, 6_000), (1, 99_999, 1), (2, 10**9, 10**9)],
)
def test_up_to_the_limit_of_the_level_money_is_taken(
    level: checks.KycLevel, counted: int, asked: int
) -> None:
    limits.check_contribution(standing(level, counted), asked, LIMITS, AT)
    left = limits.left(standing(level, counted), LIMITS, AT)
    assert left is None or left >= asked


@pytest.mark.parametrize(
    ("level", "counted", "asked", "needed"),
    [(0, 0, 10_001, 1), (0, 5_000, 95_000, 1), (0, 5_000, 95_001, 2), (1, 100_000, 1, 2)],
)
def test_beyond_the_limit_the_refusal_says_what_is_needed(
    level: checks.KycLevel, counted: int, asked: int, needed: int
) -> None:
    with pytest.raises(limits.ContributionLimit) as refused:
        limits.check_contribution(standing(level, counted), asked, LIMITS, AT)
    assert refused.value.facts() == {
        "limit_cents": LIMITS.limits_cents[level],
        "contributed_cents": counted,
        "asked_cents": asked,
        "level": level,
        "needed_level": needed,
    }


def test_where_even_the_highest_level_has_a_limit_no_level_may_be_enough() -> None:
    strict = LimitPolicy(limits_cents=(100, 200, 300))
    assert limits.needed_level(301, strict) is None
    assert limits.needed_level(300, strict) == 2


def test_without_a_verified_email_nothing_is_taken_whatever_the_level() -> None:
    unknown = standing(2, is_email_verified=False)
    with pytest.raises(limits.EmailNotVerified):
        limits.check_contribution(unknown, 1, LIMITS, AT)
    assert limits.left(unknown, LIMITS, AT) == 0


def test_who_is_beyond_the_limit_has_nothing_left_and_not_less() -> None:
    assert limits.left(standing(0, 15_000), LIMITS, AT) == 0


@pytest.mark.parametrize(
    ("paid", "free"),
    [
        ("2026-03-02T10:30:00+00:00", "2027-03-01T23:00:00+00:00"),
        ("2026-03-01T22:59:59+00:00", "2027-02-28T23:00:00+00:00"),
        ("2026-03-01T23:00:00+00:00", "2027-03-01T23:00:00+00:00"),  # in Paris it is the second of March
        ("2024-02-29T12:00:00+00:00", "2025-02-27T23:00:00+00:00"),
        ("2026-07-14T12:00:00+00:00", "2027-07-13T22:00:00+00:00"),
    ],
)
def test_money_counts_until_the_same_day_begins_a_year_later(paid: str, free: str) -> None:
    until = limits.counts_until(datetime.fromisoformat(paid), LIMITS)
    assert until == datetime.fromisoformat(free)
    last = until - timedelta(microseconds=1)
    assert limits.contributed((Contribution(5, until),), last) == 5
    assert limits.contributed((Contribution(5, until),), until) == 0


def test_room_comes_back_day_by_day_soonest_first() -> None:
    soon, later = AT + timedelta(days=1), AT + timedelta(days=9)
    several = (Contribution(3, later), Contribution(5, soon), Contribution(4, later), Contribution(9, AT))
    assert limits.room_comes_back(several, AT) == ((soon, 5), (later, 7))


spent = st.lists(
    st.tuples(
        st.integers(1, 200_000),
        st.integers(-900, 300).map(lambda days: AT + timedelta(days=days)),
    ),
    max_size=8,
)


@given(spent, st.integers(1, 300_000), st.sampled_from((0, 1, 2)))
def test_what_is_left_is_exactly_what_is_taken(
    paid: list[tuple[int, datetime]], asked: int, level: checks.KycLevel
) -> None:
    """`left` and `check_contribution` never disagree, and what comes back adds up to what counts."""
    mine = tuple(Contribution(cents, limits.counts_until(at, LIMITS)) for cents, at in paid)
    who = Standing(True, level, mine)
    left = limits.left(who, LIMITS, AT)
    try:
        limits.check_contribution(who, asked, LIMITS, AT)
    except limits.ContributionLimit:
        assert left is not None
        assert asked > left
    else:
        assert left is None or asked <= left
    assert sum(cents for _, cents in limits.room_comes_back(mine, AT)) == limits.contributed(mine, AT)
