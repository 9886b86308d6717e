"""Members and their credentials in PostgreSQL. Home: `user_id`; an e-mail that was proved has a row of its
own that names its owner, and attempts are counted by the hash of who tries."""

from sqlalchemy import Boolean, Index, Text

from ....application import identity as app
from ....domain import identity
from ..rows import Stored
from ..schema import Bytes, Int, Json, Time, Uuid, field, holds, one_of, table

login = table(
    "login",
    "value",
    field("value", Text, primary_key=True),
    field("kind", Text, primary_key=True),
    field("user_id", Uuid),
    field("created_at", Time),
    one_of("kind", identity.LoginKind),
)
Index("login_user_id_idx", login.c.user_id)
member = table(
    "member",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("email", Text),
    field("name", Text),
    field("role", Text),
    field("level", Text),
    field("status", Text),
    field("producer_id", Uuid, nullable=True),
    field("created_at", Time),
    field("verified_at", Time, nullable=True),
    field("standing", Text, server_default=""),
    one_of("role", identity.MemberRole),
    one_of("level", identity.Level),
    one_of("status", identity.MemberStatus),
)
Index("member_email_idx", member.c.email)
level_change = table(
    "level_change",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("level", Text),
    field("reason", Text),
    field("at", Time),
    field("investments", Int),
    field("subscriptions", Int),
    one_of("level", identity.Level),
    holds("facts", "investments >= 0 and subscriptions >= 0"),
)
password = table(
    "password",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("hash", Text),
    field("changed_at", Time),
)
proof = table(
    "proof",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("purpose", Text, primary_key=True),
    field("address", Text),
    field("token_hash", Bytes),
    field("code_hash", Bytes),
    field("expires_at", Time),
    field("created_at", Time),
    field("wrong", Int),
    one_of("purpose", identity.Purpose),
    holds("wrong", f"wrong between 0 and {identity.MOST_WRONG - 1}"),
)
second_factor = table(
    "second_factor",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("sealed", Text),
    field("created_at", Time),
    field("confirmed_at", Time, nullable=True),
    field("last_step", Int),
    field("recovery", Json),
)
session = table(
    "session",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("token_hash", Bytes),
    field("device", Text),
    field("address", Text),
    field("expires_at", Time),
    field("created_at", Time),
    field("last_seen_at", Time),
    field("ends_at", Time),
    field("strong", Boolean, server_default="false"),
    field("revoked_at", Time, nullable=True),
    holds("ends", "expires_at <= ends_at"),
)
api_key = table(
    "api_key",
    "user_id",
    field("user_id", Uuid, primary_key=True),
    field("id", Uuid, primary_key=True),
    field("token_hash", Bytes),
    field("name", Text),
    field("acts_as", Text),
    field("scopes", Json),
    field("strong", Boolean),
    field("created_at", Time),
    field("expires_at", Time, nullable=True),
    field("last_used_at", Time, nullable=True),
    field("revoked_at", Time, nullable=True),
    one_of("acts_as", identity.KeyRole),
)
attempts = table(
    "attempts",
    "who",
    field("who", Text, primary_key=True),
    field("count", Int),
    field("last_at", Time),
    field("until", Time),
    holds("count", "count >= 1"),
)
Index("attempts_last_at_idx", attempts.c.last_at)

LOGINS = Stored(app.LOGINS, login)
MEMBERS = Stored(app.MEMBERS, member)
LEVEL_CHANGES = Stored(app.LEVEL_CHANGES, level_change)
PASSWORDS = Stored(app.PASSWORDS, password)
SECOND_FACTORS = Stored(app.SECOND_FACTORS, second_factor)
SESSIONS = Stored(app.SESSIONS, session)
API_KEYS = Stored(app.API_KEYS, api_key)
STORED = (
    LOGINS,
    MEMBERS,
    LEVEL_CHANGES,
    PASSWORDS,
    Stored(app.PROOFS, proof),
    SECOND_FACTORS,
    SESSIONS,
    API_KEYS,
    Stored(app.ATTEMPTS, attempts),
)
