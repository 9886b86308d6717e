"""The HTTP edge: handlers translate and decide nothing. Conventions: docs/reference/http.md."""
