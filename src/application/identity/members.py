"""Members: enrolled, given roles, named, listed (M1, M3, M5)."""

from uuid import UUID

from ...domain import identity, shared
from ...domain.identity import Login, Member, MemberRole
from ..pages import Limit, Page, page_of, uuid_of
from ..work import ADMINS, SIGNED_IN, Key, Read, Wanted, Work, query, use_case
from .records import LOGINS, MEMBERS, Email, HasIdentity, MemberView, member_view


class Enrol(shared.Command, kw_only=True):
    """A new member whose password is already hashed; without one nobody signs in."""

    user_id: UUID
    email: Email
    name: shared.Name
    password_hash: str = ""


class Role(shared.Command, kw_only=True):
    """A role; a partner names the producer that they act for."""

    role: MemberRole
    producer_id: UUID | None = None


class SetRole(Role, kw_only=True):
    """Give a member another role."""

    user_id: UUID


class GetMember(shared.Query, kw_only=True):
    user_id: UUID


class ListMembers(shared.Query, kw_only=True):
    limit: Limit = 25
    cursor: str | None = None
    email: Email | None = None


def _enrol_locks(command: Enrol, work: Work) -> tuple[Wanted, ...]:
    return (LOGINS.key(identity.email_of(command.email)), MEMBERS.key(command.user_id))


@use_case(allow=ADMINS, locks=_enrol_locks, secret=True)
async def enrol(command: Enrol, work: Work) -> MemberView:
    """Enrol a member whose password is hashed already. Raises EmailTaken."""
    email = identity.email_of(command.email)
    if work.find(LOGINS.key(email)) is not None:
        raise identity.EmailTaken(email=email)
    member = Member(
        command.user_id, email, command.name, "member", identity.LEVELS[0], "active", None, work.now
    )
    work.save(Login(email, member.user_id, command.password_hash, work.now), member)
    work.record(identity.MemberEnrolled(member.user_id, email))
    return member_view(member)


def naming_keys(name: str) -> tuple[Key[Login], ...]:
    """What to look at in order to know whom an e-mail or an id names."""
    return (LOGINS.key(name.strip().lower()),) if "@" in name else ()


def named(name: str, work: Work) -> UUID | None:
    """Whom an e-mail or an id names, where `naming_keys` were looked at; nobody need have the id."""
    for key in naming_keys(name):
        login = work.find(key)
        return login.user_id if login else None
    try:
        return UUID(name.strip())
    except ValueError:
        return None


@use_case(allow=ADMINS, locks=lambda command, work: (MEMBERS.key(command.user_id),))
async def set_role(command: SetRole, work: Work) -> MemberView:
    """Give a member another role."""
    member, changed = identity.with_role(
        work.get(MEMBERS.key(command.user_id)), command.role, command.producer_id
    )
    work.save(member)
    work.record(changed)
    return member_view(member)


def update_level(work: Work, user_id: UUID, *, investments: int, subscriptions: int, reason: str) -> None:
    """Bring a member to the level that the facts give, inside another use case that locks `MEMBERS`."""
    member = work.get(MEMBERS.key(user_id))
    facts = investments, subscriptions
    if change := identity.with_level(member, *facts, id=work.new_id(), reason=reason, at=work.now):
        work.save(*change[:2])
        work.record(change[2])


@query(allow=SIGNED_IN)
async def member(question: GetMember, read: Read[HasIdentity]) -> MemberView:
    """One's own account; any for an admin."""
    read.actor.must_own(question.user_id, "member", question.user_id)
    found = await read.ports.identity.member(question.user_id)
    if found is None:
        raise shared.NotFound(kind="member", id=str(question.user_id))
    return member_view(found)


@query(allow=ADMINS)
async def members(question: ListMembers, read: Read[HasIdentity]) -> Page[MemberView]:
    """Every member, newest first; or the one of an e-mail."""
    email = identity.email_of(question.email) if question.email else None
    found = await read.ports.identity.members(question.limit + 1, uuid_of(question.cursor), email)
    return page_of([member_view(one) for one in found], question.limit, lambda one: one.user_id)
