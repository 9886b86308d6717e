"""What Stripe's objects and events say, in our words. Pure: nothing is asked here.

Objects are read as Stripe sends them to any version of its interface since 2019: what is a reference may
also be the object itself.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from ...application.payments import DisputeNews, Heard, LookAgain, News, NewsOutcome, Notification, RefundNews
from ...domain.payments import DisputeState

Json = Mapping[str, Any]

OFF_SESSION = "off_session"
OUTCOMES: dict[str, NewsOutcome] = {"succeeded": "succeeded", "canceled": "expired"}
"""Of an intent's states; in every other one it waits, or was declined."""
GIVEN = ("succeeded", "pending", "requires_action")
"""The states of a refund that is on its way or there; in the others the money stayed."""
DISPUTES: dict[str, DisputeState] = {
    "lost": "lost",
    "won": "won",
    "warning_closed": "won",
    "prevented": "won",
}
"""Of a dispute's states; in every other one it is open."""


def id_of(one: Any) -> str:
    """The id of what may be the object itself."""
    return str(one["id"] if isinstance(one, Mapping) else one or "")


def uuid_of(metadata: Json | None, name: str) -> UUID | None:
    """An id of ours that we gave with something; None where somebody else made it."""
    try:
        return UUID(str((metadata or {}).get(name, "")))
    except ValueError:
        return None


def intent_news(intent: Json) -> Notification:
    """What became of an intent. One that nobody pays in person fails at once; a member may try again."""
    status, error = str(intent["status"]), intent.get("last_payment_error")
    outcome = OUTCOMES.get(status, "pending")
    alone = bool((intent.get("metadata") or {}).get(OFF_SESSION))
    if status == "requires_payment_method" and error:
        outcome = "failed" if alone else "declined"
    elif status == "requires_action" and alone:
        outcome, error = "failed", {"code": "authentication_required"}
    paid = outcome == "succeeded"
    return Notification(
        id_of(intent),
        outcome,
        reason_of(error)
        if outcome in ("failed", "declined")
        else str(intent.get("cancellation_reason") or ""),
        received_cents=int(intent.get("amount_received", intent["amount"])) if paid else None,
        currency=str(intent["currency"]).upper(),
        customer=id_of(intent.get("customer")),
        means=id_of(intent.get("payment_method")) if paid else "",
    )


def reason_of(error: Json | None) -> str:
    """Why a card was declined: the bank's code, or that of the error."""
    error = error or {}
    return str(error.get("decline_code") or error.get("code") or "declined")


def refund_news(refund: Json) -> RefundNews:
    """What became of a refund. The key is ours, where we asked for it."""
    given = str(refund["status"]) in GIVEN
    return RefundNews(
        id_of(refund.get("payment_intent")),
        id_of(refund),
        int(refund["amount"]),
        "succeeded" if given else "failed",
        str((refund.get("metadata") or {}).get("refund_id", "")),
        "" if given else str(refund.get("failure_reason") or refund["status"]),
    )


def dispute_news(dispute: Json) -> DisputeNews:
    """What became of a dispute."""
    state = DISPUTES.get(str(dispute["status"]), "opened")
    payment, amount = id_of(dispute.get("payment_intent")), int(dispute["amount"])
    return DisputeNews(payment, id_of(dispute), amount, state, str(dispute.get("reason") or ""))


def _charge_news(charge: Json) -> LookAgain:
    return LookAgain(id_of(charge.get("payment_intent")))


SPEAKS_OF: dict[str, Callable[[Json], News]] = {
    "charge": _charge_news,
    "payment_intent": intent_news,
    "refund": refund_news,
    "dispute": dispute_news,
}
"""What is read of an event, by the kind of object that it carries."""
CONCERNS = ("payment_intent.", "refund.", "charge.refund", "charge.dispute.")
"""How the types of events begin that are of any interest."""


def heard(event: Json, *, live: bool) -> Heard:
    """What an event says. Of a charge only that something happened to it; of anything else nothing, nor of
    what happened in another account, or with money of the other mode: tests are not `live`."""
    type = str(event["type"])
    elsewhere = event.get("account") or event.get("livemode", live) != live
    if elsewhere or not type.startswith(CONCERNS):
        return Heard(str(event["id"]), type)
    it = event["data"]["object"]
    read = SPEAKS_OF.get(str(it.get("object")))
    if read is None:
        return Heard(str(event["id"]), type)
    news = read(it)
    reference = news.reference if isinstance(news, Notification) else news.payment
    if not reference:  # of a charge without an intent, which is none of ours
        return Heard(str(event["id"]), type)
    metadata = it.get("metadata")
    payment_id, user_id = uuid_of(metadata, "payment_id"), uuid_of(metadata, "user_id")
    foreign = isinstance(news, Notification) and payment_id is None
    return Heard(str(event["id"]), type, reference, None if foreign else news, payment_id, user_id)
