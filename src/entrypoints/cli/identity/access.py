"""`baobab members add`, `show`, `verify`, `suspend`, `keys`, ...: who is let in, and how."""

from datetime import datetime
from typing import Any
from uuid import UUID

import rich_click as click

from ....application import identity
from ....application.identity import KeyMade, MemberView, SignedOut
from ....application.work import UseCase
from ....domain import identity as rules
from ....domain import shared
from ...container import Container
from ...program import OPERATOR
from ..terminal import (
    DRY_RUN,
    answer,
    as_json,
    member_id,
    moment,
    on_database,
    paged,
    print_json,
    show,
    show_page,
)

KEY_COLUMNS = ("name", "acts_as", "scopes", "expires_at", "last_used_at", "revoked_at", "id")


class Ambiguous(shared.RuleForbids):
    message = "Several accounts name {email}, and none has verified it: name one by its id: {ids}."
    email: str
    ids: str


async def _wishing(container: Container, who: str) -> UUID:
    """The member of an id, of a verified e-mail, or the only one who named an e-mail. Raises Ambiguous."""
    if "@" not in who:
        return await member_id(container, who)
    question = identity.ListMembers(email=who)
    found = (await container.runner().read(identity.members, question, actor=OPERATOR)).items
    if len(found) > 1 and found[0].verified_at is None:
        raise Ambiguous(email=who, ids=", ".join(str(one.user_id) for one in found))
    if not found:
        raise shared.NotFound(kind="member", id=who)
    return found[0].user_id


def _do(
    use_case: UseCase[Any, Any], command: type[Any], who: str, *, as_json: bool, dry_run: bool, **facts: Any
) -> None:
    """Do something to whoever names an e-mail, verified or not, and show what comes of it."""

    async def do(container: Container) -> Any:
        wish = command(user_id=await _wishing(container, who), **facts)
        return await container.runner()(use_case, wish, actor=OPERATOR, dry_run=dry_run)

    show(on_database(do), as_json=as_json)


@click.command("show")
@click.argument("member")
@as_json
def show_member(member: str, as_json: bool) -> None:
    """Show a member."""

    async def ask(container: Container) -> MemberView:
        question = identity.GetMember(user_id=await _wishing(container, member))
        return await container.runner().read(identity.member, question, actor=OPERATOR)

    show(on_database(ask), as_json=as_json)


@click.command("add")
@click.argument("email")
@click.option("--name", required=True, help="What they are called.")
@click.option("--password", is_flag=True, help="Ask for a password; else they choose one by mail.")
@as_json
def add(email: str, name: str, password: bool, as_json: bool) -> None:
    """Enrol a member whose e-mail is known to be theirs."""
    word = click.prompt("Password", hide_input=True, confirmation_prompt=True) if password else ""

    async def do(container: Container) -> MemberView:
        gate, hashed = container.gate(), ""
        if word:
            rules.check_password(word, email=email, name=name, is_common=gate.is_common)
            hashed = await gate.secrets.hash(word)
        wish = identity.Enrol(user_id=gate.run.new_id(), email=email, name=name, password_hash=hashed)
        return await gate.run(identity.enrol, wish, actor=OPERATOR)

    show(on_database(do), as_json=as_json)


@click.command("verify")
@click.argument("member")
@DRY_RUN
@as_json
def verify(member: str, dry_run: bool, as_json: bool) -> None:
    """Vouch for a member's e-mail, which was seen by other means."""
    _do(identity.verify_member, identity.OfMember, member, as_json=as_json, dry_run=dry_run)


@click.command("suspend")
@click.argument("member")
@click.option("--reason", required=True, help="Why: kept with the member.")
@DRY_RUN
@as_json
def suspend(member: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Keep a member out: sessions are closed, API keys open nothing."""
    _do(identity.suspend, identity.Suspend, member, as_json=as_json, dry_run=dry_run, reason=reason)


@click.command("reinstate")
@click.argument("member")
@DRY_RUN
@as_json
def reinstate(member: str, dry_run: bool, as_json: bool) -> None:
    """Let a suspended member in again."""
    _do(identity.reinstate, identity.OfMember, member, as_json=as_json, dry_run=dry_run)


@click.command("sign-out")
@click.argument("member")
@as_json
def sign_out(member: str, as_json: bool) -> None:
    """Close all sessions of a member, wherever they are."""

    async def do(container: Container) -> SignedOut:
        wish = identity.OfMember(user_id=await _wishing(container, member))
        return await container.runner()(identity.sign_member_out, wish, actor=OPERATOR)

    show(on_database(do), as_json=as_json)


@click.command("reset-second-factor")
@click.argument("member")
@DRY_RUN
@as_json
def reset_second_factor(member: str, dry_run: bool, as_json: bool) -> None:
    """Take away the second factor of a member who lost it. Be sure that it is they who ask."""
    _do(identity.reset_second_factor, identity.OfMember, member, as_json=as_json, dry_run=dry_run)


@click.group("keys")
def keys() -> None:
    """API keys: for programs that act as a member, or as a service."""


@keys.command("list")
@click.argument("member")
@paged
@as_json
def list_keys(member: str, limit: int, cursor: str | None, as_json: bool) -> None:
    """List a member's API keys, newest first."""
    page = answer(identity.api_keys, identity.ListKeys, member, limit=limit, cursor=cursor)
    show_page(page, KEY_COLUMNS, as_json=as_json)


@keys.command("make")
@click.argument("member")
@click.argument("scopes", nargs=-1, required=True)
@click.option("--name", required=True, help="What the key is for.")
@click.option("--service", is_flag=True, help="Act as a service, as long as the member is an administrator.")
@click.option("--until", type=moment, help="When it ends, with its zone: 2027-01-01T00:00Z.")
@as_json
def make_key(
    member: str, scopes: tuple[str, ...], name: str, service: bool, until: datetime | None, as_json: bool
) -> None:
    """Make an API key and show its token, this once. SCOPES are such as points:read."""

    async def do(container: Container) -> KeyMade:
        owner = await member_id(container, member)
        acts_as: rules.KeyRole = "service" if service else "owner"
        wish = identity.WishKey(name=name, scopes=scopes, acts_as=acts_as, expires_at=until)
        return await identity.new_key(wish, container.gate(), OPERATOR, owner=owner)

    made = on_database(do)
    if as_json:
        print_json(made)
    else:
        show(made.key, as_json=False)
        click.echo(made.token)


@keys.command("revoke")
@click.argument("member")
@click.argument("key", type=click.UUID)
@DRY_RUN
@as_json
def revoke_key(member: str, key: UUID, dry_run: bool, as_json: bool) -> None:
    """Let an API key open nothing any more."""
    _do(identity.revoke_key, identity.RevokeKey, member, as_json=as_json, dry_run=dry_run, key_id=key)


COMMANDS = (show_member, add, verify, suspend, reinstate, sign_out, reset_second_factor, keys)
