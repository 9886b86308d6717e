"""One file a change, named date first."""
