"""Whether the whole database holds what the oracle says, and whether the invariants hold by themselves."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from .ledger import CONTRA, Account
from .oracle import Oracle
from .sending import Names, Violation

S = "baobab"
BROKEN = {
    "1: a balance is the sum of its postings": f"""
        select a.user_id, a.unit, a.balance, coalesce(p.sum, 0) as postings from {S}.account a
        left join (select user_id, unit, sum(amount) from {S}.posting group by 1, 2) p using (user_id, unit)
        where a.balance <> coalesce(p.sum, 0)""",
    "1: a balance is the sum of what is left in its lots": f"""
        select a.user_id, a.unit, a.balance, coalesce(l.sum, 0) as lots from {S}.account a
        left join (select user_id, unit, sum(remaining) from {S}.lot group by 1, 2) l using (user_id, unit)
        where a.balance <> coalesce(l.sum, 0)""",
    "2: a lot has between nothing and its amount": f"""
        select user_id, id, amount, remaining from {S}.lot where not remaining between 0 and amount""",
    "2: what is held is in open holds, and within the balance": f"""
        select a.user_id, a.unit, a.held, a.balance from {S}.account a
        left join (select user_id, unit, sum(amount) from {S}.hold where state = 'held' group by 1, 2) h
        using (user_id, unit) where a.held <> coalesce(h.sum, 0) or a.held > a.balance""",
    "2: a lot holds what open holds set aside of it": f"""
        select l.user_id, l.id, l.remaining, h.sum from {S}.lot l
        join (select h.user_id, (part->>'lot_id')::uuid as id, sum((part->>'amount')::bigint) from {S}.hold h,
        jsonb_array_elements(h.parts::jsonb) part where h.state = 'held' group by 1, 2) h using (user_id, id)
        where h.sum > l.remaining""",
    "3: postings and contras of a unit are nothing together": f"""
        select unit, sum(balance) as accounts, (select sum(-amount) from {S}.posting p where p.unit = a.unit)
        as contras from {S}.account a group by unit
        having sum(balance) + (select sum(-amount) from {S}.posting p where p.unit = a.unit) <> 0""",
    "3: what one member gives, the other receives": f"""
        select source_id, sum(amount) from {S}.posting where contra = 'member'
        group by 1 having sum(amount) <> 0""",
    "4: a debit's allocations are the debit, a refund's are the refund": f"""
        select p.user_id, p.id, p.kind, p.amount, a.sum from {S}.posting p
        left join (select user_id, posting_id as id, sum(amount) from {S}.allocation group by 1, 2) a
        using (user_id, id) left join {S}.lot l using (user_id, id)
        where p.amount <> case when l.id is null then 0 else l.amount end
        - case when l.id is null then coalesce(a.sum, 0) else 0 end""",
    "4: a lot's allocations are what left it": f"""
        select l.user_id, l.id, l.amount, l.remaining, a.sum from {S}.lot l
        left join (select user_id, lot_id as id, sum(amount) from {S}.allocation group by 1, 2) a
        using (user_id, id) where l.amount - l.remaining <> coalesce(a.sum, 0)""",
    "4: a debit gives back no more than it took of a lot": f"""
        select user_id, debit_id, lot_id, sum(amount) from {S}.allocation
        group by 1, 2, 3 having sum(amount) < 0""",
    "5: sequences, times and balances chain": f"""
        select * from (select user_id, id, unit, sequence, amount, balance_after, recorded_at,
        row_number() over w as place, sum(amount) over w as balance, lag(recorded_at) over w as before
        from {S}.posting window w as (partition by user_id, unit order by sequence)) p
        where sequence <> place or balance_after <> balance or recorded_at <= before or balance < 0""",
    "5: an account stands where its last posting does": f"""
        select a.user_id, a.unit, a.sequence, p.sequence as last from {S}.account a
        left join (select distinct on (user_id, unit) user_id, unit, sequence, hash, recorded_at
        from {S}.posting order by user_id, unit, sequence desc) p using (user_id, unit)
        where a.sequence <> coalesce(p.sequence, 0)
        or p.sequence > 0 and (a.hash <> p.hash or a.recorded_at <> p.recorded_at)""",
    "5: as of no instant has anybody less than nothing": f"""
        select * from (select user_id, unit, effective_at, sum(sum(amount)) over
        (partition by user_id, unit order by effective_at) as balance
        from {S}.posting group by 1, 2, 3) p where balance < 0""",
    "5: a debt is the sum of its changes, and never negative": f"""
        select a.user_id, a.unit, a.debt, p.sum from {S}.account a
        left join (select user_id, unit, sum(debt) from {S}.posting group by 1, 2) p using (user_id, unit)
        where a.debt <> coalesce(p.sum, 0) or a.debt < 0""",
    "7: an idempotency key posted once": f"""
        select run_key, type, user_id, count(*) from {S}.event
        where type in ('points.earned', 'points.spent', 'points.refunded', 'points.adjusted', 'points.given',
        'points.received', 'points.converted', 'points.grant_revoked')
        group by 1, 2, 3 having count(*) > 1""",
    "8: what expired is effective when its day was over, or later where a hold kept it": f"""
        select p.user_id, p.id, p.effective_at, p.recorded_at from {S}.posting p
        where p.kind = 'expired' and p.effective_at > p.recorded_at""",
    "9: nobody is warned twice of the same": f"""
        select body->>'user_id', body->>'days', body->>'expires_at', lot->>'lot_id', count(*)
        from (select body::jsonb as body from {S}.event where type = 'points.expiring_soon') e,
        jsonb_array_elements(body->'lots') lot group by 1, 2, 3, 4 having count(*) > 1""",
    "10: nothing comes back that was not spent": f"""
        select r.user_id, r.id, r.debit_id from {S}.posting r
        left join {S}.posting d on d.user_id = r.user_id and d.id = r.debit_id
        where r.kind = 'refunded' and (d.id is null or d.kind <> 'spent')""",
}
"""Rows that an invariant of ledger.md forbids, by its number."""


async def check_invariants(connection: Any) -> None:
    """Raise Violation, naming the invariant and its first bad row."""
    for rule, sql in BROKEN.items():
        row = await connection.fetchrow(f"{sql} limit 1")
        if row is not None:
            raise Violation(f"invariant {rule}: {dict(row)}")


async def check_state(connection: Any, oracle: Oracle, names: Names) -> None:
    """Raise Violation unless every account, lot, posting, allocation, hold and warning is the oracle's."""
    rows = await connection.fetch(f"select * from {S}.account")
    found = {(row["user_id"], row["unit"]): row for row in rows}
    _same("accounts", set(found), set(oracle.accounts))
    for key, account in oracle.accounts.items():
        _check_account(found[key], account)
    by_account = {
        table: await _by_account(connection, table, order)
        for table, order in (("posting", "sequence"), ("lot", "id"), ("hold", "id"))
    }
    for key, account in oracle.accounts.items():
        _check_postings(by_account["posting"].get(key, []), account, names)
        _check_lots(by_account["lot"].get(key, []), account, names)
        _check_holds(by_account["hold"].get(key, []), account, names)
    await _check_allocations(connection, oracle, names)
    await _check_warnings(connection, oracle, names)


