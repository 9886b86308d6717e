"""`baobab points verify`, `seal`, `seals`, `proof` and `check-proof`: the ledger proves itself."""

import sys
from collections.abc import Iterator
from datetime import datetime
from time import monotonic
from typing import Any, TextIO
from uuid import UUID

import msgspec
import rich_click as click

from ....application.points import auditing, sealing
from ....application.points.auditing import FIRST, LAST, Verdict, Verification, Verify
from ....application.points.sealing import ProofView, SealView
from ....domain import shared
from ....domain.points import POINTS, seals
from ....domain.points.audit import Finding
from ...container import Container
from ...program import OPERATOR
from ..progress import progress
from ..terminal import answer, as_json, member_id, on_database, paged, print_json, show, show_all, show_page

BROKEN = 1
"""The exit code of a verification that found something, and of a proof that does not hold."""
FINDINGS = ("check", "user_id", "unit", "table", "row", "says")
SEALS = ("day", "number", "accounts", "total", "root")
DAY = click.DateTime(formats=["%Y-%m-%d"])
UNIT = click.option("--unit", default=POINTS, show_default=True)


class Verified(shared.Record):
    """What was verified, what was found, and how long it took."""

    accounts: int
    postings: int
    broken: int
    findings: tuple[Finding, ...]
    checks: tuple[str, ...]
    as_of: datetime
    seconds: float


class NoProof(shared.Malformed):
    message = "This is not a printed proof: {reason}."
    reason: str


class NoRoot(shared.Malformed):
    message = "A root is 64 hexadecimal digits."


@click.command()
@click.argument("member", required=False)
@click.option("--from", "first", type=click.UUID, help="The first member's id of a range.")
@click.option("--to", "last", type=click.UUID, help="The last member's id of a range.")
@click.option("--since-last", is_flag=True, help="Only what moved since it was found in order.")
@click.option("--no-watermark", is_flag=True, help="Write nothing: do not note what was found in order.")
@as_json
def verify(
    member: str | None,
    first: UUID | None,
    last: UUID | None,
    since_last: bool,
    no_watermark: bool,
    as_json: bool,
) -> None:
    """Check every invariant over one member, a range or everything.

    Exits with 1 where anything is found; the first bad row and its invariant are named.
    """
    if member and (first or last):
        raise click.UsageError("Name a member or a range, not both.")

    async def do(container: Container) -> Verification:
        one = await member_id(container, member) if member else None
        question = Verify(first=one or first or FIRST, last=one or last or LAST, since_last=since_last)
        return await _verify(container, question, keep=not no_watermark)

    since = monotonic()
    found = on_database(do)
    verified = shared.recast(Verified, found, seconds=round(monotonic() - since, 1))
    if as_json:
        print_json(verified)
    else:
        _show_verified(verified)
    if verified.broken:
        sys.exit(BROKEN)


async def _verify(container: Container, question: Verify, *, keep: bool) -> Verification:
    run, done = container.runner(), 0
    total = (await run.read(auditing.size, question, actor=OPERATOR)).accounts
    with progress("Verifying") as move:

        def tell(verdict: Verdict) -> None:
            nonlocal done
            done += verdict.accounts
            move(done, done if verdict.through is None else max(done, total))

        return await auditing.verify(question, run, actor=OPERATOR, keep=keep, tell=tell)


def _show_verified(verified: Verified) -> None:
    figures = f"{verified.accounts:,} accounts with {verified.postings:,} postings"
    if not verified.broken:
        checks = ", ".join(verified.checks)
        click.echo(f"{figures} are in order ({checks}; {verified.seconds} s).")
        return
    first = verified.findings[0]
    click.echo(f"The first bad row: {first.table} {first.row} {first.says} Invariant: {first.check}.")
    show_all(verified.findings, FINDINGS, as_json=False)
    click.echo(f"{verified.broken} findings in {figures} ({verified.seconds} s).")


@click.command()
@UNIT
@as_json
def seal(unit: str, as_json: bool) -> None:
    """Seal the balances of a unit for today: what is published of them. A day is sealed once."""

    async def do(container: Container) -> SealView:
        return await sealing.seal(sealing.SealUnit(unit=unit), container.runner(), actor=OPERATOR)

    show(on_database(do), as_json=as_json)


@click.command("seals")
@UNIT
@paged
@as_json
def list_seals(unit: str, limit: int, cursor: str | None, as_json: bool) -> None:
    """List the seals of a unit, newest first."""
    page = answer(sealing.list_seals, sealing.ListSeals, unit=unit, limit=limit, cursor=cursor)
    show_page(page, SEALS, as_json=as_json)


@click.command()
@click.argument("member")
@UNIT
@click.option("--day", type=DAY, help="The day of the seal, as 2026-03-02; the newest by default.")
@as_json
def proof(member: str, unit: str, day: datetime | None, as_json: bool) -> None:
    """Print the proof that a member's balance is inside of a published total."""
    found = answer(sealing.proof, sealing.GetProof, member, unit=unit, day=day.date() if day else None)
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(_told(found)))


def _told(proof: ProofView) -> Iterator[str]:
    """A proof in words, and itself: who has saved all of it can check it."""
    sealed = proof.seal
    yield f"On {sealed.day} the account {proof.user_id} had {proof.balance:,} {sealed.unit},"
    yield f"inside of the {sealed.total:,} {sealed.unit} of all {sealed.accounts:,} accounts."
    yield f"The published root of that day: {sealed.root}"
    total = proof.balance
    for number, step in enumerate(proof.path, 1):
        total += step.sum
        yield f"  {number:>2}. with {step.sum:,} on the {step.side}: {total:,}"
    yield "Save all of this, and check it against the root that was published, with"
    yield f"  baobab points check-proof FILE --root {sealed.root}"
    yield "or, without this program, with docs/how-to/check_proof.py."
    yield msgspec.json.encode(proof).decode()


@click.command("check-proof")
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"))
@click.option("--root", required=True, help="The published root, in hexadecimal.")
@as_json
def check_proof(file: TextIO, root: str, as_json: bool) -> None:
    """Check a printed proof against a published root. It needs no database; exits with 1 where it fails."""
    view = _printed(file.read())
    seals.check_proof(sealing.proof_of(view), _root(root))
    if as_json:
        print_json({"holds": True, "proof": view})
    else:
        sealed = view.seal
        click.echo(f"The proof holds: {view.balance:,} of {sealed.total:,} {sealed.unit} on {sealed.day}.")


def _printed(text: str) -> ProofView:
    """The proof in what was printed, with or without the words around it. Raises NoProof."""
    try:
        return msgspec.json.decode(text[text.index("{") : text.rindex("}") + 1], type=ProofView)
    except (msgspec.MsgspecError, ValueError) as error:
        raise NoProof(reason=str(error)) from None


def _root(text: str) -> bytes:
    try:
        root = bytes.fromhex(text)
    except ValueError:
        raise NoRoot from None
    if len(root) != 32:
        raise NoRoot
    return root


COMMANDS: tuple[Any, ...] = (verify, seal, list_seals, proof, check_proof)
