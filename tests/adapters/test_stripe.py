"""Stripe's gateway against a stateful imitation of Stripe, and recorded signatures."""

import logging
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import stripe
from stripes import DECLINED, GOOD, KEY, SECRET, Stripe, dispute, event, imitation, signed

from baobab.adapters.payments.stripe import StripeGateway
from baobab.application.payments import (
    Asked,
    Audited,
    DisputeNews,
    Embedded,
    GatewayMisconfigured,
    GatewayRefused,
    GatewayUnavailable,
    LookAgain,
    MessageUnclear,
    Notification,
    RefundNews,
    WebhookRefused,
)
from baobab.domain import shared

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
"""The library calls httpx in a way that it will not always."""

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = datetime.now(UTC)
VECTOR = b'{"id":"evt_vector","object":"event","type":"ping","data":{"object":{"object":"x"}}}'
"""A body, signed at 1772442000 with the key `whsec_community` by the documented scheme: the hexadecimal
HMAC-SHA256 of `<seconds>.<body>`."""
SIGNATURE = "t=1772442000,v1=6ff2d9af7375cd08b800e0870baa08888db828b04d9d3c7c3682589104ed429a"


@pytest.fixture(scope="module")
def there() -> Iterator[Stripe]:
    with imitation() as found:
        yield found


@pytest.fixture
async def gateway(there: Stripe) -> AsyncIterator[StripeGateway]:
    there.door.faults.clear()
    opened = gateway_to(there)
    yield opened
    await opened.close()


@pytest.fixture
async def hasty(there: Stripe) -> AsyncIterator[StripeGateway]:
    """It asks once, and never again."""
    opened = gateway_to(there, retries=0)
    yield opened
    await opened.close()


def gateway_to(there: Stripe, **options: Any) -> StripeGateway:
    given: dict[str, Any] = {"api_base": there.door.address, "timeout": 5.0, "public_key": "pk_test_open"}
    clock = options.pop("clock", lambda: datetime.now(UTC))
    return StripeGateway(KEY, SECRET, clock, **{**given, **options})


def asked(**facts: Any) -> Asked:
    return Asked(uuid4(), UUID(int=9), shared.Money(5_000), "investment", **facts)


async def test_a_payment_is_asked_for_once_and_says_where_to_pay(
    there: Stripe, gateway: StripeGateway
) -> None:
    wish = asked()
    intent = await gateway.create(wish)
    assert intent.pay_url == f"/v1/payments/{wish.payment_id}/checkout"
    assert await gateway.create(wish) == intent
    known = there.intent(intent.reference)
    assert (known["amount"], known["currency"]) == (5_000, "eur")
    assert known["metadata"] == {
        "payment_id": str(wish.payment_id),
        "user_id": str(wish.user_id),
        "purpose": "investment",
    }
    assert await gateway.client_secret(intent.reference) == known["client_secret"]
    assert isinstance(gateway, Embedded)
    assert isinstance(gateway, Audited)


async def test_what_is_known_of_a_payment_follows_what_the_member_does(
    there: Stripe, gateway: StripeGateway
) -> None:
    wish = asked()
    reference = (await gateway.create(wish)).reference
    waiting = await gateway.look(reference)
    assert (waiting.news.outcome, waiting.payment_id, waiting.user_id) == (
        "pending",
        wish.payment_id,
        wish.user_id,
    )
    there.pay(reference)
    paid = (await gateway.look(reference)).news
    assert (paid.outcome, paid.received_cents, paid.currency) == ("succeeded", 5_000, "EUR")
    assert paid.means.startswith("pm_")
    assert (await gateway.cancel(reference)).news.outcome == "succeeded"


async def test_a_declined_card_may_be_tried_again_and_a_payment_given_up_is_over(
    there: Stripe, gateway: StripeGateway
) -> None:
    reference = (await gateway.create(asked())).reference
    assert there.pay(reference, DECLINED) == 402
    assert (await gateway.look(reference)).news == Notification(
        reference, "declined", "card_declined", currency="EUR"
    )
    assert (await gateway.cancel(reference)).news.outcome == "expired"


async def test_kept_means_are_charged_once_while_the_member_is_away(
    there: Stripe, gateway: StripeGateway
) -> None:
    first = await gateway.create(asked(saved=True))
    assert first.customer.startswith("cus_")
    wish = asked(customer=first.customer, saved=True)
    news = await gateway.charge(wish, there.card(GOOD))
    assert (news.outcome, news.received_cents, news.customer) == ("succeeded", 5_000, first.customer)
    assert (await gateway.look(news.reference)).payment_id == wish.payment_id


