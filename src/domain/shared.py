"""What every context shares: records, errors, identifiers of people, amounts and time.

The only module of the domain that imports anything from outside the standard library.

    DomainError
    ├── Malformed         the request itself is not well formed
    ├── Unauthenticated   nobody is signed in, or the credentials are wrong
    ├── Forbidden         the actor may not do this
    ├── NotFound          absent, or not the actor's to see
    ├── StateForbids      the state of the thing does not allow it now
    ├── RuleForbids       a rule of the product refuses it
    ├── TooMany           asked too often: wait as long as it says
    └── Unavailable       try again later; nothing was changed
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, TypeVar, dataclass_transform
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

R = TypeVar("R", bound="Record")
T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True, gc=False):
    """A frozen record: entity, value, command, view or event. A change makes a new one.

    Made of values and of other records that are there before it, so it is in no cycle, and the garbage
    collector need not look at it (`gc=False`).
    """


class Command(Record, forbid_unknown_fields=True):
    """A wish: also the body of the request that carries it. An unknown field is an error."""


class Query(Record, forbid_unknown_fields=True):
    """A question that changes nothing."""


class Event(Record, tag_field="type"):
    """What happened, in the past tense. Each kind names its `tag`, such as `points.spent`."""


def evolve(record: R, **changes: Any) -> R:
    """The same record with some fields changed."""
    return msgspec.structs.replace(record, **changes)


def recast(kind: type[R], record: Record, **more: Any) -> R:
    """A record of another kind, with what the two have in common, and `more`."""
    common = set(kind.__struct_fields__).intersection(record.__struct_fields__)
    return kind(**{name: getattr(record, name) for name in common} | more)


# --- errors ---------------------------------------------------------------------------------


@dataclass_transform(kw_only_default=True)
class DomainError(Exception):
    """A refusal with its facts as fields, a stable `code` and a sentence.

    Subclasses annotate their facts and give a `message` that names them in braces; the code is
    the class name in snake case.
    """

    code: ClassVar[str] = "domain_error"
    message: ClassVar[str] = "The request was refused."

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        dataclass(eq=False, kw_only=True, repr=True)(cls)

    def facts(self) -> dict[str, Any]:
        """The error's own facts, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def __str__(self) -> str:
        return self.message.format(**self.facts())


class Malformed(DomainError):
    message = "The request is malformed."


class Unauthenticated(DomainError):
    message = "Sign in first: no valid credentials were given."


class Forbidden(DomainError):
    message = "You may not do this."


class NotFound(DomainError):
    """Absent, or not the actor's to see: the two look the same on purpose."""

    message = "There is no {kind} {id}."
    kind: str
    id: str


class StateForbids(DomainError):
    message = "The state of this does not allow it."


class RuleForbids(DomainError):
    message = "A rule refuses this."


class TooMany(DomainError):
    """Asked too often. `retry_after` is in whole seconds, at least 1."""

    message = "Too many requests: wait {retry_after} seconds."
    retry_after: int


class Unavailable(DomainError):
    message = "The service is not available now; nothing was changed. Try again."


class StaleVersion(StateForbids):
    message = "This {kind} was changed by somebody else: you have version {given}, it is at {current}."
    kind: str
    given: int
    current: int


class InvalidAmount(RuleForbids):
    message = "An amount must be a whole number from {least} to {most}; {given} was given."
    given: int
    least: int
    most: int


# --- amounts --------------------------------------------------------------------------------

MOST = 1_000_000_000_000
"""No amount of money, points or pieces goes beyond this, so that sums fit in 64 bits."""

Amount = Annotated[int, msgspec.Meta(ge=1, le=MOST, description="A positive amount in minor units.")]
Price = Annotated[int, msgspec.Meta(ge=0, le=MOST, description="An amount in minor units, may be zero.")]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=1_000_000, description="A number of pieces.")]
Weight = Annotated[int, msgspec.Meta(ge=1, le=1_000, description="How much beside the others.")]
BasisPoints = Annotated[int, msgspec.Meta(ge=0, le=10_000, description="Hundredths of a percent.")]
Version = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1, description="The version that was read.")]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\Z", min_length=1, max_length=100)]
Name = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\Z"
    ),
]
Text = Annotated[str, msgspec.Meta(max_length=10_000, pattern=r"^[^\x00]*\Z")]
Note = Annotated[str, msgspec.Meta(max_length=1_000, pattern=r"^[^\x00]*\Z")]
Reason = Annotated[str, msgspec.Meta(min_length=3, max_length=500, pattern=r"^[^\x00]*[^\s\x00][^\x00]*\Z")]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x20\x7f]+\Z")]
Url = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^https?://[^\x00-\x20\x7f]+\Z",
        max_length=2_000,
        description="An address on the web (http, https).",
    ),
]
Personal = Annotated[T, msgspec.Meta(extra={"personal": True})]
"""A value that says something of a person, such as `Personal[Name]`: exported to them, and gone when they are
erased."""
Secret = Annotated[T, msgspec.Meta(extra={"secret": True})]
"""A value that lets somebody in, or proves who may, such as the hash of a token: never shown or exported."""
Codes = Annotated[tuple[Code, ...], msgspec.Meta(max_length=50)]
Phone = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^\+[1-9][0-9]{6,14}\Z",
        description="A telephone number in the form of E.164.",
        examples=["+32470123456"],
    ),
]
Names = Annotated[tuple[Name, ...], msgspec.Meta(max_length=50)]
Urls = Annotated[tuple[Url, ...], msgspec.Meta(max_length=50)]
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST, description="How many, may be zero.")]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z", description="ISO 3166-1 alpha-2.")]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90, description="Degrees north.")]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180, description="Degrees east.")]

