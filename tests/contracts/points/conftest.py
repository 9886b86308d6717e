"""What tests of the points ledger stand on: the account of a member, and the books of several."""

import pytest
from bookkeeping import Office
from bureau import Bureau
from ledgers import Ledger

from builders import World


@pytest.fixture
def ledger(any_world: World) -> Ledger:
    return Ledger(any_world)


@pytest.fixture
async def bureau(any_world: World) -> Bureau:
    """Four members after half a year."""
    return await Bureau(any_world, Office(5, members=4).play(160)).store()
