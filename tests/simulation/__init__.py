"""Seeded months of the points ledger on a real PostgreSQL, beside an oracle that shares no code with it.

python -m tests.simulation --seed 7
python -m tests.simulation --seeds 1..200 --jobs 2

oracle, rules, ledger   what must happen
chance                  what is wished, and when
house                   the server, which is killed
playing, asking         a world, its clients, and how they ask until they are answered
crashing                clients that are killed
sending                 from a wish to a command, and from an answer to the oracle's
checking, chaining      from the rows of the database to the oracle's, the invariants, the hashes
"""
