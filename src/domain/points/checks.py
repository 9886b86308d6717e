"""The checks of one account, each named after its invariant (ledger.md, "Invariants")."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from .audit import Case, Finding, LotState, line, row_of
from .records import CONTRA, LONG_AGO, WARNING_DAYS, Lot, Posting

SLACK = timedelta(seconds=1)
"""Lines that are recorded in one instant follow each other by microseconds: so much is no difference."""

Check = Callable[[Case, datetime], Iterator[Finding]]


def first_of(checks: Iterable[Check], case: Case, now: datetime) -> Iterator[Finding]:
    """What each check finds first."""
    for check in checks:
        finding = next(check(case, now), None)
        if finding is not None:
            yield finding


# --- the checks ---------------------------------------------------------------------------------

SIGNS: Mapping[str, int] = {
    **dict.fromkeys(("earned", "bonus", "opening", "refunded", "received"), 1),
    **dict.fromkeys(("spent", "expired", "given", "repaid"), -1),
}
"""Which way a kind of line moves a balance, where it is always the same."""


def sequence(case: Case, now: datetime) -> Iterator[Finding]:
    """Each line is recorded after the one before, none before it was effective, and the balance after it is
    the balance before it and its amount. (A gap is found by the chain.)"""
    balance, number, recorded_at = case.opening.balance, case.opening.sequence, LONG_AGO
    for one in case.postings:
        if one.recorded_at <= recorded_at:
            yield case.finding(
                "sequence",
                "posting",
                one.id,
                f"is recorded at {one.recorded_at}, not after line {one.sequence - 1}.",
            )
        if one.effective_at > one.recorded_at:
            yield case.finding(
                "sequence", "posting", one.id, f"is effective at {one.effective_at}, after it was recorded."
            )
        if one.balance_after != balance + one.amount and one.sequence == number + 1:
            yield case.finding(
                "sequence",
                "posting",
                one.id,
                f"has {one.balance_after} as the balance after {balance} and {one.amount:+}.",
            )
        balance, number, recorded_at = one.balance_after, one.sequence, one.recorded_at


def allocations(case: Case, now: datetime) -> Iterator[Finding]:
    """What a debit took of lots sums to the debit, what a refund gave back to the refund; a new lot's line
    has none; each belongs to a line."""
    for one in case.postings:
        parts = case.parts.get(one.id, ())
        debit_id, expected = one.debit_id or one.id, 0 if _makes_lot(one) else -one.amount
        for part in parts:
            if part.debit_id != debit_id:
                yield case.finding(
                    "allocations", "allocation", row_of(part), f"is not of the debit {debit_id}."
                )
        total = sum(part.amount for part in parts)
        if total != expected:
            yield case.finding(
                "allocations",
                "posting",
                one.id,
                f"moves {one.amount:+}; its allocations sum to {total}, not {expected}.",
            )
    for posting_id, parts in case.parts.items():
        if posting_id not in case.by_id:
            yield case.finding(
                "allocations", "allocation", row_of(parts[0]), "is of a posting that is not there."
            )


def _makes_lot(posting: Posting) -> bool:
    return posting.available_at is not None


def lots(case: Case, now: datetime) -> Iterator[Finding]:
    """`0 <= remaining <= amount`; what is left of a lot is what its lines and allocations leave; it keeps
    what its line promised; each belongs to a line, and each promise has its lot."""
    left, expired = remaining_of(case), _expired_of(case)
    for lot in case.lots.values():
        made, before = case.by_id.get(lot.id), case.states.get(lot.id)
        if made is None and lot.id not in (left if case.dossier.checkpoint else case.states):
            yield case.finding("lots", "lot", lot.id, "was made by no posting.")
        elif lot.remaining != left.get(lot.id, 0) or not 0 <= lot.remaining <= lot.amount:
            says = f"has {lot.remaining} of {lot.amount} left; its postings leave {left.get(lot.id, 0)}."
            yield case.finding("lots", "lot", lot.id, says)
        elif (made or before) and lot.expired != expired.get(lot.id, 0):
            says = f"says {lot.expired} of it expired; its postings say {expired.get(lot.id, 0)}."
            yield case.finding("lots", "lot", lot.id, says)
        elif lot.revoked and not case.dossier.checkpoint and lot.source_id not in case.revoked:
            yield case.finding("lots", "lot", lot.id, "says it was taken back, which no posting did.")
        yield from _promises(case, lot, made, before)
    for lot_id in sorted(left.keys() - case.lots.keys()):
        yield case.finding("lots", "lot", lot_id, f"is missing, with {left[lot_id]} left of it.")


def remaining_of(case: Case) -> dict[UUID, int]:
    """What the lines and their allocations leave of each lot."""
    left = {state.lot_id: state.remaining for state in case.states.values()}
    for one in case.postings:
        if _makes_lot(one):
            left[one.id] = one.amount
        for part in case.parts.get(one.id, ()):
            left[part.lot_id] = left.get(part.lot_id, 0) - part.amount
    return left


def _expired_of(case: Case) -> dict[UUID, int]:
    """How much of each lot expired."""
    expired = {state.lot_id: state.expired for state in case.states.values()}
    for one in case.postings:
        for part in case.parts.get(one.id, ()) if one.kind == "expired" else ():
            expired[part.lot_id] = expired.get(part.lot_id, 0) + part.amount
    return expired


def _promises(case: Case, lot: Lot, made: Posting | None, before: LotState | None) -> Iterator[Finding]:
    for name in PROMISED if made is not None else ():
        if getattr(lot, name) != getattr(made, name):
            says = f"has {name} {getattr(lot, name)}; its posting says {getattr(made, name)}."
            yield case.finding("lots", "lot", lot.id, says)
    promised = made.expires_at if made else before.expires_at if before else None
    ends = ends_of(case, lot, promised) if promised else {lot.expires_at}
    if lot.expires_at not in ends:
        shown = " or ".join(str(end) for end in sorted(ends))
        yield case.finding("lots", "lot", lot.id, f"ends at {lot.expires_at}; {shown} was promised.")


PROMISED = (
    *("amount", "available_at", "funded", "grant_id", "policy_version", "source_id", "source_type", "unit"),
)


def ends_of(case: Case, lot: Lot, promised: datetime) -> set[datetime]:
    """When a lot may end: as its line promised, or by the grace of a refund that brought it back when it had
    ended."""
    ends = {promised}
    for one in case.graces:
        if one.expires_at and any(part.lot_id == lot.id for part in case.parts.get(one.id, ())):
            ends = {one.expires_at} | {end for end in ends if end > one.recorded_at - SLACK}
    return ends


def holds(case: Case, now: datetime) -> Iterator[Finding]:
    """A hold sets aside what its parts say; together no more than there is, of any lot and in all, and as
    much as the account says; what was captured was spent."""
    held: dict[UUID, int] = {}
    for one in case.dossier.holds:
        if sum(part.amount for part in one.parts) != one.amount or any(
            part.amount <= 0 for part in one.parts
        ):
            yield case.finding("holds", "hold", one.id, f"is of {one.amount}, its parts are not.")
        if (one.state == "held") != (one.closed_at is None) or (one.state == "captured") != (
            one.captured > 0
        ):
            yield case.finding("holds", "hold", one.id, f"is {one.state}: that does not fit the rest of it.")
        if (
            one.state == "captured"
            and not case.dossier.checkpoint
            and (one.source_id, one.captured) not in case.spent
        ):
            yield case.finding("holds", "hold", one.id, f"captured {one.captured}, which no posting spent.")
        for part in one.parts if one.state == "held" else ():
            held[part.lot_id] = held.get(part.lot_id, 0) + part.amount
            lot = case.lots.get(part.lot_id)
            if lot is None or held[part.lot_id] > lot.remaining:
                yield case.finding(
                    "holds",
                    "hold",
                    one.id,
                    f"sets {part.amount} of the lot {part.lot_id} aside, which has less.",
                )
    account, total = case.dossier.account, sum(held.values())
    if account is not None and not total == account.held <= account.balance:
        yield case.on_account(
            "holds", f"says {account.held} of {account.balance} are held; its holds say {total}."
        )


def balance(case: Case, now: datetime) -> Iterator[Finding]:
    """The balance is the sum of the postings, and of what is left of the lots; the account stands at its last
    line."""
    account, last = case.dossier.account, case.last
    if account is None:
        yield case.on_account("account", "is missing: other rows, a checkpoint or the seal tell of it.")
        return
    booked = case.opening.balance + sum(one.amount for one in case.postings)
    left = sum(lot.remaining for lot in case.lots.values())
    if not account.balance == booked == left or account.balance < 0:
        yield case.on_account(
            "balance", f"has {account.balance}; its postings sum to {booked}, its lots hold {left}."
        )
    number, hash = (last.sequence, last.hash) if last else (case.opening.sequence, case.opening.hash)
    if account.sequence != number:
        yield case.on_account(
            "sequence", f"is at line {account.sequence}; its last posting is line {number}."
        )
    if account.hash != hash:
        yield case.on_account("chain", f"has another hash than its last posting, line {number}.")
    if last and account.recorded_at != last.recorded_at:
        yield case.on_account(
            "sequence", f"moved at {account.recorded_at}; its last posting did at {last.recorded_at}."
        )


def books(case: Case, now: datetime) -> Iterator[Finding]:
    """Each line names the contra account of its kind and moves the way of its kind; the totals of the account
    are those of its contra accounts; nobody owes less than nothing."""
    debt, totals = case.opening.debt, {"issuance": 0, "redemption": 0, "breakage": 0}
    for one in case.postings:
        debt += one.debt
        if one.contra != CONTRA[one.kind] or (one.contra == "member") != (one.contra_id is not None):
            yield case.finding(
                "books", "posting", one.id, f"is {one.kind} against {one.contra} {one.contra_id or ''}."
            )
        if one.amount * SIGNS.get(one.kind, 0) < 0 or debt < 0:
            yield case.finding(
                "books",
                "posting",
                one.id,
                f"is {one.kind} of {one.amount:+}, with a debt of {debt} after it.",
            )
        if one.contra in totals:
            totals[one.contra] += one.amount
    account, start = case.dossier.account, case.opening
    booked = (
        ("debt", debt),
        ("earned", start.earned + totals["issuance"]),
        ("spent", start.spent - totals["redemption"]),
        ("expired", start.expired - totals["breakage"]),
        (
            "matures_at",
            max([start.matures_at, *(one.available_at for one in case.postings if one.available_at)]),
        ),
        (
            "refunded_at",
            max([start.refunded_at, *(one.recorded_at for one in case.postings if one.kind == "refunded")]),
        ),
    )
    for name, total in booked if account is not None else ():
        if getattr(account, name) != total:
            yield case.on_account("books", f"has {name} {getattr(account, name)}; its postings say {total}.")


def refunds(case: Case, now: datetime) -> Iterator[Finding]:
    """A refund gives back to the lots of its debit what they gave, and never more."""
    left: dict[tuple[UUID, UUID], int] = {}
    for one in case.postings:
        spent = case.by_id.get(one.debit_id) if one.debit_id else None
        if one.kind == "refunded" and spent is not None and spent.kind != "spent":
            yield case.finding(
                "refunds", "posting", one.id, f"gives back {spent.id}, which is no spend but {spent.kind}."
            )
        for part in case.parts.get(one.id, ()):
            key = (part.debit_id, part.lot_id)
            left[key] = left.get(key, 0) + part.amount
            if left[key] < 0 and part.debit_id in case.by_id:
                yield case.finding(
                    "refunds",
                    "allocation",
                    row_of(part),
                    f"gives back {-left[key]} more than the debit took.",
                )


def once(case: Case, now: datetime) -> Iterator[Finding]:
    """What has an id of its own is posted once: a gift that is made, what leaves in a conversion."""
    seen: set[tuple[str, UUID]] = set()
    for one in case.postings:
        if one.kind == "given" or (one.kind == "converted" and one.amount < 0):
            if (one.kind, one.source_id) in seen:
                yield case.finding(
                    "once", "posting", one.id, f"is {one.kind} for {one.source_id} a second time."
                )
            seen.add((one.kind, one.source_id))


def swept(case: Case, now: datetime) -> Iterator[Finding]:
    """Lazy equals swept: nothing was taken from a lot after its end but what a hold had kept, and nothing
    before it was ripe; an expiry is effective at the end of its lot, or of such a hold; and whoever moved
    an account first wrote down what had ended."""
    for one in case.postings:
        for part in case.parts.get(one.id, ()):
            lot = case.lots.get(part.lot_id)
            if lot is not None and part.amount > 0 and not _in_time(case, one, lot):
                says = (
                    f"took {part.amount} of the lot {lot.id} at {one.effective_at}, which was not the time."
                )
                yield case.finding("swept", "posting", one.id, says)
    account = case.dossier.account
    kept = {part.lot_id for one in case.dossier.holds if one.state == "held" for part in one.parts}
    for lot in case.lots.values():
        if account and lot.remaining and lot.id not in kept and lot.expires_at + SLACK < account.recorded_at:
            yield case.finding(
                "swept", "lot", lot.id, f"ended at {lot.expires_at}, and what was left did not expire."
            )


def _in_time(case: Case, posting: Posting, lot: Lot) -> bool:
    """Whether a debit took from a lot while it could. A lot that came back by grace ended twice;
    of one that was empty at the checkpoint the lines may not say when it was to end."""
    at, made = posting.effective_at, case.by_id.get(lot.id)
    if posting.kind != "expired" and lot.available_at <= at < lot.expires_at:
        return True
    before = made or case.states.get(lot.id)
    if before is None:
        return bool(case.dossier.checkpoint)
    ends = {lot.expires_at, before.expires_at, *(one.expires_at for one in case.graces)}
    if posting.kind == "expired":
        return at in ends or at in case.ends_of_holds.get(lot.id, ())
    if at - SLACK < max(filter(None, ends)):
        return lot.available_at <= at or posting.kind in ("revoked", "repaid")
    return posting.kind == "spent" and posting.source_id in case.captured


def warnings(case: Case, now: datetime) -> Iterator[Finding]:
    """A lot was warned of at one of the thresholds, and not before it was reached."""
    for lot in case.lots.values():
        too_soon = lot.warned and lot.expires_at > now + timedelta(days=lot.warned) + SLACK
        if too_soon or lot.warned not in (0, *WARNING_DAYS):
            yield case.finding(
                "warnings", "lot", lot.id, f"says it was warned of {lot.warned} days before {lot.expires_at}."
            )


def seal(case: Case, now: datetime) -> Iterator[Finding]:
    """The line that the newest seal names still has the hash and the balance that were sealed."""
    sealed = case.dossier.sealed
    if sealed is None or sealed.sequence <= case.opening.sequence:
        return
    one = next((one for one in case.postings if one.sequence == sealed.sequence), None)
    if one is None:
        yield case.finding("seal", "posting", line(sealed.sequence), "was sealed, and is gone.")
    elif (one.hash, one.balance_after) != (sealed.hash, sealed.balance):
        yield case.finding(
            "seal",
            "posting",
            one.id,
            f"is not the line {one.sequence} that was sealed with a balance of {sealed.balance}.",
        )


def watermark(case: Case, now: datetime) -> Iterator[Finding]:
    """What was found in order before is still as it was: the line of the checkpoint has the same hash."""
    before, account = case.dossier.checkpoint, case.dossier.account
    if before is not None and case.dossier.anchor != before.hash and before.sequence:
        says = "has another hash than" if case.dossier.anchor else "is missing, and was there"
        yield case.finding("watermark", "posting", line(before.sequence), f"{says} when it was checked last.")
    if before is not None and account is not None and account.sequence < before.sequence:
        yield case.on_account(
            "watermark", f"is at line {account.sequence}; it was at line {before.sequence} before."
        )


CHECKS: tuple[Check, ...] = (
    watermark,
    sequence,
    allocations,
    lots,
    holds,
    refunds,
    once,
    swept,
    warnings,
    books,
    seal,
    balance,
)