Currency = Literal["EUR"]


class Money(Record):
    """An amount of money in minor units (cents) beside its currency."""

    amount: int
    currency: Currency = "EUR"


class Address(Record, forbid_unknown_fields=True):
    """A postal address."""

    street: Name
    city: Name
    postal_code: Annotated[
        str,
        msgspec.Meta(
            min_length=1, max_length=20, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\Z"
        ),
    ]
    country: Country


class Place(Record, forbid_unknown_fields=True):
    """A place on earth, in degrees (WGS 84)."""

    latitude: Latitude
    longitude: Longitude
    region: Name
    country: Country


def check_amount(given: int, least: int = 1, most: int = MOST) -> int:
    """The amount itself, or InvalidAmount when it is not a whole number in range."""
    if type(given) is not int or not least <= given <= most:
        raise InvalidAmount(given=given, least=least, most=most)
    return given


def check_version(kind: str, given: int, current: int) -> None:
    """Raise StaleVersion unless the version given is the current one."""
    if given != current:
        raise StaleVersion(kind=kind, given=given, current=current)


def share_of(amount: int, basis_points: int) -> int:
    """`basis_points` hundredths of a percent of `amount`, rounded half to even to a whole unit."""
    quotient, remainder = divmod(amount * basis_points, 10_000)
    return quotient + (remainder > 5_000 or (remainder == 5_000 and quotient % 2 == 1))


# --- time -----------------------------------------------------------------------------------


def end_of_day(day: date, zone: str) -> datetime:
    """The instant (UTC) at which `day` is over in `zone`: the first instant of the next day."""
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day_in(at: datetime, zone: str) -> date:
    """The calendar day of an instant in `zone`."""
    return at.astimezone(ZoneInfo(zone)).date()


def add_months(day: date, months: int) -> date:
    """The same day `months` later; the last day of the month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first_of_next = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (first_of_next - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


# --- who --------------------------------------------------------------------------------------

Role = Literal["anonymous", "member", "partner_staff", "partner_owner", "admin", "service"]
Whereabouts = Literal["public", "known", "private"]
NOBODY = UUID(int=0)


class Actor(Record):
    """Who asks, by which credential (session or API key), and from where. A partner acts for one producer.

    `scopes` are what the credential is good for, such as `points:read`; None is everything that the role may.
    `whereabouts` says whether the address is that of a program (public), the one which the credential's row
    has (known), or a person's that stands nowhere else (private).
    """

    user_id: UUID = NOBODY
    role: Role = "anonymous"
    producer_id: UUID | None = None
    credential_id: UUID | None = None
    address: str = ""
    request_id: str = ""
    scopes: tuple[str, ...] | None = None
    whereabouts: Whereabouts = "private"

    @property
    def is_admin(self) -> bool:
        return self.role in ("admin", "service")

    def must_own(self, user_id: UUID, kind: str, id: object) -> None:
        """Raise NotFound unless the thing is the actor's own or the actor is an admin."""
        if user_id != self.user_id and not self.is_admin:
            raise NotFound(kind=kind, id=str(id))

    def must_act_for(self, producer_id: UUID | None, kind: str, id: object) -> None:
        """Raise NotFound unless the actor is an admin or acts for this producer."""
        if not self.is_admin and (producer_id is None or producer_id != self.producer_id):
            raise NotFound(kind=kind, id=str(id))


def collect(rules: Iterable[Any], *facts: Any) -> list[Any]:
    """What each rule of a policy objects to, in order; rules that have no objection give None."""
    return [objection for rule in rules if (objection := rule(*facts)) is not None]
