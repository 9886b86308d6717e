"""The ledger over HTTP: who may move what, what is answered, and what is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from edge import UNKNOWN, Client, Headers, memory_client, signed_in

from baobab.application import points
from baobab.domain import shared

ONE, OTHER = "member-1@example.org", "member-2@example.org"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Desk:
    """A client with an administrator and two members, the first of whom has 65 points."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.admin = signed_in(client, "admin@example.org", role="admin")
        self.one, self.other = signed_in(client, ONE), signed_in(client, OTHER)
        self.ids = {
            who: client.get("/v1/members/me", headers=headers).json()["user_id"]
            for who, headers in ((ONE, self.one), (OTHER, self.other))
        }
        self.post("earnings", {"user_id": self.ids[ONE], "funded": 50, "bonus": 15, "source_id": UNKNOWN})

    def ask(self, path: str, body: Any, headers: Headers | None = None, key: str = "") -> Any:
        """The whole answer to a wish, the administrator's where nobody else is named."""
        headers = {**(headers or self.admin), "Idempotency-Key": key or str(uuid4())}
        return self.client.post(f"/v1/points/{path}", json=body, headers=headers)

    def post(self, path: str, body: Any, headers: Headers | None = None) -> Any:
        answer = self.ask(path, body, headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def refused(self, path: str, body: Any, headers: Headers | None = None) -> tuple[int, str]:
        answer = self.ask(path, body, headers)
        return answer.status_code, answer.json()["code"]

    def get(self, path: str, headers: Headers | None = None) -> Any:
        answer = self.client.get(f"/v1/points/{path}", headers=headers or self.admin)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def available(self, headers: Headers, unit: str = "points") -> int:
        found: int = self.get(f"balance?unit={unit}", headers)["available"]
        return found

    def grant(self) -> str:
        """The grant of the first member's points."""
        found: str = self.get("statement", self.one)["items"][-1]["grant_id"]
        return found

    def run_at(self, now: datetime, which: Any, command: Any) -> None:
        """What was set at another time."""
        runner = self.client.app.state.runner
        clock, runner.clock = runner.clock, lambda: now
        operator = shared.Actor(role="service")
        self.client.blocking_portal.call(lambda: runner(which, command, actor=operator))
        runner.clock = clock


@pytest.fixture
def desk() -> Iterator[Desk]:
    with memory_client() as client:
        yield Desk(client)


def test_a_member_gives_their_own_points(desk: Desk) -> None:
    given = desk.post("gifts", {"recipient": OTHER, "amount": 5, "message": "thank you"}, desk.one)
    assert (given["recipient_id"], given["amount"]) == (desk.ids[OTHER], 5)
    assert given["balance"]["available"] == 60
    assert desk.available(desk.other) == 5


def test_a_gift_is_given_once_under_a_key(desk: Desk) -> None:
    gift = {"recipient": OTHER, "amount": 5}
    first, again = (desk.ask("gifts", gift, desk.one, key="gift-1") for _ in range(2))
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    assert desk.ask("gifts", {**gift, "amount": 6}, desk.one, key="gift-1").status_code == 422
    assert desk.available(desk.other) == 5


def test_nobody_gives_what_belongs_to_another_but_an_administrator(desk: Desk) -> None:
    gift = {"recipient": OTHER, "amount": 5, "user_id": desk.ids[ONE]}
    assert desk.refused("gifts", gift, desk.other) == (404, "not_found")
    desk.post("gifts", gift, desk.admin)
    assert desk.available(desk.one) == 60


def test_a_gift_that_goes_nowhere_says_why(desk: Desk) -> None:
    for recipient, amount, status, code in (
        ("nobody@example.org", 5, 404, "not_found"),
        (ONE, 5, 422, "gift_to_self"),
        (OTHER, 66, 422, "insufficient_points"),
        ("a\x00@example.org", 5, 400, "invalid_request"),
        (OTHER, 0, 400, "invalid_request"),
    ):
        assert desk.refused("gifts", {"recipient": recipient, "amount": amount}, desk.one) == (status, code)
    assert desk.available(desk.one) == 65


def test_a_member_converts_their_own_points(desk: Desk) -> None:
    first, second = LONG_AGO + timedelta(days=1), LONG_AGO + timedelta(days=2)
    desk.run_at(LONG_AGO, points.set_policy, points.SetPolicy(unit="pearls", in_force_at=first))
    conversion = {"to_unit": "pearls", "amount": 10}
    assert desk.refused("conversions", conversion, desk.one) == (422, "no_rate")
    rate = points.SetRate(unit="points", to_unit="pearls", give=5, get=2, in_force_at=second)
    desk.run_at(first, points.set_rate, rate)
    got = desk.post("conversions", conversion, desk.one)
    assert (got["to_amount"], got["rate"], got["to_balance"]["available"]) == (4, "2/5", 4)
    assert (desk.available(desk.one), desk.available(desk.one, "pearls")) == (55, 4)
    assert desk.refused("conversions", {**conversion, "user_id": desk.ids[ONE]}, desk.other)[0] == 404
    next_one = {
        "unit": "points",
        "to_unit": "pearls",
        "give": 1,
        "get": 1,
        "in_force_at": "2999-01-01T00:00:00Z",
    }
    assert desk.refused("rates", next_one, desk.one) == (403, "forbidden")
    assert desk.post("rates", next_one)["version"] == 2


def test_a_grant_is_taken_back_by_administrators(desk: Desk) -> None:
    desk.post("spends", {"user_id": desk.ids[ONE], "amount": 20, "source_id": UNKNOWN})
    wish = {"user_id": desk.ids[ONE], "grant_id": desk.grant(), "reason": "never paid"}
    assert desk.refused("claw-backs", wish, desk.one) == (403, "forbidden")
    taken = desk.post("claw-backs", wish)
    assert (taken["available"], taken["debt"]) == (0, 20)
    assert desk.refused("claw-backs", wish) == (409, "grant_already_revoked")
    assert desk.refused("claw-backs", {**wish, "grant_id": UNKNOWN}) == (404, "not_found")


def test_an_empty_account_is_closed_and_opened_again(desk: Desk) -> None:
    wish = {"user_id": desk.ids[ONE], "reason": "moved away"}
    assert desk.refused("accounts/closures", wish) == (409, "account_not_empty")
    desk.post("spends", {"user_id": desk.ids[ONE], "amount": 65, "source_id": UNKNOWN})
    assert desk.refused("accounts/closures", wish, desk.one) == (403, "forbidden")
    desk.post("accounts/closures", wish)
    earning = {"user_id": desk.ids[ONE], "funded": 1, "source_id": UNKNOWN}
    assert desk.refused("earnings", earning) == (409, "account_closed")
    desk.post("accounts/reopenings", wish)
    assert desk.refused("accounts/reopenings", wish) == (409, "account_open")
    assert desk.post("earnings", earning)["available"] == 1


def test_what_is_counted_is_set_by_administrators_and_read_by_who_is_signed_in(desk: Desk) -> None:
    wish = {"unit": "pearls", "in_force_at": "2999-01-01T00:00:00Z", "validity_months": None}
    assert desk.refused("policies", wish, desk.one) == (403, "forbidden")
    made = desk.post("policies", wish)
    assert (made["version"], made["validity_months"], made["cents"]) == (1, None, 0)
    assert desk.refused("policies", {**wish, "in_force_at": "2020-01-01T00:00:00Z"}) == (422, "too_soon")
    assert desk.refused("policies", {**wish, "unit": "No unit"}) == (400, "invalid_request")
    assert desk.refused("policies", {**wish, "zone": "Mars/Olympus"}) == (422, "unknown_zone")
    assert desk.post("closings", {"month": "2020-01"})["closed_through"] == "2020-01-31T23:00:00Z"
    assert desk.refused("closings", {"month": "2020-01"}) == (409, "period_closed")
    assert desk.refused("closings", {"month": "2999-01"}) == (409, "period_not_over")
    assert desk.refused("closings", {"month": "9999-12"}) == (400, "invalid_request")
    found = desk.get("units", desk.one)
    assert [(one["unit"], one["version"]) for one in found["policies"]] == [("points", 1), ("pearls", 1)]
    assert [one["unit"] for one in found["books"]] == ["points"]
    assert desk.client.get("/v1/points/units").status_code == 401


def test_nothing_is_posted_in_a_closed_month_or_in_the_future(desk: Desk) -> None:
    desk.post("closings", {"month": "2026-01"})
    earning = {"user_id": desk.ids[ONE], "funded": 1, "source_id": UNKNOWN}
    for then, status, code in (
        ("2026-01-15T12:00:00+01:00", 409, "period_closed"),
        ("2999-01-15T12:00:00Z", 422, "effective_in_future"),
        ("2026-01-15T12:00:00", 400, "invalid_request"),
    ):
        assert desk.refused("earnings", {**earning, "effective_at": then}) == (status, code)
    assert desk.available(desk.one) == 65


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
def test_instants_at_the_ends_of_the_calendar_break_nothing(desk: Desk, instant: str) -> None:
    owner = {"user_id": desk.ids[ONE], "effective_at": instant}
    for path, body in (
        ("earnings", {**owner, "funded": 1, "source_id": UNKNOWN}),
        ("spends", {**owner, "amount": 1, "source_id": UNKNOWN}),
        ("adjustments", {**owner, "amount": 1, "reason": "counted again"}),
        ("adjustments", {**owner, "amount": -1, "reason": "counted again"}),
    ):
        assert desk.refused(path, body)[0] == 422
    answer = desk.ask("policies", {"unit": "pearls", "in_force_at": instant})
    assert answer.status_code == (201 if instant.startswith("9") else 422)
