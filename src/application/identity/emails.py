"""The e-mails of an account: proved, chosen, removed (M1). Only proved ones sign somebody in."""

from datetime import datetime

from ...domain import identity, shared
from ...domain.identity import Purpose
from ..runner import authorize
from ..work import SIGNED_IN, Read, Wanted, Work, query, use_case
from .accounts import account_of
from .attempts import charged
from .gate import Gate, trusted
from .letters import notice
from .members import claim
from .proving import (
    AskByMail,
    ByMail,
    Sent,
    ShowProof,
    greet,
    link_keys,
    look_at_proof,
    proof_locks,
    send_proof,
    show_own,
    shown_by_owner,
    void_links,
)
from .records import (
    LOGINS,
    MEMBERS,
    PROOFS,
    Email,
    HasIdentity,
    LinkText,
    MemberView,
    Secret,
    email_key,
    member_view,
)
from .sessions import check_fresh, own_session_keys
from .tokens import LinkToken, digest_of, read_link

SCOPE = "identity:write"


class NameEmail(shared.Command, kw_only=True):
    """One of one's own e-mails."""

    email: Email


class VerifyByPassword(shared.Command, kw_only=True):
    """Prove an e-mail by the token of a link, and the password of the account that it was made for: so nobody
    proves their address for an account that somebody else opened."""

    token: LinkText
    password: Secret


class EmailView(shared.Record):
    """An e-mail of an account; `primary` is where its owner is written to. One without `verified_at` does not
    sign in."""

    email: shared.Personal[str]
    primary: bool
    verified_at: datetime | None


class EmailsView(shared.Record):
    """The e-mails of an account."""

    items: tuple[EmailView, ...]


class Accepted(shared.Record):
    """Whether a proof was right, and the member then."""

    member: MemberView | None
    address: str = ""


class Changed(shared.Record):
    """The member, and the address that is to hear of the change."""

    member: MemberView
    told: str


# --- proved -------------------------------------------------------------------------------------


def _accept_locks(command: ShowProof, work: Work) -> tuple[Wanted, ...]:
    proof = work.find(PROOFS.key(command.user_id, command.purpose))
    owner = LOGINS.group("owner", command.user_id)
    login = (email_key(proof.address),) if proof else ()
    return (*login, *proof_locks(command, work), *own_session_keys(work), owner)


@use_case(allow=SIGNED_IN, loads=(proof_locks,), locks=_accept_locks, secret=True)
async def accept_email(command: ShowProof, work: Work) -> Accepted:
    """Take the proof of an e-mail: from now on it signs its owner in. Raises EmailTaken, TooManyEmails."""
    work.actor.must_own(command.user_id, "member", command.user_id)
    proof = show_own(work, command)
    if proof is None:
        return Accepted(None)
    work.remove(proof)
    identity.check_room(work.list(LOGINS.group("owner", command.user_id)))
    member = claim(work, work.get(MEMBERS.key(command.user_id)), proof.address)
    return Accepted(member_view(member), proof.address)


async def verify_email(command: ByMail, gate: Gate, actor: shared.Actor) -> MemberView:
    """Verify the e-mail of sign-up, signed in. Raises ProofRefused, ProofIncomplete, EmailTaken."""
    return await _accepted(command, "verify", gate, actor)


async def verify_by_password(command: VerifyByPassword, gate: Gate, actor: shared.Actor) -> MemberView:
    """Prove an e-mail, of sign-up or to be added, by a link and the password, at which nobody guesses who has
    no link. Raises ProofRefused, WrongCredentials, TooManyAttempts."""
    link = read_link(command.token, "verify", "add_email")
    shown = _shown(link)
    if not (await gate.run(look_at_proof, shown, actor=trusted(actor))).right:
        raise identity.ProofRefused
    found = await account_of(link.user_id, gate, actor)
    await charged(gate, actor, "password", found.member.email)
    hashed = found.password.hash if found.password else ""
    if not await gate.secrets.matches(hashed, command.password):
        raise identity.WrongCredentials
    accepted = await gate.run(accept_email, shown, actor=trusted(actor))
    if accepted.member is None:
        raise identity.ProofRefused
    if link.purpose == "add_email":
        gate.write(notice(accepted.member.email, "email_added"))
    return accepted.member


def _shown(link: LinkToken) -> ShowProof:
    shown = identity.Shown(token_hash=digest_of(link.secret))
    return ShowProof(user_id=link.user_id, purpose=link.purpose, shown=shown)


async def _accepted(command: ByMail, purpose: Purpose, gate: Gate, actor: shared.Actor) -> MemberView:
    authorize(SIGNED_IN, actor, SCOPE)
    if command.code is not None:
        await charged(gate, actor, "code", actor.user_id)
    wish = shown_by_owner(command, purpose, gate, actor)
    accepted = await gate.run(accept_email, wish, actor=actor)
    if accepted.member is None:
        raise identity.ProofRefused
    return accepted.member


class SendAgain(shared.Command, kw_only=True):
    """Have the mail of sign-up once more."""


def _own_key(command: SendAgain, work: Work) -> tuple[Wanted, ...]:
    return (MEMBERS.key(work.actor.user_id),)


