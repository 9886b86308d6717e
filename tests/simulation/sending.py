"""How a wish becomes a command of the product, and how its answer is held against the oracle's."""

from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from baobab.application import points
from baobab.application.points import importing
from baobab.domain import shared

from .ledger import Name
from .rules import Refused, Wish


class Violation(Exception):
    """The product did what the rules do not say."""


class Names:
    """Which id the product gave to what the oracle names: one each."""

    def __init__(self) -> None:
        self._ids: dict[Name, UUID] = {}
        self._names: dict[UUID, Name] = {}

    def id_of(self, name: Name) -> UUID:
        """The id of a name; of what nobody made, one that leads nowhere."""
        if name[0] == "absent":
            return uuid5(NAMESPACE_OID, name[1])
        if name not in self._ids:
            raise Violation(f"nothing is known of {name}")
        return self._ids[name]

    def bind(self, name: Name, id: UUID | None) -> None:
        """Hold an id against what is known of a name; () stands for no id at all."""
        if id is None or name == ():
            if not (id is None and name == ()):
                raise Violation(f"{id} where {name or 'nothing'} was due")
        elif self._ids.setdefault(name, id) != id or self._names.setdefault(id, name) != name:
            raise Violation(f"{id} ({self._names.get(id)}) is not {name} ({self._ids[name]})")

    def __contains__(self, name: Name) -> bool:
        return name in self._ids


def command_of(wish: Wish, names: Names) -> tuple[Any, shared.Command]:
    """The use case that is meant, and its command."""
    facts = dict(wish.facts)
    if wish.kind == "bring":
        facts["member"], facts["expires_at"] = str(facts.pop("user")), str(facts.pop("last_day"))
        return importing.bring, importing.Bring(lines=(importing.OpeningLine(reference=wish.key, **facts),))
    use_case, command = COMMANDS[wish.kind]
    if "source" in facts:
        facts["source_type"], facts["source_id"] = facts.pop("source")
    if "to" in facts:
        facts["recipient"] = str(facts.pop("to"))
    for name in ("hold", "debit", "grant"):
        if name in facts:
            facts[f"{name}_id"] = names.id_of(facts.pop(name))
            del facts["unit"]
    if "user" in facts:
        facts["user_id"] = facts.pop("user")
    return use_case, command(**facts)


COMMANDS: dict[str, tuple[Any, Any]] = {
    "earn": (points.earn, points.Earn),
    "spend": (points.spend, points.Spend),
    "hold": (points.hold, points.PlaceHold),
    "capture": (points.capture, points.CaptureHold),
    "release": (points.release, points.ReleaseHold),
    "refund": (points.refund, points.Refund),
    "adjust": (points.adjust, points.Adjust),
    "expire": (points.expire, points.Expire),
    "claw_back": (points.claw_back, points.ClawBack),
    "give": (points.give, points.Give),
    "convert": (points.convert, points.Convert),
    "close_account": (points.close_account, points.CloseAccount),
    "reopen_account": (points.reopen_account, points.ReopenAccount),
    "set_policy": (points.set_policy, points.SetPolicy),
    "set_rate": (points.set_rate, points.SetRate),
    "close_period": (points.close_period, points.ClosePeriod),
}
MANY = 16
"""Of so many lots and more, a command need not say how much ends next."""


def compare(wish: Wish, expected: dict[str, Any] | Refused, answer: Any, names: Names, lots: int) -> None:
    """Raise Violation unless the product answered to a wish what the oracle did. `lots` is how many the
    account ever had."""
    if isinstance(answer, shared.DomainError):
        _compare_refusals(expected, answer, names)
    elif wish.kind == "bring":
        _compare_lines(expected, answer.lines[0])
    elif isinstance(expected, Refused):
        raise Violation(f"accepted, though {expected}")
    elif "balance" in expected:
        if hasattr(answer, "gift_id"):
            names.bind(("source", wish.key), answer.gift_id)
        if hasattr(answer, "conversion_id"):
            names.bind(("source", wish.key), answer.conversion_id)
        compare_balance(
            expected, getattr(answer, "balance", 0) if wish.kind in NESTED else answer, names, lots
        )
    elif wrong := {name: value for name, value in expected.items() if getattr(answer, name) != value}:
        raise Violation(f"{answer} where {wrong} was due")


NESTED = ("give", "convert")


def compare_balance(expected: dict[str, Any], answer: Any, names: Names, lots: int = 0) -> None:
    """Raise Violation unless a balance is told in its very parts."""
    if "line" in expected:
        names.bind(expected["line"], answer.posting_id)
        names.bind(expected["hold"], answer.hold_id)
    parts = ("balance", "available", "pending", "held", "debt", "next_expiry", "next_expiring")
    told = {name: getattr(answer, name) for name in parts} | {"cents": answer.euros.amount}
    if told["next_expiring"] is None and lots >= MANY:
        told["next_expiring"] = expected["next_expiring"]
    due = {name: expected[name] for name in told}
    if told != due:
        raise Violation(f"{_differences(told, due)}")


def _compare_lines(expected: dict[str, Any] | Refused, line: Any) -> None:
    """What became of the only line of an import."""
    due = (expected.code, 0) if isinstance(expected, Refused) else ("", expected["points"])
    if (line.code, line.points) != due or line.outcome != ("wrong" if due[0] else "ok"):
        raise Violation(f"{line} where {due} was due")


def _compare_refusals(expected: dict[str, Any] | Refused, answer: shared.DomainError, names: Names) -> None:
    if not isinstance(expected, Refused):
        raise Violation(f"refused, {answer!r}, where {expected} was due")
    facts = answer.facts()
    due = {name: names.id_of(one) if isinstance(one, tuple) else one for name, one in expected.facts.items()}
    if answer.code != expected.code or any(facts[name] != one for name, one in due.items()):
        raise Violation(f"refused, {answer!r}, where {expected} was due")


def _differences(told: dict[str, Any], due: dict[str, Any]) -> str:
    wrong = (f"{name} {told[name]} instead of {due[name]}" for name in due if told[name] != due[name])
    return ", ".join(wrong)
