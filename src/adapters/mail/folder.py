"""Letters written into a folder instead of being sent: for who develops or tries, and reads them there."""

import asyncio
import os
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

from ...application.mail import MailNotSent, Message
from ...application.runner import utc_now
from .writing import email_of

MOST = 1_000
"""Letters that a folder keeps: the oldest make room."""


class FolderMailer:
    """Writes `.eml` files that only their owner reads; their names sort by time."""

    def __init__(self, folder: Path, sender: str = "") -> None:
        self._folder, self._sender = folder, sender

    async def send(self, message: Message) -> None:
        mail = email_of(message, self._sender)
        try:
            await asyncio.to_thread(self._write, mail)
        except OSError as error:
            raise MailNotSent from error

    def _write(self, mail: EmailMessage) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{utc_now():%Y%m%dT%H%M%S.%f}-{uuid4().hex[:8]}.eml"
        handle = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(mail.as_bytes())
        for old in sorted(self._folder.glob("*.eml"))[:-MOST]:
            old.unlink(missing_ok=True)
