"""Codes of a second factor by pyotp: TOTP as RFC 6238 has it, six digits, thirty seconds."""

import hmac
from datetime import datetime

import pyotp

ISSUER = "baobab"


class Totp:
    """The telephone's side, which is ours too."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self._issuer = issuer

    def secret(self) -> str:
        return pyotp.random_base32()

    def link(self, secret: str, email: str) -> str:
        return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=self._issuer)

    def step(self, secret: str, code: str, at: datetime) -> int:
        """The step of a code: of now, or of the one before or after, as clocks differ; 0 where it is none."""
        totp = pyotp.TOTP(secret)
        now = totp.timecode(at)
        near = (now, now - 1, now + 1)
        return next((one for one in near if hmac.compare_digest(totp.generate_otp(one), code)), 0)
