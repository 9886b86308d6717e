"""What a payment provider is asked, and what it tells: in whatever order and however often."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable
from uuid import UUID

from ...domain import shared
from ...domain.payments import DisputeState, Purpose

Behaviour = Literal["succeeds", "fails", "late", "repeats"]
NewsOutcome = Literal["pending", "declined", "succeeded", "failed", "expired"]
GivenBack = Literal["succeeded", "failed"]


class GatewayUnavailable(shared.Unavailable):
    message = "The payment provider does not answer. What was asked for stays: try again with the same key."


class GatewayMisconfigured(shared.Unavailable):
    message = "The payment provider does not accept our credentials: see what `baobab` was configured with."


class GatewayRefused(shared.StateForbids):
    message = "The payment provider refuses this: {reason}."
    reason: str


class WebhookRefused(shared.Malformed):
    message = "The message is not signed by the payment provider, or was signed too long ago."


class MessageUnclear(shared.Malformed):
    message = "The message {id} of the type {type} cannot be read: {why}."
    id: str
    type: str
    why: str


class Asked(shared.Record):
    """A payment that a provider is to know. With `saved` the means of payment is kept for renewals, at the
    provider, for the `customer` that it knows the member by: empty where it is to make one. `since` is when
    it may have been asked for first; None: just now."""

    payment_id: UUID
    user_id: UUID
    amount: shared.Money
    purpose: Purpose
    customer: str = ""
    saved: bool = False
    since: datetime | None = None


class Intent(shared.Record):
    """A payment as its provider knows it, and where the member pays."""

    reference: str
    pay_url: str
    customer: str = ""


class Notification(shared.Record):
    """What became of a payment.

    `pending`: nothing yet. `declined`: this time it failed, and the member may try again. `failed`: nobody
    tries again. `expired`: it waits no longer for the member. The money may come all the same.
    `received_cents` of a `currency` is what came, where it was told. `means` is the means of payment that was
    kept for `customer`.
    """

    reference: str
    outcome: NewsOutcome
    reason: str = ""
    received_cents: int | None = None
    currency: str = ""
    customer: str = ""
    means: str = ""


class RefundNews(shared.Record):
    """What became of one refund. `reference` is the provider's id of it, `key` ours, where we asked."""

    payment: str
    reference: str
    amount_cents: int
    state: GivenBack = "succeeded"
    key: str = ""
    reason: str = ""


class DisputeNews(shared.Record):
    """A bank that takes the money back, for its customer who disputes the payment."""

    payment: str
    reference: str
    amount_cents: int
    state: DisputeState
    reason: str = ""


class LookAgain(shared.Record):
    """Something happened to a payment; what, must be asked."""

    payment: str


News = Notification | RefundNews | DisputeNews | LookAgain


class Standing(shared.Record):
    """All that a provider knows of a payment. `payment_id` and `user_id` are ours, where it was told."""

    news: Notification
    refunds: tuple[RefundNews, ...] = ()
    disputes: tuple[DisputeNews, ...] = ()
    payment_id: UUID | None = None
    user_id: UUID | None = None


class Heard(shared.Record):
    """What a message says; `reference` is the payment. Without news it is nothing that concerns us."""

    event_id: str
    type: str
    reference: str = ""
    news: News | None = None
    payment_id: UUID | None = None
    user_id: UUID | None = None


class Gateway(Protocol):
    """A payment provider. Each call raises GatewayUnavailable where it does not answer."""

    @property
    def name(self) -> str: ...

    async def create(self, asked: Asked) -> Intent:
        """Ask for a payment; asked again for the same one, it is the same intent."""
        ...

    async def charge(self, asked: Asked, means: str) -> Notification:
        """Charge kept means of payment while the member is away; asked again, however much later, it is the
        same charge. Raises GatewayRefused."""
        ...

    async def refund(self, reference: str, amount_cents: int, key: str, since: datetime) -> RefundNews:
        """Give money back, which may have been asked for before, but not before `since`; asked again with the
        same key, however much later, it goes back once. Raises GatewayRefused, NotFound."""
        ...

    async def look(self, reference: str) -> Standing:
        """What is known of a payment. Raises NotFound."""
        ...

    async def cancel(self, reference: str) -> Standing:
        """Wait no longer for the member. What is paid or failed stays as it is. Raises NotFound."""
        ...

    def read(self, headers: Mapping[str, str], body: bytes) -> Heard:
        """A message of the provider, whose headers are named in lower case; one that cannot be understood
        says nothing but its id and type. Raises WebhookRefused where its signature is not right, or too old.
        """
        ...

    def parse(self, body: str) -> Heard:
        """What a message says that was read before. Raises MessageUnclear, and WebhookRefused where it is no
        message."""
        ...


@runtime_checkable
class Connected(Gateway, Protocol):
    """A provider that connections are kept open to."""

    async def close(self) -> None:
        """Close them."""
        ...


@runtime_checkable
class Embedded(Gateway, Protocol):
    """A provider whose form the member's own program shows, with a secret that is never stored."""

    @property
    def public_key(self) -> str: ...

    async def client_secret(self, reference: str) -> str:
        """What lets a member pay this one payment. Raises NotFound."""
        ...


@runtime_checkable
class Audited(Gateway, Protocol):
    """A provider that lists the payments it knows."""

    def since(self, at: datetime) -> AsyncIterator[Standing]:
        """The payments that it was asked for since then, and of which money went back or was disputed."""
        ...


@runtime_checkable
class Sandbox(Gateway, Protocol):
    """A provider that only pretends, and behaves as it is told."""

    def pay(self, reference: str, behaviour: Behaviour) -> tuple[Notification, ...]:
        """What the provider would tell, in this order, if the member's payment went this way."""
        ...


async def disconnect(gateway: Gateway) -> None:
    """Close the connections to a provider, where there are any."""
    if isinstance(gateway, Connected):
        await gateway.close()


def sandbox_of(gateway: Gateway) -> Sandbox:
    """The provider itself where it only pretends. Raises NotFound."""
    if not isinstance(gateway, Sandbox):
        raise shared.NotFound(kind="sandbox", id=gateway.name)
    return gateway
