"""All that a member holds in projects, shares and subscriptions together: what is locked, and the level."""

from collections.abc import Iterable
from uuid import UUID

from ...domain.investments import subscriptions
from .. import identity
from ..identity import MEMBERS
from ..work import Wanted, Work
from .records import INVESTMENTS
from .subscription_records import PORTIONS, SUBSCRIPTIONS


def mine(user_id: UUID) -> tuple[Wanted, ...]:
    """What to lock before anything that a member holds changes, so that the lists hold still."""
    return (
        MEMBERS.key(user_id),
        INVESTMENTS.group("owner", user_id),
        SUBSCRIPTIONS.group("owner", user_id),
    )


def portions_in(user_id: UUID, project_ids: Iterable[UUID]) -> tuple[Wanted, ...]:
    """The portions of a member in some projects."""
    return tuple(PORTIONS.group("project", user_id, one) for one in project_ids)


def shares_in(work: Work, user_id: UUID, project_id: UUID) -> int:
    """How many shares a member has in a project, of both kinds."""
    bought = work.list(INVESTMENTS.group("owner", user_id))
    active = sum(one.state == "active" and one.project_id == project_id for one in bought)
    return active + len(work.list(PORTIONS.group("project", user_id, project_id)))


def update_level(work: Work, user_id: UUID, reason: str) -> None:
    """Bring a member to the level that what they hold gives."""
    shares = sum(one.state == "active" for one in work.list(INVESTMENTS.group("owner", user_id)))
    running = sum(map(subscriptions.is_live, work.list(SUBSCRIPTIONS.group("owner", user_id))))
    identity.update_level(work, user_id, investments=shares, subscriptions=running, reason=reason)
