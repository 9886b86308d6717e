"""Letters sent by a mail server (aiosmtplib)."""

import ssl
from urllib.parse import unquote, urlsplit

import aiosmtplib

from ...application.mail import MailNotSent, Message
from .writing import email_of

SECONDS = 20.0
"""For each step of the conversation with the server."""
PORTS = {"smtp": 587, "smtps": 465}


class InvalidMailServer(ValueError):
    """An address of a mail server that cannot be understood. It is not repeated: it may hold a password."""


class SmtpMailer:
    """Sends by `smtp://user:password@host:587`, encrypted by STARTTLS, or by `smtps://…:465`, encrypted from
    the first byte. With a password nothing is ever sent in clear; `smtp://host:25`, without one, uses
    encryption where the server offers it."""

    def __init__(
        self, url: str, sender: str = "", *, seconds: float = SECONDS, tls: ssl.SSLContext | None = None
    ) -> None:
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname, parts.port or PORTS[parts.scheme]
        except (KeyError, ValueError):
            raise InvalidMailServer("a mail server is smtp://user:password@host:587") from None
        if not self._host:
            raise InvalidMailServer("a mail server has a host: smtp://user:password@host:587")
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._implicit = parts.scheme == "smtps"
        self._sender, self._seconds, self._tls = sender, seconds, tls

    async def send(self, message: Message) -> None:
        must_start = True if self._password else None
        try:
            await aiosmtplib.send(
                email_of(message, self._sender),
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._implicit,
                start_tls=False if self._implicit else must_start,
                tls_context=self._tls,
                timeout=self._seconds,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise MailNotSent from error
