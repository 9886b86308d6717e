"""Members: enrolled, given roles, named, listed (M1, M3, M5)."""

from uuid import UUID

from ...domain import identity, shared
from ...domain.identity import Login, Member, MemberRole, Password
from ..pages import Limit, Page, page_of, uuid_of
from ..work import ADMINS, SIGNED_IN, Key, Read, Wanted, Work, query, use_case
from .records import (
    MEMBERS,
    PASSWORDS,
    PROOFS,
    Email,
    HasIdentity,
    MemberView,
    email_key,
    member_view,
)
from .sessions import OfMember, close_all, closing_locks


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


class Why(shared.Command, kw_only=True):
    """Why something is done to a member; administrators read it, and the member too."""

    reason: shared.Personal[shared.Reason]


class Suspend(Why, kw_only=True):
    """Keep a member out."""

    user_id: UUID


def _enrol_locks(command: Enrol, work: Work) -> tuple[Wanted, ...]:
    user_id = command.user_id
    return email_key(command.email), MEMBERS.key(user_id), PASSWORDS.key(user_id)


@use_case(allow=ADMINS, locks=_enrol_locks, secret=True)
async def enrol(command: Enrol, work: Work) -> MemberView:
    """Enrol a member whose e-mail is known to be theirs, and whose password is hashed already. Raises
    EmailTaken."""
    member = newcomer(work, command.user_id, command.email, command.name, command.password_hash)
    return member_view(claim(work, member, member.email))


def newcomer(work: Work, user_id: UUID, email: str, name: str, password_hash: str) -> Member:
    """Somebody new, inside a use case that locks the keys of the member and of the password."""
    email = identity.email_of(email)
    member = Member(user_id, email, name, "member", identity.LEVELS[0], "active", None, work.now)
    work.save(member)
    if password_hash:
        work.save(Password(user_id, password_hash, work.now))
    work.record(identity.MemberEnrolled(user_id))
    return member


def claim(work: Work, member: Member, email: str) -> Member:
    """The member, whose e-mail was proved to be theirs, inside a use case that locks its login. Raises
    EmailTaken, MemberGone."""
    identity.check_there(member)
    login = work.find(email_key(email))
    if login is not None and login.user_id != member.user_id:
        raise identity.EmailTaken(email=email)
    if login is None:
        work.save(Login("email", email, member.user_id, work.now))
        work.record(identity.EmailVerified(member.user_id))
    if email == member.email:
        member = identity.verified(member, work.now)
        work.save(member)
    return member


def _verify_looks(command: OfMember, work: Work) -> tuple[Wanted, ...]:
    return (MEMBERS.key(command.user_id),)


def _verify_locks(command: OfMember, work: Work) -> tuple[Wanted, ...]:
    key = MEMBERS.key(command.user_id)
    return key, email_key(work.get(key).email), PROOFS.key(command.user_id, "verify")


@use_case(allow=ADMINS, loads=(_verify_looks,), locks=_verify_locks)
async def verify_member(command: OfMember, work: Work) -> MemberView:
    """Vouch for a member's e-mail, which somebody saw by other means. Raises EmailTaken."""
    member = work.get(MEMBERS.key(command.user_id))
    if (proof := work.find(PROOFS.key(command.user_id, "verify"))) is not None:
        work.remove(proof)
    return member_view(claim(work, member, member.email))


@use_case(allow=ADMINS, locks=closing_locks)
async def suspend(command: Suspend, work: Work) -> MemberView:
    """Keep a member out: their sessions are closed, and their API keys open nothing. Raises NotYourself."""
    if command.user_id == work.actor.user_id:
        raise identity.NotYourself
    member, event = identity.suspended(work.get(MEMBERS.key(command.user_id)), command.reason)
    close_all(work, command.user_id)
    work.save(member)
    work.record(event)
    return member_view(member)


@use_case(allow=ADMINS, locks=lambda command, work: (MEMBERS.key(command.user_id),))
async def reinstate(command: OfMember, work: Work) -> MemberView:
    """Let a suspended member in again."""
    member, event = identity.reinstated(work.get(MEMBERS.key(command.user_id)))
    work.save(member)
    work.record(event)
    return member_view(member)


def naming_keys(name: str) -> tuple[Key[Login], ...]:
    """What to look at in order to know whom an e-mail or an id names."""
    try:
        return (email_key(name),)
    except identity.InvalidEmail:
        return ()


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
    """Give a member another role. Raises NotYourself, ProducerNeeded."""
    if command.user_id == work.actor.user_id:
        raise identity.NotYourself
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
