"""How the ledger proves itself over HTTP: seals are public, a member checks their own account and balance."""

from datetime import date
from uuid import UUID

from ....application.pages import Limit, Page
from ....application.points import Unit, auditing, sealing
from ....application.points.auditing import Verification
from ....application.points.sealing import ProofView, SealView
from ....domain.points import POINTS
from ..ask import Ask
from ..routes import ADMINS, ANYONE, SIGNED_IN, get, post


@get("/points/verification", allow=SIGNED_IN)
async def verification(ask: Ask, user_id: UUID | None = None) -> Verification:
    """Verify every invariant over one's own accounts, or a member's for administrators."""
    question = auditing.GetVerification(user_id=user_id or ask.actor.user_id)
    return await ask.read(auditing.verification, question)


@get("/points/seals", allow=ANYONE, statuses=())
async def list_seals(
    ask: Ask, unit: Unit = POINTS, limit: Limit = 25, cursor: str | None = None
) -> Page[SealView]:
    """List the published totals of a unit with their roots, newest first."""
    return await ask.read(sealing.list_seals, sealing.ListSeals(unit=unit, limit=limit, cursor=cursor))


@get("/points/seals/{day:str}", allow=ANYONE)
async def show_seal(day: date, ask: Ask, unit: Unit = POINTS) -> SealView:
    """Read the published total and root of a day."""
    return await ask.read(sealing.show_seal, sealing.GetSeal(unit=unit, day=day))


@post("/points/seals", allow=ADMINS, statuses=(409, 422))
async def seal(data: sealing.SealUnit, ask: Ask) -> SealView:
    """Seal the balances of a unit for today, once (administrators, services)."""
    return await sealing.seal(data, ask.runner, actor=ask.actor)


@get("/points/proof", allow=SIGNED_IN)
async def proof(
    ask: Ask, unit: Unit = POINTS, user_id: UUID | None = None, day: date | None = None
) -> ProofView:
    """Read the proof that a balance is inside of a published total: one's own, or a member's for
    administrators."""
    question = sealing.GetProof(user_id=user_id or ask.actor.user_id, unit=unit, day=day)
    return await ask.read(sealing.proof, question)


HANDLERS = [verification, list_seals, show_seal, seal, proof]
