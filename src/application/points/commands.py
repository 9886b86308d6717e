"""What may be wished of the ledger, and the words it is said in."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from ...domain import shared
from ...domain.points import POINTS, Consumption, SourceType

Days = Annotated[int, msgspec.Meta(ge=1, le=800, description="How many days ahead.")]
Unit = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=50,
        pattern=r"^[^\x00-\x20\x7f]+\Z",
        description="What is counted, such as `points`.",
    ),
]
UnitName = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=50,
        pattern=r"^[a-z][a-z0-9_]*\Z",
        description="The name of a unit: lower-case letters, digits and underscores.",
    ),
]
Effective = Annotated[
    datetime,
    msgspec.Meta(tz=True, description="When it happened, where that is not now; never in a closed month."),
]
Month = Annotated[str, msgspec.Meta(pattern=r"^2\d{3}-(0[1-9]|1[0-2])\Z", description="A month, as 2026-03.")]
Zone = Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="An IANA time zone.")]


class Earn(shared.Command, kw_only=True):
    """Give points: `funded` were paid for, `bonus` are on top. `multiplier` in hundredths (100 to 999)."""

    user_id: UUID
    unit: Unit = POINTS
    funded: shared.Price = 0
    bonus: shared.Price = 0
    multiplier: Annotated[int, msgspec.Meta(ge=100, le=999)] = 100
    source_type: SourceType = "manual"
    source_id: UUID
    effective_at: Effective | None = None


class Spend(shared.Command, kw_only=True):
    """Take `amount` points for something bought."""

    user_id: UUID
    unit: Unit = POINTS
    amount: shared.Amount
    source_type: SourceType = "purchase"
    source_id: UUID
    effective_at: Effective | None = None


class PlaceHold(shared.Command, kw_only=True):
    """Set `amount` points aside for `minutes` (at most 31 days)."""

    user_id: UUID
    unit: Unit = POINTS
    amount: shared.Amount
    minutes: Annotated[int, msgspec.Meta(ge=1, le=44_640)] = 30
    source_type: SourceType = "purchase"
    source_id: UUID


class CaptureHold(shared.Command, kw_only=True):
    """Spend what a hold set aside: all of it, or `amount` of it, once."""

    user_id: UUID
    hold_id: UUID
    amount: shared.Amount | None = None


class ReleaseHold(shared.Command, kw_only=True):
    """Give back what a hold set aside."""

    user_id: UUID
    hold_id: UUID


class Refund(shared.Command, kw_only=True):
    """Give points of a spend back to the lots they came from: `amount` of them, or all that are left."""

    user_id: UUID
    debit_id: UUID
    amount: shared.Amount | None = None


class Adjust(shared.Command, kw_only=True):
    """Correct a balance by a signed amount. The author is who asks; the reason is kept for ever."""

    user_id: UUID
    unit: Unit = POINTS
    amount: Annotated[int, msgspec.Meta(ge=-shared.MOST, le=shared.MOST)]
    reason: shared.Reason
    effective_at: Effective | None = None


class Expire(shared.Command, kw_only=True):
    """Write down what time already decided for one account."""

    user_id: UUID
    unit: Unit = POINTS


class ClawBack(shared.Command, kw_only=True):
    """Take a grant back though some of it may be spent: what is missing becomes a debt."""

    user_id: UUID
    grant_id: UUID
    reason: shared.Reason


class Give(shared.Command, kw_only=True):
    """Give points to another member, named by e-mail or id. They keep the day on which they end.

    `user_id` is who gives: oneself by default, another for administrators.
    """

    user_id: UUID | None = None
    recipient: shared.Personal[
        Annotated[
            str,
            msgspec.Meta(
                min_length=3,
                max_length=254,
                pattern=r"^[^\x00-\x1f\x7f]+\Z",
                description="An e-mail or the id of a member.",
            ),
        ]
    ]
    unit: Unit = POINTS
    amount: shared.Amount
    message: shared.Personal[shared.Note] = ""


class Convert(shared.Command, kw_only=True):
    """Turn `amount` of one unit into another, at the rate in force.

    `user_id` is whose they are: oneself by default, another for administrators.
    """

    user_id: UUID | None = None
    unit: Unit = POINTS
    to_unit: Unit
    amount: shared.Amount


class CloseAccount(shared.Command, kw_only=True):
    """Close an empty account: no movement any more."""

    user_id: UUID
    unit: Unit = POINTS
    reason: shared.Reason


class ReopenAccount(shared.Command, kw_only=True):
    """Open a closed account again."""

    user_id: UUID
    unit: Unit = POINTS
    reason: shared.Reason


class SetPolicy(shared.Command, kw_only=True):
    """How a unit behaves from an instant on: the first version makes the unit. Lots that are there keep what
    they were promised. `validity_months` null: without an end; `cents`: what one stands for in euro cents."""

    unit: UnitName
    in_force_at: Effective
    validity_months: Annotated[int, msgspec.Meta(ge=1, le=600)] | None = 18
    maturity_days: Annotated[int, msgspec.Meta(ge=0, le=3_650)] = 0
    grace_days: Annotated[int, msgspec.Meta(ge=0, le=3_650)] = 30
    zone: Zone = "Europe/Paris"
    consumption: Consumption = "earliest_expiry"
    giftable: bool = True
    cents: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0


class SetRate(shared.Command, kw_only=True):
    """From an instant on, `give` of one unit become `get` of another."""

    unit: Unit
    to_unit: Unit
    give: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    get: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    in_force_at: Effective


class ClosePeriod(shared.Command, kw_only=True):
    """Close the books of a unit through the end of a month."""

    unit: Unit = POINTS
    month: Month
