"""What members agree to: said by themselves, kept for good (M6)."""

from datetime import datetime
from uuid import UUID

from ...domain import shared
from ...domain.identity import consent as rules
from ...domain.identity.consent import PURPOSES, Consent
from ..pages import Limit, Page, page_of, uuid_of
from ..work import SIGNED_IN, Read, Wanted, Work, query, use_case
from .people import CONSENTS, HasPeople, whose
from .records import MEMBERS


class Say(shared.Command, kw_only=True):
    """Agree to something, in the words of the version that holds now, or withdraw."""

    purpose: shared.Code
    given: bool
    text_version: shared.Code | None = None


class ConsentView(shared.Record):
    """What a member said of a purpose last; `at` is null where they never did. Who agreed to an older text
    than the `current_text` has not agreed to that."""

    purpose: str
    given: bool
    text_version: str | None
    current_text: str
    at: datetime | None


class ConsentLine(shared.Record):
    """That a member agreed to something, or no longer did, and when."""

    id: UUID
    purpose: str
    given: bool
    text_version: str
    at: datetime


class GetConsents(shared.Query, kw_only=True):
    user_id: UUID


class ListConsents(shared.Query, kw_only=True):
    user_id: UUID
    limit: Limit = 25
    cursor: str | None = None


def _locks(command: Say, work: Work) -> tuple[Wanted, ...]:
    return (MEMBERS.key(work.actor.user_id), CONSENTS.group("purpose", work.actor.user_id, command.purpose))


@use_case(allow=SIGNED_IN, locks=_locks)
async def say(command: Say, work: Work) -> ConsentView:
    """Agree for oneself, or withdraw; said again it changes nothing. Raises UnknownPurpose, TextOutdated."""
    member = work.get(MEMBERS.key(work.actor.user_id))
    said = work.list(CONSENTS.group("purpose", member.user_id, command.purpose))
    wished = Consent(
        member.user_id, work.new_id(), command.purpose, command.given, command.text_version or "", work.now
    )
    last = max(said, key=lambda one: one.id, default=None)
    line = rules.say(wished, last, PURPOSES)
    if line is not None:
        work.save(line)
        work.record(rules.ConsentChanged(line.user_id, line.purpose, line.given, line.text_version))
    return _view(rules.find_purpose(command.purpose, PURPOSES), line or last)


@query(allow=SIGNED_IN)
async def consents(question: GetConsents, read: Read[HasPeople]) -> Page[ConsentView]:
    """What one said last of every purpose; anybody's for an admin."""
    member = await whose(question.user_id, read)
    said = {one.purpose: one for one in await read.ports.people.last_consents(member.user_id)}
    return Page(tuple(_view(one, said.get(one.code)) for one in PURPOSES))


@query(allow=SIGNED_IN)
async def history(question: ListConsents, read: Read[HasPeople]) -> Page[ConsentLine]:
    """Everything that one said, newest first; anybody's for an admin."""
    member, before = await whose(question.user_id, read), uuid_of(question.cursor)
    found = await read.ports.people.consents(member.user_id, question.limit + 1, before)
    return page_of([shared.recast(ConsentLine, one) for one in found], question.limit, lambda one: one.id)


def _view(purpose: rules.Purpose, last: Consent | None) -> ConsentView:
    return ConsentView(
        purpose.code,
        last is not None and last.given,
        last.text_version if last else None,
        purpose.text_version,
        last.at if last else None,
    )