async def test_a_charge_that_fails_is_news_with_its_reference_and_the_bank_s_reason(
    there: Stripe, gateway: StripeGateway
) -> None:
    customer = (await gateway.create(asked(saved=True))).customer
    wish, card = asked(customer=customer, saved=True), there.card(DECLINED)
    news = await gateway.charge(wish, card)
    assert (news.outcome, news.reason, news.received_cents) == ("failed", "insufficient_funds", None)
    assert await gateway.charge(wish, card) == news
    assert (await gateway.look(news.reference)).news.outcome == "failed"


@pytest.fixture
async def next_day(there: Stripe) -> AsyncIterator[StripeGateway]:
    """A day later, when the keys of the day before are forgotten."""
    there.door.faults.clear()
    opened = gateway_to(there, clock=lambda: datetime.now(UTC) + timedelta(hours=25))
    yield opened
    await opened.close()


async def test_a_charge_whose_answer_was_lost_is_found_when_its_key_is_forgotten(
    there: Stripe, hasty: StripeGateway, next_day: StripeGateway
) -> None:
    customer = (await hasty.create(asked(saved=True))).customer
    wish, card = asked(customer=customer, saved=True, since=NOW), there.card(GOOD)
    there.door.faults.append("lost")
    with pytest.raises(GatewayUnavailable):
        await hasty.charge(wish, card)
    there.door.once.clear()
    news = await next_day.charge(wish, card)
    assert (news.outcome, news.received_cents, news.customer) == ("succeeded", 5_000, customer)
    assert len(there.intents(wish.payment_id)) == 1


async def test_a_charge_that_never_arrived_is_asked_for_though_its_day_is_over(
    there: Stripe, hasty: StripeGateway, next_day: StripeGateway
) -> None:
    customer = (await hasty.create(asked(saved=True))).customer
    wish, card = asked(customer=customer, saved=True, since=NOW), there.card(GOOD)
    there.door.faults.append(503)
    with pytest.raises(GatewayUnavailable):
        await hasty.charge(wish, card)
    assert (await next_day.charge(wish, card)).outcome == "succeeded"
    assert len(there.intents(wish.payment_id)) == 1


async def test_a_charge_is_not_asked_for_again_while_it_cannot_be_looked_for(
    there: Stripe, hasty: StripeGateway
) -> None:
    customer = (await hasty.create(asked(saved=True))).customer
    wish = asked(customer=customer, saved=True, since=NOW - timedelta(hours=25))
    there.door.faults.append(503)
    with pytest.raises(GatewayUnavailable):
        await hasty.charge(wish, there.card(GOOD))
    assert there.intents(wish.payment_id) == []


async def test_a_refund_in_part_whose_answer_was_lost_is_found_when_its_key_is_forgotten(
    there: Stripe, hasty: StripeGateway, next_day: StripeGateway
) -> None:
    reference = (await hasty.create(asked())).reference
    there.pay(reference)
    there.door.faults.append("lost")
    with pytest.raises(GatewayUnavailable):
        await hasty.refund(reference, 2_000, "lost", NOW)
    there.door.once.clear()
    assert (await next_day.refund(reference, 2_000, "lost", NOW)).key == "lost"
    assert (await next_day.refund(reference, 500, "new", NOW)).key == "new"
    assert sorted(one["amount"] for one in there.refunds(reference)) == [500, 2_000]


async def test_more_refunds_than_a_page_has_are_all_known(there: Stripe, gateway: StripeGateway) -> None:
    reference = (await gateway.create(asked())).reference
    there.pay(reference)
    given = {there.give_back(reference, 1)["id"] for _ in range(101)}
    assert {one.reference for one in (await gateway.look(reference)).refunds} == given


async def test_saved_means_that_are_gone_are_refused(there: Stripe, gateway: StripeGateway) -> None:
    customer = (await gateway.create(asked(saved=True))).customer
    with pytest.raises(GatewayRefused) as refused:
        await gateway.charge(asked(customer=customer, saved=True), "pm_gone")
    assert refused.value.reason == "resource_missing"


