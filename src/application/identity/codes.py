"""The codes of a second factor, as somebody types them."""

import hashlib
from base64 import b32encode
from typing import Annotated
from uuid import UUID

import msgspec

from ...domain import identity
from ...domain.identity import Answer, SecondFactor
from .gate import Gate

FactorCode = Annotated[
    str,
    msgspec.Meta(
        min_length=6,
        max_length=40,
        pattern=r"^[0-9A-Za-z -]+\Z",
        description="Six digits, or a recovery code.",
        examples=["492039"],
    ),
]
RECOVERY_BYTES = 10
"""Of chance in a recovery code: too many to be guessed, so that a plain hash keeps it."""


def answer_of(factor: SecondFactor | None, code: str, gate: Gate) -> Answer:
    """What may be right of a code; whether it was used is seen under the lock. Raises NoSecondFactor."""
    if factor is None:
        raise identity.NoSecondFactor
    plain = code.replace(" ", "").replace("-", "").upper()
    if len(plain) > 6:
        return Answer(recovery=_digest(factor.user_id, plain))
    secret = gate.secrets.unseal(factor.sealed)
    return Answer(step=gate.authenticator.step(secret, plain, gate.run.clock()) if secret else 0)


def recovery_codes(user_id: UUID, gate: Gate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Fresh recovery codes as they are shown once, and what is stored of them."""
    made = [b32encode(gate.secrets.random(RECOVERY_BYTES)).decode() for _ in range(identity.RECOVERY_CODES)]
    shown = tuple("-".join(one[at : at + 4] for at in range(0, len(one), 4)) for one in made)
    return shown, tuple(_digest(user_id, one) for one in made)


def _digest(user_id: UUID, code: str) -> str:
    return hashlib.sha256(user_id.bytes + code.encode()).hexdigest()
