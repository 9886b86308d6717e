"""A letter as the e-mail that it becomes."""

from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from ...application.mail import MailNotSent, Message
from ...application.runner import utc_now

SENDER = "baobab <noreply@localhost>"


def is_sender(text: str) -> bool:
    """Whether letters can come from there: nowhere in particular, or one address, with a name or without."""
    mail = EmailMessage()
    try:
        mail["From"] = text or SENDER
    except (ValueError, IndexError):  # a line break, for one
        return False
    return len(mail["From"].addresses) == 1 and "@" in mail["From"].addresses[0].addr_spec


def email_of(message: Message, sender: str) -> EmailMessage:
    """The e-mail of a letter, which no robot need answer. Raises MailNotSent where it would go anywhere else
    than to the one address that it is for."""
    mail = EmailMessage()
    mail["From"] = sender or SENDER
    mail["To"] = message.to
    if [one.addr_spec for one in mail["To"].addresses] != [message.to]:
        raise MailNotSent
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(utc_now())
    mail["Message-ID"] = make_msgid(domain="baobab")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail
