"""What a password must be."""

from ..shared import RuleForbids, Unauthenticated

LEAST_PASSWORD = 10


MOST_PASSWORD = 200


class PasswordTooShort(RuleForbids):
    message = "A password has at least {least} characters."
    least: int


class WrongCredentials(Unauthenticated):
    message = "The e-mail or the password is wrong."


def check_password(password: str) -> str:
    """The password, or PasswordTooShort."""
    if len(password) < LEAST_PASSWORD:
        raise PasswordTooShort(least=LEAST_PASSWORD)
    return password
