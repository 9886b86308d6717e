"""Taking money through Stripe: invest, pay, messages in any order and any number, refunds, disputes, and the
books right after each."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import msgspec
import pytest
from edge import Client, Headers, as_operator, client_on, signed_in
from stripes import DECLINED, KEY, SECRET, Stripe, dispute, event, imitation, signed
from wishes import a_producer, a_project

from baobab.application import payments
from baobab.application.investments import reconcile
from baobab.application.payments import inbox as letters
from baobab.domain import shared
from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.settings import Secret, Settings

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
numbers = count(1)
OPERATOR = shared.Actor(role="service")


@pytest.fixture(scope="module")
def there() -> Iterator[Stripe]:
    with imitation() as found:
        yield found


@contextmanager
def till(there: Stripe) -> Iterator[Client]:
    settings = Settings(
        sandbox=False,
        rate_limits=False,
        stripe_key=Secret(KEY),
        stripe_webhook_secret=Secret(SECRET),
        stripe_public_key="pk_test_open",
        stripe_api_base=there.door.address,
    )
    with client_on(MemoryContainer(settings=settings)) as client:
        yield client


@pytest.fixture(scope="module")
def client(there: Stripe) -> Iterator[Client]:
    with till(there) as opened:
        yield opened


@pytest.fixture(scope="module")
def admin(client: Client) -> Headers:
    return signed_in(client, "admin@example.org", role="admin")


class Buyer:
    """A member who buys a share, and the provider's side of it."""

    def __init__(self, client: Client, there: Stripe, admin: Headers) -> None:
        self.client, self.there, self.admin = client, there, admin
        self.who = signed_in(client, f"member-{next(numbers)}@example.org")
        self.project_id = _project(client, admin)
        self.one: Any = None

    def post(self, path: str, body: Any = None, who: Headers | None = None) -> Any:
        headers = {**(who or self.who), "Idempotency-Key": f"key-{next(numbers)}"}
        return self.client.post(f"/v1{path}", json=body, headers=headers)

    def invest(self) -> str:
        """The reference of the payment of a new share."""
        answer = self.post("/investments", {"project_id": self.project_id, "offer": "ruche"})
        assert answer.status_code == 201, answer.text
        self.one = answer.json()
        reference: str = self.one["payment"]["reference"]
        return reference

    def paid(self) -> str:
        """The reference of a share that is paid for, and heard of."""
        reference = self.invest()
        self.there.pay(reference)
        self.tell(self.there.events(reference)[0])
        return reference

    def tell(self, body: Any) -> int:
        content, headers = signed(body)
        status: int = self.client.post("/v1/webhooks/stripe", content=content, headers=headers).status_code
        return status

    def share(self) -> Any:
        return self.client.get(f"/v1/investments/{self.one['id']}", headers=self.who).json()

    def payment(self) -> Any:
        return self.client.get(f"/v1/payments/{self.one['payment']['id']}", headers=self.who).json()

    def receipts(self) -> list[tuple[str, int]]:
        return [(slip["kind"], slip["amount"]["amount"]) for slip in self.payment()["receipts"]]

    def points(self) -> tuple[int, int]:
        """What may be spent, and what is owed."""
        balance = self.client.get("/v1/points/balance", headers=self.who).json()
        return balance["available"], balance["debt"]

    def funded(self) -> int:
        cents: int = self.client.get(f"/v1/projects/{self.project_id}").json()["funding"]["taken"]["amount"]
        return cents

    def event(self, id: str) -> Any:
        return self.client.get(f"/v1/webhook-events/stripe/{id}", headers=self.admin).json()

    def books(self) -> None:
        """See that money, receipts and points agree, here and at the provider."""
        coverage = self.client.get("/v1/points/coverage", headers=self.admin).json()
        assert coverage["unexplained"]["amount"] == 0
        verified = self.client.get("/v1/points/verification", headers=self.who).json()
        assert verified["findings"] == []
        payment, slips = self.payment(), self.receipts()
        sums = {kind: sum(cents for one, cents in slips if one == kind) for kind in dict(slips)}
        back = sums.get("refund", 0) - sums.get("refund_failed", 0)
        assert payment["refunded"]["amount"] == back
        assert payment["charged_back"]["amount"] == sums.get("chargeback", 0)
        intent = self.there.intent(payment["reference"])
        assert sums.get("payment", 0) == (5_000 if intent["status"] == "succeeded" else 0)


