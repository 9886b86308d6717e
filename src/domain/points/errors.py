"""What the points ledger refuses, each with its facts."""

from datetime import datetime
from uuid import UUID

from ..shared import RuleForbids, StateForbids


class UnknownUnit(RuleForbids):
    message = "There is no unit {unit}."
    unit: str


class NoRate(RuleForbids):
    message = "There is no rate from {unit} to {to_unit}."
    unit: str
    to_unit: str


class RateLeavesRest(RuleForbids):
    message = "{give} {unit} become {get} {to_unit}: convert a multiple of {multiple}."
    unit: str
    to_unit: str
    give: int
    get: int
    multiple: int


class TooSoon(RuleForbids):
    message = "A new version comes into force from {earliest} on, so that every process has heard of it."
    earliest: datetime


class EffectiveInFuture(RuleForbids):
    message = "What is posted has happened: {effective_at} is after {now}."
    effective_at: datetime
    now: datetime


class EffectiveTooEarly(RuleForbids):
    message = "Points came back to this account at {since}: a debit cannot be effective at {effective_at}."
    since: datetime
    effective_at: datetime


class PeriodClosed(StateForbids):
    message = "The books of {unit} are closed through {closed_through}: {effective_at} lies before."
    unit: str
    closed_through: datetime
    effective_at: datetime


class PeriodNotOver(StateForbids):
    message = "The month {month} ends at {ends_at}."
    month: str
    ends_at: datetime


class PeriodNotSwept(StateForbids):
    message = "Points ended at {expires_at} that nobody wrote down yet: sweep first."
    expires_at: datetime


class AlreadyExpired(RuleForbids):
    message = "Points given then would have ended at {expires_at}."
    expires_at: datetime


class AccountClosed(StateForbids):
    message = "The account of {user_id} in {unit} was closed at {closed_at}."
    user_id: UUID
    unit: str
    closed_at: datetime


class AccountNotEmpty(StateForbids):
    message = "The account still has {balance} points, {held} of them held, and a debt of {debt}."
    balance: int
    held: int
    debt: int


class AccountOpen(StateForbids):
    message = "The account of {user_id} in {unit} is open."
    user_id: UUID
    unit: str


class GiftToSelf(RuleForbids):
    message = "A gift goes to somebody else."


class NotGiftable(RuleForbids):
    message = "{unit} are not given to others."
    unit: str


class SameUnit(RuleForbids):
    message = "{unit} are {unit} already."
    unit: str


class GrantAlreadyRevoked(StateForbids):
    message = "The grant {grant_id} was taken back before."
    grant_id: UUID


class InsufficientPoints(RuleForbids):
    message = "{needed} points are needed, {available} are available."
    needed: int
    available: int


class MultiplierOutOfRange(RuleForbids):
    message = "A multiplier goes from 1.00 to 9.99, in hundredths: {given} was given."
    given: int


class HoldClosed(StateForbids):
    message = "The hold {hold_id} is {state}."
    hold_id: UUID
    state: str


class CaptureTooLarge(RuleForbids):
    message = "The hold has {held} points; {wanted} were to be captured."
    held: int
    wanted: int


class HoldTooLong(RuleForbids):
    message = "A hold lasts from 1 minute to {most_days} days."
    most_days: int


class RefundTooLarge(RuleForbids):
    message = "{refundable} points of this debit can still be refunded; {wanted} were asked."
    refundable: int
    wanted: int


class GrantOver(StateForbids):
    message = "The points of the grant {grant_id} have ended."
    grant_id: UUID
