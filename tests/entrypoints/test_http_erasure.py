"""Whatever somebody types into any field of any operation is gone when the member whom it is about is erased.

Every body of the OpenAPI document is sent with a marker in each field that takes a text of one's own: by the
member and by an administrator, aimed at what is the member's. So a field of tomorrow is among them, without a
word here.
"""

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from authorisation import Line, written
from document import DOCUMENT, OPERATIONS
from walking import Visitor, Walk, _body, setting_out

from baobab.application import privacy
from baobab.application.work import Changes
from baobab.domain.privacy import Erasure
from baobab.entrypoints.demo.people import ADMIN, PROTECTEUR

STAYS = {
    "points_adjust.reason": "a voucher, chained by the ledger's hashes",
    "points_claw_back.reason": "a voucher, chained by the ledger's hashes",
    "payments_refund.reason": "a voucher of money",
    "identity_decide_check.provider": "who checked, by the name of a firm",
    "fulfillment_dispatch.carrier": "the name of a firm",
    "fulfillment_dispatch.packaging": "a kind of box",
}
"""What an administrator types and stays: docs/explanation/privacy.md says to name no person there."""
MARK = re.compile(r"zq\d+x")
WITH_BODY = [
    name
    for name, (_, _, described) in OPERATIONS.items()
    if "requestBody" in described and not name.startswith("privacy_")
]
"""Every operation that is told something; to be erased oneself is no way to leave something behind."""


class Planter:
    """Bodies with a marker in each text, and where each marker is."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def body(self, operation: str, schema: Any, path: tuple[str, ...] = ()) -> Any:
        """A value with markers wherever there is a text of one's own; None where there is none."""
        schema = _whole(schema)
        if options := [
            one for one in schema.get("anyOf", schema.get("oneOf", ())) if one.get("type") != "null"
        ]:
            return self.body(operation, options[0], path)
        if "properties" in schema:
            parts = {
                name: self.body(operation, one, (*path, name)) for name, one in schema["properties"].items()
            }
            return {name: part for name, part in parts.items() if part is not None} or None
        if schema.get("type") == "array":
            part = self.body(operation, schema["items"], path)
            return None if part is None or isinstance(part, dict) else [part]
        return self._text(operation, schema, path) if schema.get("type") == "string" else None

    def _text(self, operation: str, schema: Any, path: tuple[str, ...]) -> str | None:
        if "enum" in schema or "const" in schema or schema.get("format") in ("uuid", "date", "date-time"):
            return None
        mark = f"zq{next(self._numbers)}x"
        for text in (mark, f"{mark}@example.org", f"https://{mark}.example.org/"):
            if re.search(schema.get("pattern", "").replace(r"\Z", "$"), text) and _suits(path, text):
                self.fields[mark] = f"{operation}.{'.'.join(path)}"
                return text
        return None


def _whole(schema: Any) -> Any:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _suits(path: tuple[str, ...], text: str) -> bool:
    """Whether a text looks like what a field of this name takes."""
    name = path[-1] if path else ""
    takes_url = "url" in name or name == "website"
    takes_words = name not in ("phone", "muted")
    return takes_words and ("@" in text) == ("email" in name) and text.startswith("https") == takes_url


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[Any]:
    """A body for each text alone, as it may be that others are refused."""
    if isinstance(value, dict):
        for name, part in value.items():
            for leaf in _leaves(part, (*path, name)):
                yield {name: leaf}
    else:
        yield value


def _merged(body: Any, planted: Any) -> Any:
    if not (isinstance(body, dict) and isinstance(planted, dict)):
        return planted
    return body | {name: _merged(body.get(name), part) for name, part in planted.items()}


async def come_again(walk: Walk, email: str) -> Visitor:
    """Somebody with a session that was just opened, whatever was done to them before."""
    walk.put(walk.member(email), status="active")
    who = walk.member(email)
    headers, _ = await walk.session(email)
    return Visitor(email, headers, who.role, who.user_id)


def theirs(walk: Walk, line: Line, visitor: Visitor) -> list[Any]:
    """What of the member's an operation can be aimed at; the house stays as it is, for the member to use."""
    who = walk.member(PROTECTEUR).user_id
    nobody = None if visitor.is_admin else who
    return [one for one in walk.things(line) if getattr(one, "user_id", nobody) == who][:12]


async def tell(walk: Walk, visitor: Visitor, operation: str, planter: Planter) -> bool:
    """Say it with everything of the member's until it is taken: at once, else a field at a time. Whether it
    was taken as a whole."""
    line = written()[operation]
    schema = next(iter(OPERATIONS[operation][2]["requestBody"]["content"].values())).get("schema", {})
    planted = planter.body(operation, schema)
    if planted is None or visitor.role not in line.allow:
        return True
    for body in (planted, *_leaves(planted)):
        for thing in theirs(walk, line, visitor):
            whole = _merged(_body(operation, walk.aim(thing)), body)
            if (await walk.ask(visitor, operation, thing, **whole)).status < 300:
                break
        else:
            continue
        if body is planted:
            return True
    return False


def kept(walk: Walk, who: UUID) -> set[str]:
    """The markers in whatever names the member, in any table."""
    stored = (repr(one).lower() for records in walk.state().values() for one in records.values())
    return {mark for text in stored if str(who) in text for mark in MARK.findall(text)}


async def erase(walk: Walk, who: UUID) -> None:
    """As it goes on once it was begun: what stands against it is not what is looked at here."""
    erasure = Erasure(who, "begun", "law", uuid4(), datetime.now(UTC))
    async with walk.storage.begin() as transaction:
        await transaction.write(Changes({privacy.ERASURES: [erasure]}, {}))
    await privacy.go_on(who, walk._run)


async def test_whatever_is_typed_about_a_member_goes_with_them() -> None:
    planter = Planter()
    async with setting_out() as walk:
        who = walk.member(PROTECTEUR).user_id
        to_say = [(operation, email) for operation in WITH_BODY for email in (PROTECTEUR, ADMIN)]
        for _ in range(2):  # the first time there may be nothing yet to say it of
            to_say = [
                (operation, email)
                for operation, email in to_say
                if not await tell(walk, await come_again(walk, email), operation, planter)
            ]
        typed = {planter.fields[mark] for mark in kept(walk, who)}
        await erase(walk, who)
        stays = {planter.fields[mark] for mark in kept(walk, who)}
    assert stays == set(STAYS)
    assert len(typed) > 40, typed
