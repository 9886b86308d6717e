"""What members paid for, over HTTP."""

from uuid import UUID

from ....application.investments import contributions
from ....application.investments.contributions import ContributionView
from ....application.pages import Limit, Page
from ..ask import Ask
from ..routes import SIGNED_IN, get


@get("/contributions", allow=SIGNED_IN)
async def list_contributions(
    ask: Ask, user_id: UUID | None = None, limit: Limit = 25, cursor: str | None = None
) -> Page[ContributionView]:
    """List what was paid for, with receipts, newest first: one's own, or a member's for administrators."""
    question = contributions.ListContributions(
        user_id=user_id or ask.actor.user_id, limit=limit, cursor=cursor
    )
    return await ask.read(contributions.contributions, question)


HANDLERS = [list_contributions]
