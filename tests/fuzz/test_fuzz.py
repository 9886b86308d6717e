"""What schemathesis makes of the document is answered as the document says; `make fuzz` is the long run."""

import asyncio
from collections.abc import Callable

from besieged import besieged

from fuzz.running import fuzz, give_roles


def test_every_answer_is_one_that_the_document_promises(migrated: Callable[[], str]) -> None:
    with besieged(migrated()) as town:
        asyncio.run(give_roles(town.database_url))
        count = fuzz(town, "member", seed=1, examples=1)
    assert not count.wrong, count.wrong
    assert count.requests > 150
    assert count.statuses.keys() & {200, 201}
    assert not any(status >= 500 for status in count.statuses)
