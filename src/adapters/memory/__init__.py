"""Everything in memory: the same ports and the same errors as PostgreSQL. For tests and trials."""