@pytest.mark.parametrize(("kept", "reason"), [(True, "told_to"), (False, "resource_missing")])
async def test_a_charge_that_is_refused_says_whether_the_means_are_still_kept(
    there: Stripe, hasty: StripeGateway, kept: bool, reason: str
) -> None:
    """Of means that their owner took away Stripe says in words alone that they are no good."""
    customer = (await hasty.create(asked(saved=True))).customer
    card = there.card(GOOD)
    if kept:
        there.http.post(f"/v1/payment_methods/{card}/attach", data={"customer": customer})
    there.door.faults.append(400)
    with pytest.raises(GatewayRefused) as refused:
        await hasty.charge(asked(customer=customer, saved=True), card)
    assert refused.value.reason == reason


async def test_an_older_payment_that_was_disputed_lately_is_listed(
    there: Stripe, gateway: StripeGateway
) -> None:
    old, disputed = [(await gateway.create(asked())).reference for _ in range(2)]
    there.pay(disputed)
    later = datetime.now(UTC) + timedelta(hours=1)
    there.door.disputes.append(dispute(disputed, "needs_response", 5_000) | {"created": later.timestamp()})
    listed = {one.news.reference async for one in gateway.since(later)}
    assert (disputed in listed, old in listed) == (True, False)


async def test_money_goes_back_in_parts_and_each_part_once(there: Stripe, gateway: StripeGateway) -> None:
    reference = (await gateway.create(asked())).reference
    there.pay(reference)
    first = await gateway.refund(reference, 2_000, "a", NOW)
    assert (first.payment, first.amount_cents, first.key, first.state) == (reference, 2_000, "a", "succeeded")
    assert await gateway.refund(reference, 2_000, "a", NOW) == first
    second = await gateway.refund(reference, 500, "b", NOW)
    assert set((await gateway.look(reference)).refunds) == {first, second}
    assert sum(one["amount"] for one in there.refunds(reference)) == 2_500


async def test_what_was_done_though_the_answer_was_lost_is_found_by_asking_again(
    there: Stripe, gateway: StripeGateway, hasty: StripeGateway
) -> None:
    wish = asked()
    there.door.faults.append("lost")
    with pytest.raises(GatewayUnavailable):
        await hasty.create(wish)
    reference = (await gateway.create(wish)).reference
    listed = [one async for one in gateway.since(datetime.fromtimestamp(time.time() - 60, UTC))]
    assert [one.news.reference for one in listed if one.payment_id == wish.payment_id] == [reference]


async def test_what_fails_for_a_moment_is_asked_again_by_itself(
    there: Stripe, gateway: StripeGateway
) -> None:
    wish = asked()
    there.door.faults.extend([503, "lost"])
    reference = (await gateway.create(wish)).reference
    assert there.door.faults == []
    assert (await gateway.look(reference)).payment_id == wish.payment_id


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (401, GatewayMisconfigured),
        (403, GatewayMisconfigured),
        (409, GatewayUnavailable),
        (429, GatewayUnavailable),
        (500, GatewayUnavailable),
        (503, GatewayUnavailable),
        (400, GatewayRefused),
        (404, shared.NotFound),
    ],
)
async def test_whatever_goes_wrong_has_a_name(
    there: Stripe, hasty: StripeGateway, fault: int, error: type[Exception]
) -> None:
    there.door.faults.append(fault)
    with pytest.raises(error) as raised:
        await hasty.look("pi_1")
    assert KEY not in str(raised.value)


async def test_a_provider_that_takes_too_long_does_not_answer() -> None:
    silent = StripeGateway(KEY, SECRET, lambda: AT, api_base="http://127.0.0.1:9", timeout=0.5, retries=0)
    with pytest.raises(GatewayUnavailable):
        await silent.create(asked())
    await silent.close()


async def test_the_same_key_for_something_else_is_refused(there: Stripe, gateway: StripeGateway) -> None:
    wish = asked()
    await gateway.create(wish)
    with pytest.raises(GatewayRefused) as refused:
        await gateway.create(shared.evolve(wish, amount=shared.Money(1)))
    assert "idempotency" in refused.value.reason


