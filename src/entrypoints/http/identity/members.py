"""Members and their sessions over HTTP."""

from typing import TypeVar
from uuid import UUID

from ....application import identity
from ....application.identity import Email, MemberView, SessionView, SignedIn, SignedOut
from ....application.pages import Limit, Page
from ....domain import shared
from ..ask import Ask
from ..routes import ADMINS, ANYONE, SIGNED_IN, delete, get, post, put

S = TypeVar("S", identity.SignUp, identity.SignIn, identity.SignInByMail, identity.SecondStep)


def _from(data: S, ask: Ask) -> S:
    """The wish, of the device that it names, or of the program that asks."""
    return data if data.device else shared.evolve(data, device=ask.device)


@post("/members", allow=ANYONE, statuses=(409, 422))
async def sign_up(data: identity.SignUp, ask: Ask) -> SignedIn:
    """Become a member; the answer holds a first session.

    A mail with a code says how to verify the e-mail. Until then it does not sign in."""
    return await identity.sign_up(_from(data, ask), ask.gate, ask.actor)


@post("/sessions", allow=ANYONE, statuses=(401, 409, 422))
async def sign_in(data: identity.SignIn, ask: Ask) -> SignedIn:
    """Open a session.

    Who has a second factor is answered 401 `second_factor_needed` with a `challenge`."""
    return await identity.sign_in(_from(data, ask), ask.gate, ask.actor)


@post("/sessions/second-step", allow=ANYONE, statuses=(401, 409, 422))
async def second_step(data: identity.SecondStep, ask: Ask) -> SignedIn:
    """Open a session by the challenge of the first step and a code."""
    return await identity.second_step(_from(data, ask), ask.gate, ask.actor)


@post("/sessions/mail", allow=ANYONE, status_code=202, statuses=(422,))
async def ask_to_sign_in(data: identity.AskByMail, ask: Ask) -> identity.Sent:
    """Ask for a link and a code that sign in, by mail.

    The answer is the same whether or not there is an account."""
    return await identity.ask_by_mail(data, "sign_in", ask.gate, ask.actor)


@post("/sessions/by-mail", allow=ANYONE, statuses=(401, 409, 422))
async def sign_in_by_mail(data: identity.SignInByMail, ask: Ask) -> SignedIn:
    """Open a session by the link or the code of a mail."""
    return await identity.sign_in_by_mail(_from(data, ask), ask.gate, ask.actor)


@get("/sessions", allow=SIGNED_IN)
async def list_sessions(ask: Ask, limit: Limit = 25, cursor: str | None = None) -> Page[SessionView]:
    """List one's own sessions, newest first."""
    return await ask.read(identity.sessions, identity.ListSessions(limit=limit, cursor=cursor))


@delete("/sessions", allow=SIGNED_IN, status_code=200)
async def sign_out_everywhere(ask: Ask, keep_current: bool = False) -> SignedOut:
    """Sign out everywhere: close all of one's own sessions, or all but the one that asks."""
    keep = ask.actor.credential_id if keep_current else None
    return await ask(identity.sign_out_everywhere, identity.SignOut(user_id=ask.actor.user_id, keep=keep))


@delete("/sessions/current", allow=SIGNED_IN, status_code=200)
async def sign_out(ask: Ask) -> SessionView:
    """Sign out: close the session that asks."""
    return await ask(
        identity.close_session,
        identity.CloseSession(session_id=ask.actor.credential_id or shared.NOBODY),
    )


@delete("/sessions/{session_id:uuid}", allow=SIGNED_IN, status_code=200)
async def close_session(session_id: UUID, ask: Ask) -> SessionView:
    """Close one of one's own sessions."""
    return await ask(identity.close_session, identity.CloseSession(session_id=session_id))


@get("/members/me", allow=SIGNED_IN)
async def me(ask: Ask) -> MemberView:
    """Read one's own account."""
    return await ask.read(identity.member, identity.GetMember(user_id=ask.actor.user_id))


@get("/members/{user_id:uuid}", allow=SIGNED_IN)
async def show_member(user_id: UUID, ask: Ask) -> MemberView:
    """Read an account: one's own, or any for administrators."""
    return await ask.read(identity.member, identity.GetMember(user_id=user_id))


@get("/members", allow=ADMINS)
async def list_members(
    ask: Ask, limit: Limit = 25, cursor: str | None = None, email: Email | None = None
) -> Page[MemberView]:
    """List members, newest first (administrators).

    Of those who named an e-mail the one who proved it comes first."""
    return await ask.read(identity.members, identity.ListMembers(limit=limit, cursor=cursor, email=email))


@put("/members/{user_id:uuid}/role", allow=ADMINS)
async def set_role(user_id: UUID, data: identity.Role, ask: Ask) -> MemberView:
    """Give a member another role (administrators)."""
    command = identity.SetRole(user_id=user_id, role=data.role, producer_id=data.producer_id)
    return await ask(identity.set_role, command)


@post("/members/{user_id:uuid}/verification", allow=ADMINS, status_code=200)
async def verify_member(user_id: UUID, ask: Ask) -> MemberView:
    """Vouch for a member's e-mail, that was seen by other means (administrators)."""
    return await ask(identity.verify_member, identity.OfMember(user_id=user_id))


@put("/members/{user_id:uuid}/suspension", allow=ADMINS)
async def suspend(user_id: UUID, data: identity.Why, ask: Ask) -> MemberView:
    """Keep a member out: sessions are closed, API keys open nothing (administrators)."""
    return await ask(identity.suspend, identity.Suspend(user_id=user_id, reason=data.reason))


@delete("/members/{user_id:uuid}/suspension", allow=ADMINS, status_code=200)
async def reinstate(user_id: UUID, ask: Ask) -> MemberView:
    """Let a suspended member in again (administrators)."""
    return await ask(identity.reinstate, identity.OfMember(user_id=user_id))


@delete("/members/{user_id:uuid}/sessions", allow=ADMINS, status_code=200)
async def sign_member_out(user_id: UUID, ask: Ask) -> SignedOut:
    """Close all sessions of a member (administrators)."""
    return await ask(identity.sign_member_out, identity.OfMember(user_id=user_id))


@delete("/members/{user_id:uuid}/second-factor", allow=ADMINS, statuses=(404, 409), status_code=200)
async def reset_second_factor(user_id: UUID, ask: Ask) -> MemberView:
    """Take away the second factor of a member who lost it (administrators)."""
    return await ask(identity.reset_second_factor, identity.OfMember(user_id=user_id))


HANDLERS = [
    sign_up,
    sign_in,
    second_step,
    ask_to_sign_in,
    sign_in_by_mail,
    list_sessions,
    sign_out_everywhere,
    sign_out,
    close_session,
    me,
    show_member,
    list_members,
    set_role,
    verify_member,
    suspend,
    reinstate,
    sign_member_out,
    reset_second_factor,
]
