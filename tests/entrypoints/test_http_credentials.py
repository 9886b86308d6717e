"""Over HTTP: e-mails, passwords, sessions, second factors, API keys, and the pages that mails lead to."""

from collections.abc import Iterator
from html import unescape
from time import time
from typing import Any

import pyotp
import pytest
from argon2 import PasswordHasher
from dependency_injector import providers
from edge import UNKNOWN, Client, Headers, signed_in
from litestar.testing import TestClient
from signing import code_in, token_in

from baobab.adapters.secrets import Argon2Secrets
from baobab.application.mail import Message
from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.http.app import build
from baobab.entrypoints.settings import Settings

EMAIL, OTHER = "member-1@example.org", "member-2@example.org"
PASSWORD, NEW = "correct horse", "another horse, another day"


class WeakSecrets(Argon2Secrets):
    """The real thing, with hashes that cost little."""

    def __init__(self, key: str) -> None:
        super().__init__([key])
        self._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Front:
    """A client of an application, and the letters that it writes."""

    def __init__(self, **settings: Any) -> None:
        chosen = Settings(public_url="https://example.org", rate_limits=False, **settings)
        self.container: Any = MemoryContainer(settings=chosen)
        self.container.secrets.override(providers.Object(WeakSecrets("a key of some length")))
        self.client: Client = TestClient(build(self.container))

    def letter(self, to: str = EMAIL) -> Message:
        """The last letter to somebody, once all are written."""
        self.client.blocking_portal.call(self.client.app.state.gate.later.done)
        return next(one for one in reversed(self.container.mailer().sent) if one.to == to)

    def sign_up(self, email: str = EMAIL) -> Headers:
        wish = {"email": email, "password": PASSWORD, "name": "Member"}
        return bearer(self.client.post("/v1/members", json=wish).json())

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD) -> Any:
        return self.client.post("/v1/sessions", json={"email": email, "password": password})


def bearer(signed: dict[str, Any]) -> Headers:
    return {"Authorization": f"Bearer {signed['token']}"}


@pytest.fixture
def front() -> Iterator[Front]:
    front = Front()
    with front.client:
        yield front


# --- e-mails ------------------------------------------------------------------------------------


def test_an_email_is_verified_by_the_code_of_the_letter(front: Front) -> None:
    mine = front.sign_up()
    assert front.sign_in().status_code == 401
    front.client.post("/v1/members/me/verification/mail", headers=mine)
    answer = front.client.post(
        "/v1/members/me/verification", json={"code": code_in(front.letter())}, headers=mine
    )
    assert (answer.status_code, answer.json()["verified_at"] is None) == (200, False)
    assert front.sign_in().status_code == 201
    again = front.client.post("/v1/members/me/verification/mail", headers=mine)
    assert (again.status_code, again.json()["code"]) == (409, "email_verified_already")