async def test_neither_secrets_nor_what_is_answered_are_logged(
    there: Stripe, gateway: StripeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        reference = (await gateway.create(asked())).reference
        secret = await gateway.client_secret(reference)
    assert secret not in caplog.text
    assert KEY not in caplog.text
    assert KEY not in repr(gateway)


# --- signatures ---------------------------------------------------------------------------------


def receiver(at: datetime | None = None) -> StripeGateway:
    return StripeGateway(KEY, SECRET, lambda: at or datetime.now(UTC))


def read(gateway: StripeGateway, body: bytes, header: str) -> Any:
    return gateway.read({"stripe-signature": header}, body)


SIGNED_AT = datetime.fromtimestamp(1_772_442_000, UTC)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_recorded_signature_is_right_within_the_window(seconds: int) -> None:
    at = datetime.fromtimestamp(1_772_442_000 + seconds, UTC)
    assert read(receiver(at), VECTOR, SIGNATURE).event_id == "evt_vector"
    stripe.WebhookSignature.verify_header(VECTOR, SIGNATURE, SECRET)


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_an_old_signature_and_one_of_the_future_are_refused(seconds: int) -> None:
    with pytest.raises(WebhookRefused):
        read(receiver(datetime.fromtimestamp(1_772_442_000 + seconds, UTC)), VECTOR, SIGNATURE)


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (VECTOR + b" ", SIGNATURE),
        (VECTOR.replace(b"ping", b"pong"), SIGNATURE),
        (VECTOR, SIGNATURE.replace("t=1772442000", "t=1772442001")),
        (VECTOR, SIGNATURE[:-1] + ("0" if SIGNATURE[-1] != "0" else "1")),
        (VECTOR, SIGNATURE.replace("v1=", "v0=")),
        (VECTOR, "t=1772442000"),
        (VECTOR, "t=soon,v1=x"),
        (VECTOR, ""),
        (b"\xff\xfe", SIGNATURE),
    ],
)
def test_a_forged_signature_is_refused(body: bytes, header: str) -> None:
    with pytest.raises(WebhookRefused):
        read(receiver(SIGNED_AT), body, header)


def test_a_signature_of_another_secret_is_refused_and_one_of_two_is_enough() -> None:
    body, headers = signed(event("ping", {"object": "x"}), secret="whsec_other")
    header = headers["Stripe-Signature"]
    with pytest.raises(WebhookRefused):
        read(receiver(), body, header)
    _, right = signed(body.decode())
    assert read(receiver(), body, f"{right['Stripe-Signature']},{header.partition(',')[2]}").news is None


def test_of_two_secrets_each_is_right() -> None:
    """One of an endpoint that is about to be replaced."""
    both = StripeGateway(KEY, f"whsec_other {SECRET}", lambda: SIGNED_AT)
    assert read(both, VECTOR, SIGNATURE).event_id == "evt_vector"
    with pytest.raises(WebhookRefused):
        read(both, VECTOR + b" ", SIGNATURE)


@pytest.mark.parametrize("body", ["{}", "[]", "null", '"text"', "{", '{"id": 1, "type": "x", "data": 1}'])
def test_what_is_signed_and_no_event_is_refused(body: str) -> None:
    content, headers = signed(body)
    with pytest.raises(WebhookRefused):
        read(receiver(), content, headers["Stripe-Signature"])


# --- what events say ------------------------------------------------------------------------------

INTENT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 5_000,
    "amount_received": 5_000,
    "currency": "eur",
    "status": "succeeded",
    "customer": {"id": "cus_1", "object": "customer"},
    "payment_method": "pm_1",
    "metadata": {"payment_id": str(UUID(int=1)), "user_id": str(UUID(int=2))},
}
REFUND = {"id": "re_1", "object": "refund", "amount": 700, "status": "pending", "payment_intent": "pi_1"}


def told(type: str, object: Any) -> Any:
    body, headers = signed(event(type, object))
    return read(receiver(), body, headers["Stripe-Signature"])


def test_an_event_says_which_payment_of_ours_it_is_about() -> None:
    heard = told("payment_intent.succeeded", INTENT)
    assert (heard.payment_id, heard.user_id, heard.reference) == (UUID(int=1), UUID(int=2), "pi_1")
    assert heard.news == Notification(
        "pi_1", "succeeded", received_cents=5_000, currency="EUR", customer="cus_1", means="pm_1"
    )


