"""People: who they are, how they sign in, what they may do, and the level they reached (M1, M3, M5)."""

from .levels import (
    at_least,
    level_for,
    with_level,
)
from .members import (
    EmailTaken,
    InvalidEmail,
    ProducerNeeded,
    email_of,
    with_role,
)
from .passwords import (
    LEAST_PASSWORD,
    MOST_PASSWORD,
    PasswordTooShort,
    WrongCredentials,
    check_password,
)
from .records import (
    LEVELS,
    Level,
    LevelChange,
    LevelReached,
    Login,
    Member,
    MemberEnrolled,
    MemberRole,
    MemberStatus,
    RoleChanged,
    Session,
)
from .sessions import (
    SESSION_DAYS,
    MemberSuspended,
    is_open,
    open_session,
    revoke,
)

__all__ = [
    "LEAST_PASSWORD",
    "LEVELS",
    "MOST_PASSWORD",
    "SESSION_DAYS",
    "EmailTaken",
    "InvalidEmail",
    "Level",
    "LevelChange",
    "LevelReached",
    "Login",
    "Member",
    "MemberEnrolled",
    "MemberRole",
    "MemberStatus",
    "MemberSuspended",
    "PasswordTooShort",
    "ProducerNeeded",
    "RoleChanged",
    "Session",
    "WrongCredentials",
    "at_least",
    "check_password",
    "email_of",
    "is_open",
    "level_for",
    "open_session",
    "revoke",
    "with_level",
    "with_role",
]
