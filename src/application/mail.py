"""Mail: the port through which letters leave. Sent outside a transaction, after the commit."""

from typing import Protocol

from ..domain import shared


class MailNotSent(shared.Unavailable):
    message = "The mail could not be sent now. Try again."


class Message(shared.Record):
    """A letter to one address. `html` is for programs that show it; the text says all of it."""

    to: str
    subject: str
    text: str
    html: str = ""


class Mailer(Protocol):
    """What sends letters. Raises MailNotSent."""

    async def send(self, message: Message) -> None: ...
