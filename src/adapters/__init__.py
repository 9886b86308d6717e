"""One folder per outside system, each behind a port of the application layer."""
