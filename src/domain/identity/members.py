"""Members: their e-mails, their role, and whether they are let in (M1, M5)."""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ..shared import RuleForbids, StateForbids, evolve
from .records import Login, Member, MemberRole, Reinstated, RoleChanged, Suspended

MOST_EMAILS = 10
"""Of one account."""
LONGEST_EMAIL, LONGEST_NAME = 254, 64
"""Characters: RFC 5321, section 4.5.3.1."""
NAME = re.compile(r"(?!.*=\?)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""What stands before the @ (RFC 5322, dot-atom). Without `=?`, which mail programs take for something
encoded, and write to whatever it says."""
HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


class MemberGone(StateForbids):
    message = "This member was erased: nothing is written down about them any more."


class EmailTaken(StateForbids):
    message = "There is already an account for {email}."
    email: str


class InvalidEmail(RuleForbids):
    message = "{email} is not an e-mail address."
    email: str


class ProducerNeeded(RuleForbids):
    message = "A partner acts for a producer: name it."


class NotYourself(RuleForbids):
    message = "Nobody suspends themselves or changes their own role: ask another administrator."


class EmailVerifiedAlready(StateForbids):
    message = "This e-mail is verified already."


class EmailNotVerified(StateForbids):
    message = "Verify your e-mail first: a code was sent to it, and you can have another."


class EmailNotYours(RuleForbids):
    message = "{email} is not a verified e-mail of this account."
    email: str


class EmailInUse(RuleForbids):
    message = "{email} is where you are written to: choose another for that first."
    email: str


class TooManyEmails(RuleForbids):
    message = "An account has {most} e-mails at most."
    most: int


def email_of(text: str) -> str:
    """An e-mail in the form in which it is unique: trimmed, lower case, its host as the name system has it
    (`xn--…`). Each is one address and looks like no other. Raises InvalidEmail."""
    name, _, host = text.strip().partition("@")
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise InvalidEmail(email=text) from None
    email = f"{name}@{host}".lower()
    fits = len(name) <= LONGEST_NAME and len(email) <= LONGEST_EMAIL and name.isascii()
    if not fits or not NAME.fullmatch(name.lower()) or not HOST.fullmatch(host.lower()):
        raise InvalidEmail(email=text)
    return email


def check_there(member: Member) -> Member:
    """The member, or MemberGone where they were erased."""
    if member.status == "erased":
        raise MemberGone
    return member


def with_role(member: Member, role: MemberRole, producer_id: UUID | None) -> tuple[Member, RoleChanged]:
    """The member in another role. A partner acts for a producer; nobody else does. Raises MemberGone."""
    check_there(member)
    is_partner = role in ("partner_staff", "partner_owner")
    if is_partner and producer_id is None:
        raise ProducerNeeded
    changed = evolve(member, role=role, producer_id=producer_id if is_partner else None)
    return changed, RoleChanged(member.user_id, role, changed.producer_id)


def check_room(logins: Sequence[Login]) -> None:
    """Raise TooManyEmails where an account has as many e-mails as it may."""
    if len(logins) >= MOST_EMAILS:
        raise TooManyEmails(most=MOST_EMAILS)


def owned(login: Login | None, member: Member, email: str) -> Login:
    """The login, if it is this member's. Raises EmailNotYours."""
    if login is None or login.user_id != member.user_id:
        raise EmailNotYours(email=email)
    return login


def check_spare(member: Member, email: str) -> None:
    """Raise EmailInUse where it is the address that the member is written to."""
    if member.email == email:
        raise EmailInUse(email=email)


def check_verified(member: Member) -> None:
    """Raise EmailNotVerified: who was not, may be somebody else who signed up with an address of another."""
    if member.verified_at is None:
        raise EmailNotVerified


def verified(member: Member, at: datetime) -> Member:
    """The member, whose address was proved; the first time counts."""
    return member if member.verified_at else evolve(member, verified_at=at)


def suspended(member: Member, reason: str) -> tuple[Member, Suspended]:
    """The member, kept out for a reason. Raises MemberGone."""
    check_there(member)
    return evolve(member, status="suspended", standing=reason), Suspended(member.user_id)


def reinstated(member: Member) -> tuple[Member, Reinstated]:
    """The member, let in again. Raises MemberGone."""
    check_there(member)
    return evolve(member, status="active", standing=""), Reinstated(member.user_id)
