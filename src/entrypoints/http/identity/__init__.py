"""Identity over HTTP: members, how they sign in, what is kept of them, and the pages that mails lead to."""

from . import credentials, members, people
from .pages import send, show

__all__ = ["HANDLERS", "send", "show"]

HANDLERS = [*members.HANDLERS, *credentials.HANDLERS, *people.HANDLERS]
