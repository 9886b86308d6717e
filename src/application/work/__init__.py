"""The unit of work: what a use case reads, changes and says, over one identity map.

A use case declares what it will look at (`loads`) and what it will lock (`locks`) as keys and groups
of records. The Runner loads them for a whole batch of commands, one statement per table, and the use
case then decides on frozen records in memory. Nothing is written until the batch is flushed.

Decision: docs/decisions/0003-work-and-runner.md.
"""

from .cases import (
    ADMINS,
    ANYONE,
    PARTNERS,
    SCOPES,
    SIGNED_IN,
    QueryCase,
    Read,
    Step,
    UseCase,
    query,
    use_case,
)
from .kinds import Group, Key, Kind, Listed, Wanted, values_of_fields
from .lines import HAPPENINGS, KINDS, PRIVATE_PARTS, RUNS, Change, Happening, PrivatePart, Run
from .mapping import KEPT, Done, IdentityMap, Kept, Undeclared
from .ports import (
    Changes,
    Conflict,
    ConnectionLost,
    Crowded,
    DatabaseAway,
    Loaded,
    Locked,
    NotGranted,
    Storage,
    TooSlow,
    Transaction,
)
from .unit import Work

__all__ = [
    "ADMINS",
    "ANYONE",
    "HAPPENINGS",
    "KEPT",
    "KINDS",
    "PARTNERS",
    "PRIVATE_PARTS",
    "RUNS",
    "SCOPES",
    "SIGNED_IN",
    "Change",
    "Changes",
    "Conflict",
    "ConnectionLost",
    "Crowded",
    "DatabaseAway",
    "Done",
    "Group",
    "Happening",
    "IdentityMap",
    "Kept",
    "Key",
    "Kind",
    "Listed",
    "Loaded",
    "Locked",
    "NotGranted",
    "PrivatePart",
    "QueryCase",
    "Read",
    "Run",
    "Step",
    "Storage",
    "TooSlow",
    "Transaction",
    "Undeclared",
    "UseCase",
    "Wanted",
    "Work",
    "query",
    "use_case",
    "values_of_fields",
]
