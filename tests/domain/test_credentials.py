"""The rules of passwords, proofs, attempts, sessions, second factors and keys."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baobab.domain import identity, shared
from baobab.domain.identity import Answer, Attempts, Member, Proof, SecondFactor, Session, Shown

AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
ID = UUID(int=7)


def member(**changes: object) -> Member:
    plain = Member(
        ID, "member-1@example.org", "Mireille Dubois", "member", "explorateur", "active", None, AT, AT
    )
    return shared.evolve(plain, **changes)


def session(id: int = 1, **changes: object) -> Session:
    opened = identity.open_session(member(), id=UUID(int=id), token_hash=b"", device="", address="", at=AT)
    return shared.evolve(opened, **changes)


# --- passwords ----------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["correct horse", "Mireille et ses abeilles", "member-1 counts bees"])
def test_a_long_password_of_one_s_own_is_taken(password: str) -> None:
    facts = {"email": "member-1@example.org", "name": "Mireille Dubois"}
    assert identity.check_password(password, **facts) == password


@pytest.mark.parametrize(
    "password",
    ["member-1@example.org", "MireilleDubois", "mireille dubois1", "Example.ORG12", "dubois-dubois"],
)
def test_a_password_that_says_who_somebody_is_is_refused(password: str) -> None:
    with pytest.raises(identity.PasswordTellsWho):
        identity.check_password(password, email="member-1@example.org", name="Mireille Dubois")


@pytest.mark.parametrize("password", ["Password123", "aaaaaaaaaaaa", "ababababab"])
def test_a_password_of_many_or_of_few_letters_is_refused_whatever_its_case(password: str) -> None:
    with pytest.raises(identity.PasswordTooCommon):
        identity.check_password(password, is_common=lambda word: word == "password123")


# --- proofs -------------------------------------------------------------------------------------


def proof(**changes: object) -> Proof:
    plain = Proof(ID, "reset", "member-1@example.org", b"token", b"code", AT + timedelta(hours=1), AT)
    return shared.evolve(plain, **changes)


@pytest.mark.parametrize(
    ("shown", "right"),
    [
        (Shown(token_hash=b"token"), True),
        (Shown(code_hash=b"code"), True),
        (Shown(token_hash=b"code"), False),
        (Shown(code_hash=b"token"), False),
        (Shown(), False),
    ],
)
def test_a_proof_is_its_token_or_its_code(shown: Shown, right: bool) -> None:
    assert identity.is_right(proof(), shown, AT) == right


def test_nothing_stored_is_shown_by_nothing() -> None:
    assert not identity.is_right(proof(token_hash=b"", code_hash=b""), Shown(), AT)
    assert not identity.is_right(None, Shown(token_hash=b"token"), AT)


def test_a_proof_is_good_until_its_end_and_not_at_it() -> None:
    shown, ends = Shown(token_hash=b"token"), proof().expires_at
    assert identity.is_right(proof(), shown, ends - timedelta(microseconds=1))
    assert not identity.is_right(proof(), shown, ends)


def test_the_fifth_wrong_code_voids_a_proof() -> None:
    left: Proof | None = proof()
    for _ in range(identity.MOST_WRONG - 1):
        assert left is not None
        left = identity.missed(left)
    assert left is not None
    assert (left.wrong, identity.missed(left)) == (identity.MOST_WRONG - 1, None)


# --- attempts -----------------------------------------------------------------------------------


def test_pauses_double_and_stay_within_a_quarter_of_an_hour() -> None:
    pauses = [identity.pause_after(count, 5).total_seconds() for count in (1, 4, 5, 6, 7, 14, 15, 10**6)]
    assert pauses == [0, 0, 1, 2, 4, 512, 900, 900]


@given(st.lists(st.integers(0, 2_000), max_size=40))
def test_whoever_waits_as_they_are_told_may_always_try(waits: list[int]) -> None:
    """Whatever somebody else tries meanwhile, nobody waits longer than a quarter of an hour."""
    now, before = AT, None
    for wait in waits:
        now += timedelta(seconds=wait)
        if before is not None and before.until > now:
            with pytest.raises(identity.TooManyAttempts) as refused:
                identity.check_patience([before], now)
            assert 1 <= refused.value.retry_after <= 900
            now += timedelta(seconds=refused.value.retry_after)
        identity.check_patience([before, None], now)
        before = identity.counted(before, "who", "password", now)


def test_a_day_without_attempts_begins_anew() -> None:
    many = Attempts("who", 40, AT, AT)
    assert identity.counted(many, "who", "password", AT + timedelta(hours=23)).count == 41
    assert identity.counted(many, "who", "password", AT + timedelta(days=1)).count == 1


def test_what_is_counted_of_a_network_fades_as_many_people_share_one() -> None:
    """Else some who mistype each day would in the end keep out everybody behind one address."""
    now, before = AT, None
    for _ in range(2_000):
        now += timedelta(minutes=2)
        identity.check_patience([before], now)
        before = identity.counted(before, "who", "address", now)
    assert before is not None
    assert before.count == 1


def test_a_network_that_goes_on_trying_is_slowed_to_an_attempt_a_minute_or_so() -> None:
    now, before, tries = AT, None, 0
    while now < AT + timedelta(hours=12):
        if before is None or before.until <= now:
            before = identity.counted(before, "who", "address", now)
            tries += 1
        now += timedelta(seconds=1)
    assert identity.FREE["address"] + 360 < tries < identity.FREE["address"] + 800


def test_nothing_fades_where_a_clock_goes_back() -> None:
    before = identity.counted(None, "who", "address", AT)
    assert identity.counted(before, "who", "address", AT - timedelta(hours=1)).count == 2


def test_an_attempt_that_was_right_is_taken_back() -> None:
    after = identity.forgiven(Attempts("who", 7, AT, AT + timedelta(minutes=5)))
    assert after == Attempts("who", 6, AT, AT)
    assert identity.forgiven(Attempts("who", 1, AT, AT)) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("cli", "cli"),
    ],
)
def test_of_an_address_the_network_counts_that_somebody_has(address: str, network: str) -> None:
    assert identity.network_of(address) == network


# --- sessions -----------------------------------------------------------------------------------


def test_a_session_that_is_used_lasts_longer_up_to_its_end() -> None:
    lasting = identity.Lasting(idle_days=30, limit_days=50)
    opened = identity.open_session(
        member(), id=ID, token_hash=b"", device="", address="a", at=AT, lasting=lasting
    )
    later = identity.seen(opened, "b", AT + timedelta(days=10), 30)
    assert (later.expires_at, later.address) == (AT + timedelta(days=40), "b")
    last = identity.seen(later, "", AT + timedelta(days=39), 30)
    assert (last.expires_at, last.ends_at, last.address) == (AT + timedelta(days=50), opened.ends_at, "b")


def test_how_somebody_signs_in_is_changed_only_soon_after_they_did() -> None:
    identity.check_fresh(session(), AT + timedelta(minutes=15))
    identity.check_fresh(None, AT)
    with pytest.raises(identity.SignInAgain):
        identity.check_fresh(session(), AT + timedelta(minutes=15, seconds=1))


def test_the_sessions_used_longest_ago_make_room() -> None:
    sessions = [
        session(id, last_seen_at=AT + timedelta(minutes=id)) for id in range(identity.MOST_SESSIONS + 1)
    ]
    assert [one.id.int for one in identity.crowded_out(sessions, AT)] == [0, 1]
    assert identity.crowded_out(sessions[:-2], AT) == []


def test_a_session_is_forgotten_a_month_after_it_ended() -> None:
    closed = identity.revoke(session(), AT)
    assert not identity.is_forgotten(closed, AT + timedelta(days=30))
    assert identity.is_forgotten(closed, AT + timedelta(days=30, seconds=1))
    assert not identity.is_forgotten(session(), AT + timedelta(days=60))


def test_that_a_credential_is_in_use_is_written_down_now_and_then() -> None:
    assert identity.is_due(None, AT)
    assert not identity.is_due(AT, AT + timedelta(minutes=9))
    assert identity.is_due(AT, AT + timedelta(minutes=10))


# --- second factor ------------------------------------------------------------------------------


def factor(**changes: object) -> SecondFactor:
    return shared.evolve(SecondFactor(ID, "sealed", AT, AT, 100, ("one", "two")), **changes)


def test_a_code_is_taken_once_and_none_before_it_afterwards() -> None:
    after = identity.used(factor(), Answer(step=101))
    assert after.last_step == 101
    for step in (101, 100, 0):
        with pytest.raises(identity.CodeRefused):
            identity.used(after, Answer(step=step))


def test_a_recovery_code_is_taken_once() -> None:
    after = identity.used(factor(), Answer(recovery="one"))
    assert after.recovery == ("two",)
    with pytest.raises(identity.CodeRefused):
        identity.used(after, Answer(recovery="one"))


def test_a_factor_counts_once_it_is_confirmed_and_only_the_one_that_was_read() -> None:
    waiting = identity.enrolled(None, member(), "sealed", AT)
    assert not identity.is_on(waiting)
    with pytest.raises(identity.CodeRefused):
        identity.confirmed(waiting, "another", Answer(step=1), (), AT)
    with pytest.raises(identity.CodeRefused):
        identity.confirmed(waiting, "sealed", Answer(), (), AT)
    there = identity.confirmed(waiting, "sealed", Answer(step=5), ("one",), AT)
    assert (identity.is_on(there), there.last_step) == (True, 5)
    with pytest.raises(identity.SecondFactorThere):
        identity.enrolled(there, member(), "sealed", AT)
    with pytest.raises(identity.SecondFactorThere):
        identity.confirmed(there, "sealed", Answer(step=6), (), AT)


@pytest.mark.parametrize("none", [None, factor(confirmed_at=None)])
def test_without_a_second_factor_no_code_is_right(none: SecondFactor | None) -> None:
    with pytest.raises(identity.NoSecondFactor):
        identity.used(none, Answer(step=101))
    assert not identity.is_on(none)


# --- keys and members ---------------------------------------------------------------------------


def test_a_key_is_good_for_no_more_than_what_made_it() -> None:
    known = ("points:read", "points:write")
    identity.check_scopes(("points:read",), known, shared.Actor(scopes=None))
    with pytest.raises(identity.ScopeUnknown):
        identity.check_scopes(("points:all",), known, shared.Actor())
    with pytest.raises(identity.ScopeNotYours):
        identity.check_scopes(("points:write",), known, shared.Actor(scopes=("points:read",)))


def test_only_administrators_have_others_act_as_a_service() -> None:
    identity.check_maker("owner", shared.Actor(ID, "member"))
    identity.check_maker("service", shared.Actor(ID, "admin"))
    with pytest.raises(identity.NotForServices):
        identity.check_maker("service", shared.Actor(ID, "partner_owner"))


def test_suspending_says_why_and_reinstating_forgets_it() -> None:
    kept_out, _ = identity.suspended(member(), "Somebody else signed in.")
    assert (kept_out.status, kept_out.standing) == ("suspended", "Somebody else signed in.")
    assert identity.reinstated(kept_out)[0] == member()


def test_the_first_proof_of_an_address_counts() -> None:
    later = AT + timedelta(days=1)
    assert identity.verified(member(verified_at=None), later).verified_at == later
    assert identity.verified(member(), later) == member()
