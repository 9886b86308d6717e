"""Sign up and sign in (M1).

A password is hashed outside any transaction: signing up and in are a call to `Secrets`, then one
use case.
"""

from uuid import UUID

from ...domain import identity, shared
from ...domain.identity import Login
from ..runner import Runner
from ..work import ADMINS, Read, query
from .members import Enrol, enrol
from .records import Device, Email, HasIdentity, Password, Secrets, SignedIn
from .sessions import OpenSession, open_session
from .tokens import Token


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


class GetLogin(shared.Query, kw_only=True):
    email: Email


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


@query(allow=ADMINS)
async def login(question: GetLogin, read: Read[HasIdentity]) -> Login | None:
    """The login of an e-mail; for `sign_in` only, never for an edge."""
    found = await read.ports.identity.login(identity.email_of(question.email))
    return found[0] if found else None
