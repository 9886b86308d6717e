"""Thinking again over HTTP: one way for all that a member pays for, in two steps."""

from ....application import investments
from ....application.investments import WithdrawalView
from ..ask import Ask
from ..routes import SIGNED_IN, post


@post("/withdrawals/preview", allow=SIGNED_IN, status_code=200)
async def preview_withdrawal(data: investments.Withdraw, ask: Ask) -> WithdrawalView:
    """Show what would come back of an investment or a subscription; nothing is changed."""
    return await ask(investments.withdraw, data, dry_run=True)


@post("/withdrawals", allow=SIGNED_IN, moves=True)
async def withdraw(data: investments.Withdraw, ask: Ask) -> WithdrawalView:
    """Think again: give an investment or the last period of a subscription back, with its points."""
    withdrawn = await ask(investments.withdraw, data)
    return await investments.refund(withdrawn, ask.runner, ask.gateway, ask.actor)


HANDLERS = [preview_withdrawal, withdraw]
