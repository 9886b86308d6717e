"""`baobab members`: who is there, what they may do, how they sign in, and how well they are known."""

import rich_click as click

from ..opening import LateGroup

__all__ = ["command"]


@click.group("members", cls=LateGroup)
def command() -> None:
    """Look at members, let them in, give them roles, check who they are. MEMBER is an e-mail or an id."""


command.late(__name__, ".members", ".access", ".checks", ".unclaimed", "..privacy")
