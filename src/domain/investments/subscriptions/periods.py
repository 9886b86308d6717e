"""When a subscription's periods begin and end: by calendar days in a zone, always counted from the first.

So nothing drifts, whenever a renewal was paid: who began on 29 February renews on the 28th and, four years
later, on the 29th again. A period ends when its last day is over there, whatever the clocks did meanwhile.
"""

from datetime import date, datetime, timedelta

from ... import shared
from ..records import Policy


def midnight(day: date, zone: str) -> datetime:
    """The instant (UTC) at which a day begins in a zone."""
    return shared.end_of_day(day - timedelta(days=1), zone)


def end_of_period(anchor: date, number: int, policy: Policy) -> datetime:
    """The instant at which the period of that number is over, and the next one begins."""
    return midnight(shared.add_months(anchor, policy.period_months * number), policy.zone)


def retry_at(failed_at: datetime, failures: int, policy: Policy) -> datetime | None:
    """When to try again after so many failures, the last one then; None when that was the last try."""
    if failures > len(policy.retry_days):
        return None
    day = shared.day_in(failed_at, policy.zone) + timedelta(days=policy.retry_days[failures - 1])
    return midnight(day, policy.zone)
