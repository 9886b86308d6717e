"""`baobab points`: what members have, how it moves, and how the ledger proves itself."""

import rich_click as click

from ..opening import LateGroup

__all__ = ["command"]


@click.group("points", cls=LateGroup)
def command() -> None:
    """Read the points ledger and write in it. MEMBER is an e-mail or an id."""


command.late(__name__, ".reading", ".moving", ".units", ".proof", ".reports", ".sweep", ".importing")
