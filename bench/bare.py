"""The least that the same server can answer: one handler, a small fixed answer."""

from litestar import Litestar, get


@get("/")
async def answer() -> dict[str, str]:
    """Nothing is looked up."""
    return {"status": "ok"}


def create() -> Litestar:
    """What the server runs."""
    return Litestar([answer], openapi_config=None, logging_config=None)
