"""Rows that say that something is half done, done twice, or waits for ever. Plain SQL, written from what the
tables are said to hold: it shares no code with the product. A new context adds its own list to `BOOKS`."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Rows = Callable[[str], Awaitable[list[Any]]]

POINTS = {
    "a balance is the sum of its postings, and of what is left in its lots": """
        select a.user_id, a.balance, p.sum as postings, l.sum as lots from baobab.account a
        left join (select user_id, unit, sum(amount) from baobab.posting
            group by 1, 2) p using (user_id, unit)
        left join (select user_id, unit, sum(remaining) from baobab.lot
            group by 1, 2) l using (user_id, unit)
        where a.balance <> coalesce(p.sum, 0) or a.balance <> coalesce(l.sum, 0)""",
    "a purchase is paid once, for an order that is there": """
        select p.user_id, p.source_id, count(*) from baobab.posting p
        left join baobab.order o on o.user_id = p.user_id and o.id = p.source_id and o.debit_id = p.id
        where p.source_type = 'purchase' and p.kind = 'spent'
        group by 1, 2 having count(*) <> 1 or count(o.id) <> 1""",
    "points of an investment are granted for one that was active, once, and taken back with it": """
        select i.user_id, i.id, i.state, i.points, p.granted, p.revoked, p.grants from baobab.investment i
        full join (
            select user_id, source_id, count(distinct grant_id) as grants,
            coalesce(sum(amount) filter (where kind in ('earned', 'bonus')), 0) as granted,
            coalesce(sum(amount) filter (where kind = 'revoked'), 0) as revoked
            from baobab.posting where source_type = 'investment' group by 1, 2
        ) p on p.user_id = i.user_id and p.source_id = i.id
        where i.id is null or (i.state in ('active', 'withdrawn')) <> (coalesce(p.granted, 0) > 0)
        or p.granted is not null and (p.granted <> i.points or p.grants <> 1)
        or (i.state = 'active' and p.revoked <> 0)""",
}
ORDERS = {
    "an order has its number, lines, history and shipments, and its lines are its goods": """
        select o.user_id, o.id, o.number, l.lines, l.points, n.order_id, c.changes, s.shipments
        from baobab.order o
        left join (select user_id, order_id, count(*) as lines, sum(total_points) as points,
            bool_and(commission_bp is not null and commission_cents + producer_cents = sale_cents) as shared
            from baobab.order_line group by 1, 2) l on l.user_id = o.user_id and l.order_id = o.id
        left join baobab.order_number n on n.number = o.number and n.order_id = o.id
        left join (select user_id, order_id, count(*) as changes from baobab.order_status_change
            group by 1, 2) c on c.user_id = o.user_id and c.order_id = o.id
        left join (select user_id, order_id, count(*) as shipments from baobab.shipment
            group by 1, 2) s on s.user_id = o.user_id and s.order_id = o.id
        where l.lines is null or n.order_id is null or c.changes is null or s.shipments is null
        or l.points <> o.goods_points or not l.shared""",
    "an order was paid with its total, and all of it came back where it was cancelled": """
        select o.user_id, o.id, o.status, o.total_points, d.amount as paid, r.sum as came_back
        from baobab.order o
        left join baobab.posting d on d.user_id = o.user_id and d.id = o.debit_id
        left join (select user_id, debit_id, sum(amount) from baobab.posting where kind = 'refunded'
            group by 1, 2) r on r.user_id = o.user_id and r.debit_id = o.debit_id
        where o.total_points <> 0 and (d.amount is distinct from -o.total_points
        or coalesce(r.sum, 0) <> case when o.status = 'cancelled' then o.total_points else 0 end)""",
    "every line of an order is wholly in its shipments": """
        select l.user_id, l.order_id, l.id, l.quantity, s.sum from baobab.order_line l
        left join (select user_id, order_line_id, sum(quantity) from baobab.shipment_line
            group by 1, 2) s on s.user_id = l.user_id and s.order_line_id = l.id
        where l.quantity is distinct from s.sum""",
    "shipments are cancelled with their order, all of them or none": """
        select o.user_id, o.id, o.status, count(*), count(*) filter (where s.state = 'cancelled') as cancelled
        from baobab.order o join baobab.shipment s on s.user_id = o.user_id and s.order_id = o.id
        group by 1, 2, 3 having count(*) filter (where s.state = 'cancelled')
        <> case when o.status = 'cancelled' then count(*) else 0 end""",
    "numbers of orders leave no gap, and none is given twice": """
        select c.series, c.year, c.last, count(n.number), count(distinct n.order_id) as orders
        from baobab.order_counter c
        left join baobab.order_number n on n.number like c.series || '-' || c.year || '-%'
        group by 1, 2, 3 having c.last <> count(n.number) or c.last <> count(distinct n.order_id)""",
}
STOCK = {
    "a batch is what its movements make": """
        select m.batch_id, b.on_hand, b.allocated, m.came, m.promised from baobab.batch b
        full join (select product_id, batch_id, coalesce(sum(quantity) filter
            (where kind in ('received', 'shipped', 'adjusted', 'damaged', 'returned')), 0) as came,
            coalesce(sum(quantity) filter (where kind in ('allocated', 'released', 'shipped')), 0) as promised
            from baobab.movement group by 1, 2) m on m.product_id = b.product_id and m.batch_id = b.id
        where b.on_hand is distinct from m.came or b.allocated is distinct from m.promised
        or b.allocated not between 0 and b.on_hand""",
    "a variant is the sum of its batches": """
        select variant_id, s.on_hand, s.allocated, b.there, b.promised from baobab.stock s
        full join (select product_id, variant_id, sum(on_hand) as there, sum(allocated) as promised
            from baobab.batch group by 1, 2) b using (product_id, variant_id)
        where s.on_hand is distinct from b.there or s.allocated is distinct from b.promised""",
    "an order took of each batch what its shipments hold, and holds it until they leave or are cancelled": """
        select order_id, batch_id, m.taken, m.promised, m.shipped, l.held, l.waiting, l.gone
        from (select cause_id as order_id, batch_id,
            sum(quantity) filter (where kind = 'allocated') as taken,
            sum(quantity) filter (where kind in ('allocated', 'released', 'shipped')) as promised,
            coalesce(-sum(quantity) filter (where kind = 'shipped'), 0) as shipped
            from baobab.movement where cause = 'order' group by 1, 2) m
        full join (select l.order_id, l.batch_id, sum(l.quantity) as held,
            coalesce(sum(l.quantity) filter
                (where s.state in ('pending', 'accepted', 'picked')), 0) as waiting,
            coalesce(sum(l.quantity) filter
                (where s.state not in ('pending', 'accepted', 'picked', 'cancelled')), 0) as gone
            from baobab.shipment_line l join baobab.shipment s
            on s.user_id = l.user_id and s.order_id = l.order_id and s.id = l.shipment_id
            where l.batch_id is not null group by 1, 2) l using (order_id, batch_id)
        where m.taken is distinct from l.held or m.promised is distinct from l.waiting
        or m.shipped is distinct from l.gone""",
}
MONEY = {
    "a project has taken the sum of its entries, of as many members": """
        select f.project_id, f.taken_cents, e.sum, f.supporters, e.members from baobab.funding f
        left join (select project_id, sum(amount_cents), count(distinct user_id) as members
            from baobab.funding_entry where state = 'taken' group by 1) e using (project_id)
        where f.taken_cents <> coalesce(e.sum, 0) or f.supporters <> coalesce(e.members, 0)""",
    "no project has taken more than it may": """
        select f.project_id, f.taken_cents, p.target_cents from baobab.funding f
        join baobab.project p on p.id = f.project_id
        where f.taken_cents > greatest(p.target_cents, p.ceiling_cents)""",
    "an investment and its share stand together": """
        select i.user_id, i.id, i.state, e.state as share from baobab.investment i
        full join (select * from baobab.funding_entry e where not exists
            (select from baobab.portion p where p.user_id = e.user_id and p.id = e.id)) e
            on e.project_id = i.project_id and e.id = i.entry_id
        where i.id is null or e.id is null or e.amount_cents <> i.amount_cents
        or e.state <> case i.state when 'active' then 'taken' when 'pending' then 'held'
        when 'withdrawn' then 'returned' else 'released' end""",
    "an investment and its payment stand together": """
        select i.user_id, i.id, i.state, p.state as payment from baobab.investment i
        full join (select * from baobab.payment where purpose = 'investment') p
            on p.user_id = i.user_id and p.id = i.payment_id
        where i.id is null or p.id is null or p.purpose_id <> i.id or p.amount_cents <> i.amount_cents
        or not p.state = any (case i.state when 'pending' then '{pending}' when 'active' then '{succeeded}'
        when 'cancelled' then '{failed,cancelled}' when 'expired' then '{cancelled}'
        else '{refunded,succeeded}' end::text[])""",
    "what was paid has one receipt, what went back has its receipts, and nothing else has any": """
        select p.user_id, p.id, p.state, p.amount_cents, r.paid, r.payments, p.refunded_cents, r.refunded
        from baobab.payment p
        left join (select user_id, payment_id, sum(amount_cents) filter (where kind = 'payment') as paid,
            count(*) filter (where kind = 'payment') as payments,
            sum(amount_cents) filter (where kind = 'refund') as refunded
            from baobab.receipt group by 1, 2) r on r.user_id = p.user_id and r.payment_id = p.id
        where coalesce(r.refunded, 0) <> p.refunded_cents
        or case when p.state in ('succeeded', 'refund_due', 'refunded')
        then (r.paid, r.payments) is distinct from (p.amount_cents::numeric, 1::bigint)
        else r.payment_id is not null end""",
    "money that bought nothing went back, all of it": """
        select p.user_id, p.id, i.state, p.amount_cents, p.refunded_cents from baobab.payment p
        join baobab.investment i on i.user_id = p.user_id and i.payment_id = p.id
        where i.state = 'refunded' and p.refunded_cents <> p.amount_cents""",
    "what somebody gave back is what their points and their money say": """
        select w.user_id, w.contribution_id, b.what, w.refund_cents, p.refunded_cents, w.returned_points,
        r.taken from baobab.withdrawal w
        full join (select user_id, payment_id, 'investment' as what from baobab.investment
            where state = 'withdrawn' union all select user_id, payment_id, 'subscription'
            from baobab.subscription_charge where state = 'withdrawn') b using (user_id, payment_id)
        left join baobab.payment p on p.user_id = w.user_id and p.id = w.payment_id
        left join (select user_id, source_id, -sum(amount) as taken from baobab.posting
            where kind = 'revoked' group by 1, 2) r
            on r.user_id = w.user_id and r.source_id = w.contribution_id
        where w.kind is distinct from b.what or w.refund_cents <> p.refunded_cents
        or w.returned_points <> coalesce(r.taken, 0)
        or w.refund_cents <> greatest(0, w.paid_cents - 100 * (w.granted_points - w.returned_points))""",
    "every refund that was asked for was given, and no other": """
        select p.user_id, p.id, p.refunded_cents, r.given, r.waiting from baobab.payment p
        left join (select user_id, payment_id, count(*) filter (where state <> 'succeeded') as waiting,
            sum(amount_cents) filter (where state = 'succeeded') as given
            from baobab.refund group by 1, 2) r on r.user_id = p.user_id and r.payment_id = p.id
        where p.refunded_cents <> coalesce(r.given, 0) or r.waiting > 0""",
    "no money that is due back still waits": """
        select user_id, id, refund_due_cents from baobab.payment
        where state = 'refund_due' or refund_due_cents <> 0""",
    "a payment is known to its provider, by one reference": """
        select p.user_id, p.id, p.reference, count(r.value) from baobab.payment p
        left join baobab.payment_reference r on r.user_id = p.user_id and r.payment_id = p.id
        group by 1, 2, 3 having p.reference = '' or count(r.value) <> 1""",
}
SUBSCRIPTIONS = {
    "a charge and its payment stand together": """
        select c.user_id, c.payment_id, c.state, p.state as payment from baobab.subscription_charge c
        full join (select * from baobab.payment where purpose = 'subscription') p
            on p.user_id = c.user_id and p.id = c.payment_id
        where c.payment_id is null or p.id is null or p.purpose_id <> c.subscription_id
        or p.amount_cents <> c.amount_cents or not p.state = any (case c.state when 'pending' then '{pending}'
        when 'paid' then '{succeeded}' when 'failed' then '{failed}' when 'given_up' then '{cancelled}'
        when 'returned' then '{refunded}' else '{refunded,succeeded}' end::text[])""",
    "a charge that was paid granted its points, once": """
        select c.user_id, c.payment_id, c.state, c.points, p.granted from baobab.subscription_charge c
        left join (select user_id, grant_id, sum(amount) as granted from baobab.posting
            where source_type = 'subscription' and kind in ('earned', 'bonus') group by 1, 2) p
            on p.user_id = c.user_id and p.grant_id = c.grant_id
        where coalesce(p.granted, 0)
        <> case when c.state in ('paid', 'withdrawn') then c.points else 0 end""",
    "points of a subscription come from its charges": """
        select p.user_id, p.source_id, p.grant_id from baobab.posting p
        left join baobab.subscription_charge c on c.user_id = p.user_id and c.grant_id = p.grant_id
        where p.source_type = 'subscription' and p.kind in ('earned', 'bonus') and c.grant_id is null""",
    "the money of a charge is in projects, or waits for one": """
        select c.user_id, c.payment_id, c.state, c.amount_cents, c.rest_cents, p.placed
        from baobab.subscription_charge c
        left join (select user_id, payment_id, sum(amount_cents) filter (where state = 'taken') as placed
            from baobab.portion group by 1, 2) p using (user_id, payment_id)
        where coalesce(p.placed, 0)
        <> case c.state when 'paid' then c.amount_cents - c.rest_cents else 0 end""",
    "a portion and its share stand together": """
        select p.user_id, p.id, p.state, e.state as share from baobab.portion p
        left join baobab.funding_entry e on e.project_id = p.project_id and e.id = p.id
        where e.id is null or e.amount_cents <> p.amount_cents or e.state <> p.state""",
    "nobody has two subscriptions": """
        select user_id, count(*) from baobab.subscription where state in ('active', 'past_due')
        group by 1 having count(*) > 1""",
}
ONCE = {
    "what happens once was said once": """
        select type, coalesce(body::jsonb->>'investment_id', body::jsonb->>'order_id') as id, count(*)
        from baobab.event where type in ('investments.reserved', 'investments.activated',
        'investments.withdrawn', 'orders.placed', 'orders.cancelled')
        group by 1, 2 having count(*) <> 1""",
    "one key placed one order, and reserved one share": """
        select user_id, run_key, type, count(*) from baobab.event
        where type in ('investments.reserved', 'orders.placed') group by 1, 2, 3 having count(*) <> 1""",
    "what was said has its run in the command log": """
        select e.user_id, e.type, e.run_key from baobab.event e
        left join baobab.command_log c on c.key = e.run_key
        where c.key is null and e.type in ('investments.reserved', 'orders.placed', 'orders.cancelled')""",
}
SERVER = {
    "the database writes through to the disk before it says so": """
        select name, setting from pg_settings
        where name in ('fsync', 'synchronous_commit', 'full_page_writes') and setting <> 'on'""",
    "nobody is left in a transaction, or waits for a lock": """
        select pid, state, wait_event_type, query from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
        and (state like 'idle in transaction%' or wait_event_type = 'Lock')""",
}
BOOKS: tuple[Mapping[str, str], ...] = (POINTS, ORDERS, STOCK, MONEY, SUBSCRIPTIONS, ONCE, SERVER)


async def examine(rows: Rows, words: str = "") -> list[str]:
    """What is wrong: each rule (of those with these words) that is broken, with its first bad rows."""
    wrong = []
    for rule, sql in (one for book in BOOKS for one in book.items() if words in one[0]):
        if found := await rows(f"select * from ({sql}) bad limit 3"):
            wrong.append(f"{rule}: not so for {[dict(row) for row in found]}")
    return wrong
