"""Members: sign up, sign in and out, own sessions, roles and levels (M1, M3, M5).

A password is hashed outside any transaction: signing up and in are a call to `Secrets`, then one
use case.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec

from ...domain import identity, shared
from ...domain.identity import Level, LevelChange, Login, Member, MemberRole, Session
from ..pages import Limit, Page, page_of, uuid_of
from ..runner import Runner
from ..work import ADMINS, SIGNED_IN, Key, Kind, Read, Wanted, Work, query, use_case

LOGINS = Kind(Login, "login", ("email",), root=True)
MEMBERS = Kind(Member, "member", ("user_id",), root=True)
LEVEL_CHANGES = Kind(LevelChange, "level_change", ("user_id", "id"), changes=())
SESSIONS = Kind(Session, "session", ("user_id", "id"), root=True, changes=("revoked_at",))
KINDS: tuple[Kind[Any], ...] = (LOGINS, MEMBERS, LEVEL_CHANGES, SESSIONS)

Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254, examples=["member-1@example.org"])]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=identity.MOST_PASSWORD)]
Device = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*\Z")]


class TooManyPasswords(shared.Unavailable):
    message = "Too many people sign up or in at this moment; nothing was changed. Try again."


class Secrets(Protocol):
    """What makes and checks secrets; slow on purpose, so never called inside a transaction.

    Hashing and matching raise TooManyPasswords where too many wait already.
    """

    async def hash(self, password: str) -> str: ...

    async def matches(self, password_hash: str, password: str) -> bool: ...

    def random(self, size: int) -> bytes: ...


# --- commands, views, queries -------------------------------------------------------------------


class SignUp(shared.Command, kw_only=True):
    """Become a member. The password has at least 10 characters."""

    email: Email
    password: Password
    name: shared.Name
    device: Device = ""


class SignIn(shared.Command, kw_only=True):
    """Open a session."""

    email: Email
    password: Password
    device: Device = ""


class Enrol(shared.Command, kw_only=True):
    """A new member whose password is already hashed; without one nobody signs in."""

    user_id: UUID
    email: Email
    name: shared.Name
    password_hash: str = ""


class OpenSession(shared.Command, kw_only=True):
    """A session for a member whose password was checked."""

    user_id: UUID
    session_id: UUID
    token_hash: bytes
    device: Device = ""


class CloseSession(shared.Command, kw_only=True):
    """Revoke one of one's own sessions."""

    session_id: UUID


class Role(shared.Command, kw_only=True):
    """A role; a partner names the producer that they act for."""

    role: MemberRole
    producer_id: UUID | None = None


class SetRole(Role, kw_only=True):
    """Give a member another role."""

    user_id: UUID


class MemberView(shared.Record):
    """A member as they and administrators see them."""

    user_id: UUID
    email: str
    name: str
    role: MemberRole
    level: Level
    status: identity.MemberStatus
    producer_id: UUID | None
    created_at: datetime


class SessionView(shared.Record):
    """A session: where and when it was opened. `current` is the one that asks."""

    id: UUID
    device: str
    address: str
    expires_at: datetime
    created_at: datetime
    revoked_at: datetime | None
    current: bool = False


class SignedIn(shared.Record):
    """A fresh session. The token is shown this once: send it as `Authorization: Bearer <token>`."""

    token: str
    session: SessionView
    member: MemberView


class GetMember(shared.Query, kw_only=True):
    user_id: UUID


class ListMembers(shared.Query, kw_only=True):
    limit: Limit = 25
    cursor: str | None = None
    email: Email | None = None


class ListSessions(shared.Query, kw_only=True):
    limit: Limit = 25
    cursor: str | None = None