def _project(client: Client, admin: Headers) -> str:
    number = next(numbers)
    producer = msgspec.to_builtins(a_producer(f"rucher-{number}"))
    made = client.post("/v1/producers", json=producer, headers=admin).json()
    wish = msgspec.to_builtins(a_project(made["id"], f"ruches-{number}", target_cents=20_000))
    id: str = client.post("/v1/projects", json=wish, headers=admin).json()["id"]
    for version, status in enumerate(("review", "active"), 1):
        moved = {"status": status, "version": version}
        assert client.post(f"/v1/projects/{id}/status", json=moved, headers=admin).status_code == 200
    return id


@pytest.fixture
def buyer(client: Client, there: Stripe, admin: Headers) -> Buyer:
    there.door.faults.clear()
    return Buyer(client, there, admin)


def test_invest_pay_and_be_told_three_times(buyer: Buyer, there: Stripe) -> None:
    reference = buyer.invest()
    assert buyer.points() == (0, 0)
    there.pay(reference)
    (told,) = there.events(reference)
    assert [buyer.tell(told) for _ in range(3)] == [200, 200, 200]
    share = buyer.share()
    assert (share["state"], share["granted_points"], buyer.points()) == ("active", 65, (65, 0))
    assert (buyer.receipts(), buyer.funded()) == ([("payment", 5_000)], 5_000)
    seen = buyer.event(told["id"])
    assert (seen["state"], seen["attempts"], seen["payment_id"]) == ("handled", 1, buyer.payment()["id"])
    assert json.loads(seen["body"]) == told
    buyer.books()


def test_the_provider_s_form_is_given_a_secret_that_is_stored_nowhere(buyer: Buyer, there: Stripe) -> None:
    reference = buyer.invest()
    form = buyer.client.get(buyer.one["payment"]["pay_url"], headers=buyer.who)
    secret = there.intent(reference)["client_secret"]
    assert (form.status_code, form.json()) == (
        200,
        {
            "provider": "stripe",
            "public_key": "pk_test_open",
            "reference": reference,
            "client_secret": secret,
        },
    )
    storage: Any = buyer.client.app.state.runner._storage
    kept = [repr(storage.all(kind)) for kind in payments.KINDS] + [repr(vars(storage))]
    assert not [text for text in kept if secret in text]
    other = signed_in(buyer.client, f"member-{next(numbers)}@example.org")
    assert buyer.client.get(buyer.one["payment"]["pay_url"], headers=other).status_code == 404
    there.pay(reference)
    buyer.tell(there.events(reference)[0])
    over = buyer.client.get(buyer.one["payment"]["pay_url"], headers=buyer.who)
    assert (over.status_code, over.json()["code"]) == (409, "payment_over")


def test_messages_may_come_in_any_order(buyer: Buyer, there: Stripe) -> None:
    """A refund is heard of before the payment, and a decline after it."""
    reference = buyer.invest()
    there.pay(reference)
    refund = event("refund.created", there.give_back(reference, 1_500), f"evt_{next(numbers)}")
    assert buyer.tell(refund) == 200
    early = buyer.event(refund["id"])
    assert (early["state"], early["last_error"].partition(":")[0]) == ("failed", "payment_not_paid")
    buyer.tell(there.events(reference)[0])
    again = buyer.post(f"/webhook-events/stripe/{refund['id']}/replay", who=buyer.admin)
    assert (again.status_code, again.json()["state"]) == (200, "handled")
    declined = {
        **there.intent(reference),
        "status": "requires_payment_method",
        "last_payment_error": {"code": "card_declined"},
    }
    buyer.tell(event("payment_intent.payment_failed", declined, f"evt_{next(numbers)}"))
    assert buyer.receipts() == [("payment", 5_000), ("refund", 1_500)]
    assert (buyer.share()["state"], buyer.payment()["state"]) == ("active", "refunded")
    assert buyer.payment()["receipts"][1]["reason"] == "at_provider"
    buyer.books()


def test_an_administrator_gives_back_in_part_and_never_more_than_was_paid(
    buyer: Buyer, there: Stripe
) -> None:
    reference = buyer.paid()
    path = f"/payments/{buyer.one['payment']['id']}/refunds?user_id={buyer.one['user_id']}"
    for cents in (1_000, 2_000):
        given = buyer.post(path, {"amount_cents": cents, "reason": "goodwill"}, who=buyer.admin)
        assert (given.status_code, given.json()["state"]) == (200, "refunded")
    assert sorted(one["amount"] for one in there.refunds(reference)) == [1_000, 2_000]
    too_much = buyer.post(path, {"amount_cents": 2_001, "reason": "goodwill"}, who=buyer.admin)
    assert (too_much.status_code, too_much.json()["code"], too_much.json()["left"]) == (
        422,
        "refund_exceeds_payment",
        2_000,
    )
    for refund in there.refunds(reference):  # what we asked for is told as well
        buyer.tell(event("refund.updated", refund, f"evt_{next(numbers)}"))
    assert buyer.receipts() == [("payment", 5_000), ("refund", 1_000), ("refund", 2_000)]
    assert buyer.post(path, {"amount_cents": 1, "reason": "mine"}).status_code == 403
    buyer.books()


