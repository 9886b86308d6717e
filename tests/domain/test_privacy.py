"""What stands against an erasure, and what stays and why."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from baobab.domain import privacy, shared
from baobab.domain.fulfillment import Shipment
from baobab.domain.identity import Member, Session
from baobab.domain.investments import Investment
from baobab.domain.investments.subscriptions import Subscription
from baobab.domain.orders import Order
from baobab.domain.payments import Payment
from baobab.domain.points import Account
from baobab.domain.privacy import Facts, MemberBound, SignInAgain
from builders import filled

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
MEMBER = shared.evolve(filled(Member, 1), role="member")
ACCOUNT = shared.evolve(filled(Account, 1), balance=0, held=0, debt=0)
PAYMENT = shared.evolve(filled(Payment, 1), state="succeeded", disputed="")


def of(record: Any, **facts: Any) -> tuple[Any, ...]:
    return (shared.evolve(record, **facts),)


FREE = Facts(
    MEMBER,
    (ACCOUNT,),
    of(filled(Order, 1), status="delivered"),
    of(filled(Shipment, 1), state="delivered"),
    (PAYMENT,),
    of(filled(Investment, 1), state="active"),
    of(filled(Subscription, 1), state="cancelled"),
)
BOUND = [
    ("role_held", {"member": shared.evolve(MEMBER, role="partner_owner")}),
    ("order_open", {"orders": of(filled(Order, 2), status="shipped")}),
    ("shipment_under_way", {"shipments": of(filled(Shipment, 2), state="exception")}),
    ("payment_pending", {"payments": of(PAYMENT, state="pending")}),
    ("refund_due", {"payments": of(PAYMENT, state="refund_due")}),
    ("payment_disputed", {"payments": of(PAYMENT, disputed="opened")}),
    ("investment_pending", {"investments": of(filled(Investment, 2), state="pending")}),
    ("subscription_active", {"subscriptions": of(filled(Subscription, 2), state="past_due")}),
    ("points_held", {"accounts": of(ACCOUNT, held=1)}),
    ("points_owed", {"accounts": of(ACCOUNT, debt=1)}),
    ("points_left", {"accounts": of(ACCOUNT, balance=1)}),
]


def test_who_has_settled_everything_is_free() -> None:
    privacy.check_free(FREE)


@pytest.mark.parametrize(("code", "facts"), BOUND, ids=[code for code, _ in BOUND])
def test_what_is_owed_or_under_way_stands_against_it(code: str, facts: dict[str, Any]) -> None:
    assert [one.code for one in privacy.obstacles(shared.evolve(FREE, **facts))] == [code]


def test_every_obstacle_is_named_at_once() -> None:
    facts = shared.evolve(FREE, **{name: value for _, some in BOUND for name, value in some.items()})
    with pytest.raises(MemberBound) as refused:
        privacy.check_free(facts)
    codes = [one.code for one in refused.value.obstacles]
    assert len(codes) == len(set(codes)) >= 7
    assert str(refused.value).count(";") == len(codes) - 1


def test_points_that_are_given_up_stand_against_nothing() -> None:
    left = shared.evolve(FREE, accounts=of(ACCOUNT, balance=5), gives_up_points=True)
    assert privacy.obstacles(left) == []


def test_a_session_is_recent_for_a_quarter_of_an_hour() -> None:
    session = shared.evolve(filled(Session, 1), created_at=NOW)
    privacy.check_recent(session, NOW + timedelta(minutes=15))
    for old in (None, session):
        with pytest.raises(SignInAgain):
            privacy.check_recent(old, NOW + timedelta(minutes=15, seconds=1))


def test_what_stays_has_a_reason_and_an_end() -> None:
    found = privacy.kept({"payment": 2, "member": 1, "session": 3, "order": 0}, NOW)
    assert [(one.table, one.rows, one.until) for one in found] == [
        ("member", 1, None),
        ("payment", 2, date(2036, 3, 2)),
    ]
