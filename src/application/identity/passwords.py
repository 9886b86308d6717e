"""Passwords: changed by who knows the old one, or by who reads the account's mail (M1)."""

from uuid import UUID

from ...domain import identity, shared
from ...domain.identity import Member, Password, Shown
from ..runner import authorize
from ..work import ADMINS, SIGNED_IN, Wanted, Work, use_case
from .accounts import account_of
from .attempts import Counts, attempt_keys, charged, forgive
from .emails import SCOPE
from .gate import Gate, trusted
from .letters import notice
from .proving import ByMail, ShowProof, link_keys, look_at_proof, show, shown_by, void_links
from .records import MEMBERS, PASSWORDS, Secret
from .sessions import OfMember, SignedOut, close_all, closing_locks
from .tokens import who


class ChangePassword(shared.Command, kw_only=True):
    """Choose another password; all other sessions are closed."""

    old_password: Secret
    password: Secret


class ResetPassword(ByMail, kw_only=True):
    """Choose a password by what a mail said; all sessions are closed."""

    password: Secret


class SetPassword(OfMember, kw_only=True):
    """A password that was checked and hashed. `keep` is the session that stays open."""

    password_hash: str
    keep: UUID | None = None
    counts: tuple[Counts, ...] = ()


class SetByProof(OfMember, kw_only=True):
    """A password that was checked and hashed, for who shows a proof."""

    password_hash: str
    shown: Shown
    counts: tuple[Counts, ...] = ()


class Reset(shared.Record):
    """Whether the proof was right, and how many sessions were closed then."""

    right: bool
    closed: int = 0


def _set_locks(command: SetPassword | SetByProof, work: Work) -> tuple[Wanted, ...]:
    owner = command.user_id
    links = link_keys(owner)
    return *closing_locks(command, work), PASSWORDS.key(owner), *links, *attempt_keys(command.counts)


@use_case(allow=SIGNED_IN, locks=_set_locks, secret=True)
async def set_password(command: SetPassword, work: Work) -> SignedOut:
    """Have another password from now on; other sessions are closed, and links that let in are void."""
    work.actor.must_own(command.user_id, "member", command.user_id)
    work.get(MEMBERS.key(command.user_id))
    return _set(command.user_id, command.password_hash, command.counts, work, keep=command.keep)


def _set(
    user_id: UUID, hashed: str, counts: tuple[Counts, ...], work: Work, *, keep: UUID | None = None
) -> SignedOut:
    work.save(Password(user_id, hashed, work.now))
    void_links(work, user_id)
    forgive(work, counts)
    work.record(identity.PasswordChanged(user_id))
    return SignedOut(close_all(work, user_id, keep=keep))


@use_case(allow=ADMINS, locks=_set_locks, secret=True)
async def set_by_proof(command: SetByProof, work: Work) -> Reset:
    """Have another password from now on by a proof; all sessions are closed, and links that let in void."""
    proof = show(work, ShowProof(user_id=command.user_id, purpose="reset", shown=command.shown))
    if proof is None:
        return Reset(False)
    done = _set(command.user_id, command.password_hash, command.counts, work)
    return Reset(True, done.closed)


async def change_password(command: ChangePassword, gate: Gate, actor: shared.Actor) -> SignedOut:
    """Choose another password. Raises WrongCredentials, NoPassword, PasswordTooShort and its like,
    TooManyAttempts."""
    authorize(SIGNED_IN, actor, SCOPE)
    found = await account_of(actor.user_id, gate, actor)
    if found.password is None:
        raise identity.NoPassword
    check(command.password, found.member, gate)
    counts = await charged(gate, actor, "password", found.member.email)
    if not await gate.secrets.matches(found.password.hash, command.old_password):
        raise identity.WrongCredentials
    hashed = await gate.secrets.hash(command.password)
    wish = SetPassword(
        user_id=actor.user_id, password_hash=hashed, keep=actor.credential_id, counts=(counts,)
    )
    done = await gate.run(set_password, wish, actor=actor)
    gate.write(notice(found.member.email, "password"))
    return done


async def reset_password(command: ResetPassword, gate: Gate, actor: shared.Actor) -> SignedOut:
    """Choose a password by a link or a code. Raises ProofRefused, PasswordTooShort and its like,
    TooManyAttempts. What was counted against the account is forgotten."""
    proof = await shown_by(command, "reset", gate, actor)
    looked = await gate.run(look_at_proof, proof, actor=trusted(actor))
    if not looked.right:
        raise identity.ProofRefused
    found = await account_of(proof.user_id, gate, actor)
    check(command.password, found.member, gate)
    hashed = await gate.secrets.hash(command.password)
    wish = SetByProof(
        user_id=proof.user_id, password_hash=hashed, shown=proof.shown, counts=_held(looked.address, gate)
    )
    reset = await gate.run(set_by_proof, wish, actor=trusted(actor))
    if not reset.right:
        raise identity.ProofRefused
    gate.write(notice(found.member.email, "password"))
    return SignedOut(reset.closed)


def check(password: str, member: Member, gate: Gate) -> None:
    identity.check_password(password, email=member.email, name=member.name, is_common=gate.is_common)


def _held(email: str, gate: Gate) -> tuple[Counts, ...]:
    """What keeps somebody from signing in with this e-mail."""
    return tuple(Counts(who(gate.secrets, kind, email)) for kind in ("password", "code"))
