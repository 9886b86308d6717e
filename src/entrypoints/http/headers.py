"""What every answer says beside its body: its request's id, how it may be used, where a limit stands."""

from typing import Any

from litestar.types import Message
from uuid_utils.compat import uuid7

from ..settings import Settings

Headers = list[tuple[bytes, bytes]]
ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
DATA = b"default-src 'none'; frame-ancestors 'none'"
"""What is no page loads nothing and is shown in none."""
PAGE = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Our page to browse the API: its own scripts, and styles that they set."""
FOR_A_YEAR = (b"strict-transport-security", b"max-age=31536000")
READING = ("GET", "HEAD")


def request_id_of(scope: Any) -> str:
    """The request's id: the one that came in `X-Request-Id`, if it is one word and fit for a log, or a new
    one."""
    state = scope["state"]
    if "request_id" not in state:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode(
            "latin-1"
        )
        fit = 0 < len(given) <= 128 and all("!" <= sign <= "~" for sign in given)
        state["request_id"] = given if fit else str(uuid7())
    return str(state["request_id"])


class Finish:
    """Adds to each answer what it says beside its body. HSTS only where the service is reached by https."""

    def __init__(self, settings: Settings) -> None:
        always = [*ALWAYS, FOR_A_YEAR] if settings.public_url.startswith("https://") else ALWAYS
        self._data = [*always, (b"content-security-policy", DATA)]
        self._page = [*always, (b"content-security-policy", PAGE)]

    async def __call__(self, message: Message, scope: Any) -> None:
        if message["type"] != "http.response.start":
            return
        headers: Headers = list(message.get("headers", ()))
        state: dict[str, Any] = scope["state"]
        state["status"] = message["status"]
        said = dict(headers)
        is_page = said.get(b"content-type", b"").startswith(b"text/html")
        ours = self._page if is_page else self._data
        headers += [one for one in ours if one[0] not in said] if is_page else ours
        headers.append((b"x-request-id", request_id_of(scope).encode()))
        if message["status"] >= 400 or state.get("signed_in") or scope["method"] not in READING:
            if b"cache-control" not in said:
                headers.append((b"cache-control", b"no-store"))
        else:
            headers.append((b"vary", b"authorization"))
        if state.get("replayed"):
            headers.append((b"idempotent-replayed", b"true"))
        if (standing := state.get("standing")) is not None:
            headers += standing.headers()
        message["headers"] = headers
