"""Proofs by mail: made, sent, shown (M1). A link is consumed by showing it on purpose, never by opening it.

Whether there is an account is told to nobody: what is asked for is counted and answered alike, and all else
happens after the answer.
"""

from datetime import datetime, timedelta
from uuid import UUID

from ...domain import identity, shared
from ...domain.identity import Proof, Purpose, Shown
from ..work import ADMINS, Key, Wanted, Work, use_case
from .accounts import account_by
from .attempts import charged
from .gate import Gate, trusted
from .letters import notice, proof_letter
from .records import MEMBERS, PROOFS, Email, LinkText, ShortCode
from .tokens import LinkToken, code_digest, digest_of, read_link


class AskByMail(shared.Command, kw_only=True):
    """Ask for a link and a code by mail."""

    email: Email


class Sent(shared.Record):
    """Where a mail goes, if there is an account with this address."""

    email: str


class ByMail(shared.Command, kw_only=True):
    """What a mail said: the token of its link, or its code with the address that it was sent to."""

    token: LinkText | None = None
    email: Email | None = None
    code: ShortCode | None = None


class MakeProof(shared.Command, kw_only=True):
    """A proof for an account, of which only hashes are stored."""

    user_id: UUID
    purpose: Purpose
    address: Email
    token_hash: bytes
    code_hash: bytes
    life: timedelta


class Made(shared.Record):
    """Until when a proof is good."""

    expires_at: datetime


class ShowProof(shared.Command, kw_only=True):
    """Show what a mail said."""

    user_id: UUID
    purpose: Purpose
    shown: Shown


class Answered(shared.Record):
    """Whether what was shown is right, and the address that it was sent to."""

    right: bool
    address: str = ""


def proof_locks(command: ShowProof | MakeProof, work: Work) -> tuple[Wanted, ...]:
    return MEMBERS.key(command.user_id), PROOFS.key(command.user_id, command.purpose)


@use_case(allow=ADMINS, locks=proof_locks, secret=True)
async def make_proof(command: MakeProof, work: Work) -> Made:
    """Make a proof; an older one for the same purpose is good no more."""
    work.get(MEMBERS.key(command.user_id))
    expires = work.now + command.life
    proof = shared.recast(Proof, command, expires_at=expires, created_at=work.now)
    work.save(proof)
    return Made(expires)


def show(work: Work, command: ShowProof) -> Proof | None:
    """The proof that is shown; None where it is not right."""
    proof = work.find(PROOFS.key(command.user_id, command.purpose))
    return proof if identity.is_right(proof, command.shown, work.now) else None


def show_own(work: Work, command: ShowProof) -> Proof | None:
    """The same for its owner, who is signed in: a wrong code is counted, and after a few it is void."""
    found = show(work, command)
    proof = work.find(PROOFS.key(command.user_id, command.purpose))
    if found is None and proof is not None and command.shown.code_hash:
        after = identity.missed(proof)
        if after is None:
            work.remove(proof)
        else:
            work.save(after)
    return found


def void_links(work: Work, user_id: UUID, address: str | None = None) -> None:
    """Let links and codes that let somebody in be good no more: all, or those that were sent to an address.
    Inside a use case with the `link_keys`."""
    for key in link_keys(user_id):
        proof = work.find(key)
        if proof is not None and address in (None, proof.address):
            work.remove(proof)


def link_keys(user_id: UUID) -> tuple[Key[Proof], ...]:
    return PROOFS.key(user_id, "sign_in"), PROOFS.key(user_id, "reset")


@use_case(allow=ADMINS, locks=proof_locks, secret=True)
async def look_at_proof(command: ShowProof, work: Work) -> Answered:
    """Whether a proof is right; it stays good."""
    proof = show(work, command)
    return Answered(proof is not None, proof.address if proof else "")


