"""The OpenAPI document as it is committed: tests/entrypoints/test_http.py asserts that the code makes it so.
To read it costs a hundredth of making it, and every process that collects the tests needs it."""

import json
from pathlib import Path
from typing import Any

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "docs/reference/openapi.json").read_text(encoding="utf-8")
)
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
"""By name: how it is asked for, where, and what is said of it."""
