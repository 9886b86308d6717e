"""Members: their e-mail and their role (M1, M5)."""

from uuid import UUID

from ..shared import RuleForbids, StateForbids, evolve
from .records import Member, MemberRole, RoleChanged


class EmailTaken(StateForbids):
    message = "There is already an account for {email}."
    email: str


class InvalidEmail(RuleForbids):
    message = "{email} is not an e-mail address."
    email: str


class ProducerNeeded(RuleForbids):
    message = "A partner acts for a producer: name it."


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


def with_role(member: Member, role: MemberRole, producer_id: UUID | None) -> tuple[Member, RoleChanged]:
    """The member in another role. A partner acts for a producer; nobody else does."""
    is_partner = role in ("partner_staff", "partner_owner")
    if is_partner and producer_id is None:
        raise ProducerNeeded
    changed = evolve(member, role=role, producer_id=producer_id if is_partner else None)
    return changed, RoleChanged(member.user_id, role, changed.producer_id)