class IdentityQueries(Protocol):
    """The read side of identity."""

    async def login(self, email: str) -> tuple[Login, Member] | None: ...

    async def session(self, user_id: UUID, session_id: UUID) -> tuple[Session, Member] | None: ...

    async def member(self, user_id: UUID) -> Member | None: ...

    async def members(self, limit: int, before: UUID | None, email: str | None) -> list[Member]:
        """Members, newest first."""
        ...

    async def sessions(self, user_id: UUID, limit: int, before: UUID | None) -> list[Session]:
        """A member's sessions, newest first, the closed ones included."""
        ...


class HasIdentity(Protocol):
    @property
    def identity(self) -> IdentityQueries: ...


# --- tokens -------------------------------------------------------------------------------------


class Token(shared.Record):
    """What a session token carries: its owner, its session and a secret of 32 bytes."""

    user_id: UUID
    session_id: UUID
    secret: bytes

    def text(self) -> str:
        return urlsafe_b64encode(self.user_id.bytes + self.session_id.bytes + self.secret).decode()

    def digest(self) -> bytes:
        """What is stored of the secret (SHA-256: it has 256 bits of chance, so no salt is needed)."""
        return hashlib.sha256(self.secret).digest()


def read_token(text: str) -> Token:
    """The token of a text. Raises Unauthenticated."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii"))
    except ValueError:
        raise shared.Unauthenticated from None
    if len(raw) != 64:
        raise shared.Unauthenticated
    return Token(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:])


async def authenticate(text: str, queries: HasIdentity, at: datetime) -> shared.Actor:
    """The actor of a bearer token. Raises Unauthenticated for one that is unknown, closed or expired."""
    token = read_token(text)
    found = await queries.identity.session(token.user_id, token.session_id)
    if found is None or not hmac.compare_digest(found[0].token_hash, token.digest()):
        raise shared.Unauthenticated
    session, member = found
    if not identity.is_open(session, at) or member.status != "active":
        raise shared.Unauthenticated
    return shared.Actor(member.user_id, member.role, member.producer_id, session.id)


# --- use cases ----------------------------------------------------------------------------------


async def sign_up(command: SignUp, run: Runner, secrets: Secrets, actor: shared.Actor) -> SignedIn:
    """Become a member and open a first session. Raises EmailTaken, InvalidEmail, PasswordTooShort."""
    email = identity.email_of(command.email)
    password_hash = await secrets.hash(identity.check_password(command.password))
    enrol_command = Enrol(user_id=run.new_id(), email=email, name=command.name, password_hash=password_hash)
    member = await run(enrol, enrol_command, actor=_trusted(actor))
    return await _open(member.user_id, command.device, run, secrets, actor)


async def sign_in(command: SignIn, run: Runner, secrets: Secrets, actor: shared.Actor) -> SignedIn:
    """Open a session. Raises WrongCredentials, whatever of the two is wrong, and takes as long."""
    found = await run.read(login, GetLogin(email=command.email), actor=_trusted(actor))
    if found is None:
        await secrets.hash(command.password)  # so that a stranger learns nothing from the time it takes
        raise identity.WrongCredentials
    if not await secrets.matches(found.password_hash, command.password):
        raise identity.WrongCredentials
    return await _open(found.user_id, command.device, run, secrets, actor)


async def _open(user_id: UUID, device: str, run: Runner, secrets: Secrets, actor: shared.Actor) -> SignedIn:
    token = Token(user_id, run.new_id(), secrets.random(32))
    command = OpenSession(
        user_id=user_id, session_id=token.session_id, token_hash=token.digest(), device=device
    )
    opened = await run(open_session, command, actor=_trusted(actor))
    return SignedIn(token.text(), opened.session, opened.member)


def _trusted(actor: shared.Actor) -> shared.Actor:
    """The actor as this module itself: what checks a password may open a session."""
    return shared.evolve(actor, role="service")


class Opened(shared.Record):
    """A session with its owner."""

    session: SessionView
    member: MemberView


class GetLogin(shared.Query, kw_only=True):
    email: Email


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
    return _member_view(member)


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


def _session_locks(command: OpenSession, work: Work) -> tuple[Wanted, ...]:
    return (MEMBERS.key(command.user_id), SESSIONS.key(command.user_id, command.session_id))


@use_case(allow=ADMINS, locks=_session_locks, secret=True)
async def open_session(command: OpenSession, work: Work) -> Opened:
    """Open a session for a member whose password was checked. Raises MemberSuspended."""
    member = work.get(MEMBERS.key(command.user_id))
    session = identity.open_session(
        member,
        id=command.session_id,
        token_hash=command.token_hash,
        device=command.device,
        address=work.actor.address,
        at=work.now,
    )
    work.save(session)
    return Opened(_session_view(session, session.id), _member_view(member))


def _own_session(command: CloseSession, work: Work) -> tuple[Key[Session]]:
    return (SESSIONS.key(work.actor.user_id, command.session_id),)


@use_case(allow=SIGNED_IN, locks=_own_session)
async def close_session(command: CloseSession, work: Work) -> SessionView:
    """Sign out: revoke one of one's own sessions."""
    session = identity.revoke(work.get(*_own_session(command, work)), work.now)
    work.save(session)
    return _session_view(session, work.actor.credential_id)


