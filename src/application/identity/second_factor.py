"""A second factor: enrolled, confirmed by a code, turned off by one (M1)."""

from ...domain import identity, shared
from ...domain.identity import Answer
from ..runner import authorize
from ..work import ADMINS, SIGNED_IN, Read, Wanted, Work, query, use_case
from .accounts import account_of
from .attempts import charged
from .codes import FactorCode, answer_of, recovery_codes
from .emails import SCOPE
from .gate import Gate
from .letters import notice
from .records import MEMBERS, SECOND_FACTORS, Account, HasIdentity, MemberView, member_view
from .sessions import OfMember, check_fresh, own_session_keys


class GiveCode(shared.Command, kw_only=True):
    """A code of the second factor."""

    code: FactorCode


class EnrolFactor(OfMember, kw_only=True):
    """A fresh secret, sealed."""

    sealed: str


class ConfirmFactor(OfMember, kw_only=True):
    """What was right of the first code, and the hashes of recovery codes."""

    sealed: str
    answer: Answer
    recovery: tuple[str, ...]


class RenewRecovery(OfMember, kw_only=True):
    """What was right of a code, and the hashes of new recovery codes."""

    answer: Answer
    recovery: tuple[str, ...]


class DropFactor(OfMember, kw_only=True):
    """What was right of a code."""

    answer: Answer


class FactorSecret(shared.Record):
    """What the telephone is given, this once: the secret, and the same as the link of a QR code."""

    secret: str
    link: str


class RecoveryCodes(shared.Record):
    """Each lets its owner in once without the telephone. Shown this once."""

    codes: tuple[str, ...]


class FactorState(shared.Record):
    """Whether signing in takes a second step, and how many recovery codes are left."""

    on: bool
    recovery_codes: int


def _locks(command: OfMember, work: Work) -> tuple[Wanted, ...]:
    owner = command.user_id
    return MEMBERS.key(owner), SECOND_FACTORS.key(owner), *own_session_keys(work)


def _check_owner(command: OfMember, work: Work) -> None:
    work.actor.must_own(command.user_id, "member", command.user_id)
    check_fresh(work)


@use_case(allow=SIGNED_IN, locks=_locks, secret=True)
async def enrol_factor(command: EnrolFactor, work: Work) -> FactorState:
    """Begin with a second factor. Raises SecondFactorThere, EmailNotVerified, SignInAgain."""
    _check_owner(command, work)
    member = work.get(MEMBERS.key(command.user_id))
    identity.check_verified(member)
    before = work.find(SECOND_FACTORS.key(command.user_id))
    work.save(identity.enrolled(before, member, command.sealed, work.now))
    return FactorState(False, 0)


@use_case(allow=SIGNED_IN, locks=_locks, secret=True)
async def confirm_factor(command: ConfirmFactor, work: Work) -> FactorState:
    """Have a second factor from now on. Raises CodeRefused, NoSecondFactor, SecondFactorThere."""
    _check_owner(command, work)
    factor = work.find(SECOND_FACTORS.key(command.user_id))
    work.save(identity.confirmed(factor, command.sealed, command.answer, command.recovery, work.now))
    for key in own_session_keys(work):
        if (session := work.find(key)) is not None:
            work.save(shared.evolve(session, strong=True))
    work.record(identity.SecondFactorOn(command.user_id))
    return FactorState(True, len(command.recovery))


@use_case(allow=SIGNED_IN, locks=_locks, secret=True)
async def renew_recovery(command: RenewRecovery, work: Work) -> FactorState:
    """Have new recovery codes instead of the old. Raises CodeRefused, NoSecondFactor."""
    work.actor.must_own(command.user_id, "member", command.user_id)
    factor = identity.used(work.find(SECOND_FACTORS.key(command.user_id)), command.answer)
    work.save(shared.evolve(factor, recovery=command.recovery))
    return FactorState(True, len(command.recovery))


