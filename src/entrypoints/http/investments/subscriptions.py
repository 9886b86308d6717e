"""Subscriptions over HTTP: plans, subscribing, what a member decides, and their renewal."""

from random import random
from typing import Annotated
from uuid import UUID

import msgspec

from ....application import investments
from ....application.investments import PaidCharge, PlanView, Renewals, SubscriptionView
from ....application.pages import Limit, Page
from ....domain import shared
from ..ask import Ask
from ..routes import ADMINS, ANYONE, SIGNED_IN, delete, get, post, put


class RenewSome(shared.Command, kw_only=True):
    """How many subscriptions at most."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100


@get("/plans", allow=ANYONE, statuses=())
async def list_plans(ask: Ask) -> Page[PlanView]:
    """List what members can subscribe to, each for a year."""
    return await ask.read(investments.plans, investments.ListPlans())


@post("/subscriptions", allow=SIGNED_IN, moves=True)
async def subscribe(data: investments.Subscribe, ask: Ask) -> SubscriptionView:
    """Subscribe; the answer says where to pay, and the subscription begins when it is paid."""
    asked = await ask(investments.subscribe, investments.request_of(data, ask.gateway))
    return await investments.open_payment(asked, ask.runner, ask.gateway, ask.actor)


@get("/subscriptions", allow=SIGNED_IN)
async def list_subscriptions(
    ask: Ask, user_id: UUID | None = None, limit: Limit = 25, cursor: str | None = None
) -> Page[SubscriptionView]:
    """List subscriptions, newest first: one's own, or a member's for administrators."""
    question = investments.ListSubscriptions(user_id=user_id or ask.actor.user_id, limit=limit, cursor=cursor)
    return await ask.read(investments.subscription_listing, question)


@get("/subscriptions/{subscription_id:uuid}", allow=SIGNED_IN)
async def show_subscription(subscription_id: UUID, ask: Ask, user_id: UUID | None = None) -> SubscriptionView:
    """Read a subscription with its last charge: one's own, or a member's for administrators."""
    question = investments.GetSubscription(
        user_id=user_id or ask.actor.user_id, subscription_id=subscription_id
    )
    return await ask.read(investments.subscription, question)


@get("/subscriptions/{subscription_id:uuid}/charges", allow=SIGNED_IN)
async def list_charges(subscription_id: UUID, ask: Ask, user_id: UUID | None = None) -> Page[PaidCharge]:
    """List the charges of a subscription with their projects, newest first: all of them."""
    question = investments.ListCharges(user_id=user_id or ask.actor.user_id, subscription_id=subscription_id)
    return await ask.read(investments.charges, question)


@put("/subscriptions/{subscription_id:uuid}/plan", allow=SIGNED_IN)
async def choose_plan(subscription_id: UUID, data: investments.WishedPlan, ask: Ask) -> SubscriptionView:
    """Choose the plan from the next period on; until then it can be changed again."""
    command = shared.recast(investments.ChoosePlan, data, subscription_id=subscription_id)
    return await ask(investments.choose_plan, command)


@put("/subscriptions/{subscription_id:uuid}/projects", allow=SIGNED_IN)
async def choose_projects(
    subscription_id: UUID, data: investments.WishedProjects, ask: Ask
) -> SubscriptionView:
    """Choose the projects and their weights; money that is in none yet goes to them at once."""
    command = shared.recast(investments.ChooseProjects, data, subscription_id=subscription_id)
    return await ask(investments.choose_projects, command)


@post("/subscriptions/{subscription_id:uuid}/cancellation", allow=SIGNED_IN, status_code=200)
async def cancel_subscription(subscription_id: UUID, ask: Ask) -> SubscriptionView:
    """Cancel at the end of the period that is paid; one that is cancelled already stays so."""
    command = investments.CancelSubscription(subscription_id=subscription_id)
    return await ask(investments.cancel_subscription, command)


@delete("/subscriptions/{subscription_id:uuid}/cancellation", allow=SIGNED_IN, status_code=200)
async def resume_subscription(subscription_id: UUID, ask: Ask) -> SubscriptionView:
    """Take a cancellation back before the period is over."""
    command = investments.ResumeSubscription(subscription_id=subscription_id)
    return await ask(investments.resume_subscription, command)


@post("/subscriptions/{subscription_id:uuid}/payment", allow=SIGNED_IN, moves=True)
async def pay_now(subscription_id: UUID, ask: Ask) -> SubscriptionView:
    """Pay by hand for a renewal that failed; the means of payment are kept for the next one."""
    command = investments.PayNow(subscription_id=subscription_id, provider=ask.gateway.name)
    asked = await ask(investments.pay_now, command)
    return await investments.open_payment(asked, ask.runner, ask.gateway, ask.actor)


@post("/subscriptions/{subscription_id:uuid}/stop", allow=ADMINS, moves=True, status_code=200)
async def stop_subscription(
    subscription_id: UUID, data: investments.WishedStop, ask: Ask
) -> SubscriptionView:
    """Stop a member's subscription at once, with a reason; nothing is refunded (administrators)."""
    command = shared.recast(investments.StopSubscription, data, subscription_id=subscription_id)
    return await ask(investments.stop_subscription, command)


@post("/subscriptions/renewals", allow=ADMINS, status_code=200)
async def renew(data: RenewSome, ask: Ask) -> Renewals:
    """Renew what is due, or try it again: some of it, longest due first (administrators, services).

    It needs no key: a period is charged once."""
    share = random()  # workers that begin elsewhere rarely meet
    return await investments.renew_due(ask.runner, ask.gateway, actor=ask.actor, share=share, most=data.limit)


HANDLERS = [
    list_plans,
    subscribe,
    list_subscriptions,
    show_subscription,
    list_charges,
    choose_plan,
    choose_projects,
    cancel_subscription,
    resume_subscription,
    pay_now,
    stop_subscription,
    renew,
]
