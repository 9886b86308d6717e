"""Members: their e-mails, their role, and whether they are let in (M1, M5)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ..shared import RuleForbids, StateForbids, evolve
from .records import Login, Member, MemberRole, Reinstated, RoleChanged, Suspended

MOST_EMAILS = 10
"""Of one account."""


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
    message = "Nobody suspends themselves: ask another administrator."


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
    """An e-mail in the form in which it is unique: trimmed, lower case. Raises InvalidEmail."""
    email = text.strip().lower()
    name, at, host = email.partition("@")
    well_formed = (
        name and at and "." in host.strip(".") and host[0] != "." and host[-1] != "." and "@" not in host
    )
    if not well_formed or ".." in email or not email.isprintable() or " " in email or len(email) > 254:
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
