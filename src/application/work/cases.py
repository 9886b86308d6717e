"""Use cases and queries: who may ask, what is looked at and what is locked, declared beside each."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec

from ...domain import shared
from ..marks import is_personal
from .kinds import Wanted
from .unit import Work

C = TypeVar("C", bound=shared.Record)
V = TypeVar("V")
P = TypeVar("P", covariant=True)

Step = Callable[[Any, Work], Iterable[Wanted]]
APPLICATION = __name__.rpartition(".work.")[0]


def _name_of(run: Callable[..., Any]) -> str:
    """`context.function`, also where the context is a package."""
    _, _, inside = run.__module__.partition(f"{APPLICATION}.")
    context = inside.partition(".")[0] or run.__module__.rpartition(".")[2]
    return f"{context}.{run.__name__}"


SCOPES: set[str] = set()
"""What a credential can be limited to, such as `points:read`: two words for each context that is there."""


def _scope_of(name: str, verb: str) -> str:
    """The scope that a use case needs, by its name."""
    scope = f"{name.partition('.')[0]}:{verb}"
    SCOPES.add(scope)
    return scope


class UseCase(Generic[C, V]):
    """A function of a command and the work, with who may ask, what it looks at and what it locks."""

    def __init__(
        self,
        run: Callable[[C, Work], Awaitable[V]],
        allow: frozenset[shared.Role],
        loads: Sequence[Step],
        locks: Step,
        secret: bool,
        forgets: bool,
    ) -> None:
        hints = get_type_hints(run, include_extras=True)
        self.run, self.allow, self.loads, self.locks, self.secret = run, allow, tuple(loads), locks, secret
        self.name = _name_of(run)
        self.scope = _scope_of(self.name, "write")
        self.__doc__ = run.__doc__
        self.forgets = forgets
        self.command: type[C] = hints["command"]
        self._answer = hints["return"]
        self.decode_command = msgspec.json.Decoder(self.command).decode
        self.decode_result = msgspec.json.Decoder(hints["return"]).decode

    @cached_property
    def is_personal(self) -> bool:
        """Whether what it is told may be personal."""
        return is_personal(self.command)

    @cached_property
    def answers_personally(self) -> bool:
        """Whether what it answers may be personal."""
        return is_personal(self._answer)

    @cached_property
    def leaves_private(self) -> bool:
        """Whether what a replay needs of a run is kept apart."""
        return not self.secret and (self.is_personal or self.answers_personally)

    def __call__(self, command: C, work: Work) -> Awaitable[V]:
        """Run inside another use case's work, whose loads and locks must cover this one's."""
        return self.run(command, work)

    def __repr__(self) -> str:
        return f"UseCase({self.name})"


ANYONE: frozenset[shared.Role] = frozenset(
    ("anonymous", "member", "partner_staff", "partner_owner", "admin", "service")
)
SIGNED_IN: frozenset[shared.Role] = ANYONE - {"anonymous"}
PARTNERS: frozenset[shared.Role] = frozenset(("partner_staff", "partner_owner", "admin", "service"))
ADMINS: frozenset[shared.Role] = frozenset(("admin", "service"))


def use_case(
    *,
    allow: frozenset[shared.Role],
    loads: Sequence[Step] = (),
    locks: Step = lambda command, work: (),
    secret: bool = False,
    forgets: bool = False,
) -> Callable[[Callable[[C, Work], Awaitable[V]]], UseCase[C, V]]:
    """Declare a use case.

    `allow` is who may ask. `loads` are steps, each a function of (command, work) giving the keys and
    groups to read without a lock; a later step may look at what an earlier one found. `locks` gives
    what is locked, and read again under the lock. A `secret` use case stores neither the digest of
    its command nor its answer, so it is audited but cannot be replayed. One that `forgets` leaves no
    private part: what it made neutral is nowhere any more.
    """
    return lambda run: UseCase(run, allow, loads, locks, secret, forgets)


class Read(Generic[P]):
    """What a query works with: the query ports, the time and the actor."""

    def __init__(self, ports: P, now: datetime, actor: shared.Actor) -> None:
        self.ports, self.now, self.actor = ports, now, actor


class QueryCase(Generic[C, V]):
    """A function of a query and the read side, with who may ask."""

    def __init__(self, run: Callable[[C, Any], Awaitable[V]], allow: frozenset[shared.Role]) -> None:
        self.run, self.allow = run, allow
        self.name = _name_of(run)
        self.scope = _scope_of(self.name, "read")
        self.__doc__ = run.__doc__
        question = next(iter(get_type_hints(run).values()))
        self.decode = msgspec.json.Decoder(question).decode


def query(*, allow: frozenset[shared.Role]) -> Callable[[Callable[[C, Any], Awaitable[V]]], QueryCase[C, V]]:
    """Declare a use case that only reads; `allow` is who may ask."""
    return lambda run: QueryCase(run, allow)
