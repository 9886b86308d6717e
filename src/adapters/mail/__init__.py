"""Ways for letters to leave."""

from pathlib import Path

from ...application.mail import Mailer
from .folder import FolderMailer
from .memory import MemoryMailer
from .smtp import InvalidMailServer, SmtpMailer
from .writing import is_sender

__all__ = ["FolderMailer", "InvalidMailServer", "MemoryMailer", "SmtpMailer", "is_sender", "mailer_of"]


def mailer_of(smtp_url: str, sender: str, folder: Path) -> Mailer:
    """A server to send by, where one is named; else a folder to read in. Raises InvalidMailServer."""
    return SmtpMailer(smtp_url, sender) if smtp_url else FolderMailer(folder, sender)
