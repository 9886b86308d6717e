"""What a provider sent us, stored before it is worked on: each message once, in any order.

A message that cannot be dealt with is tried again after growing pauses, and set aside for a person after
the last of them, or at once where trying again would not help.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from .. import shared

EventState = Literal["received", "handled", "ignored", "failed", "set_aside"]
WAITING: frozenset[EventState] = frozenset(("received", "failed"))
"""The states in which a message is still to be dealt with."""
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1_440))
"""How long a message rests after each failure; after one more it is set aside."""


class EventNotDue(shared.StateForbids):
    message = "The message {id} is {state}, and not due: somebody works on it, or it rests."
    id: str
    state: str


class EventForgotten(shared.StateForbids):
    message = "What the message {id} said was forgotten: it cannot be worked on again."
    id: str


class WebhookEvent(shared.Record):
    """A message of a provider as it came. `next_at` is when it is worked on (again).

    `body` is kept until it is `forgotten_at`; who it speaks of is known once it was understood.
    """

    id: str
    provider: str
    type: str
    reference: str
    body: shared.Personal[str]
    received_at: datetime
    state: EventState = "received"
    attempts: int = 0
    next_at: datetime | None = None
    last_error: str = ""
    handled_at: datetime | None = None
    user_id: UUID | None = None
    payment_id: UUID | None = None
    forgotten_at: datetime | None = None


def claim(event: WebhookEvent, at: datetime) -> WebhookEvent:
    """Begin to work on a message that is due: nobody else does until its pause is over.

    Raises EventNotDue.
    """
    if event.state not in WAITING or event.next_at is None or at < event.next_at:
        raise EventNotDue(id=event.id, state=event.state)
    pause = PAUSES[min(event.attempts, len(PAUSES) - 1)]
    return shared.evolve(event, attempts=event.attempts + 1, next_at=at + pause)


def close(event: WebhookEvent, state: EventState, at: datetime, why: str = "") -> WebhookEvent:
    """The message is dealt with, concerns us not, or waits for a person."""
    return shared.evolve(event, state=state, next_at=None, handled_at=at, last_error=why)


def fail(event: WebhookEvent, why: str, at: datetime) -> WebhookEvent:
    """It did not work this time; set aside after the last pause."""
    if event.attempts > len(PAUSES):
        return close(event, "set_aside", at, why)
    return shared.evolve(event, state="failed", last_error=why)


def replay(event: WebhookEvent, at: datetime) -> WebhookEvent:
    """Work on a message again, as if it had just come. Raises EventForgotten."""
    if event.forgotten_at is not None:
        raise EventForgotten(id=event.id)
    return shared.evolve(event, state="received", attempts=0, next_at=at, handled_at=None)


def forget(event: WebhookEvent, at: datetime) -> WebhookEvent:
    """Keep that the message came, and what became of it, but not what it said."""
    return shared.evolve(event, body="", forgotten_at=at)
