"""A second factor: codes that a telephone counts from a secret, by the time (TOTP, RFC 6238) (M1)."""

from datetime import datetime, timedelta
from hmac import compare_digest

from ..shared import Record, RuleForbids, StateForbids, Unauthenticated, evolve
from .records import Member, SecondFactor

RECOVERY_CODES = 10
CHALLENGE_LIFE = timedelta(minutes=5)


class SecondFactorNeeded(Unauthenticated):
    """The first step of signing in went well. `challenge` is what to show with the code."""

    message = "Now give the code of your second factor, together with this challenge."
    challenge: str


class ChallengeOver(Unauthenticated):
    message = "This took too long, or your password changed meanwhile: sign in from the beginning."


class CodeRefused(RuleForbids):
    message = "This code is wrong, or was used already: wait for the next one."


class SecondFactorThere(StateForbids):
    message = "There is a second factor already: turn it off first."


class NoSecondFactor(StateForbids):
    message = "There is no second factor."


class Answer(Record):
    """What may be right of an answer: the time step of a code, or the hash of a recovery code."""

    step: int = 0
    recovery: str = ""


def is_on(factor: SecondFactor | None) -> bool:
    """Whether signing in takes a second step."""
    return factor is not None and factor.confirmed_at is not None


def enrolled(before: SecondFactor | None, member: Member, sealed: str, at: datetime) -> SecondFactor:
    """A second factor that is good once a code of it was shown. Raises SecondFactorThere."""
    if is_on(before):
        raise SecondFactorThere
    return SecondFactor(member.user_id, sealed, at)


def confirmed(
    factor: SecondFactor | None, sealed: str, answer: Answer, recovery: tuple[str, ...], at: datetime
) -> SecondFactor:
    """The second factor from now on. Raises NoSecondFactor, SecondFactorThere, CodeRefused."""
    if factor is None:
        raise NoSecondFactor
    if factor.confirmed_at is not None:
        raise SecondFactorThere
    if factor.sealed != sealed or not answer.step:
        raise CodeRefused
    return evolve(factor, confirmed_at=at, last_step=answer.step, recovery=recovery)


def used(factor: SecondFactor | None, answer: Answer) -> SecondFactor:
    """The second factor after a code, which is never good again. Raises NoSecondFactor, CodeRefused."""
    if factor is None or factor.confirmed_at is None:
        raise NoSecondFactor
    if answer.step > factor.last_step:
        return evolve(factor, last_step=answer.step)
    rest = tuple(code for code in factor.recovery if not compare_digest(code, answer.recovery))
    if len(rest) == len(factor.recovery):
        raise CodeRefused
    return evolve(factor, recovery=rest)
