"""The OpenAPI 3.1 document at `/schema/openapi.json`, and a page to browse it that needs no internet."""

import mimetypes
import re
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import FromPath
from litestar.response import File
from openapi_ui_bundles.swagger_ui import static_path

from ... import __version__
from ...domain import shared

ASSETS = "/schema/assets"
OURS = Path(__file__).parent.glob("browse.*")
FILES = {path.name: path for path in (*Path(static_path).iterdir(), *OURS)}
PAGE = re.compile(rb"\bPage_[\w.]*\.(\w+?)_(?=[\"_])")
"""How Litestar names a page of something: with the module in which that stands."""


def document() -> OpenAPIConfig:
    """What the document says of the whole, and how it is shown."""
    return OpenAPIConfig(
        title="baobab",
        version=__version__,
        description=(
            "The backend for communities that fund, share and trade. Money is in cents beside its "
            "currency, points are whole, times are UTC, ids are UUIDv7. Errors are RFC 9457 problems."
        ),
        path="/schema",
        render_plugins=[_Page(path="/"), _Document(path="/openapi.json")],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http", scheme="bearer", description="The token that signing in answered."
                )
            }
        ),
    )


@get(f"{ASSETS}/{{name:str}}", include_in_schema=False, sync_to_thread=False)
def asset(name: FromPath[str]) -> File:
    """A script or style of the page, from a package instead of a network. Raises NotFound.

    In small pieces, so that a client who does not read keeps little of our memory.
    """
    if name not in FILES:
        raise shared.NotFound(kind="asset", id=name)
    kind = mimetypes.guess_type(name)[0]
    return File(FILES[name], content_disposition_type="inline", chunk_size=64 * 1024, media_type=kind)


def as_json(app: Litestar) -> str:
    """The document of an application as it is served and committed: indented, keys in order."""
    return _encoded(app.openapi_schema.to_schema()).decode() + "\n"


class _Page(OpenAPIRenderPlugin):
    """The page to browse the document: static, with no script in it, as the policy of its headers asks."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return FILES["browse.html"].read_bytes()


class _Document(JsonRenderPlugin):
    """The document as JSON, the same each time."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return _encoded(openapi_schema)


def _encoded(document: dict[str, Any]) -> bytes:
    # Litestar writes the default of a field onto the schema that its type shares with others.
    shared_schemas = document["components"]["schemas"]
    schemas = {
        name: {word: value for word, value in schema.items() if word != "default"}
        for name, schema in shared_schemas.items()
    }
    whole = document | {"components": document["components"] | {"schemas": schemas}}
    encoded = PAGE.sub(rb"PageOf\1", msgspec.json.encode(whole, order="deterministic"))
    return msgspec.json.format(encoded, indent=2)
