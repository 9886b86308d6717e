"""Stripe, through its official library: intents, refunds, kept means of payment, signed messages.

Every call is asked for with a key of ours, so that asking again is asking once. A card that is declined is
news; everything else that goes wrong is one of three errors: try again, refused, wrongly configured.

Decision: docs/decisions/0015-the-till.md.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
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
PAGE = 100

logging.getLogger("stripe").setLevel(logging.WARNING)  # below, it writes down what it is answered


class StripeGateway:
    """Payments through Stripe. `clock` tells how old a signature is."""

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
        self._secret, self._clock, self._window = webhook_secret, clock, window
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

    async def refund(self, reference: str, amount_cents: int, key: str) -> RefundNews:
        create = self._stripe.refunds.create_async
        wish: Any = {"payment_intent": reference, "amount": amount_cents, "metadata": {"refund_id": key}}
        try:
            return refund_news(await _answer(create(wish, _once(f"refund-{key}"))))
        except stripe.CardError as error:
            raise GatewayRefused(reason=reason_of(_body_of(error))) from None

    async def look(self, reference: str) -> Standing:
        retrieve = self._stripe.payment_intents.retrieve_async
        return await self._standing(
            await _answer(retrieve(reference, {"expand": ["latest_charge"]}), reference)
        )

    async def cancel(self, reference: str) -> Standing:
        with suppress(GatewayRefused):  # what is over already
            await _answer(self._stripe.payment_intents.cancel_async(reference), reference)
        return await self.look(reference)

    async def client_secret(self, reference: str) -> str:
        intent = await _answer(self._stripe.payment_intents.retrieve_async(reference), reference)
        return str(intent["client_secret"])

    async def since(self, at: datetime) -> AsyncIterator[Standing]:
        wish: Any = {"created": {"gte": int(at.timestamp())}, "expand": ["data.latest_charge"], "limit": PAGE}
        while True:
            page = await _answer(self._stripe.payment_intents.list_async(wish))
            for intent in page["data"]:
                yield await self._standing(intent)
            if not page.get("has_more") or not page["data"]:
                return
            wish = {**wish, "starting_after": page["data"][-1]["id"]}

    def read(self, headers: Mapping[str, str], body: bytes) -> Heard:
        header = headers.get("stripe-signature", "")
        try:
            stripe.WebhookSignature.verify_header(body, header, self._secret)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            raise WebhookRefused from None
        signed_at = next(part[2:] for part in header.split(",") if part.startswith("t="))
        if abs(self._clock().timestamp() - int(signed_at)) > self._window.total_seconds():
            raise WebhookRefused
        return self.parse(body.decode())

    def parse(self, body: str) -> Heard:
        try:
            return heard(json.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise WebhookRefused from None

    async def _customer_of(self, asked: Asked) -> str:
        """The customer whose means of payment are kept: the one that is known, or a new one."""
        if asked.customer:
            return asked.customer
        user_id = str(asked.user_id)
        create = self._stripe.customers.create_async
        made = await _answer(create({"metadata": {"user_id": user_id}}, _once(f"customer-{user_id}")))
        return str(made["id"])

    async def _standing(self, intent: Json) -> Standing:
        """All that is known of an intent; refunds and disputes are only asked for where there are any."""
        charge, reference = intent.get("latest_charge"), str(intent["id"])
        refunds: list[Json] = []
        disputes: list[Json] = []
        if isinstance(charge, Mapping) and charge.get("amount_refunded"):
            refunds = await self._all(self._stripe.refunds.list_async, reference)
        if isinstance(charge, Mapping) and charge.get("disputed"):
            disputes = await self._all(self._stripe.disputes.list_async, reference)
        metadata = intent.get("metadata")
        return Standing(
            intent_news(intent),
            tuple(refund_news(one) for one in refunds),
            dispute_news(disputes[0]) if disputes else None,
            uuid_of(metadata, "payment_id"),
            uuid_of(metadata, "user_id"),
        )

    async def _all(self, ask: Callable[[Any], Awaitable[Any]], reference: str) -> list[Json]:
        page = await _answer(ask({"payment_intent": reference, "limit": PAGE}))
        found: list[Json] = page["data"]
        return found


def _wish(asked: Asked, **more: str) -> dict[str, Any]:
    """What every intent is asked for with."""
    ours = {"payment_id": str(asked.payment_id), "user_id": str(asked.user_id), "purpose": asked.purpose}
    currency = asked.amount.currency.lower()
    return {"amount": asked.amount.amount, "currency": currency, "metadata": {**ours, **more}}


def _once(key: str) -> Any:
    return {"idempotency_key": key}


async def _answer(call: Awaitable[Any], id: str = "") -> Any:
    """What Stripe answers, as plain values. Raises NotFound, and CardError for a declined card."""
    try:
        return (await call).to_dict()
    except stripe.CardError:
        raise
    except stripe.InvalidRequestError as error:
        if error.http_status == 404 or error.code == "resource_missing":
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
