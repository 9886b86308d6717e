"""Proofs: a link and a code sent to an address, so that whoever shows one of them reads there (M1).

A proof is good once, for one purpose, for a while, and for the account that it was made for. A newer one
takes the place of the older. The code is short: its owner may guess a few times, then the proof is void;
strangers only as often as `attempts` has it, as whatever they did to a proof would keep its owner out.
"""

from datetime import datetime, timedelta
from hmac import compare_digest

from ..shared import Malformed, Record, RuleForbids, evolve
from .records import Proof, Purpose

MOST_WRONG = 5
CODE_DIGITS = 8


class ProofRefused(RuleForbids):
    """Wrong, used, too old or void: which of them is not said."""

    message = "This link or code is wrong, was used already, or is too old: ask for a new one."


class ProofIncomplete(Malformed):
    message = "Give the token of the link, or the code together with the e-mail that it was sent to."


class Lifetimes(Record):
    """How long a proof is good: in minutes what lets somebody in, in hours what shows whose an address is."""

    link_minutes: int = 30
    verify_hours: int = 48

    def of(self, purpose: Purpose) -> timedelta:
        if purpose in ("sign_in", "reset"):
            return timedelta(minutes=self.link_minutes)
        return timedelta(hours=self.verify_hours)


class Shown(Record):
    """What somebody shows: the hash of the token of a link, or of a code."""

    token_hash: bytes = b""
    code_hash: bytes = b""


def is_right(proof: Proof | None, shown: Shown, at: datetime) -> bool:
    """Whether what is shown is what was sent, and still good. Takes as long, wherever the two differ."""
    if proof is None or at >= proof.expires_at:
        return False
    by_token = bool(shown.token_hash) and compare_digest(proof.token_hash, shown.token_hash)
    by_code = bool(shown.code_hash) and compare_digest(proof.code_hash, shown.code_hash)
    return by_token or by_code


def missed(proof: Proof) -> Proof | None:
    """The proof after a wrong guess of its owner; None where it is void from now on."""
    return evolve(proof, wrong=proof.wrong + 1) if proof.wrong + 1 < MOST_WRONG else None