def test_a_refund_that_the_provider_takes_back_is_due_again(buyer: Buyer, there: Stripe) -> None:
    reference = buyer.paid()
    path = f"/payments/{buyer.one['payment']['id']}/refunds?user_id={buyer.one['user_id']}"
    buyer.post(path, {"amount_cents": 1_000, "reason": "goodwill"}, who=buyer.admin)
    (refund,) = there.refunds(reference)
    failed = {**refund, "status": "failed", "failure_reason": "lost_or_stolen_card"}
    buyer.tell(event("refund.failed", failed, f"evt_{next(numbers)}"))
    buyer.tell(event("refund.updated", refund, f"evt_{next(numbers)}"))
    payment = buyer.payment()
    assert (payment["state"], payment["refund_due"]["amount"]) == ("refund_due", 1_000)
    assert buyer.receipts() == [("payment", 5_000), ("refund", 1_000), ("refund_failed", 1_000)]
    buyer.books()


def test_who_is_declined_keeps_the_share_reserved_and_may_try_again(buyer: Buyer, there: Stripe) -> None:
    reference = buyer.invest()
    assert there.pay(reference, DECLINED) == 402
    assert buyer.tell(there.events(reference)[0]) == 200
    payment = buyer.payment()
    assert (payment["state"], payment["reason"], buyer.share()["state"]) == (
        "pending",
        "card_declined",
        "pending",
    )
    assert buyer.points() == (0, 0)
    buyer.books()


def test_money_that_comes_for_a_project_that_was_closed_goes_back_with_the_reason(
    buyer: Buyer, there: Stripe
) -> None:
    reference = buyer.invest()
    closed = {"status": "closed", "version": 3}
    moved = buyer.client.post(f"/v1/projects/{buyer.project_id}/status", json=closed, headers=buyer.admin)
    assert moved.status_code == 200, moved.text
    there.pay(reference)
    buyer.tell(there.events(reference)[0])
    (payment, refund) = buyer.payment()["receipts"]
    assert (payment["kind"], refund["kind"], refund["amount"]["amount"]) == ("payment", "refund", 5_000)
    assert refund["reason"] == buyer.payment()["reason"] != ""
    assert [one["amount"] for one in there.refunds(reference)] == [5_000]
    assert (buyer.share()["state"], buyer.points()) == ("refunded", (0, 0))
    buyer.books()


