"""What a member agrees to, in which words."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from baobab.domain import shared
from baobab.domain.identity import consent
from baobab.domain.identity.consent import Consent, Purpose

PURPOSES = (Purpose("newsletter", "2"), Purpose("terms", "1"))
NOW = Consent(UUID(int=1), UUID(int=2), "newsletter", True, "2", datetime(2026, 3, 2, tzinfo=UTC))


def said(**facts: Any) -> Consent:
    return shared.evolve(NOW, **facts)


def test_agreeing_and_withdrawing_are_each_a_line() -> None:
    assert consent.say(NOW, None, PURPOSES) == NOW
    withdrawn = consent.say(said(given=False, text_version=""), NOW, PURPOSES)
    assert withdrawn == said(given=False)
    assert consent.say(NOW, withdrawn, PURPOSES) == NOW


def test_who_says_the_same_again_leaves_no_line() -> None:
    assert consent.say(NOW, NOW, PURPOSES) is None
    withdrawn = said(given=False)
    assert consent.say(said(given=False, text_version="7"), withdrawn, PURPOSES) is None


def test_a_refusal_by_who_never_agreed_is_kept_too() -> None:
    assert consent.say(said(given=False, text_version=""), None, PURPOSES) == said(given=False)


def test_one_agrees_to_the_text_that_holds_now() -> None:
    with pytest.raises(consent.TextOutdated) as refused:
        consent.say(said(text_version="1"), None, PURPOSES)
    assert (refused.value.given, refused.value.current) == ("1", "2")


def test_agreeing_to_a_newer_text_is_a_line_and_withdrawing_speaks_of_the_older_one() -> None:
    older = said(text_version="1")
    assert consent.say(NOW, older, PURPOSES) == NOW
    assert consent.say(said(given=False, text_version=""), older, PURPOSES) == said(
        given=False, text_version="1"
    )


def test_nobody_is_asked_for_what_is_not_on_the_list() -> None:
    with pytest.raises(consent.UnknownPurpose) as refused:
        consent.say(said(purpose="moonlight"), None, PURPOSES)
    assert refused.value.known == "newsletter, terms"
