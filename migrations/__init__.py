"""The history of the PostgreSQL schema, run by Alembic."""