def test_a_dispute_that_is_lost_takes_the_share_and_the_points_with_the_money(buyer: Buyer) -> None:
    reference = buyer.paid()
    spend = {"user_id": buyer.one["user_id"], "amount": 40, "source_id": buyer.one["id"]}
    assert buyer.post("/points/spends", spend, who=buyer.admin).status_code < 300
    buyer.tell(
        event("charge.dispute.created", dispute(reference, "needs_response", 5_000), f"evt_{next(numbers)}")
    )
    assert (buyer.payment()["disputed"], buyer.share()["state"]) == ("opened", "active")
    path = f"/payments/{buyer.one['payment']['id']}/refunds?user_id={buyer.one['user_id']}"
    refused = buyer.post(path, {"amount_cents": 1, "reason": "goodwill"}, who=buyer.admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_disputed")
    lost = event("charge.dispute.closed", dispute(reference, "lost", 5_000), f"evt_{next(numbers)}")
    assert [buyer.tell(lost) for _ in range(2)] == [200, 200]
    payment = buyer.payment()
    assert (payment["state"], payment["disputed"], payment["charged_back"]["amount"]) == (
        "charged_back",
        "lost",
        5_000,
    )
    assert buyer.receipts() == [("payment", 5_000), ("chargeback", 5_000)]
    assert (buyer.share()["state"], buyer.funded(), buyer.points()) == ("refunded", 0, (0, 40))
    assert buyer.client.get("/v1/members/me", headers=buyer.who).json()["level"] == "explorateur"
    buyer.books()


def test_a_dispute_that_is_won_leaves_everything_as_it_was(buyer: Buyer) -> None:
    reference = buyer.paid()
    for status in ("won", "needs_response"):  # the closing is heard of first
        buyer.tell(event("charge.dispute.closed", dispute(reference, status, 5_000), f"evt_{next(numbers)}"))
    assert (buyer.payment()["state"], buyer.payment()["disputed"]) == ("succeeded", "won")
    assert (buyer.share()["state"], buyer.points()) == ("active", (65, 0))
    buyer.books()


def test_what_is_lost_after_it_came_back_to_us_is_booked_though_that_was_not_heard(
    buyer: Buyer, there: Stripe
) -> None:
    """A refund failed, its message is late, and a dispute is lost before it comes."""
    reference = buyer.paid()
    given = there.give_back(reference, 5_000)
    buyer.tell(event("refund.created", given, f"evt_{next(numbers)}"))
    assert buyer.payment()["refunded"]["amount"] == 5_000
    there.door.failed.add(given["id"])
    quarrel = dispute(reference, "lost", 5_000, "dp_late") | {"created": 1}
    there.door.disputes.append(quarrel)
    lost = event("charge.dispute.closed", quarrel, f"evt_{next(numbers)}")
    buyer.tell(lost)
    assert buyer.event(lost["id"])["state"] == "handled"
    assert buyer.receipts() == [
        *(("payment", 5_000), ("refund", 5_000), ("refund_failed", 5_000), ("chargeback", 5_000))
    ]
    assert (buyer.payment()["refund_due"]["amount"], len(there.refunds(reference))) == (0, 1)
    buyer.books()


# --- signatures and the inbox --------------------------------------------------------------------


def test_a_forged_an_old_and_a_replayed_signature(
    buyer: Buyer, there: Stripe, caplog: pytest.LogCaptureFixture
) -> None:
    reference = buyer.invest()
    there.pay(reference)
    (told,) = there.events(reference)
    wrongs: tuple[dict[str, Any], ...] = ({"secret": "whsec_forged"}, {"age": 301}, {"age": -301})
    for wrong in wrongs:
        content, headers = signed(told, **wrong)
        answer = buyer.client.post("/v1/webhooks/stripe", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "webhook_refused")
    content, headers = signed(told)
    changed = buyer.client.post("/v1/webhooks/stripe", content=content + b" ", headers=headers)
    unsigned = buyer.client.post("/v1/webhooks/stripe", content=content)
    assert (changed.status_code, unsigned.status_code) == (400, 400)
    assert buyer.client.get(f"/v1/webhook-events/stripe/{told['id']}", headers=buyer.admin).status_code == 404
    assert caplog.text.count("was refused: forged, or signed too long ago") == 5
    assert reference not in caplog.text
    assert buyer.points() == (0, 0)
    for _ in range(3):
        assert buyer.client.post("/v1/webhooks/stripe", content=content, headers=headers).status_code == 200
    assert (buyer.receipts(), buyer.points()) == ([("payment", 5_000)], (65, 0))


def test_another_provider_than_the_one_that_is_set_up_is_not_listened_to(buyer: Buyer) -> None:
    content, headers = signed(event("ping", {"object": "x"}))
    for name in ("sandbox", "paypal"):
        assert buyer.client.post(f"/v1/webhooks/{name}", content=content, headers=headers).status_code == 404


def test_another_amount_than_was_asked_for_is_set_aside_for_a_person(buyer: Buyer, there: Stripe) -> None:
    reference = buyer.invest()
    there.pay(reference)
    (told,) = there.events(reference)
    told["data"]["object"] |= {"amount_received": 4_000}
    assert buyer.tell(told) == 200
    seen = buyer.event(told["id"])
    assert (seen["state"], seen["last_error"].partition(":")[0]) == ("set_aside", "amount_differs")
    assert (buyer.payment()["state"], buyer.points()) == ("pending", (0, 0))
    listed = buyer.client.get("/v1/webhook-events?status=set_aside", headers=buyer.admin).json()["items"]
    assert told["id"] in [one["id"] for one in listed]
    assert buyer.client.get("/v1/webhook-events", headers=buyer.who).status_code == 403


def test_what_concerns_nobody_here_is_ignored(buyer: Buyer) -> None:
    for body in (
        event("customer.created", {"object": "customer"}),
        event("payment_intent.succeeded", _foreign()),
    ):
        body["id"] = f"evt_{next(numbers)}"
        assert buyer.tell(body) == 200
        assert buyer.event(body["id"])["state"] == "ignored"


def _foreign() -> Any:
    return {
        "id": "pi_foreign",
        "object": "payment_intent",
        "amount": 100,
        "currency": "eur",
        "status": "succeeded",
        "metadata": {},
    }


def test_a_payment_that_is_committed_a_moment_later_is_waited_for(buyer: Buyer) -> None:
    ours = {"payment_id": buyer.project_id, "user_id": buyer.project_id}  # as if we had asked, and forgotten
    told = event("payment_intent.succeeded", {**_foreign(), "metadata": ours}, f"evt_{next(numbers)}")
    buyer.tell(told)
    seen = buyer.event(told["id"])
    assert (seen["state"], seen["attempts"], seen["next_at"] > seen["received_at"]) == ("failed", 1, True)


# --- answers that are lost -----------------------------------------------------------------------


def settled(client: Client, **how: Any) -> Any:
    state = client.app.state
    return client.blocking_portal.call(lambda: reconcile(state.runner, state.gateway, OPERATOR, **how))


def test_a_payment_whose_answers_were_all_lost_is_found_by_its_message(buyer: Buyer, there: Stripe) -> None:
    there.door.faults.extend(["lost", "lost", "lost"])
    wish = {"project_id": buyer.project_id, "offer": "ruche"}
    answer = buyer.post("/investments", wish)
    assert (answer.status_code, answer.json()["code"]) == (503, "gateway_unavailable")
    (one,) = buyer.client.get("/v1/investments", headers=buyer.who).json()["items"]
    buyer.one = one
    found = there.http.get("/v1/payment_intents", params={"limit": 1_000}).json()["data"]
    (intent,) = [it for it in found if it["metadata"].get("payment_id") == one["payment"]["id"]]
    assert one["payment"]["reference"] == ""
    there.pay(intent["id"])
    buyer.tell(there.events(intent["id"])[0])
    assert (buyer.share()["state"], buyer.payment()["reference"]) == ("active", intent["id"])
    buyer.books()


def test_what_was_never_heard_of_is_found_by_asking(buyer: Buyer, there: Stripe) -> None:
    """The message never came, and somebody gave a part back in the dashboard."""
    reference = buyer.invest()
    there.pay(reference)
    there.give_back(reference, 300)
    dry = settled(buyer.client, dry_run=True)
    assert {"paid", "refunded"} <= {one.what for one in dry.settled if one.reference == reference}
    assert buyer.payment()["state"] == "pending"
    done = settled(buyer.client)
    assert [one for one in done.differences if one.reference == reference] == []
    assert buyer.receipts() == [("payment", 5_000), ("refund", 300)]
    assert (buyer.share()["state"], buyer.points()) == ("active", (65, 0))
    assert [one for one in settled(buyer.client).settled if one.reference == reference] == []
    buyer.books()


def test_money_that_we_do_not_know_of_is_shown(buyer: Buyer, there: Stripe) -> None:
    ours = {"payment_id": buyer.project_id, "user_id": buyer.project_id}
    wish = {"amount": 900, "currency": "eur", **{f"metadata[{name}]": id for name, id in ours.items()}}
    reference = there.http.post("/v1/payment_intents", data=wish).json()["id"]
    there.pay(reference)
    (one,) = [one for one in settled(buyer.client).differences if one.reference == reference]
    assert one.what == "paid, and not known here"


def test_messages_are_forgotten_after_a_while_but_not_that_they_came(buyer: Buyer, there: Stripe) -> None:
    reference = buyer.paid()
    (told,) = there.events(reference)
    name = payments.ForgetEvent(provider="stripe", event_id=told["id"])
    as_operator(buyer.client, letters.forget, name)
    seen = buyer.event(told["id"])
    assert (seen["body"], seen["state"]) == ("", "handled")
    assert buyer.tell(told) == 200
    again = buyer.post(f"/webhook-events/stripe/{told['id']}/replay", who=buyer.admin)
    assert (again.status_code, again.json()["code"]) == (409, "event_forgotten")


def test_payments_are_listed_with_filters_one_s_own_or_anybody_s_for_administrators(buyer: Buyer) -> None:
    buyer.paid()
    mine = buyer.client.get("/v1/payments?status=succeeded&provider=stripe", headers=buyer.who).json()
    assert [one["id"] for one in mine["items"]] == [buyer.one["payment"]["id"]]
    assert buyer.client.get("/v1/payments?status=failed", headers=buyer.who).json()["items"] == []
    page = buyer.client.get("/v1/payments?limit=1", headers=buyer.admin).json()
    assert (page["items"][0]["id"], page["next_cursor"] is None) == (buyer.one["payment"]["id"], False)
    theirs = f"/v1/payments?user_id={buyer.one['user_id']}"
    assert len(buyer.client.get(theirs, headers=buyer.admin).json()["items"]) == 1
    other = signed_in(buyer.client, f"member-{next(numbers)}@example.org")
    assert buyer.client.get(theirs, headers=other).status_code == 404
