"""The account that somebody signs in to, for this context alone: never for an edge."""

from uuid import UUID

from ...domain import identity, shared
from ..work import ADMINS, Read, query
from .gate import Gate, trusted
from .records import Account, Email, HasIdentity


class GetAccount(shared.Query, kw_only=True):
    """An account by a verified e-mail, or by its id."""

    email: Email | None = None
    user_id: UUID | None = None


@query(allow=ADMINS)
async def account(question: GetAccount, read: Read[HasIdentity]) -> Account | None:
    """What signing in looks at."""
    if question.email is not None:
        return await read.ports.identity.account(identity.email_of(question.email))
    return await read.ports.identity.account_of(question.user_id or shared.NOBODY)


async def account_by(email: str, gate: Gate, actor: shared.Actor) -> Account | None:
    return await gate.run.read(account, GetAccount(email=email), actor=trusted(actor))


async def account_of(user_id: UUID, gate: Gate, actor: shared.Actor) -> Account:
    """The account of an id. Raises NotFound."""
    found = await gate.run.read(account, GetAccount(user_id=user_id), actor=trusted(actor))
    if found is None:
        raise shared.NotFound(kind="member", id=str(user_id))
    return found
