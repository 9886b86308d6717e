"""Identity in PostgreSQL. Home: `user_id`."""

from . import people, tables
from .people import PeopleQueries
from .reading import CredentialQueries, IdentityQueries
from .tables import session

__all__ = ["STORED", "CredentialQueries", "IdentityQueries", "PeopleQueries", "session"]

STORED = (*tables.STORED, *people.STORED)