@use_case(allow=ADMINS, locks=lambda command, work: (MEMBERS.key(command.user_id),))
async def set_role(command: SetRole, work: Work) -> MemberView:
    """Give a member another role."""
    member, changed = identity.with_role(
        work.get(MEMBERS.key(command.user_id)), command.role, command.producer_id
    )
    work.save(member)
    work.record(changed)
    return _member_view(member)


def update_level(work: Work, user_id: UUID, *, investments: int, subscriptions: int, reason: str) -> None:
    """Bring a member to the level that the facts give, inside another use case that locks `MEMBERS`."""
    member = work.get(MEMBERS.key(user_id))
    level = identity.level_for(investments, subscriptions)
    if change := identity.with_level(member, level, id=work.new_id(), reason=reason, at=work.now):
        work.save(*change[:2])
        work.record(change[2])


@query(allow=ADMINS)
async def login(question: GetLogin, read: Read[HasIdentity]) -> Login | None:
    """The login of an e-mail; for `sign_in` only, never for an edge."""
    found = await read.ports.identity.login(identity.email_of(question.email))
    return found[0] if found else None


@query(allow=SIGNED_IN)
async def member(question: GetMember, read: Read[HasIdentity]) -> MemberView:
    """One's own account; any for an admin."""
    read.actor.must_own(question.user_id, "member", question.user_id)
    found = await read.ports.identity.member(question.user_id)
    if found is None:
        raise shared.NotFound(kind="member", id=str(question.user_id))
    return _member_view(found)


@query(allow=ADMINS)
async def members(question: ListMembers, read: Read[HasIdentity]) -> Page[MemberView]:
    """Every member, newest first; or the one of an e-mail."""
    email = identity.email_of(question.email) if question.email else None
    found = await read.ports.identity.members(question.limit + 1, uuid_of(question.cursor), email)
    return page_of([_member_view(one) for one in found], question.limit, lambda one: one.user_id)


@query(allow=SIGNED_IN)
async def sessions(question: ListSessions, read: Read[HasIdentity]) -> Page[SessionView]:
    """One's own sessions, newest first."""
    before = uuid_of(question.cursor)
    found = await read.ports.identity.sessions(read.actor.user_id, question.limit + 1, before)
    views = [_session_view(one, read.actor.credential_id) for one in found]
    return page_of(views, question.limit, lambda one: one.id)


def _member_view(member: Member) -> MemberView:
    return MemberView(*(getattr(member, name) for name in MemberView.__struct_fields__))


def _session_view(session: Session, current: UUID | None) -> SessionView:
    return SessionView(
        session.id,
        session.device,
        session.address,
        session.expires_at,
        session.created_at,
        session.revoked_at,
        session.id == current,
    )
