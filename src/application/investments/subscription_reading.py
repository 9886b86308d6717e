"""What can be asked of subscriptions."""

from ...domain import shared
from ...domain.investments import subscriptions
from .. import payments
from ..pages import Page, page_of, uuid_of
from ..work import ADMINS, ANYONE, SIGNED_IN, Read, query
from .reading import terms_of
from .subscription_records import (
    Charged,
    ChargeView,
    CountDue,
    Due,
    FindDue,
    GetSubscription,
    HasSubscriptions,
    ListCharges,
    ListPlans,
    ListSubscriptions,
    PaidCharge,
    PlanView,
    PortionView,
    Subscribed,
    SubscriptionView,
)

PLANS = subscriptions.DEFAULT_PLANS


@query(allow=ANYONE)
async def plans(question: ListPlans, read: Read[object]) -> Page[PlanView]:
    """What members can subscribe to."""
    return Page(tuple(PlanView(one.code, *terms_of(one)) for one in PLANS))


@query(allow=SIGNED_IN)
async def subscription(question: GetSubscription, read: Read[HasSubscriptions]) -> SubscriptionView:
    """A subscription with a charge and its payment. One's own; any for an admin."""
    read.actor.must_own(question.user_id, "subscription", question.subscription_id)
    found = await read.ports.subscriptions.subscription(
        question.user_id, question.subscription_id, question.payment_id
    )
    if found is None:
        raise shared.NotFound(kind="subscription", id=str(question.subscription_id))
    return view_of(found)


@query(allow=SIGNED_IN)
async def subscription_listing(
    question: ListSubscriptions, read: Read[HasSubscriptions]
) -> Page[SubscriptionView]:
    """A member's subscriptions, newest first. One's own; anybody's for an admin."""
    read.actor.must_own(question.user_id, "member", question.user_id)
    before = uuid_of(question.cursor)
    found = await read.ports.subscriptions.subscriptions(question.user_id, question.limit + 1, before)
    return page_of([view_of(one) for one in found], question.limit, lambda one: one.id)


@query(allow=SIGNED_IN)
async def charges(question: ListCharges, read: Read[HasSubscriptions]) -> Page[PaidCharge]:
    """All charges of a subscription, newest first, with payments and projects: there are a few a year."""
    read.actor.must_own(question.user_id, "subscription", question.subscription_id)
    found = await read.ports.subscriptions.charges(question.user_id, question.subscription_id)
    if not found:
        raise shared.NotFound(kind="subscription", id=str(question.subscription_id))
    return Page(tuple(_paid_charge(one) for one in found))


@query(allow=ADMINS)
async def find_due(question: FindDue, read: Read[HasSubscriptions]) -> tuple[Due, ...]:
    """Subscriptions for which there is something to do, longest due first."""
    return tuple(await read.ports.subscriptions.due(read.now, question.limit, question.after))


@query(allow=ADMINS)
async def count_due(question: CountDue, read: Read[HasSubscriptions]) -> int:
    """For how many subscriptions there is something to do."""
    return await read.ports.subscriptions.count_due(read.now)


def view_of(found: Subscribed) -> SubscriptionView:
    """A subscription as it is shown."""
    one, charged = found.subscription, found.charged
    return shared.recast(
        SubscriptionView,
        one,
        projects=one.choices,
        means_saved=bool(one.means),
        charge=shared.recast(ChargeView, charged.charge, **_money(charged)),
        payment=payments.view_of(charged.payment),
    )


def _paid_charge(found: Charged) -> PaidCharge:
    portions = (PortionView(one.project_id, shared.Money(one.amount_cents)) for one in found.portions)
    return shared.recast(
        PaidCharge,
        found.charge,
        payment=payments.view_of(found.payment),
        portions=tuple(portions),
        **_money(found),
    )


def _money(found: Charged) -> dict[str, shared.Money]:
    charge = found.charge
    return {"amount": shared.Money(charge.amount_cents), "unplaced": shared.Money(charge.rest_cents)}
