"""What a password must be."""

from collections.abc import Callable

from ..shared import RuleForbids, Unauthenticated

LEAST_PASSWORD = 10
MOST_PASSWORD = 200
LEAST_PART = 4
"""Characters. What is shorter of a name or an e-mail may be in anybody's password."""


class PasswordTooShort(RuleForbids):
    message = "A password has at least {least} characters."
    least: int


class PasswordTooCommon(RuleForbids):
    message = "Many people use this password: choose another."


class PasswordTellsWho(RuleForbids):
    message = "This password is little more than your name or your e-mail: choose another."


class WrongCredentials(Unauthenticated):
    message = "The e-mail or the password is wrong, or the e-mail was not verified yet."


class NoPassword(RuleForbids):
    message = "This account has no password yet: ask for one by mail."


def check_password(
    password: str, *, email: str = "", name: str = "", is_common: Callable[[str], bool] = lambda word: False
) -> str:
    """The password, or PasswordTooShort, PasswordTooCommon, PasswordTellsWho. Case makes no difference."""
    if len(password) < LEAST_PASSWORD:
        raise PasswordTooShort(least=LEAST_PASSWORD)
    word = password.casefold()
    if is_common(word) or len(set(word)) < LEAST_PART:
        raise PasswordTooCommon
    if _tells(word, email, name):
        raise PasswordTellsWho
    return password


def _tells(word: str, email: str, name: str) -> bool:
    """Whether too little is left of a password without what everybody knows of its owner."""
    known = (email, *email.split("@"), name, *name.split())
    for part in sorted({one.casefold() for one in known if len(one) >= LEAST_PART}, key=len, reverse=True):
        word = word.replace(part, "")
    return len(word) < LEAST_PART
