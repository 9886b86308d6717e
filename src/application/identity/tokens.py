"""What bearers show: session tokens, API keys, the tokens of links.

Sources: docs/decisions/0006-session-tokens.md, 0013-credentials.md.
"""

import hashlib
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from typing import get_args
from uuid import UUID

from ...domain import identity, shared
from ...domain.identity import Purpose
from .records import Secrets

KEY_PREFIX = "baobab_key_"
"""How an API key begins, so that whoever finds one knows what it is."""
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


class Token(shared.Record):
    """What a session token or an API key carries: its owner, the id of the session (or of the key) and a
    secret of 32 bytes."""

    user_id: UUID
    session_id: UUID
    secret: bytes

    def text(self) -> str:
        return urlsafe_b64encode(self.user_id.bytes + self.session_id.bytes + self.secret).decode()

    def digest(self) -> bytes:
        """What is stored of the secret."""
        return digest_of(self.secret)


def digest_of(secret: bytes) -> bytes:
    """SHA-256: of a secret with 256 bits of chance, so no salt is needed."""
    return hashlib.sha256(secret).digest()


def read_token(text: str) -> Token:
    """The owner, id and secret of a token or, without its prefix, of a key. Raises Unauthenticated."""
    raw = _decoded(text)
    if raw is None or len(raw) != 64:
        raise shared.Unauthenticated
    return Token(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:])


class LinkToken(shared.Record):
    """What the token of a link carries: the account, the purpose and a secret of 32 bytes."""

    user_id: UUID
    purpose: Purpose
    secret: bytes

    def text(self) -> str:
        place = PURPOSES.index(self.purpose).to_bytes(1, "big")
        return urlsafe_b64encode(self.user_id.bytes + place + self.secret).decode().rstrip("=")


def read_link(text: str, *purposes: Purpose) -> LinkToken:
    """The token of a link that was made for one of these. Raises ProofRefused."""
    raw = _decoded(text + "=" * (-len(text) % 4))
    if raw is None or len(raw) != 49 or raw[16] not in map(PURPOSES.index, purposes):
        raise identity.ProofRefused
    return LinkToken(UUID(bytes=raw[:16]), PURPOSES[raw[16]], raw[17:])


def _decoded(text: str) -> bytes | None:
    """The bytes of a text, if it is written as we write it: no two texts are the same token."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii"))
    except ValueError:
        return None
    return raw if urlsafe_b64encode(raw).decode() == text else None


def code_digest(secrets: Secrets, user_id: UUID, purpose: Purpose, code: str) -> bytes:
    """What is stored of the short code of a mail."""
    return secrets.digest(f"{purpose}:{user_id}:{code}")


def who(secrets: Secrets, kind: identity.AttemptKind, value: object) -> str:
    """What is stored of who tries: nobody sees the account or the address in it."""
    return b64encode(secrets.digest(f"attempts:{kind}:{value}")[:24]).decode()