async def _by_account(connection: Any, table: str, order: str) -> dict[tuple[UUID, str], list[Any]]:
    found: dict[tuple[UUID, str], list[Any]] = {}
    for row in await connection.fetch(f"select * from {S}.{table} order by {order}"):
        found.setdefault((row["user_id"], row["unit"]), []).append(row)
    return found


def _check_account(row: Any, account: Account) -> None:
    due = {
        "balance": account.balance,
        "held": account.held,
        "debt": account.debt,
        "earned": account.total("issuance"),
        "spent": -account.total("redemption"),
        "expired": -account.total("breakage"),
        "sequence": len(account.postings),
        "closed_at": account.closed_at,
    }
    _same(f"account {account.user} {account.unit}", {name: row[name] for name in due}, due)


def _check_postings(rows: list[Any], account: Account, names: Names) -> None:
    _same(f"lines of {account.user} {account.unit}", len(rows), len(account.postings))
    for row, due in zip(rows, account.postings, strict=True):
        names.bind(due.name, row["id"])
        names.bind(due.debit or (), row["debit_id"])
        names.bind(due.grant or (), row["grant_id"])
        _check_source(row, due.source, names)
        said = ("kind", "amount", "debt", "balance_after", "base_amount", "multiplier", "rate", "contra_id")
        more = ("author_id", "reason", "available_at", "expires_at", "effective_at", "recorded_at")
        lot = ("funded", "policy_version")
        expected = {name: getattr(due, name) for name in said + more + lot} | {"contra": CONTRA[due.kind]}
        _same(f"line {due.name}", {name: row[name] for name in expected}, expected)


