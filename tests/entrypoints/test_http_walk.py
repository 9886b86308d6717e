"""Everybody asks every operation, for what is theirs and for what is not: the answer is the one that is
written in docs/reference/authorisation.md, and nobody learns or changes anything of another."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from authorisation import OPERATIONS, Line, written
from walking import Answer, Road, Visitor, Walk

MATRIX = written()
DONE = (200, 201, 202, 204)
REFUSED_BY_RULE = (409, 422)
"""What is answered to who may ask, where the thing is not in the state for it."""
WRONG_SECRET = (400, 401, 404)
"""What is answered to who does not know the password, the code or the token that is asked for."""
MOST_THINGS = 20
"""How many things are tried until one is in the state for it."""
MOST_SAID = 500
"""Characters of what was wrong."""
CODE, LINK = "a code of a second factor is needed", "the token of a link in a mail is needed"
NEVER_DONE: dict[str, str] = {
    "identity_change_password": "the password of whoever asks is needed",
    "identity_choose_email": "a second verified e-mail is needed",
    "identity_confirm_second_factor": CODE,
    "identity_end_second_factor": CODE,
    "identity_new_recovery_codes": CODE,
    "identity_remove_email": "a second e-mail is needed",
    "identity_resend_verification": "everybody in the demo is verified",
    "identity_verify_added_email": LINK,
    "identity_verify_email": LINK,
    "identity_reset_second_factor": "nobody in the demo has a second factor",
    "payments_checkout": "the sandbox has no form of its own",
    "identity_decide_check": "every check in the demo is decided",
    "privacy_show_erasure": "nobody in the demo was erased",
    "investments_pay_now": "no subscription in the demo is behind with its payment",
    "payments_replay_webhook_event": "the sandbox sends no messages",
    "payments_show_webhook_event": "the sandbox sends no messages",
}
"""Operations that nobody can do here, with the reason."""


COMMON = re.compile(r"^([a-z_.]+|\d{4}-\d\d-\d\d.*)\Z")
"""Texts that say nothing of anybody: words of the code, times."""


def markers_of(walk: Walk, user_id: UUID) -> frozenset[str]:
    """The texts and ids that only the records of a member hold: none may be in an answer to others."""
    own, others = set[str](), set[str]()
    for records in walk.storage._records.values():
        for record in records.values():
            side = own if getattr(record, "user_id", None) == user_id else others
            side.update(_words(msgspec.to_builtins(record)))
    return frozenset(own - others)


def _words(value: Any) -> Iterator[str]:
    """Every text of some length in a value. Amounts are told by the texts around them."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _words(part)
    elif isinstance(value, str) and len(value) >= 5 and not COMMON.match(value):
        yield value


class Walker:
    """Goes from operation to operation; `wrong` is what was not as it is written."""

    def __init__(self, road: Road) -> None:
        self.road, self.walk = road, road.walk
        self.owner = next(one for one in self.walk.visitors if one.name == "owner")
        self.theirs = self.walk.owned_by(self.owner.user_id)
        self.markers = markers_of(self.walk, self.owner.user_id)
        self.checks: Counter[str] = Counter()
        self.wrong: list[str] = []

    def visit(self, line: Line) -> None:
        things, answered = self.walk.things(line), Counter[int]()
        for visitor in self.walk.visitors:
            denied = [one for one in things if visitor.refusal(line, one) is not None]
            denied.sort(key=lambda one: getattr(one, "user_id", None) != self.owner.user_id)
            for record in denied[:2]:
                self._is_refused(visitor, line, record)
            granted = [one for one in things if visitor.refusal(line, one) is None]
            for record in granted[:MOST_THINGS]:
                status = self._is_granted(visitor, line, record)
                answered[status] += 1
                if status in DONE:
                    break
        done = answered.keys() & {*DONE} or line.operation in NEVER_DONE or line.whose == "a secret"
        self._see("done", bool(done), line, f"nobody could do it, prepare that in walking: {answered}")

    def _is_refused(self, visitor: Visitor, line: Line, record: Any) -> None:
        answer, expected = self.road.ask(visitor, line.operation, record), visitor.refusal(line, record)
        self._see("status", answer.status == expected, line, visitor, f"not {expected}", answer)
        self._see("nothing changed", not self.walk.is_changed(), line, visitor, "changes something", answer)
        self._see("nothing told", not self._told(answer), line, visitor, self._told(answer), answer)
        self.walk.put_back()

    def _is_granted(self, visitor: Visitor, line: Line, record: Any) -> int:
        answer = self.road.ask(visitor, line.operation, record)
        wrong_secret = line.operation in NEVER_DONE or line.whose == "a secret"
        fine = answer.status in (*DONE, *REFUSED_BY_RULE, *(WRONG_SECRET if wrong_secret else ()))
        self._see("status", fine, line, visitor, "not granted", answer)
        if not (visitor.is_admin or visitor.user_id == self.owner.user_id or "producer" in line.whose):
            same = self.walk.owned_by(self.owner.user_id) == self.theirs
            self._see("nothing of others changed", same, line, visitor, "changes the owner's", answer)
            self._see("nothing told", not self._told(answer), line, visitor, self._told(answer), answer)
        self.walk.put_back()
        return answer.status

    def _told(self, answer: Answer) -> list[str]:
        """The markers of the owner that an answer tells, but for what it was asked with."""
        return [one for one in self.markers if one in answer.text and one not in answer.asked]

    def _see(self, what: str, is_right: bool, line: Line, *facts: object) -> None:
        self.checks[what] += 1
        if not is_right:
            names = (fact.name if isinstance(fact, Visitor) else str(fact) for fact in facts)
            self.wrong.append(f"{line.operation}: {', '.join(names)}"[:MOST_SAID])


@pytest.fixture(scope="module")
def walker() -> Iterator[Walker]:
    road = Road()
    yield Walker(road)
    road.close()


def test_everybody_is_answered_as_it_is_written_and_learns_and_changes_nothing_of_others(
    walker: Walker,
) -> None:
    for name in sorted(MATRIX.keys() & OPERATIONS.keys()):
        walker.visit(MATRIX[name])
    count = sum(walker.checks.values())
    sys.stdout.write(f"\n{count} checks of {len(MATRIX)} operations: {dict(walker.checks)}\n")
    assert not walker.wrong, "\n".join(walker.wrong[:400])
    assert count > 5_000
    assert len(walker.markers) > 100


def test_the_walk_sees_what_is_wrong(walker: Walker) -> None:
    """A matrix that says less or more than is so is found out."""
    own = MATRIX["orders_show_order"]
    for wrong in (
        own._replace(whose="everybody's"),
        own._replace(who="administrators"),
        MATRIX["inventory_list_stock"]._replace(who="partners"),
        MATRIX["identity_set_role"]._replace(whose="one's own alone"),
    ):
        before = len(walker.wrong)
        walker.visit(wrong)
        assert len(walker.wrong) > before, wrong
    walker.wrong.clear()