def test_an_email_is_verified_by_the_link_and_the_password(front: Front) -> None:
    front.sign_up()
    token = token_in(front.letter())
    wrong = front.client.post("/v1/verifications", json={"token": token, "password": "wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_credentials")
    right = front.client.post("/v1/verifications", json={"token": token, "password": PASSWORD})
    assert (right.status_code, right.json()["email"]) == (200, EMAIL)
    once = front.client.post("/v1/verifications", json={"token": token, "password": PASSWORD})
    assert (once.status_code, once.json()["code"]) == (422, "proof_refused")


def test_emails_are_added_chosen_and_removed(front: Front) -> None:
    mine = signed_in(front.client, EMAIL)
    sent = front.client.post("/v1/members/me/emails", json={"email": OTHER}, headers=mine)
    assert (sent.status_code, sent.json()) == (202, {"email": OTHER})
    proof = {"code": code_in(front.letter(OTHER))}
    added = front.client.post("/v1/members/me/emails/verification", json=proof, headers=mine)
    assert added.status_code == 200
    chosen = front.client.put("/v1/members/me/email", json={"email": OTHER}, headers=mine)
    assert chosen.json()["email"] == OTHER
    gone = front.client.post("/v1/members/me/emails/removal", json={"email": EMAIL}, headers=mine)
    assert gone.status_code == 200
    listed = front.client.get("/v1/members/me/emails", headers=mine).json()["items"]
    assert [(one["email"], one["primary"]) for one in listed] == [(OTHER, True)]
    assert (front.sign_in(EMAIL).status_code, front.sign_in(OTHER).status_code) == (401, 201)


# --- passwords and links ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/passwords/mail", "/v1/sessions/mail"])
def test_the_answer_does_not_tell_whether_there_is_an_account(front: Front, path: str) -> None:
    signed_in(front.client, EMAIL)
    known = front.client.post(path, json={"email": EMAIL})
    unknown = front.client.post(path, json={"email": OTHER})
    assert (known.status_code, known.json()) == (202, {"email": EMAIL})
    assert (unknown.status_code, unknown.json()) == (202, {"email": OTHER})
    assert set(known.headers) == set(unknown.headers)


def test_a_forgotten_password_is_chosen_by_mail_and_a_known_one_is_changed(front: Front) -> None:
    mine = signed_in(front.client, EMAIL)
    wish = {"old_password": PASSWORD, "password": "qwertyuiop"}
    common = front.client.put("/v1/members/me/password", json=wish, headers=mine)
    assert (common.status_code, common.json()["code"]) == (422, "password_too_common")
    wish["password"] = NEW
    changed = front.client.put("/v1/members/me/password", json=wish, headers=mine)
    assert (changed.status_code, changed.json()) == (200, {"closed": 0})
    front.client.post("/v1/passwords/mail", json={"email": EMAIL})
    proof = {"email": EMAIL, "code": code_in(front.letter()), "password": PASSWORD}
    done = front.client.post("/v1/passwords/by-mail", json=proof)
    assert (done.status_code, done.json()) == (200, {"closed": 1})
    assert front.client.get("/v1/members/me", headers=mine).status_code == 401
    assert (front.sign_in(password=NEW).status_code, front.sign_in().status_code) == (401, 201)


def test_a_link_signs_in_once(front: Front) -> None:
    signed_in(front.client, EMAIL)
    front.client.post("/v1/sessions/mail", json={"email": EMAIL})
    token = token_in(front.letter())
    signed = front.client.post("/v1/sessions/by-mail", json={"token": token, "device": "telephone"})
    assert (signed.status_code, signed.json()["session"]["device"]) == (201, "telephone")
    again = front.client.post("/v1/sessions/by-mail", json={"token": token})
    assert (again.status_code, again.json()["code"]) == (422, "proof_refused")
    neither = front.client.post("/v1/sessions/by-mail", json={})
    assert (neither.status_code, neither.json()["code"]) == (400, "proof_incomplete")


def test_who_guesses_is_told_how_long_to_wait(front: Front) -> None:
    signed_in(front.client, EMAIL)
    answers = [front.sign_in(password="wrong") for _ in range(5)]
    while (told := front.sign_in(password="wrong")).status_code == 401 and len(answers) < 15:
        answers.append(told)  # a slow machine has waited long enough already
    assert (told.status_code, told.json()["code"]) == (429, "too_many_attempts")
    assert int(told.headers["Retry-After"]) == told.json()["retry_after"] >= 1


# --- sessions -----------------------------------------------------------------------------------


def test_the_device_is_the_program_that_asks_where_nothing_else_is_said(front: Front) -> None:
    wish = {"email": EMAIL, "password": PASSWORD, "name": "Member"}
    signed = front.client.post("/v1/members", json=wish, headers={"User-Agent": "Telephone/1.0"})
    assert signed.json()["session"]["device"] == "Telephone/1.0"


def test_sign_out_everywhere_or_everywhere_else(front: Front) -> None:
    mine = signed_in(front.client, EMAIL)
    front.sign_in()
    others = front.client.delete("/v1/sessions?keep_current=true", headers=mine)
    assert (others.status_code, others.json()) == (200, {"closed": 1})
    assert front.client.delete("/v1/sessions", headers=mine).json() == {"closed": 1}
    assert front.client.get("/v1/members/me", headers=mine).status_code == 401


def test_an_administrator_lets_in_and_keeps_out(front: Front) -> None:
    admin = signed_in(front.client, "admin@example.org", role="admin")
    theirs = front.sign_up()
    who = front.client.get("/v1/members/me", headers=theirs).json()["user_id"]
    vouched = front.client.post(f"/v1/members/{who}/verification", headers=admin)
    assert (vouched.status_code, vouched.json()["verified_at"] is None) == (200, False)
    out = front.client.delete(f"/v1/members/{who}/sessions", headers=admin)
    assert (out.status_code, out.json()) == (200, {"closed": 1})
    path = f"/v1/members/{who}/suspension"
    kept = front.client.put(path, json={"reason": "Somebody else signed in."}, headers=admin)
    assert (kept.status_code, kept.json()["status"]) == (200, "suspended")
    refused = front.sign_in()
    assert (refused.status_code, refused.json()["code"]) == (409, "member_suspended")
    assert front.client.delete(path, headers=admin).json()["status"] == "active"
    none = front.client.delete(f"/v1/members/{who}/second-factor", headers=admin)
    assert (none.status_code, none.json()["code"]) == (409, "no_second_factor")
    assert (
        front.client.put(path, json={"reason": "No."}, headers=bearer(front.sign_in().json())).status_code
        == 403
    )
    absent = front.client.post(f"/v1/members/{UNKNOWN}/verification", headers=admin)
    assert absent.status_code == 404


# --- a second factor and keys -----------------------------------------------------------------------


def with_factor(front: Front, mine: Headers) -> tuple[pyotp.TOTP, list[str]]:
    secret = front.client.post("/v1/members/me/second-factor", headers=mine).json()
    assert secret["link"].startswith("otpauth://totp/")
    telephone = pyotp.TOTP(secret["secret"])
    path = "/v1/members/me/second-factor/confirmation"
    shown = front.client.post(path, json={"code": telephone.now()}, headers=mine)
    assert shown.status_code == 200
    return telephone, shown.json()["codes"]


def test_signing_in_takes_two_steps_with_a_second_factor(front: Front) -> None:
    mine = signed_in(front.client, EMAIL)
    telephone, codes = with_factor(front, mine)
    first = front.sign_in()
    assert (first.status_code, first.json()["code"]) == (401, "second_factor_needed")
    step = {"challenge": first.json()["challenge"], "code": telephone.at(int(time()) + 30)}
    second = front.client.post("/v1/sessions/second-step", json=step)
    assert (second.status_code, second.json()["session"]["strong"]) == (201, True)
    again = front.client.post("/v1/sessions/second-step", json=step)
    assert (again.status_code, again.json()["code"]) == (422, "code_refused")
    stale = front.client.post("/v1/sessions/second-step", json=step | {"challenge": "none"})
    assert (stale.status_code, stale.json()["code"]) == (401, "challenge_over")
    state = front.client.get("/v1/members/me/second-factor", headers=mine).json()
    assert state == {"on": True, "recovery_codes": 10}
    path = "/v1/members/me/second-factor"
    fresh = front.client.post(f"{path}/recovery-codes", json={"code": codes[0]}, headers=mine).json()
    ended = front.client.post(f"{path}/removal", json={"code": fresh["codes"][0]}, headers=mine)
    assert (ended.status_code, front.sign_in().status_code) == (200, 201)


def test_where_administrators_need_a_second_factor_they_have_no_power_before() -> None:
    front = Front(require_second_factor=True)
    with front.client:
        admin = signed_in(front.client, "admin@example.org", role="admin")
        assert front.client.get("/v1/members", headers=admin).status_code == 403
        with_factor(front, admin)
        assert front.client.get("/v1/members", headers=admin).status_code == 200


def test_a_key_does_what_its_scopes_say_until_it_is_revoked(front: Front) -> None:
    mine = signed_in(front.client, EMAIL)
    wish = {"name": "till", "scopes": ["points:read"]}
    made = front.client.post("/v1/api-keys", json=wish, headers=mine).json()
    program = bearer(made)
    assert front.client.get("/v1/points/balance", headers=program).status_code == 200
    refused = front.client.get("/v1/members/me", headers=program)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    more = front.client.post("/v1/api-keys", json=wish, headers=program)
    assert (more.status_code, more.json()["scope"]) == (403, "identity:write")
    path = f"/v1/api-keys/{made['key']['id']}"
    rotated = front.client.post(f"{path}/rotation", json={"overlap_minutes": 0}, headers=mine).json()
    assert front.client.get("/v1/points/balance", headers=program).status_code == 401
    assert front.client.get("/v1/points/balance", headers=bearer(rotated)).status_code == 200
    listed = front.client.get("/v1/api-keys", headers=mine).json()["items"]
    assert [one["id"] for one in listed] == [rotated["key"]["id"], made["key"]["id"]]
    gone = front.client.delete(f"/v1/api-keys/{rotated['key']['id']}", headers=mine)
    assert (gone.status_code, gone.json()["revoked_at"] is None) == (200, False)
    assert front.client.get("/v1/points/balance", headers=bearer(rotated)).status_code == 401
    assert front.client.delete(f"/v1/api-keys/{UNKNOWN}", headers=mine).status_code == 404


# --- pages --------------------------------------------------------------------------------------


def test_opening_a_link_consumes_nothing_and_loads_nothing(front: Front) -> None:
    front.sign_up()
    token = token_in(front.letter())
    for _ in range(3):
        page = front.client.get(f"/mail/verify?token={token}")
        assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "<script" not in page.text
    done = front.client.post("/mail/verify", data={"token": token, "password": PASSWORD})
    assert (done.status_code, "Your e-mail is verified" in done.text) == (200, True)
    once = front.client.post("/mail/verify", data={"token": token, "password": PASSWORD})
    assert (once.status_code, "ask for a new one" in once.text) == (422, True)


def test_a_page_lets_one_choose_a_password(front: Front) -> None:
    signed_in(front.client, EMAIL)
    front.client.post("/v1/passwords/mail", json={"email": EMAIL})
    token = token_in(front.letter())
    short = front.client.post("/mail/reset", data={"token": token, "password": "short"})
    assert (short.status_code, f'value="{token}"' in short.text) == (422, True)
    front.client.post("/mail/reset", data={"token": token, "password": NEW})
    assert front.sign_in(password=NEW).status_code == 201


def test_a_page_signs_in_and_asks_for_the_second_factor(front: Front) -> None:
    mine = signed_in(front.client, EMAIL)
    _, codes = with_factor(front, mine)
    front.client.post("/v1/sessions/mail", json={"email": EMAIL})
    asked = front.client.post("/mail/sign_in", data={"token": token_in(front.letter())})
    assert asked.status_code == 401
    challenge = unescape(asked.text.partition('name="challenge" value="')[2].partition('"')[0])
    wrong = front.client.post("/mail/sign_in", data={"challenge": challenge, "code": "000000"})
    assert (wrong.status_code, challenge in wrong.text) == (422, True)
    done = front.client.post("/mail/sign_in", data={"challenge": challenge, "code": codes[0]})
    token = done.text.partition("shown this once: ")[2].partition("<")[0]
    assert front.client.get("/v1/members/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize(
    ("fields", "status"),
    [({}, 400), ({"token": "x" * 300}, 400), ({"token": "<b>"}, 422), ({"code": "é"}, 400)],
)
def test_a_page_says_what_is_wrong_and_repeats_nothing_as_it_came(
    front: Front, fields: dict[str, str], status: int
) -> None:
    answer = front.client.post("/mail/sign_in", data=fields)
    assert (answer.status_code, "<b>" in answer.text) == (status, False)


def test_there_is_no_other_page(front: Front) -> None:
    assert front.client.get("/mail/other").status_code == 404
    assert front.client.post("/mail/other").status_code == 404
