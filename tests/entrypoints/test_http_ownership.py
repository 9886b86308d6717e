"""Nobody reads or changes what is not theirs: every operation, aimed at the ids of the demo community."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from authorisation import Line, written
from besieged import OF_OTHERS, Aim, Town, besieged
from document import OPERATIONS

MEMBER, PARTNER, OWNER, ADMIN = (
    "member-1@example.org",
    "partner@example.org",
    "member-2@example.org",
    "admin@example.org",
)
"""Who owns nothing; who acts for another producer; who owns orders and shares; who may see everything."""

FORBIDDEN, ABSENT = 403, 404
MATRIX = {name: line for name, line in written().items() if name in OPERATIONS}
AIMED = {name: line for name, line in MATRIX.items() if line.thing in OF_OTHERS and line.who != "anyone"}
"""What can be aimed at a thing that somebody in the demo community has."""
SECRETS = {"commission", "commission_bp", "terms", "cost", "sending", "password_hash", "token_hash"}
"""Fields that are null or absent for all but administrators, and the partners of a producer."""
TRIES = 3
"""How many things of a kind are aimed at."""


@pytest.fixture(scope="module")
def town(migrated: Callable[[], str]) -> Iterator[Town]:
    with besieged(migrated()) as opened:
        for email in (MEMBER, PARTNER, OWNER, ADMIN):
            opened.headers(email)
        opened.client.post("/v1/points/seals", json={}, headers=opened.headers(ADMIN))
        yield opened


@pytest.fixture(scope="module")
def targets(town: Town) -> dict[str, list[Aim]]:
    """What belongs neither to the member nor to the partner. The variant is what an order is of."""
    own = {
        town.client.get("/v1/members/me", headers=town.headers(one)).json()["user_id"]
        for one in (MEMBER, PARTNER)
    }
    found = town.of_others()
    variant = found["variant"][0]
    found["member"] = [{**one, "variant_id": variant["variant_id"]} for one in found["member"]]
    return {name: [one for one in aims if one.get("user_id") not in own] for name, aims in found.items()}


def public() -> set[str]:
    return {name for name, line in MATRIX.items() if line.who == "anyone"}


def wall(line: Line, who: str) -> int:
    """What an operation answers to the member or the partner who aims at what is not theirs; 0 where they
    may."""
    if ("partner_owner" if who == PARTNER else "member") not in line.allow:
        return FORBIDDEN
    return 0 if line.whose in ("everybody's", "oneself", "a secret") else ABSENT


def test_nobody_reaches_what_is_not_theirs_and_nothing_changes(
    town: Town, targets: dict[str, list[Aim]]
) -> None:
    before = town.fingerprint()
    found, expected = {}, {}
    for name, line in AIMED.items():
        for who in (MEMBER, PARTNER):
            for aim in targets[line.thing][: TRIES if wall(line, who) else 0]:
                answer = town.send(name, aim, town.headers(who))
                found[name, who, str(aim)] = (answer.status_code, answer.headers["content-type"])
                expected[name, who, str(aim)] = (wall(line, who), "application/problem+json")
    assert len(found) > 200
    assert found == expected
    assert town.fingerprint() == before


def test_the_same_is_there_for_administrators_and_what_is_ones_own_for_its_owner(
    town: Town, targets: dict[str, list[Aim]]
) -> None:
    """So that it is the wall that was met, and not an address that leads nowhere."""
    reading = [name for name in AIMED if OPERATIONS[name][0] == "GET" and name != "payments_checkout"]
    assert len(reading) > 15, "the sandbox has no form, so that there is none for anybody"
    [owner] = {aim["user_id"] for aim in targets["member"]}
    read = set[str]()
    for name in reading:
        line = AIMED[name]
        aims = [aim for aim in targets[line.thing] if aim.get("user_id", owner) == owner][:TRIES]
        for who in (ADMIN, OWNER) if wall(line, MEMBER) == ABSENT else (ADMIN,):
            answers = [town.send(name, aim, town.headers(who)).status_code for aim in aims]
            assert set(answers) <= {200, 422}, (name, who)
            read.update({name} if 200 in answers else ())
    assert len(read) > 15


def forged(town: Town, targets: dict[str, list[Aim]]) -> Iterator[str]:
    """Tokens that nobody was given, made of those that somebody was."""
    own = urlsafe_b64decode(town.headers(MEMBER)["Authorization"].removeprefix("Bearer "))
    administrator = urlsafe_b64decode(town.headers(ADMIN)["Authorization"].removeprefix("Bearer "))
    for raw in (
        administrator[:16] + own[16:],
        administrator[:32] + own[32:],
        own[:32] + administrator[32:],
        administrator[:32] + bytes(32),
        administrator[:-1],
        administrator + b"\0",
        bytes(64),
    ):
        yield urlsafe_b64encode(raw).decode()
    yield from ("null", "A" * 20_000, *(aim["session_id"] for aim in targets["session"]))


def test_strangers_and_forgers_reach_nothing_and_change_nothing(
    town: Town, targets: dict[str, list[Aim]]
) -> None:
    everything = {name: value for aims in targets.values() for name, value in aims[0].items()}
    tokens = list(forged(town, targets))
    before = town.fingerprint()
    for name in MATRIX.keys() - public():
        assert town.send(name, everything, {}).status_code == 401, name
    for name in ("identity_me", "points_adjust", "inventory_show_stock"):
        for token in tokens:
            headers = {"Authorization": f"Bearer {token}"}
            assert town.send(name, everything, headers).status_code == 401, (name, token)
    assert town.fingerprint() == before


def test_a_session_that_was_closed_opens_nothing(town: Town) -> None:
    wish = {"email": MEMBER, "password": "demo-member-1"}
    opened = town.client.post("/v1/sessions", json=wish).json()
    headers = {"Authorization": f"Bearer {opened['token']}"}
    assert town.send("identity_close_session", {"session_id": opened["session"]["id"]}, headers).is_success
    assert town.send("identity_me", {}, headers).status_code == 401


@pytest.mark.parametrize("who", [None, MEMBER, PARTNER])
def test_what_everybody_may_read_holds_no_secrets(
    town: Town, targets: dict[str, list[Aim]], who: str | None
) -> None:
    """Nor does what one may read of one's own, and a listing shows nothing of others."""
    headers = town.headers(who) if who else {}
    [[own]] = town.rows("select producer_id from baobab.member where email = 'partner@example.org'")
    others = {aim["user_id"] for aims in targets.values() for aim in aims if "user_id" in aim}
    reading = [name for name in public() if OPERATIONS[name][0] == "GET"]
    listings = [
        "identity_me",
        "identity_list_sessions",
        "investments_list_investments",
        "orders_list_orders",
        "points_balance",
        "points_statement",
    ]
    aims = [*targets["producer"], *targets["project"], *targets["variant"]]
    answers = [town.send(name, {}, headers) for name in (listings if who else [])]
    for name in reading:
        parameters = {part[1:-1] for part in OPERATIONS[name][1].split("/") if part.startswith("{")}
        answers += [town.send(name, aim, headers) for aim in aims if parameters <= aim.keys()]
    assert len(answers) > 50
    for answer in answers:
        assert answer.status_code == 200 or (answer.status_code == 404 and "projects" in str(answer.url))
        assert not secrets_in(answer.json(), str(own) if who == PARTNER else ""), answer.url
        assert not any(one in answer.text for one in others), answer.url


def secrets_in(value: Any, own: str) -> list[str]:
    """The secrets that an answer shows, but for what it says of one's own producer."""
    if isinstance(value, list):
        return [name for part in value for name in secrets_in(part, own)]
    if not isinstance(value, dict) or (own and value.get("id") == own):
        return []
    shown = [key for key, part in value.items() if key in SECRETS and part is not None]
    return shown + [name for part in value.values() for name in secrets_in(part, own)]


def test_a_project_that_is_not_published_is_there_for_administrators_alone(town: Town) -> None:
    [[hidden], *_] = town.rows("select id from baobab.project where status = 'review'")
    aim = {"project_id": str(hidden)}
    found = [
        town.send("projects_show_project", aim, town.headers(who)).status_code for who in (MEMBER, ADMIN)
    ]
    assert found == [404, 200]
    assert town.send("projects_show_project", aim, {}).status_code == 404
