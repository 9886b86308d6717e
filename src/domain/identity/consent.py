"""What a member agreed to, in which words, and since when (M6).

What was said is never changed: giving and withdrawing are both one more line, and the last one counts.

    RuleForbids
    ├── UnknownPurpose   nothing is asked for that
    └── TextOutdated     one agrees to the words that hold now
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from .. import shared


class Purpose(shared.Record):
    """What can be agreed to, and which version of its text holds now."""

    code: str
    text_version: str


PURPOSES = (
    Purpose("terms", "2026-01"),
    Purpose("privacy", "2026-01"),
    Purpose("newsletter", "2026-01"),
    Purpose("analytics", "2026-01"),
)


class UnknownPurpose(shared.RuleForbids):
    message = "Nobody asks for a consent to {purpose}; known: {known}."
    purpose: str
    known: str


class TextOutdated(shared.RuleForbids):
    message = "The text about {purpose} has changed: you have version {given}, it is at {current}."
    purpose: str
    given: str
    current: str


class Consent(shared.Record):
    """That a member agrees to something, or no longer does; `text_version` says to which words."""

    user_id: UUID
    id: UUID
    purpose: str
    given: bool
    text_version: str
    at: datetime


class ConsentChanged(shared.Event, tag="identity.consent_changed"):
    user_id: UUID
    purpose: str
    given: bool
    text_version: str


def say(wished: Consent, last: Consent | None, purposes: Iterable[Purpose]) -> Consent | None:
    """The line that is to be written; None where the member has said just that already.

    Who withdraws speaks of the words that they agreed to. Raises UnknownPurpose, TextOutdated.
    """
    purpose = find_purpose(wished.purpose, purposes)
    if not wished.given:
        wished = shared.evolve(wished, text_version=last.text_version if last else purpose.text_version)
    elif wished.text_version != purpose.text_version:
        raise TextOutdated(purpose=purpose.code, given=wished.text_version, current=purpose.text_version)
    if last and (last.given, last.text_version) == (wished.given, wished.text_version):
        return None
    return wished


def find_purpose(code: str, purposes: Iterable[Purpose]) -> Purpose:
    """The purpose of that code. Raises UnknownPurpose."""
    known = {one.code: one for one in purposes}
    if code not in known:
        raise UnknownPurpose(purpose=code, known=", ".join(known))
    return known[code]
