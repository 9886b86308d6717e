"""A letter as the e-mail that it becomes."""

from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from ...application.mail import Message
from ...application.runner import utc_now

SENDER = "baobab <noreply@localhost>"


def email_of(message: Message, sender: str) -> EmailMessage:
    """The e-mail of a letter, which no robot need answer."""
    mail = EmailMessage()
    mail["From"] = sender or SENDER
    mail["To"] = message.to
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(utc_now())
    mail["Message-ID"] = make_msgid(domain="baobab")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail
