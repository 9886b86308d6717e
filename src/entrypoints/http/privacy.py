"""Privacy over HTTP: everything about oneself as a zip, and being erased."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO
from uuid import UUID

from litestar.response import Stream

from ...application import privacy
from ...application.privacy import Erase, EraseMe, EraseOther, ErasureView, NoteExport, Of
from ...domain.privacy import Grounds
from .ask import Ask
from .routes import ADMINS, SIGNED_IN, get, post

IN_MEMORY = 4 * 1024 * 1024
"""Bytes. A larger archive is written to a file that is gone once it was sent."""
CHUNK = 64 * 1024
ZIP = "application/zip"


@get("/members/me/export", allow=SIGNED_IN, statuses=(404,), media_type=ZIP)
async def export_mine(ask: Ask) -> Stream:
    """Download everything that is stored of oneself, as a zip of JSON and CSV files."""
    wish = NoteExport(user_id=ask.actor.user_id)
    with _unsent() as file:
        await privacy.export(wish, ask.runner, file, actor=ask.actor)
    return _sent(file, wish)


@get("/members/{user_id:uuid}/export", allow=SIGNED_IN, statuses=(404, 422), media_type=ZIP)
async def export(user_id: UUID, ask: Ask, grounds: Grounds = "own_wish") -> Stream:
    """Download everything stored of a member as a zip; another's on other grounds (administrators)."""
    wish = NoteExport(user_id=user_id, grounds=grounds)
    with _unsent() as file:
        await privacy.export(wish, ask.runner, file, actor=ask.actor)
    return _sent(file, wish)


@post("/members/me/erasure", allow=SIGNED_IN, status_code=200)
async def erase_me(data: EraseMe, ask: Ask) -> ErasureView:
    """Erase oneself, for good; it needs a session that was just opened.

    Whoever owes or is owed something is told all of it at once. The answer says what stays and why."""
    wish = Erase(user_id=ask.actor.user_id, grounds="own_wish", give_up_points=data.give_up_points)
    return await privacy.erase(wish, ask.runner, actor=ask.actor)


@post("/members/{user_id:uuid}/erasure", allow=ADMINS, status_code=200)
async def erase(user_id: UUID, data: EraseOther, ask: Ask) -> ErasureView:
    """Erase a member, for good, on the grounds that are given (administrators).

    Sent again, it goes on with what was interrupted."""
    wish = Erase(user_id=user_id, grounds=data.grounds, give_up_points=data.give_up_points)
    return await privacy.erase(wish, ask.runner, actor=ask.actor)


@get("/members/{user_id:uuid}/erasure", allow=ADMINS)
async def show_erasure(user_id: UUID, ask: Ask) -> ErasureView:
    """Read where the erasure of a member stands, and what stays (administrators)."""
    return await ask.read(privacy.erasure, Of(user_id=user_id))


@contextmanager
def _unsent() -> Iterator[IO[bytes]]:
    """A file without a name, closed where it is not to be sent."""
    with ExitStack() as opened:
        yield opened.enter_context(SpooledTemporaryFile(IN_MEMORY))
        opened.pop_all()


def _sent(file: IO[bytes], wish: NoteExport) -> Stream:
    """An archive that was made whole before its first byte is sent, so that no half of one is."""
    file.seek(0)
    headers = {"content-disposition": f'attachment; filename="baobab-{wish.user_id}.zip"'}
    return Stream(_chunks(file), media_type=ZIP, headers=headers)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk


HANDLERS = [export_mine, export, erase_me, erase, show_erasure]