@use_case(allow=SIGNED_IN, locks=_locks, secret=True)
async def drop_factor(command: DropFactor, work: Work) -> MemberView:
    """Have no second factor any more. Raises CodeRefused, NoSecondFactor."""
    work.actor.must_own(command.user_id, "member", command.user_id)
    work.save(identity.used(work.find(SECOND_FACTORS.key(command.user_id)), command.answer))
    return _without(command, work)


@use_case(allow=ADMINS, locks=_locks)
async def reset_second_factor(command: OfMember, work: Work) -> MemberView:
    """Take away the second factor of a member who lost it. Raises NoSecondFactor."""
    return _without(command, work)


def _without(command: OfMember, work: Work) -> MemberView:
    member, factor = work.get(MEMBERS.key(command.user_id)), work.find(SECOND_FACTORS.key(command.user_id))
    if factor is None:
        raise identity.NoSecondFactor
    work.remove(factor)
    work.record(identity.SecondFactorOff(command.user_id))
    return member_view(member)


# --- what edges ask -----------------------------------------------------------------------------


async def _own(gate: Gate, actor: shared.Actor, *, guess: bool = False) -> Account:
    """One's own account, for what changes it. A guess at a code is counted. Raises TooManyAttempts."""
    authorize(SIGNED_IN, actor, SCOPE)
    found = await account_of(actor.user_id, gate, actor)
    if guess:
        await charged(gate, actor, "second_factor", actor.user_id)
    return found


async def begin_second_factor(gate: Gate, actor: shared.Actor) -> FactorSecret:
    """A fresh secret for a telephone; it counts once a code of it is given. Raises SecondFactorThere,
    EmailNotVerified, SignInAgain, NoSecretKey."""
    found = await _own(gate, actor)
    secret = gate.authenticator.secret()
    wish = EnrolFactor(user_id=actor.user_id, sealed=gate.secrets.seal(secret))
    await gate.run(enrol_factor, wish, actor=actor)
    return FactorSecret(secret, gate.authenticator.link(secret, found.member.email))


async def confirm_second_factor(command: GiveCode, gate: Gate, actor: shared.Actor) -> RecoveryCodes:
    """Turn the second factor on, by a first code. Raises CodeRefused, NoSecondFactor, SecondFactorThere."""
    found = await _own(gate, actor, guess=True)
    answer = answer_of(found.factor, command.code, gate)
    shown, stored = recovery_codes(actor.user_id, gate)
    sealed = found.factor.sealed if found.factor else ""
    wish = ConfirmFactor(user_id=actor.user_id, sealed=sealed, answer=answer, recovery=stored)
    await gate.run(confirm_factor, wish, actor=actor)
    gate.write(notice(found.member.email, "factor_on"))
    return RecoveryCodes(shown)


async def new_recovery_codes(command: GiveCode, gate: Gate, actor: shared.Actor) -> RecoveryCodes:
    """New recovery codes, by a code. Raises CodeRefused, NoSecondFactor."""
    found = await _own(gate, actor, guess=True)
    shown, stored = recovery_codes(actor.user_id, gate)
    answer = answer_of(found.factor, command.code, gate)
    wish = RenewRecovery(user_id=actor.user_id, answer=answer, recovery=stored)
    await gate.run(renew_recovery, wish, actor=actor)
    return RecoveryCodes(shown)


async def end_second_factor(command: GiveCode, gate: Gate, actor: shared.Actor) -> MemberView:
    """Turn the second factor off, by a code. Raises CodeRefused, NoSecondFactor."""
    found = await _own(gate, actor, guess=True)
    wish = DropFactor(user_id=actor.user_id, answer=answer_of(found.factor, command.code, gate))
    member = await gate.run(drop_factor, wish, actor=actor)
    gate.write(notice(found.member.email, "factor_off"))
    return member


class GetSecondFactor(shared.Query, kw_only=True):
    """One's own second factor."""


@query(allow=SIGNED_IN)
async def second_factor(question: GetSecondFactor, read: Read[HasIdentity]) -> FactorState:
    """Whether one has a second factor."""
    found = await read.ports.identity.account_of(read.actor.user_id)
    factor = found.factor if found else None
    return FactorState(identity.is_on(factor), len(factor.recovery) if factor else 0)