@use_case(allow=ADMINS, locks=proof_locks, secret=True)
async def take_proof(command: ShowProof, work: Work) -> Answered:
    """Take a proof: it is good no more."""
    proof = show(work, command)
    if proof is None:
        return Answered(False)
    work.remove(proof)
    return Answered(True, proof.address)


async def send_proof(user_id: UUID, purpose: Purpose, to: str, gate: Gate, actor: shared.Actor) -> None:
    """Make a proof and write it to an address, after the answer."""
    token = LinkToken(user_id, purpose, gate.secrets.random(32))
    code, life = _code(gate), gate.lifetimes.of(purpose)
    command = MakeProof(
        user_id=user_id,
        purpose=purpose,
        address=to,
        token_hash=digest_of(token.secret),
        code_hash=code_digest(gate.secrets, user_id, purpose, code),
        life=life,
    )
    await gate.run(make_proof, command, actor=trusted(actor))
    letter = {"token": token.text(), "code": code, "public_url": gate.public_url}
    gate.write(proof_letter(to, purpose, life=life, **letter))


async def greet(user_id: UUID, email: str, gate: Gate, actor: shared.Actor) -> None:
    """Send somebody new what verifies their e-mail; where it has an account already, the mail says that."""
    if await account_by(email, gate, actor) is None:
        await send_proof(user_id, "verify", email, gate, actor)
    else:
        gate.write(notice(email, "known"))


def _code(gate: Gate) -> str:
    """Digits by chance: of 64 bits, so that each is as likely as the others."""
    number = int.from_bytes(gate.secrets.random(8), "big") % 10**identity.CODE_DIGITS
    return f"{number:0{identity.CODE_DIGITS}}"


async def ask_by_mail(command: AskByMail, purpose: Purpose, gate: Gate, actor: shared.Actor) -> Sent:
    """Ask for a link and a code. Raises TooManyAttempts, InvalidEmail, and nothing else."""
    email = identity.email_of(command.email)
    await charged(gate, actor, "mail", email)
    gate.later(_send_where_known(email, purpose, gate, actor))
    return Sent(email)


async def _send_where_known(email: str, purpose: Purpose, gate: Gate, actor: shared.Actor) -> None:
    account = await account_by(email, gate, actor)
    if account is not None:
        await send_proof(account.member.user_id, purpose, email, gate, actor)


async def shown_by(command: ByMail, purpose: Purpose, gate: Gate, actor: shared.Actor) -> ShowProof:
    """What a stranger shows: of the account that the token or the e-mail names, or of nobody, which takes as
    long. A guess at a code is counted. Raises ProofRefused, ProofIncomplete, TooManyAttempts."""
    if command.token is not None:
        return _by_token(read_link(command.token, purpose))
    if command.email is None or command.code is None:
        raise identity.ProofIncomplete
    email = identity.email_of(command.email)
    await charged(gate, actor, "code", email)
    account = await account_by(email, gate, actor)
    user_id = account.member.user_id if account else shared.NOBODY
    return _by_code(user_id, purpose, command.code, gate)


def shown_by_owner(command: ByMail, purpose: Purpose, gate: Gate, actor: shared.Actor) -> ShowProof:
    """What a member shows who is signed in. Raises ProofRefused, ProofIncomplete."""
    if command.token is not None:
        return _by_token(read_link(command.token, purpose))
    if command.code is None:
        raise identity.ProofIncomplete
    return _by_code(actor.user_id, purpose, command.code, gate)


def _by_token(token: LinkToken) -> ShowProof:
    shown = Shown(token_hash=digest_of(token.secret))
    return ShowProof(user_id=token.user_id, purpose=token.purpose, shown=shown)


def _by_code(user_id: UUID, purpose: Purpose, code: str, gate: Gate) -> ShowProof:
    shown = Shown(code_hash=code_digest(gate.secrets, user_id, purpose, code))
    return ShowProof(user_id=user_id, purpose=purpose, shown=shown)
