"""Stripe, through its official library: intents, refunds, kept means of payment, signed messages.

Every call is asked for with a key of ours, so that asking again is asking once. Stripe forgets keys after
a day: what may have been asked for longer ago is looked for by our ids before it is asked for again. A card
that is declined is news; everything else that goes wrong is one of three errors: try again, refused, wrongly
configured.

Decision: docs/decisions/0015-the-till.md.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

import stripe

from ...application.payments import (
    Asked,
    GatewayMisconfigured,
    GatewayRefused,
    GatewayUnavailable,
    Heard,
    Intent,
    MessageUnclear,
    Notification,
    RefundNews,
    Standing,
    WebhookRefused,
)
from ...domain import shared
from .stripe_news import (
    OFF_SESSION,
    Json,
    dispute_news,
    heard,
    id_of,
    intent_news,
    reason_of,
    refund_news,
    uuid_of,
)

T = TypeVar("T")

TIMEOUT = 10.0
"""Seconds that one request may take."""
RETRIES = 2
"""How often the library asks again by itself, with the same key, where the network or Stripe fails."""
WINDOW = timedelta(seconds=300)
"""How old, or how far ahead, the signature of a message may be."""
KEY_LIFE = timedelta(hours=23)
"""How long a key is surely answered once: Stripe forgets it after a day."""
SKEW = timedelta(hours=1)
"""How far Stripe's clock may be behind ours, at the very most."""
MAY_FAIL = timedelta(days=30)
"""How long after it was given a refund may still fail."""
PAGE = 100
MISSING = "resource_missing"

logging.getLogger("stripe").setLevel(logging.WARNING)  # below, it writes down what it is answered


