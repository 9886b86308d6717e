"""Sign up and sign in (M1).

A password is hashed outside any transaction: signing up and in are a call to `Secrets`, then one
use case. Who has a second factor is given a challenge, and comes back with it and a code.
"""

from uuid import UUID

import msgspec

from ...domain import identity, shared
from ...domain.identity import Purpose
from ..work import ADMINS, Wanted, Work, use_case
from .accounts import account_by, account_of
from .attempts import charged
from .codes import FactorCode, answer_of
from .gate import Gate, trusted
from .members import newcomer
from .proving import ByMail, greet, shown_by, take_proof
from .records import MEMBERS, PASSWORDS, Account, Device, Email, MemberView, Secret, SignedIn, member_view
from .sessions import NONE, Grounds, OpenSession, open_session
from .tokens import Token


class SignUp(shared.Command, kw_only=True):
    """Become a member. The password has at least 10 characters, and is not one that many use."""

    email: Email
    password: Secret
    name: shared.Name
    device: Device = ""


class SignIn(shared.Command, kw_only=True):
    """Open a session."""

    email: Email
    password: Secret
    device: Device = ""


class SignInByMail(ByMail, kw_only=True):
    """Open a session by what a mail said."""

    device: Device = ""


class SecondStep(shared.Command, kw_only=True):
    """The second step of signing in: the challenge of the first, and a code or a recovery code."""

    challenge: str
    code: FactorCode
    device: Device = ""


class Join(shared.Command, kw_only=True):
    """Somebody new, whose e-mail nobody proved yet."""

    user_id: UUID
    email: Email
    name: shared.Name
    password_hash: str


class Challenge(shared.Record):
    """What a sealed challenge says: who came how far."""

    user_id: UUID
    grounds: Grounds


def _join_locks(command: Join, work: Work) -> tuple[Wanted, ...]:
    return MEMBERS.key(command.user_id), PASSWORDS.key(command.user_id)


@use_case(allow=ADMINS, locks=_join_locks, secret=True)
async def join(command: Join, work: Work) -> MemberView:
    """Take somebody in who says that an e-mail is theirs: until it is proved it is nobody's."""
    return member_view(newcomer(work, command.user_id, command.email, command.name, command.password_hash))


async def sign_up(command: SignUp, gate: Gate, actor: shared.Actor) -> SignedIn:
    """Become a member and open a first session. The answer is the same whether or not the e-mail has an
    account; what the mail says is not. Raises InvalidEmail, PasswordTooShort and its like,
    TooManyAttempts."""
    email = identity.email_of(command.email)
    identity.check_password(command.password, email=email, name=command.name, is_common=gate.is_common)
    await charged(gate, actor, "mail", email)
    password_hash = await gate.secrets.hash(command.password)
    wish = Join(user_id=gate.run.new_id(), email=email, name=command.name, password_hash=password_hash)
    member = await gate.run(join, wish, actor=trusted(actor))
    gate.later(greet(member.user_id, member.email, gate, actor))
    return await _open(member.user_id, command.device, NONE, gate, actor)


async def sign_in(command: SignIn, gate: Gate, actor: shared.Actor) -> SignedIn:
    """Open a session. Raises WrongCredentials, whatever of the two is wrong, and takes as long;
    SecondFactorNeeded, TooManyAttempts."""
    email = identity.email_of(command.email)
    counts = await charged(gate, actor, "password", email)
    found = await account_by(email, gate, actor)
    if found is None or found.password is None:
        await gate.secrets.hash(command.password)  # so that a stranger learns nothing from the time it takes
        raise identity.WrongCredentials
    if not await gate.secrets.matches(found.password.hash, command.password):
        raise identity.WrongCredentials
    new_hash = ""
    if gate.secrets.is_outdated(found.password.hash):
        new_hash = await gate.secrets.hash(command.password)
    grounds = Grounds(found.password.changed_at, new_hash, counts=(counts,))
    return await _first_step(found, grounds, command.device, gate, actor)


async def sign_in_by_mail(command: SignInByMail, gate: Gate, actor: shared.Actor) -> SignedIn:
    """Open a session by a link or a code, which are good no more then. Raises ProofRefused,
    SecondFactorNeeded, TooManyAttempts."""
    purpose: Purpose = "sign_in"
    proof = await shown_by(command, purpose, gate, actor)
    if not (await gate.run(take_proof, proof, actor=trusted(actor))).right:
        raise identity.ProofRefused
    found = await account_of(proof.user_id, gate, actor)
    return await _first_step(found, NONE, command.device, gate, actor)


async def _first_step(
    found: Account, grounds: Grounds, device: str, gate: Gate, actor: shared.Actor
) -> SignedIn:
    """The session, or SecondFactorNeeded."""
    if identity.is_on(found.factor):
        came = msgspec.json.encode(Challenge(found.member.user_id, grounds))
        raise identity.SecondFactorNeeded(challenge=gate.secrets.seal(came.decode()))
    return await _open(found.member.user_id, device, grounds, gate, actor)


async def second_step(command: SecondStep, gate: Gate, actor: shared.Actor) -> SignedIn:
    """Open a session by a challenge and a code. Raises ChallengeOver, CodeRefused, TooManyAttempts."""
    came = _challenge(command.challenge, gate)
    counts = await charged(gate, actor, "second_factor", came.user_id)
    found = await account_of(came.user_id, gate, actor)
    answer = answer_of(found.factor, command.code, gate)
    grounds = shared.evolve(came.grounds, answer=answer, counts=(*came.grounds.counts, counts))
    try:
        return await _open(came.user_id, command.device, grounds, gate, actor)
    except identity.WrongCredentials:
        raise identity.ChallengeOver from None


def _challenge(text: str, gate: Gate) -> Challenge:
    sealed = gate.secrets.unseal(text, int(identity.CHALLENGE_LIFE.total_seconds()))
    try:
        return msgspec.json.decode(sealed or "", type=Challenge)
    except msgspec.MsgspecError:
        raise identity.ChallengeOver from None


async def _open(user_id: UUID, device: str, grounds: Grounds, gate: Gate, actor: shared.Actor) -> SignedIn:
    token = Token(user_id, gate.run.new_id(), gate.secrets.random(32))
    command = OpenSession(
        user_id=user_id,
        session_id=token.session_id,
        token_hash=token.digest(),
        device=device,
        grounds=grounds,
        lasting=gate.lasting,
    )
    opened = await gate.run(open_session, command, actor=trusted(actor))
    return SignedIn(token.text(), opened.session, opened.member)