@pytest.mark.parametrize(
    ("changes", "outcome", "reason"),
    [
        ({"status": "processing"}, "pending", ""),
        ({"status": "requires_action"}, "pending", ""),
        ({"status": "canceled", "cancellation_reason": "abandoned"}, "expired", "abandoned"),
        (
            {
                "status": "requires_payment_method",
                "last_payment_error": {"code": "card_declined", "decline_code": "lost_card"},
            },
            "declined",
            "lost_card",
        ),
        (
            {
                "status": "requires_payment_method",
                "last_payment_error": {"code": "authentication_required"},
                "metadata": {**INTENT["metadata"], "off_session": "true"},
            },
            "failed",
            "authentication_required",
        ),
    ],
)
def test_each_state_of_an_intent_is_one_of_ours(changes: Any, outcome: str, reason: str) -> None:
    news = told("payment_intent.updated", {**INTENT, **changes}).news
    assert (news.outcome, news.reason, news.received_cents) == (outcome, reason, None)


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ("pending", "succeeded", ""),
        ("succeeded", "succeeded", ""),
        ("failed", "failed", "expired_or_canceled_card"),
        ("canceled", "failed", "expired_or_canceled_card"),
    ],
)
def test_a_refund_is_given_back_or_failed(status: str, state: Any, reason: str) -> None:
    facts = {"status": status, "failure_reason": "expired_or_canceled_card"}
    key = str(UUID(int=3))
    refund = {**REFUND, **facts, "metadata": {"refund_id": key}}
    assert told("refund.updated", refund).news == RefundNews("pi_1", "re_1", 700, state, key, reason)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("needs_response", "opened"),
        ("under_review", "opened"),
        ("warning_needs_response", "opened"),
        ("warning_closed", "won"),
        ("won", "won"),
        ("lost", "lost"),
    ],
)
def test_a_dispute_is_open_won_or_lost(status: str, state: Any) -> None:
    news = told("charge.dispute.updated", dispute("pi_1", status, 5_000)).news
    assert news == DisputeNews("pi_1", "dp_1", 5_000, state, "fraudulent")


def test_money_that_nobody_in_person_can_release_has_failed() -> None:
    """The bank wants to see the member, who is away."""
    away = {**INTENT, "status": "requires_action", "metadata": {**INTENT["metadata"], "off_session": "true"}}
    news = told("payment_intent.requires_action", away).news
    assert (news.outcome, news.reason) == ("failed", "authentication_required")


@pytest.mark.parametrize("facts", [{"livemode": True}, {"account": "acct_another"}])
def test_money_of_the_other_mode_or_of_another_account_is_none_of_ours(facts: Any) -> None:
    body, headers = signed(event("payment_intent.succeeded", INTENT) | facts)
    assert read(receiver(), body, headers["Stripe-Signature"]).news is None
    mine, headers = signed(event("payment_intent.succeeded", INTENT) | {"livemode": False, "account": None})
    assert read(receiver(), mine, headers["Stripe-Signature"]).news is not None


@pytest.mark.parametrize(
    "object", [{"object": "refund", "id": "re_1"}, {"object": "payment_intent"}, None, 7]
)
def test_what_is_signed_and_not_understood_is_kept_for_a_person(object: Any) -> None:
    body, headers = signed(event("refund.created", object))
    heard = read(receiver(), body, headers["Stripe-Signature"])
    assert (heard.event_id, heard.type, heard.news) == ("evt_1", "refund.created", None)
    with pytest.raises(MessageUnclear) as unclear:
        receiver().parse(body.decode())
    assert unclear.value.type == "refund.created"


@pytest.mark.parametrize("object", [{"object": "a thing of tomorrow", "id": "x"}, {}])
def test_an_object_of_a_kind_that_nobody_knows_says_nothing(object: Any) -> None:
    assert told("refund.created", object).news is None


def test_of_a_charge_that_changed_the_rest_must_be_asked() -> None:
    charge = {"id": "ch_1", "object": "charge", "payment_intent": "pi_1", "amount_refunded": 700}
    assert told("charge.refunded", charge).news == LookAgain("pi_1")
    assert told("charge.refunded", {**charge, "payment_intent": None}).news is None


@pytest.mark.parametrize(
    ("type", "object"),
    [
        ("customer.created", {"object": "customer", "id": "cus_1"}),
        ("payment_intent.succeeded", {**INTENT, "metadata": {}}),
        ("payment_intent.succeeded", {**INTENT, "metadata": {"payment_id": "not ours"}}),
        ("invoice.paid", INTENT),
    ],
)
def test_what_concerns_somebody_else_says_nothing(type: str, object: Any) -> None:
    assert told(type, object).news is None
