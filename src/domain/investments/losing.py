"""A share whose money the member's bank took back (M15)."""

from datetime import datetime

from .. import projects, shared
from .records import Case, Lost, Outcome, told


def lose(case: Case, at: datetime) -> Outcome:
    """The share is free again. The caller takes the points back, spent or not.

    Nothing happens to an investment that is not active, or of whose money something is left, or while no
    dispute is lost.
    """
    paid = case.payment
    if case.investment.state != "active" or paid.disputed != "lost" or paid.kept_cents > 0:
        return Outcome(case.investment, case.payment, case.entry, case.book.funding)
    share = projects.return_share(case.book.funding, case.entry, case.others, at)
    lost = shared.evolve(case.investment, state="refunded")
    events = (*share.events, told(Lost, lost))
    return Outcome(lost, case.payment, share.entry, share.funding, events=events)