class StripeGateway:
    """Payments through Stripe. `clock` tells how old a signature is, and a key; `webhook_secret` may be
    several, with spaces between: one for each endpoint."""

    name = "stripe"

    def __init__(
        self,
        key: str,
        webhook_secret: str,
        clock: Callable[[], datetime],
        *,
        api_base: str = "",
        public_key: str = "",
        window: timedelta = WINDOW,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
    ) -> None:
        self.public_key = public_key
        self._secrets, self._clock, self._window = webhook_secret.split(), clock, window
        self._live = "_live_" in key
        self._http = stripe.HTTPXClient(timeout=timeout)
        client = stripe.StripeClient(
            key,
            base_addresses={"api": api_base.rstrip("/")} if api_base else None,
            max_network_retries=retries,
            http_client=self._http,
        )
        self._stripe = client.v1

    def __repr__(self) -> str:
        return "StripeGateway()"

    async def close(self) -> None:
        """Close the connections to Stripe."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def create(self, asked: Asked) -> Intent:
        customer = await self._customer_of(asked) if asked.saved else asked.customer
        wish: Any = {**_wish(asked), **({"customer": customer} if customer else {})}
        if asked.saved:
            wish["setup_future_usage"] = "off_session"
        create = self._stripe.payment_intents.create_async
        intent = await _answer(create(wish, _once(str(asked.payment_id))))
        return Intent(str(intent["id"]), f"/v1/payments/{asked.payment_id}/checkout", customer)

    async def charge(self, asked: Asked, means: str) -> Notification:
        if asked.since is not None and self._is_forgotten(asked.since):
            known = await self._charged(asked, asked.since)
            if known is not None:
                return known
        try:
            return await self._charge(asked, means)
        except shared.NotFound:  # the means, or whom they belong to
            raise GatewayRefused(reason=MISSING) from None
        except GatewayRefused:  # of means that are not kept any more it gives no code
            if await self._keeps(means, asked.customer):
                raise
            raise GatewayRefused(reason=MISSING) from None

    async def _charge(self, asked: Asked, means: str) -> Notification:
        wish: Any = {
            **_wish(asked, **{OFF_SESSION: "true"}),
            "customer": asked.customer,
            "payment_method": means,
            "off_session": True,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
        create = self._stripe.payment_intents.create_async
        try:
            return intent_news(await _answer(create(wish, _once(str(asked.payment_id)))))
        except stripe.CardError as error:
            return _declined(error)

    async def refund(self, reference: str, amount_cents: int, key: str, since: datetime) -> RefundNews:
        if self._is_forgotten(since):
            for given in await self._refunds(reference):
                if given.key == key:
                    return given
        create = self._stripe.refunds.create_async
        wish: Any = {"payment_intent": reference, "amount": amount_cents, "metadata": {"refund_id": key}}
        try:
            return refund_news(await _answer(create(wish, _once(f"refund-{key}"))))
        except stripe.CardError as error:
            raise GatewayRefused(reason=reason_of(_body_of(error))) from None

    async def look(self, reference: str) -> Standing:
        retrieve = self._stripe.payment_intents.retrieve_async
        intent = await _answer(retrieve(reference, {"expand": ["latest_charge"]}), reference)
        is_paid = intent["status"] == "succeeded"
        return await self._standing(intent, await self._refunds(reference) if is_paid else ())

    async def cancel(self, reference: str) -> Standing:
        with suppress(GatewayRefused):  # what is over already
            await _answer(self._stripe.payment_intents.cancel_async(reference), reference)
        return await self.look(reference)

    async def client_secret(self, reference: str) -> str:
        intent = await _answer(self._stripe.payment_intents.retrieve_async(reference), reference)
        return str(intent["client_secret"])

    async def since(self, at: datetime) -> AsyncIterator[Standing]:
        seen: set[str] = set()
        wish = {**_after(at), "expand": ["data.latest_charge"]}
        async for intent in self._pages(self._stripe.payment_intents.list_async, wish):
            seen.add(str(intent["id"]))
            yield await self._standing(intent)
        async for reference in self._touched(at):
            if reference and reference not in seen:
                seen.add(reference)
                yield await self.look(reference)

    async def _touched(self, at: datetime) -> AsyncIterator[str]:
        """Older payments of which money went back or was disputed since then, or came back to us."""
        async for refund in self._pages(self._stripe.refunds.list_async, _after(at - MAY_FAIL)):
            if refund["created"] >= at.timestamp() or refund_news(refund).state == "failed":
                yield id_of(refund.get("payment_intent"))
        async for dispute in self._pages(self._stripe.disputes.list_async, _after(at)):
            yield id_of(dispute.get("payment_intent"))

    def read(self, headers: Mapping[str, str], body: bytes) -> Heard:
        header = headers.get("stripe-signature", "")
        if not any(_is_signed(body, header, secret) for secret in self._secrets):
            raise WebhookRefused
        signed_at = next(part[2:] for part in header.split(",") if part.startswith("t="))
        if abs(self._clock().timestamp() - int(signed_at)) > self._window.total_seconds():
            raise WebhookRefused
        try:
            return self.parse(body.decode())
        except MessageUnclear as unclear:  # stored all the same, and shown to a person
            return Heard(unclear.id, unclear.type)

    def parse(self, body: str) -> Heard:
        try:
            event = json.loads(body)
            id, type = event["id"], event["type"]
        except (ValueError, KeyError, TypeError):
            raise WebhookRefused from None
        if not (id and isinstance(id, str) and isinstance(type, str)):
            raise WebhookRefused
        try:
            return heard(event, live=self._live)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise MessageUnclear(id=id, type=type, why=f"{error.__class__.__name__}: {error}") from None

    async def _customer_of(self, asked: Asked) -> str:
        """The customer whose means of payment are kept: the one that is known, or a new one."""
        if asked.customer:
            return asked.customer
        user_id = str(asked.user_id)
        create = self._stripe.customers.create_async
        made = await _answer(create({"metadata": {"user_id": user_id}}, _once(f"customer-{user_id}")))
        return str(made["id"])

    async def _keeps(self, means: str, customer: str) -> bool:
        """Whether means of payment are still kept for a customer."""
        try:
            known = await _answer(self._stripe.payment_methods.retrieve_async(means), means)
        except shared.NotFound:
            return False
        return id_of(known.get("customer")) == customer

    async def _standing(self, intent: Json, refunds: Sequence[RefundNews] | None = None) -> Standing:
        """All that is known of an intent. Where its `refunds` are not at hand, they are only asked for where
        there are any, and so are disputes."""
        charge, reference = intent.get("latest_charge"), str(intent["id"])
        facts: Json = charge if isinstance(charge, Mapping) else {}
        if refunds is None:
            refunds = await self._refunds(reference) if facts.get("amount_refunded") else ()
        disputes: list[Json] = []
        if facts.get("disputed"):
            ask = self._stripe.disputes.list_async
            disputes = [one async for one in self._pages(ask, {"payment_intent": reference})]
        metadata = intent.get("metadata")
        return Standing(
            intent_news(intent),
            tuple(refunds),
            tuple(map(dispute_news, reversed(disputes))),
            uuid_of(metadata, "payment_id"),
            uuid_of(metadata, "user_id"),
        )

    async def _refunds(self, reference: str) -> tuple[RefundNews, ...]:
        """Every refund of an intent, oldest first."""
        pages = self._pages(self._stripe.refunds.list_async, {"payment_intent": reference})
        return tuple([refund_news(one) async for one in pages])[::-1]

    async def _charged(self, asked: Asked, since: datetime) -> Notification | None:
        """What came of a charge that was asked for before; where there are several, of one that was paid."""
        wish = {**_after(since - SKEW), **({"customer": asked.customer} if asked.customer else {})}
        pages = self._pages(self._stripe.payment_intents.list_async, wish)
        ours = [one async for one in pages if uuid_of(one.get("metadata"), "payment_id") == asked.payment_id]
        ours.sort(key=lambda one: bool(one["status"] == "succeeded"), reverse=True)
        return intent_news(ours[0]) if ours else None

    def _is_forgotten(self, since: datetime) -> bool:
        """Whether a key that was first used then may be known no more."""
        return self._clock() >= since + KEY_LIFE

    async def _pages(self, ask: Callable[[Any], Awaitable[Any]], wish: dict[str, Any]) -> AsyncIterator[Any]:
        """All that a list has, newest first."""
        wish = {**wish, "limit": PAGE}
        while True:
            page = await _answer(ask(wish))
            for one in page["data"]:
                yield one
            if not page.get("has_more") or not page["data"]:
                return
            wish = {**wish, "starting_after": page["data"][-1]["id"]}


def _wish(asked: Asked, **more: str) -> dict[str, Any]:
    """What every intent is asked for with."""
    ours = {"payment_id": str(asked.payment_id), "user_id": str(asked.user_id), "purpose": asked.purpose}
    currency = asked.amount.currency.lower()
    return {"amount": asked.amount.amount, "currency": currency, "metadata": {**ours, **more}}


def _after(at: datetime) -> dict[str, Any]:
    """What was made since then."""
    return {"created": {"gte": int(at.timestamp())}}


def _is_signed(body: bytes, header: str, secret: str) -> bool:
    with suppress(stripe.SignatureVerificationError, UnicodeDecodeError):
        return bool(stripe.WebhookSignature.verify_header(body, header, secret))
    return False


def _once(key: str) -> Any:
    return {"idempotency_key": key}


async def _answer(call: Awaitable[Any], id: str = "") -> Any:
    """What Stripe answers, as plain values. Raises NotFound, and CardError for a declined card."""
    try:
        return (await call).to_dict()
    except stripe.CardError:
        raise
    except stripe.InvalidRequestError as error:
        if error.http_status == 404 or error.code == MISSING:
            raise shared.NotFound(kind="payment", id=id or str(error.param or "")) from None
        raise GatewayRefused(reason=error.code or "invalid_request") from None
    except stripe.IdempotencyError:
        raise GatewayRefused(reason="idempotency_key_in_use") from None
    except (stripe.AuthenticationError, stripe.PermissionError):
        raise GatewayMisconfigured from None
    except stripe.StripeError:
        raise GatewayUnavailable from None


def _declined(error: stripe.CardError) -> Notification:
    """A charge that failed is an intent all the same. Raises GatewayUnavailable where it is not named."""
    body = _body_of(error)
    intent = body.get("payment_intent")
    if not isinstance(intent, Mapping):
        raise GatewayUnavailable from None
    reason = reason_of(body)
    return shared.evolve(intent_news(intent), outcome="failed", reason=reason, received_cents=None, means="")


def _body_of(error: stripe.StripeError) -> Json:
    body = error.json_body
    found = body.get("error") if isinstance(body, Mapping) else None
    return found if isinstance(found, Mapping) else {}