def _check_source(row: Any, source: tuple[str, Any], names: Names) -> None:
    kind, id = source
    if isinstance(id, tuple):
        names.bind(id, row["source_id"])
    elif row["source_id"] != id:
        raise Violation(f"{dict(row)} comes from {source}")
    _same("source", row["source_type"], kind)


def _check_lots(rows: list[Any], account: Account, names: Names) -> None:
    found = {row["id"]: row for row in rows}
    _same(f"lots of {account.user} {account.unit}", len(found), len(account.lots))
    said = ("amount", "remaining", "funded", "available_at", "expires_at", "policy_version", "created_at")
    for due in account.lots:
        row = found.get(names.id_of(due.name))
        if row is None:
            raise Violation(f"there is no lot {due}")
        names.bind(due.grant, row["grant_id"])
        _check_source(row, due.source, names)
        expected = {name: getattr(due, name) for name in (*said, "warned", "revoked")}
        expected["expired"] = account.expired_of(due)
        _same(f"lot {due.name}", {name: row[name] for name in expected}, expected)


def _check_holds(rows: list[Any], account: Account, names: Names) -> None:
    found = {row["id"]: row for row in rows}
    _same(f"holds of {account.user} {account.unit}", len(found), len(account.holds))
    for due in account.holds:
        row = found.get(names.id_of(due.name))
        if row is None:
            raise Violation(f"there is no hold {due}")
        _check_source(row, due.source, names)
        said = ("amount", "captured", "state", "expires_at", "created_at", "closed_at")
        expected = {name: getattr(due, name) for name in said}
        _same(f"hold {due.name}", {name: row[name] for name in expected}, expected)
        parts = [(UUID(part["lot_id"]), part["amount"]) for part in _loaded(row["parts"])]
        _same(f"parts of {due.name}", parts, [(names.id_of(name), part) for name, part in due.parts])


async def _check_allocations(connection: Any, oracle: Oracle, names: Names) -> None:
    rows = await connection.fetch(f"select debit_id, posting_id, lot_id, amount from {S}.allocation")
    due = {
        (*(names.id_of(name) for name in (debit, posting, lot)), amount)
        for account in oracle.accounts.values()
        for debit, posting, lot, amount in account.allocations
    }
    _same("allocations", {tuple(row) for row in rows}, due)


async def _check_warnings(connection: Any, oracle: Oracle, names: Names) -> None:
    rows = await connection.fetch(f"select body from {S}.event where type = 'points.expiring_soon'")
    said = sorted(_warning(_loaded(row["body"])) for row in rows)
    due = sorted(
        (user, unit, days, at, amount, tuple(sorted((names.id_of(lot), part) for lot, part in lots)))
        for user, unit, days, at, amount, lots in oracle.warnings
    )
    _same("warnings", said, due)


def _warning(body: dict[str, Any]) -> tuple[Any, ...]:
    lots = tuple(sorted((UUID(one["lot_id"]), one["amount"]) for one in body["lots"]))
    at = datetime.fromisoformat(body["expires_at"])
    return UUID(body["user_id"]), body["unit"], body["days"], at, body["amount"], lots


def _loaded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _same(what: str, found: Any, due: Any) -> None:
    if found == due:
        return
    if isinstance(due, dict):
        wrong = (f"{name} {found[name]} instead of {due[name]}" for name in due if found[name] != due[name])
        raise Violation(f"{what}: {', '.join(wrong)}")
    if isinstance(due, (set, list)):
        more, less = [one for one in found if one not in due], [one for one in due if one not in found]
        if not more and not less:
            raise Violation(f"{what}: {found} instead of {due}")
        raise Violation(f"{what}: too much {more[:3]}, missing {less[:3]}")
    raise Violation(f"{what}: {found} instead of {due}")
