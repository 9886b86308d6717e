"""Subscriptions in PostgreSQL, and what was withdrawn from. Home: `user_id`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Date,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    select,
    tuple_,
)

from ....application import investments as app
from ....application.investments import Charged, Due, Subscribed
from ....domain import investments
from ....domain.investments import subscriptions
from ..database import Database
from ..payments import PAYMENTS, payment
from ..rows import LAST_ID, Statement, Stored, plain
from ..schema import Int, Json, Time, Uuid, field, holds, one_of, table

subscription = table(
    "subscription",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("plan", Text),
    field("provider", Text),
    field("payment_id", Uuid),
    field("created_at", Time),
    field("state", Text),
    field("anchor", Date, nullable=True),
    field("period", Int),
    field("period_end", Time, nullable=True),
    field("paid_by", Uuid, nullable=True),
    field("due_at", Time, nullable=True),
    field("failures", Int),
    field("attempts", Int),
    field("cancel_at_period_end", Boolean),
    field("next_plan", Text, nullable=True),
    field("choices", Json),
    field("customer", Text),
    field("means", Text),
    field("notes", Text),
    field("stopped_at", Time, nullable=True),
    field("reason", Text),
    field("stop_note", Text),
    one_of("plan", subscriptions.PlanCode),
    one_of("next_plan", subscriptions.PlanCode),
    one_of("state", subscriptions.SubscriptionState),
    one_of("reason", subscriptions.StopReason),
    holds("period", "period >= 0 and (period > 0) = (paid_by is not null)"),
    holds("period_end", "(period > 0) = (period_end is not null and anchor is not null)"),
    holds("live", "state not in ('active', 'past_due') or period > 0"),
    holds("due_at", "(due_at is null) = (state in ('cancelled', 'ended', 'withdrawn'))"),
    holds("stopped_at", "(stopped_at is null) = (state in ('pending', 'active', 'past_due'))"),
    holds("attempts", "attempts > 0 and failures >= 0"),
)
Index(
    "subscription_held_idx",
    subscription.c.user_id,
    subscription.c.id,
    postgresql_where=plain(subscriptions.is_held(subscription.c)),
)
Index(
    "subscription_due_idx",
    subscription.c.due_at,
    subscription.c.user_id,
    subscription.c.id,
    postgresql_where=plain(subscription.c.due_at.is_not(None)),
)
charge = table(
    "subscription_charge",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("payment_id", Uuid, primary_key=True),
    field("subscription_id", Uuid),
    field("number", Int),
    field("attempt", Int),
    field("automatic", Boolean),
    field("plan", Text),
    field("amount_cents", Int),
    field("points", Int),
    field("funded_points", Int),
    field("bonus_points", Int),
    field("expires_at", Time),
    field("created_at", Time),
    field("state", Text),
    field("starts_at", Time, nullable=True),
    field("ends_at", Time, nullable=True),
    field("paid_at", Time, nullable=True),
    field("withdraw_until", Time, nullable=True),
    field("withdrawn_at", Time, nullable=True),
    field("grant_id", Uuid, nullable=True),
    field("rest_cents", Int),
    ForeignKeyConstraint(["user_id", "payment_id"], [payment.c.user_id, payment.c.id]),
    ForeignKeyConstraint(
        ["user_id", "subscription_id"],
        [subscription.c.user_id, subscription.c.id],
        name="subscription_charge_subscription_fkey",
    ),
    UniqueConstraint("user_id", "subscription_id", "attempt"),
    one_of("plan", subscriptions.PlanCode),
    one_of("state", subscriptions.ChargeState),
    holds("amount_cents", "amount_cents > 0 and rest_cents between 0 and amount_cents"),
    holds("points", "points = funded_points + bonus_points and funded_points > 0 and bonus_points >= 0"),
    holds("paid", "state not in ('paid', 'withdrawn') or (grant_id is not null and ends_at > starts_at)"),
)
Index(
    "subscription_charge_paid_idx",
    charge.c.user_id,
    charge.c.subscription_id,
    charge.c.number,
    unique=True,
    postgresql_where=plain(charge.c.state.in_(("paid", "withdrawn"))),
)
portion = table(
    "portion",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("payment_id", Uuid),
    field("subscription_id", Uuid),
    field("project_id", Uuid),
    field("amount_cents", Int),
    field("placed_at", Time),
    field("state", Text),
    ForeignKeyConstraint(["user_id", "payment_id"], [charge.c.user_id, charge.c.payment_id]),
    one_of("state", subscriptions.PortionState),
    holds("amount_cents", "amount_cents > 0"),
)
Index(
    "portion_project_idx",
    portion.c.user_id,
    portion.c.project_id,
    postgresql_where=plain(portion.c.state == "taken"),
)
Index("portion_payment_idx", portion.c.user_id, portion.c.payment_id)
withdrawal = table(
    "withdrawal",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("payment_id", Uuid, primary_key=True),
    field("kind", Text),
    field("contribution_id", Uuid),
    field("at", Time),
    field("paid_cents", Int),
    field("refund_cents", Int),
    field("granted_points", Int),
    field("returned_points", Int),
    ForeignKeyConstraint(["user_id", "payment_id"], [payment.c.user_id, payment.c.id]),
    one_of("kind", investments.ContributionKind),
    holds("refund_cents", "refund_cents between 0 and paid_cents"),
    holds("returned_points", "returned_points between 0 and granted_points"),
)

SUBSCRIPTIONS = Stored(app.SUBSCRIPTIONS, subscription)
CHARGES = Stored(app.CHARGES, charge)
PORTIONS = Stored(app.PORTIONS, portion)
WITHDRAWALS = Stored(app.WITHDRAWALS, withdrawal)
STORED = (SUBSCRIPTIONS, CHARGES, PORTIONS, WITHDRAWALS)

_USER, _ID = bindparam("user_id", type_=Uuid), bindparam("id", type_=Uuid)
_LIMIT, _AT = bindparam("limit", type_=Int), bindparam("at", type_=Time)
_its_payment = and_(payment.c.user_id == charge.c.user_id, payment.c.id == charge.c.payment_id)
_its_charge = and_(charge.c.user_id == subscription.c.user_id, charge.c.subscription_id == subscription.c.id)
_all = (*SUBSCRIPTIONS.columns, *CHARGES.columns, *PAYMENTS.columns)
_subscribed = (
    select(*_all)
    .select_from(subscription.join(charge, _its_charge).join(payment, _its_payment))
    .where(subscription.c.user_id == _USER)
)
_SUBSCRIPTION = Statement(
    _subscribed.where(
        subscription.c.id == _ID,
        charge.c.payment_id == func.coalesce(bindparam("payment_id", type_=Uuid), subscription.c.payment_id),
    )
)
_SUBSCRIPTIONS = Statement(
    _subscribed.where(
        charge.c.payment_id == subscription.c.payment_id,
        subscription.c.id < bindparam("before", type_=Uuid),
    )
    .order_by(subscription.c.id.desc())
    .limit(_LIMIT)
)
_its_portions = and_(
    portion.c.user_id == charge.c.user_id,
    portion.c.payment_id == charge.c.payment_id,
    plain(portion.c.state == "taken"),
)
_CHARGES = Statement(
    select(*CHARGES.columns, *PAYMENTS.columns, *PORTIONS.columns)
    .select_from(charge.join(payment, _its_payment).outerjoin(portion, _its_portions))
    .where(charge.c.user_id == _USER, charge.c.subscription_id == _ID)
    .order_by(charge.c.attempt.desc(), portion.c.id)
)
_place = tuple_(subscription.c.due_at, subscription.c.user_id, subscription.c.id)
_DUE = Statement(
    select(subscription.c.due_at, subscription.c.user_id, subscription.c.id)
    .where(
        subscription.c.due_at <= _AT,
        _place
        > tuple_(
            bindparam("after_at", type_=Time),
            bindparam("after_user", type_=Uuid),
            bindparam("after_id", type_=Uuid),
        ),
    )
    .order_by(subscription.c.due_at, subscription.c.user_id, subscription.c.id)
    .limit(_LIMIT)
)
_COUNT_DUE = Statement(select(func.count()).select_from(subscription).where(subscription.c.due_at <= _AT))
_S, _C = len(SUBSCRIPTIONS.fields), len(CHARGES.fields)
_P = len(PAYMENTS.fields)
FIRST = Due(datetime.fromisoformat("0001-01-01T00:00:00+00:00"), UUID(int=0), UUID(int=0))


class SubscriptionsQueries:
    """The read side of subscriptions on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def subscription(self, user_id: UUID, id: UUID, payment_id: UUID | None) -> Subscribed | None:
        row = await self._database.one(_SUBSCRIPTION, user_id=user_id, id=id, payment_id=payment_id)
        return _subscribed_of(row) if row else None

    async def subscriptions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Subscribed]:
        rows = await self._database.all(
            _SUBSCRIPTIONS, user_id=user_id, limit=limit, before=before or LAST_ID
        )
        return [_subscribed_of(row) for row in rows]

    async def charges(self, user_id: UUID, id: UUID) -> list[Charged]:
        return charged_of(await self._database.all(_CHARGES, user_id=user_id, id=id))

    async def due(self, at: datetime, limit: int, after: Due | None) -> list[Due]:
        place = after or FIRST
        rows = await self._database.all(
            _DUE,
            at=at,
            limit=limit,
            after_at=place.due_at,
            after_user=place.user_id,
            after_id=place.subscription_id,
        )
        return [Due(*row) for row in rows]

    async def count_due(self, at: datetime) -> int:
        row = await self._database.one(_COUNT_DUE, at=at)
        assert row is not None, "a count always answers"
        return int(row[0])


def _subscribed_of(row: Any) -> Subscribed:
    charged = Charged(CHARGES.record(row[_S : _S + _C]), PAYMENTS.record(row[_S + _C :]))
    return Subscribed(SUBSCRIPTIONS.record(row[:_S]), charged)


def charged_of(rows: Iterable[Any]) -> list[Charged]:
    """Charges with their payments; each row has one portion of them, or none."""
    found: dict[UUID, Charged] = {}
    for row in rows:
        one, last = CHARGES.record(row[:_C]), row[_C + _P :]
        known = found.get(one.payment_id) or Charged(one, PAYMENTS.record(row[_C : _C + _P]))
        portions = known.portions if last[0] is None else (*known.portions, PORTIONS.record(last))
        found[one.payment_id] = Charged(known.charge, known.payment, portions)
    return list(found.values())
