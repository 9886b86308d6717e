"""What is done after the answer: letters, and what becomes of their failures."""

import pytest
from signing import EMAIL, PASSWORD, STRANGER, Signing, Telephone

from baobab.application import identity
from baobab.application.identity import Gate, Later
from baobab.application.mail import MailNotSent, Message
from builders import World


async def test_a_letter_that_cannot_be_sent_does_not_undo_what_it_tells_of(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    signing = Signing(world)
    gate = Gate(world.run, signing.secrets, Away(), Telephone(), is_common=lambda word: False)
    wish = identity.SignUp(email=EMAIL, password=PASSWORD, name="Member")
    await identity.sign_up(wish, gate, STRANGER)
    await gate.later.done()
    assert [one.getMessage() for one in caplog.records] == [
        "what was to be done after an answer was refused: mail_not_sent"
    ]


async def test_what_is_done_after_answers_has_a_limit_and_its_failures_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    later = Later(most=1)
    assert [later(fail()), later(fail())] == [True, False]
    await later.done()
    assert [one.getMessage() for one in caplog.records] == [
        "1 letters and notes wait already: one more is not sent",
        "what was to be done after an answer failed",
    ]


class Away:
    """A mail server that is away."""

    async def send(self, message: Message) -> None:
        raise MailNotSent
