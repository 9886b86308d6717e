"""Who is there: some who sign in, and supporters whose password nobody knows."""

from typing import NamedTuple

from ...domain import shared
from ...domain.identity import MemberRole


class Account(NamedTuple):
    """How somebody signs in, and who that is."""

    email: str
    password: str
    who: str


EXPLORATEUR, PROTECTEUR, AMBASSADEUR = "member-1@example.org", "member-2@example.org", "member-3@example.org"
ADMIN, PARTNER = "admin@example.org", "partner@example.org"

ACCOUNTS = (
    Account(ADMIN, "demo-administrator", "administrator"),
    Account(PARTNER, "demo-partner", "partner: owns the olive grove of Nyons"),
    Account(PROTECTEUR, "demo-member-2", "protecteur: supports projects, has ordered"),
    Account(AMBASSADEUR, "demo-member-3", "ambassadeur: may order everything"),
    Account(EXPLORATEUR, "demo-member-1", "explorateur: has just signed up"),
)
"""In the order in which they joined."""


class Person(shared.Record):
    """Somebody who joined that many days before the demo's today."""

    email: str
    name: str
    joined: int
    role: MemberRole = "member"


FOUNDER = Person(ADMIN, "Administrator", 610, "admin")
PARTNER_OWNER = Person(PARTNER, "Partner of Nyons", 601, "partner_owner")
SUPPORTERS = tuple(Person(f"member-{n}@example.org", f"Member {n}", 601) for n in range(4, 16))
MEMBERS = (
    *SUPPORTERS,
    Person(PROTECTEUR, "Member 2", 590),
    Person(AMBASSADEUR, "Member 3", 520),
    Person(EXPLORATEUR, "Member 1", 1),
)

ADDRESSES = {
    "Namur": shared.Address("Rue de Fer", "Namur", "5000", "BE"),
    "Lyon": shared.Address("Rue Mercière", "Lyon", "69002", "FR"),
}
"""Where orders are sent."""
