"""Messages of providers are claimed by one, rest after failures, and are replayed."""

from typing import Any

import pytest
from paying import AT, LATER

from baobab.domain import payments


def message(**facts: Any) -> payments.WebhookEvent:
    return payments.WebhookEvent(
        **{
            "id": "evt_1",
            "provider": "stripe",
            "type": "payment_intent.succeeded",
            "reference": "pi_1",
            "body": "{}",
            "received_at": AT,
            "next_at": AT,
        }
        | facts
    )


def test_a_message_is_claimed_by_one_at_a_time() -> None:
    claimed = payments.claim(message(), AT)
    assert (claimed.attempts, claimed.next_at) == (1, AT + payments.PAUSES[0])
    with pytest.raises(payments.EventNotDue):
        payments.claim(claimed, AT)
    assert payments.claim(claimed, AT + payments.PAUSES[0]).attempts == 2


def test_a_message_rests_longer_after_each_failure_and_is_set_aside_after_the_last() -> None:
    now, at, pauses = message(), AT, []
    while now.next_at is not None:
        at = max(at, now.next_at)
        now = payments.claim(now, at)
        assert now.next_at is not None
        pauses.append(now.next_at - at)
        now = payments.fail(now, "not_found", at)
    assert tuple(pauses) == (*payments.PAUSES, payments.PAUSES[-1])
    assert (now.state, now.attempts, now.last_error) == ("set_aside", 8, "not_found")


@pytest.mark.parametrize("state", ["handled", "ignored", "set_aside"])
def test_what_is_dealt_with_is_not_worked_on_until_it_is_replayed(state: Any) -> None:
    closed = payments.close(message(attempts=3), state, LATER, "why")
    with pytest.raises(payments.EventNotDue):
        payments.claim(closed, LATER)
    again = payments.replay(closed, LATER)
    assert (again.state, again.attempts, again.next_at) == ("received", 0, LATER)


def test_what_was_forgotten_is_not_replayed() -> None:
    gone = payments.forget(payments.close(message(), "handled", AT), LATER)
    assert (gone.body, gone.forgotten_at, gone.state) == ("", LATER, "handled")
    with pytest.raises(payments.EventForgotten):
        payments.replay(gone, LATER)