@use_case(allow=SIGNED_IN, locks=_own_key)
async def may_have_again(command: SendAgain, work: Work) -> MemberView:
    """Whether there is anything left to verify. Raises EmailVerifiedAlready."""
    member = work.get(MEMBERS.key(work.actor.user_id))
    if member.verified_at is not None:
        raise identity.EmailVerifiedAlready
    return member_view(member)


async def resend(gate: Gate, actor: shared.Actor) -> Sent:
    """Send the mail of sign-up again. Raises EmailVerifiedAlready, TooManyAttempts."""
    member = await gate.run(may_have_again, SendAgain(), actor=actor)
    await charged(gate, actor, "mail", member.email)
    gate.later(greet(member.user_id, member.email, gate, actor))
    return Sent(member.email)


# --- added, chosen, removed ---------------------------------------------------------------------


def _adding_locks(command: NameEmail, work: Work) -> tuple[Wanted, ...]:
    return MEMBERS.key(work.actor.user_id), *own_session_keys(work)


@use_case(allow=SIGNED_IN, locks=_adding_locks)
async def may_add_email(command: NameEmail, work: Work) -> MemberView:
    """Whether one may add an e-mail now. Raises SignInAgain, EmailNotVerified, InvalidEmail."""
    check_fresh(work)
    identity.email_of(command.email)
    member = work.get(MEMBERS.key(work.actor.user_id))
    identity.check_verified(member)
    return member_view(member)


async def add_email(command: AskByMail, gate: Gate, actor: shared.Actor) -> Sent:
    """Send a mail to another address of one's own, which is added when it is proved. Raises SignInAgain,
    EmailNotVerified, TooManyAttempts."""
    wish = NameEmail(email=identity.email_of(command.email))
    await gate.run(may_add_email, wish, actor=actor)
    await charged(gate, actor, "mail", wish.email)
    await send_proof(actor.user_id, "add_email", wish.email, gate, actor)
    return Sent(wish.email)


async def accept_added(command: ByMail, gate: Gate, actor: shared.Actor) -> MemberView:
    """Prove the address that is to be added. Raises ProofRefused, ProofIncomplete, EmailTaken."""
    member = await _accepted(command, "add_email", gate, actor)
    gate.write(notice(member.email, "email_added"))
    return member


def _own_email_locks(command: NameEmail, work: Work) -> tuple[Wanted, ...]:
    owner = work.actor.user_id
    return email_key(command.email), MEMBERS.key(owner), *own_session_keys(work), *link_keys(owner)


@use_case(allow=SIGNED_IN, locks=_own_email_locks)
async def choose_email(command: NameEmail, work: Work) -> Changed:
    """Be written to at another of one's own e-mails. Raises EmailNotYours, SignInAgain."""
    check_fresh(work)
    before = work.get(MEMBERS.key(work.actor.user_id))
    login = identity.owned(work.find(email_key(command.email)), before, command.email)
    member = shared.evolve(before, email=login.value)
    if member != before:
        work.save(member)
        work.record(identity.EmailChanged(member.user_id))
    return Changed(member_view(member), before.email)


async def change_email(command: NameEmail, gate: Gate, actor: shared.Actor) -> MemberView:
    """Be written to at another of one's own e-mails; the one before is told. Raises EmailNotYours,
    SignInAgain."""
    changed = await gate.run(choose_email, command, actor=actor)
    if changed.told != changed.member.email:
        gate.write(notice(changed.told, "email_changed"))
    return changed.member


@use_case(allow=SIGNED_IN, locks=_own_email_locks)
async def drop_email(command: NameEmail, work: Work) -> Changed:
    """Remove one of one's own e-mails; who reads there comes in no more. Raises EmailNotYours, EmailInUse,
    SignInAgain."""
    check_fresh(work)
    member = work.get(MEMBERS.key(work.actor.user_id))
    login = identity.owned(work.find(email_key(command.email)), member, command.email)
    identity.check_spare(member, login.value)
    work.remove(login)
    void_links(work, member.user_id, login.value)
    work.record(identity.EmailRemoved(member.user_id))
    return Changed(member_view(member), member.email)


async def remove_email(command: NameEmail, gate: Gate, actor: shared.Actor) -> MemberView:
    """Remove one of one's own e-mails; the remaining one is told. Raises EmailNotYours, EmailInUse."""
    changed = await gate.run(drop_email, command, actor=actor)
    gate.write(notice(changed.told, "email_removed"))
    return changed.member


class ListEmails(shared.Query, kw_only=True):
    """One's own e-mails."""


@query(allow=SIGNED_IN)
async def emails(question: ListEmails, read: Read[HasIdentity]) -> EmailsView:
    """One's own e-mails, the oldest first."""
    member = await read.ports.identity.member(read.actor.user_id)
    if member is None:
        raise shared.NotFound(kind="member", id=str(read.actor.user_id))
    logins = await read.ports.identity.logins(member.user_id)
    views = [EmailView(one.value, one.value == member.email, one.created_at) for one in logins]
    if member.verified_at is None:
        views.append(EmailView(member.email, True, None))
    return EmailsView(tuple(views))
