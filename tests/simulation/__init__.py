"""Seeded months of the points ledger on a real PostgreSQL, beside an oracle that shares no code with it.

    python -m tests.simulation --seed 7
    python -m tests.simulation --seeds 1..200 --jobs 2

`oracle` says what must happen, `chance` draws what is wished, `playing` sends it to the product, `checking`
compares the two, `house` keeps the server and kills it, `report` counts.
"""
