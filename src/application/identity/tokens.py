"""Session tokens, and who shows one. Decision: docs/decisions/0006-session-tokens.md."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from uuid import UUID

from ...domain import identity, shared
from .records import HasIdentity


class Token(shared.Record):
    """What a session token carries: its owner, its session and a secret of 32 bytes."""

    user_id: UUID
    session_id: UUID
    secret: bytes

    def text(self) -> str:
        return urlsafe_b64encode(self.user_id.bytes + self.session_id.bytes + self.secret).decode()

    def digest(self) -> bytes:
        """What is stored of the secret (SHA-256: it has 256 bits of chance, so no salt is needed)."""
        return hashlib.sha256(self.secret).digest()


def read_token(text: str) -> Token:
    """The token of a text. Raises Unauthenticated."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii"))
    except ValueError:
        raise shared.Unauthenticated from None
    if len(raw) != 64:
        raise shared.Unauthenticated
    return Token(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:])


async def authenticate(text: str, queries: HasIdentity, at: datetime) -> shared.Actor:
    """The actor of a bearer token. Raises Unauthenticated for one that is unknown, closed or expired."""
    token = read_token(text)
    found = await queries.identity.session(token.user_id, token.session_id)
    if found is None or not hmac.compare_digest(found[0].token_hash, token.digest()):
        raise shared.Unauthenticated
    session, member = found
    if not identity.is_open(session, at) or member.status != "active":
        raise shared.Unauthenticated
    return shared.Actor(member.user_id, member.role, member.producer_id, session.id)
