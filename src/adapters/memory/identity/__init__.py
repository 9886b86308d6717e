"""The read side of identity in memory."""

from .people import PeopleQueries
from .reading import CredentialQueries, IdentityQueries

__all__ = ["CredentialQueries", "IdentityQueries", "PeopleQueries"]
