"""What administrators and services have done for all members at once: what ended is written down, who is to
be warned is, and opening balances are brought."""

from ....application.points import importing, sweeping
from ....application.points.importing import Brought
from ....application.points.sweeping import Batch, DueOf
from ..ask import Ask
from ..routes import ADMINS, post


@post("/points/sweeps", allow=ADMINS, status_code=200)
async def sweep(data: DueOf, ask: Ask) -> Batch:
    """Write down a batch of what ended, and say how many accounts are left (administrators, services).

    It needs no key: what was written down is not due any more."""
    return await sweeping.run_batch(ask.runner, "expiry", data, actor=ask.actor)


@post("/points/warnings", allow=ADMINS, status_code=200)
async def warn(data: DueOf, ask: Ask) -> Batch:
    """Warn a batch of members of points that end soon, and say how many are left (administrators, services).

    It needs no key: each warning is said once."""
    return await sweeping.run_batch(ask.runner, "warning", data, actor=ask.actor)


@post("/points/openings", allow=ADMINS, moves=True, status_code=200)
async def bring(data: importing.Bring, ask: Ask, dry_run: bool = False) -> Brought:
    """Bring opening balances from another system, with a report of every line (administrators, services).

    With `dry_run` nothing is brought. A reference is brought once, whatever the key is."""
    return await ask(importing.bring, data, dry_run=dry_run)


HANDLERS = [sweep, warn, bring]
