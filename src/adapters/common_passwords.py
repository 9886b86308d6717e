"""Passwords that many people use, by the frequency lists of zxcvbn."""

from functools import cache


@cache
def _words() -> frozenset[str]:
    """Read when the first password is chosen, so that nothing else waits for it."""
    from zxcvbn.frequency_lists import (  # type: ignore[import-untyped] # noqa: PLC0415
        FREQUENCY_LISTS,
    )

    return frozenset(word.casefold() for words in FREQUENCY_LISTS.values() for word in words)


def is_common(password: str) -> bool:
    """Whether it stands in a list, alone or with digits and signs around it, or a list's word twice over."""
    word = password.casefold()
    core = word.strip("0123456789!?.,;:*#$%&+-_@ ")
    half, odd = divmod(len(word), 2)
    doubled = not odd and word[:half] == word[half:] and word[:half] in _words()
    return word in _words() or (core in _words() and len(core) >= 4) or doubled
