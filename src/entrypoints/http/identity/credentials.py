"""How members sign in: e-mails, passwords, a second factor, and keys for their programs."""

from uuid import UUID

from ....application import identity
from ....application.identity import (
    EmailsView,
    FactorSecret,
    FactorState,
    KeyMade,
    KeyView,
    MemberView,
    RecoveryCodes,
    Sent,
    SignedOut,
)
from ....application.pages import Limit, Page
from ..ask import Ask
from ..routes import ANYONE, SIGNED_IN, delete, get, post, put


@post("/members/me/verification/mail", allow=SIGNED_IN, status_code=202, statuses=(404, 409))
async def resend_verification(ask: Ask) -> Sent:
    """Send the mail that verifies one's e-mail again; the one before is good no more."""
    return await identity.resend(ask.gate, ask.actor)


@post("/members/me/verification", allow=SIGNED_IN, status_code=200)
async def verify_email(data: identity.ByMail, ask: Ask) -> MemberView:
    """Verify one's e-mail by the code or the token of the mail."""
    return await identity.verify_email(data, ask.gate, ask.actor)


@post("/verifications", allow=ANYONE, status_code=200, statuses=(401, 409, 422))
async def verify_by_password(data: identity.VerifyByPassword, ask: Ask) -> MemberView:
    """Verify an e-mail without a session: by the token of the mail and the password."""
    return await identity.verify_by_password(data, ask.gate, ask.actor)


@get("/members/me/emails", allow=SIGNED_IN)
async def list_emails(ask: Ask) -> EmailsView:
    """List one's own e-mails."""
    return await ask.read(identity.emails, identity.ListEmails())


@post("/members/me/emails", allow=SIGNED_IN, status_code=202)
async def add_email(data: identity.AskByMail, ask: Ask) -> Sent:
    """Add an e-mail: a mail goes there, and what it says proves it."""
    return await identity.add_email(data, ask.gate, ask.actor)


@post("/members/me/emails/verification", allow=SIGNED_IN, status_code=200)
async def verify_added_email(data: identity.ByMail, ask: Ask) -> MemberView:
    """Prove an e-mail that is to be added, by the code or the token of the mail."""
    return await identity.accept_added(data, ask.gate, ask.actor)


@put("/members/me/email", allow=SIGNED_IN)
async def choose_email(data: identity.NameEmail, ask: Ask) -> MemberView:
    """Be written to at another of one's own verified e-mails; the one before is told."""
    return await identity.change_email(data, ask.gate, ask.actor)


@post("/members/me/emails/removal", allow=SIGNED_IN, status_code=200)
async def remove_email(data: identity.NameEmail, ask: Ask) -> MemberView:
    """Remove one of one's own e-mails, but for the one that one is written to."""
    return await identity.remove_email(data, ask.gate, ask.actor)


@put("/members/me/password", allow=SIGNED_IN, statuses=(404, 422))
async def change_password(data: identity.ChangePassword, ask: Ask) -> SignedOut:
    """Choose another password; other sessions are closed."""
    return await identity.change_password(data, ask.gate, ask.actor)


@post("/passwords/mail", allow=ANYONE, status_code=202, statuses=(422,))
async def ask_for_password(data: identity.AskByMail, ask: Ask) -> Sent:
    """Ask for a link and a code that let one choose a password, by mail.

    The answer is the same whether or not there is an account."""
    return await identity.ask_by_mail(data, "reset", ask.gate, ask.actor)


@post("/passwords/by-mail", allow=ANYONE, status_code=200, statuses=(422,))
async def reset_password(data: identity.ResetPassword, ask: Ask) -> SignedOut:
    """Choose a password by the link or the code of a mail; all sessions are closed."""
    return await identity.reset_password(data, ask.gate, ask.actor)


@get("/members/me/second-factor", allow=SIGNED_IN)
async def second_factor(ask: Ask) -> FactorState:
    """Read whether one has a second factor."""
    return await ask.read(identity.second_factor, identity.GetSecondFactor())


@post("/members/me/second-factor", allow=SIGNED_IN)
async def begin_second_factor(ask: Ask) -> FactorSecret:
    """Begin with a second factor: a secret for the telephone, shown this once."""
    return await identity.begin_second_factor(ask.gate, ask.actor)


@post("/members/me/second-factor/confirmation", allow=SIGNED_IN, status_code=200)
async def confirm_second_factor(data: identity.GiveCode, ask: Ask) -> RecoveryCodes:
    """Turn the second factor on by a first code; the recovery codes are shown this once."""
    return await identity.confirm_second_factor(data, ask.gate, ask.actor)


@post("/members/me/second-factor/recovery-codes", allow=SIGNED_IN)
async def new_recovery_codes(data: identity.GiveCode, ask: Ask) -> RecoveryCodes:
    """Have new recovery codes instead of the old, by a code."""
    return await identity.new_recovery_codes(data, ask.gate, ask.actor)


@post("/members/me/second-factor/removal", allow=SIGNED_IN, status_code=200)
async def end_second_factor(data: identity.GiveCode, ask: Ask) -> MemberView:
    """Turn the second factor off, by a code or a recovery code."""
    return await identity.end_second_factor(data, ask.gate, ask.actor)


@post("/api-keys", allow=SIGNED_IN)
async def make_key(data: identity.WishKey, ask: Ask) -> KeyMade:
    """Make an API key; its token is shown this once."""
    return await identity.new_key(data, ask.gate, ask.actor)


@get("/api-keys", allow=SIGNED_IN)
async def list_keys(ask: Ask, limit: Limit = 25, cursor: str | None = None) -> Page[KeyView]:
    """List one's own API keys, newest first."""
    return await ask.read(identity.api_keys, identity.ListKeys(limit=limit, cursor=cursor))


@post("/api-keys/{key_id:uuid}/rotation", allow=SIGNED_IN)
async def rotate_key(key_id: UUID, data: identity.RotateKey, ask: Ask) -> KeyMade:
    """Have a new token for a key; the old one lives on for as long as one says."""
    return await identity.rotate_key(key_id, data, ask.gate, ask.actor)


@delete("/api-keys/{key_id:uuid}", allow=SIGNED_IN, status_code=200)
async def revoke_key(key_id: UUID, ask: Ask) -> KeyView:
    """Revoke one of one's own API keys."""
    return await ask(identity.revoke_key, identity.RevokeKey(key_id=key_id))


HANDLERS = [
    resend_verification,
    verify_email,
    verify_by_password,
    list_emails,
    add_email,
    verify_added_email,
    choose_email,
    remove_email,
    change_password,
    ask_for_password,
    reset_password,
    second_factor,
    begin_second_factor,
    confirm_second_factor,
    new_recovery_codes,
    end_second_factor,
    make_key,
    list_keys,
    rotate_key,
    revoke_key,
]
