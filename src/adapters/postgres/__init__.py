"""PostgreSQL 15 to 18: Core tables as the one description, run on bare asyncpg connections."""
