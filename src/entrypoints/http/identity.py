"""Members and their sessions over HTTP."""

from uuid import UUID

from ...application import identity
from ...application.identity import Email, MemberView, SessionView, SignedIn
from ...application.pages import Limit, Page
from .ask import Ask
from .routes import ADMINS, ANYONE, SIGNED_IN, delete, get, post, put


@post("/members", allow=ANYONE, statuses=(409, 422))
async def sign_up(data: identity.SignUp, ask: Ask) -> SignedIn:
    """Become a member; the answer holds a first session."""
    return await identity.sign_up(data, ask.runner, ask.secrets, ask.actor)


@post("/sessions", allow=ANYONE, statuses=(401, 409, 422))
async def sign_in(data: identity.SignIn, ask: Ask) -> SignedIn:
    """Open a session."""
    return await identity.sign_in(data, ask.runner, ask.secrets, ask.actor)


@get("/sessions", allow=SIGNED_IN)
async def list_sessions(ask: Ask, limit: Limit = 25, cursor: str | None = None) -> Page[SessionView]:
    """List one's own sessions, newest first."""
    return await ask.read(identity.sessions, identity.ListSessions(limit=limit, cursor=cursor))


@delete("/sessions/current", allow=SIGNED_IN, status_code=200)
async def sign_out(ask: Ask) -> SessionView:
    """Sign out: close the session that asks."""
    return await ask(
        identity.close_session, identity.CloseSession(session_id=ask.actor.credential_id or UUID(int=0))
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
    """List members, newest first (administrators)."""
    return await ask.read(identity.members, identity.ListMembers(limit=limit, cursor=cursor, email=email))


@put("/members/{user_id:uuid}/role", allow=ADMINS)
async def set_role(user_id: UUID, data: identity.Role, ask: Ask) -> MemberView:
    """Give a member another role (administrators)."""
    command = identity.SetRole(user_id=user_id, role=data.role, producer_id=data.producer_id)
    return await ask(identity.set_role, command)


HANDLERS = [sign_up, sign_in, list_sessions, sign_out, close_session, me, show_member, list_members, set_role]
