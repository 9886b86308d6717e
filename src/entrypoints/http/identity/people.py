"""What is kept of people, over HTTP: profile, level, checks, limits, consents."""

from uuid import UUID

from ....application.identity import checks, consent, levels, profile
from ....application.identity.checks import ChecksView, CheckView
from ....application.identity.consent import ConsentLine, ConsentView
from ....application.identity.levels import LevelChangeView
from ....application.identity.profile import ProfileView
from ....application.investments import standing
from ....application.investments.standing import LevelView, LimitsView
from ....application.pages import Limit, Page
from ....domain import shared
from ..ask import Ask
from ..routes import ADMINS, SIGNED_IN, get, post, put


@get("/members/{user_id:uuid}/profile", allow=SIGNED_IN)
async def show_profile(user_id: UUID, ask: Ask) -> ProfileView:
    """Read a profile: one's own, or any for administrators."""
    return await ask.read(profile.profile, profile.GetProfile(user_id=user_id))


@put("/members/{user_id:uuid}/profile", allow=SIGNED_IN)
async def replace_profile(user_id: UUID, data: profile.ProfileBody, ask: Ask) -> ProfileView:
    """Replace a profile as a whole: one's own, or any for administrators."""
    return await ask(profile.replace, shared.recast(profile.ReplaceProfile, data, user_id=user_id))


@get("/members/{user_id:uuid}/level", allow=SIGNED_IN)
async def show_level(user_id: UUID, ask: Ask) -> LevelView:
    """Read a level, and the facts that it follows from: one's own, or anybody's for administrators."""
    return await ask.read(standing.level, standing.GetLevel(user_id=user_id))


@get("/members/{user_id:uuid}/level/changes", allow=SIGNED_IN)
async def list_level_changes(
    user_id: UUID, ask: Ask, limit: Limit = 25, cursor: str | None = None
) -> Page[LevelChangeView]:
    """List the changes of a level, newest first: one's own, or anybody's for administrators."""
    question = levels.ListLevelChanges(user_id=user_id, limit=limit, cursor=cursor)
    return await ask.read(levels.changes, question)


@get("/members/{user_id:uuid}/limits", allow=SIGNED_IN)
async def show_limits(user_id: UUID, ask: Ask) -> LimitsView:
    """Read how much may be put in within twelve months: by oneself, or by anybody for administrators."""
    return await ask.read(standing.contribution_limits, standing.GetLimits(user_id=user_id))


@get("/members/{user_id:uuid}/checks", allow=SIGNED_IN)
async def show_checks(user_id: UUID, ask: Ask) -> ChecksView:
    """Read the checks of an identity, and the level that they give: one's own, or anybody's for
    administrators."""
    return await ask.read(checks.checks, checks.GetChecks(user_id=user_id))


@post("/members/{user_id:uuid}/checks", allow=SIGNED_IN)
async def ask_check(user_id: UUID, data: checks.AskedCheck, ask: Ask) -> CheckView:
    """Ask for a check of one's own identity, or of anybody's as an administrator."""
    return await ask(checks.ask, shared.recast(checks.AskCheck, data, user_id=user_id))


@get("/checks", allow=ADMINS, statuses=())
async def list_pending_checks(ask: Ask, limit: Limit = 25, cursor: str | None = None) -> Page[CheckView]:
    """List the checks that wait for a decision, oldest first (administrators)."""
    return await ask.read(checks.pending, checks.ListPending(limit=limit, cursor=cursor))


@post("/members/{user_id:uuid}/checks/{check_id:uuid}/decision", allow=ADMINS, status_code=200)
async def decide_check(user_id: UUID, check_id: UUID, data: checks.Decided, ask: Ask) -> CheckView:
    """Decide a check that waits (administrators, services); nobody decides on their own."""
    command = shared.recast(checks.DecideCheck, data, user_id=user_id, check_id=check_id)
    return await ask(checks.decide, command)


@post("/members/{user_id:uuid}/checks/{check_id:uuid}/revocation", allow=ADMINS, status_code=200)
async def revoke_check(user_id: UUID, check_id: UUID, data: checks.Revoked, ask: Ask) -> CheckView:
    """Revoke a check that holds (administrators, services); nobody decides on their own."""
    command = shared.recast(checks.RevokeCheck, data, user_id=user_id, check_id=check_id)
    return await ask(checks.revoke, command)


@get("/members/{user_id:uuid}/consents", allow=SIGNED_IN)
async def show_consents(user_id: UUID, ask: Ask) -> Page[ConsentView]:
    """Read what was said last of every purpose: by oneself, or by anybody for administrators."""
    return await ask.read(consent.consents, consent.GetConsents(user_id=user_id))


@get("/members/{user_id:uuid}/consents/history", allow=SIGNED_IN)
async def list_consents(
    user_id: UUID, ask: Ask, limit: Limit = 25, cursor: str | None = None
) -> Page[ConsentLine]:
    """List every consent and withdrawal, newest first: one's own, or anybody's for administrators."""
    return await ask.read(consent.history, consent.ListConsents(user_id=user_id, limit=limit, cursor=cursor))


@post("/consents", allow=SIGNED_IN, status_code=200)
async def say_consent(data: consent.Say, ask: Ask) -> ConsentView:
    """Agree to something for oneself, or withdraw."""
    return await ask(consent.say, data)


HANDLERS = [
    *(show_profile, replace_profile, show_level, list_level_changes, show_limits),
    *(show_checks, ask_check, list_pending_checks, decide_check, revoke_check),
    *(show_consents, list_consents, say_consent),
]
