"""Everything that is stored of a member, as one archive: for each table a JSON and a CSV file.

What is stored of somebody is what names them as its owner, in whichever table: a table that comes later is in
the archive without being told. Secrets, such as the hash of a password, are of no use to anybody: left out.

Decision: docs/decisions/0017-audit-and-privacy.md.
"""

import asyncio
import csv
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from uuid import UUID

import msgspec

from ...domain import privacy, shared
from .. import audit
from ..identity import MEMBERS
from ..marks import SECRET, shown
from ..pages import Page
from ..runner import Runner
from ..work import SIGNED_IN, PrivatePart, Read, Work, query, use_case
from .erasing import key_decoder, key_text, kind_of
from .records import MOST_ROWS, Export, HasPrivacy, NoteExport, Of, RowsOf, TouchedBy

LEFT_OUT: Mapping[str, str] = {
    "checkpoint": "how far we have checked our own books",
}
"""Tables that name a member and are not in their archive, and why."""
README = """\
Everything that is stored about you / Tout ce qui est enregistré à votre sujet

Each table of our database that holds something of yours is here twice: as .json, for programs, and as .csv,
for a spreadsheet. manifest.json lists them with their number of rows. Times are UTC, amounts are in cents,
points are whole points. Secrets, such as the hash of your password, are left out: {left_out}.
In trail stands whatever touched your account, in which role others did it and not who they are; what you did
to others, if you worked here, is in command_log and private_part without what is personal of them.
In a .csv a text that a spreadsheet would compute stands after an apostrophe.

Chaque table de notre base qui contient des données vous concernant figure ici deux fois : en .json, pour les
programmes, et en .csv, pour un tableur. manifest.json en donne la liste et le nombre de lignes. Les heures
sont en UTC, les montants en centimes, les points sont entiers. Les secrets, comme l'empreinte de votre mot de
passe, n'y sont pas. Dans trail figure tout ce qui a touché votre compte : à quel titre d'autres l'ont fait,
et non qui ils sont ; ce que vous avez fait pour d'autres, si vous avez travaillé ici, est dans command_log et
private_part, sans ce qui leur est personnel. Dans un .csv, un texte qu'un tableur calculerait suit une
apostrophe.
"""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet would compute: such a text is shown after an apostrophe."""
IN_MEMORY = 1024 * 1024
"""Bytes of a table that are kept in memory while it is written; more of it goes through a file."""
PIECE = 64 * 1024
TRAIL = "trail"
Rows = AsyncIterator[list[dict[str, Any]]]


class TableOf(shared.Record):
    """One table in the archive: how many rows, and which of its fields."""

    table: str
    rows: int
    fields: tuple[str, ...]


class Manifest(shared.Record):
    """What an archive holds, of whom, when; and what it leaves out, and why."""

    user_id: UUID
    made_at: datetime
    tables: tuple[TableOf, ...]
    left_out: Mapping[str, str]


def _member(command: NoteExport, work: Work) -> Any:
    return (MEMBERS.key(command.user_id),)


@use_case(allow=SIGNED_IN, locks=_member)
async def note_export(command: NoteExport, work: Work) -> UUID:
    """Write down that a member's data are given out: one's own, anybody's for administrators. Raises
    NotFound, GroundsNeeded."""
    work.actor.must_own(command.user_id, "member", command.user_id)
    work.get(MEMBERS.key(command.user_id))
    if command.grounds == "own_wish" and command.user_id != work.actor.user_id:
        raise privacy.GroundsNeeded
    one = Export(command.user_id, work.new_id(), work.actor.user_id, command.grounds, work.now)
    work.save(one)
    work.record(privacy.DataExported(command.user_id))
    return one.id


@query(allow=SIGNED_IN)
async def exported_tables(question: Of, read: Read[HasPrivacy]) -> tuple[str, ...]:
    """The tables in which something of a member is, in the order of the archive."""
    kinds = (kind for kind in read.ports.privacy.kinds if kind.has_owner)
    return tuple(kind.name for kind in kinds if kind.name not in LEFT_OUT)


@query(allow=SIGNED_IN)
async def own_rows(question: RowsOf, read: Read[HasPrivacy]) -> list[Any]:
    """Rows of a table that are one's own, as records. Raises NotFound."""
    read.actor.must_own(question.user_id, "member", question.user_id)
    after = None if question.after is None else key_decoder(question.table)(question.after)
    return await read.ports.privacy.rows(kind_of(question.table), question.user_id, after, MOST_ROWS)


@query(allow=SIGNED_IN)
async def touched(question: TouchedBy, read: Read[audit.HasCommandLog]) -> Page[audit.OwnEntry]:
    """What touched a member, as they see it themselves. Raises NotFound."""
    read.actor.must_own(question.user_id, "member", question.user_id)
    wanted = audit.FindMine(limit=100, cursor=question.cursor)
    return await audit.of_member(question.user_id, wanted, read.ports.command_log)


async def export(command: NoteExport, run: Runner, file: IO[bytes], *, actor: shared.Actor) -> Manifest:
    """Write everything about a member to a file, as a zip. Raises NotFound, GroundsNeeded."""
    await run(note_export, command, actor=actor)
    user_id = command.user_id
    names = await run.read(exported_tables, Of(user_id=user_id), actor=actor)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        found = [
            await _table(name, _fields(name), _rows(name, user_id, run, actor), archive) for name in names
        ]
        found.append(
            await _table(TRAIL, audit.OwnEntry.__struct_fields__, _touched(user_id, run, actor), archive)
        )
        tables = tuple(one for one in found if one.rows)
        manifest = Manifest(user_id, run.clock(), tables, LEFT_OUT)
        archive.writestr("manifest.json", msgspec.json.format(_json(manifest)))
        archive.writestr("README.txt", README.format(left_out="; ".join(_secrets(names))))
    return manifest


async def _table(name: str, fields: Sequence[str], pages: Rows, archive: zipfile.ZipFile) -> TableOf:
    """Write the two files of a table, page by page; none where it has no rows."""
    count = 0
    with ExitStack() as opened:
        lines, sheet = (opened.enter_context(_spool()) for _ in range(2))
        cells = csv.writer(sheet)
        cells.writerow(fields)
        async for rows in pages:
            for row in rows:
                lines.write(f"{',' if count else '['}\n{_json(row).decode()}")
                cells.writerow(_cell(row[name]) for name in fields)
                count += 1
        lines.write("\n]\n")
        for ending, text in (("json", lines), ("csv", sheet)) if count else ():
            await asyncio.to_thread(_put, archive, f"{name}.{ending}", text)
    return TableOf(name, count, tuple(fields))


def _spool() -> Any:
    return SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8", newline="")


def _put(archive: zipfile.ZipFile, name: str, text: Any) -> None:
    """Copy a text into an archive; it takes as much memory as a piece of it."""
    text.seek(0)
    with archive.open(name, "w", force_zip64=True) as file:
        while piece := text.read(PIECE):
            file.write(piece.encode())


def _fields(name: str) -> tuple[str, ...]:
    kind = kind_of(name)
    return tuple(field for field in kind.record.__struct_fields__ if field not in kind.secret)


async def _rows(name: str, user_id: UUID, run: Runner, actor: shared.Actor) -> Rows:
    """A member's rows of a table."""
    kind, fields = kind_of(name), _fields(name)
    after: str | None = None
    while True:
        found = await run.read(own_rows, RowsOf(user_id=user_id, table=name, after=after), actor=actor)
        if found:
            yield [shown(_own_alone(one), fields, SECRET) for one in found]
        if len(found) < MOST_ROWS:
            return
        after = key_text(kind, found[-1])


def _own_alone(one: Any) -> Any:
    """A row without what is personal of others: what somebody did who works here is theirs, whom they did it
    to is not."""
    if isinstance(one, PrivatePart) and one.subjects:
        return shared.evolve(one, digest=b"", result=b"", changes=None)
    return one


async def _touched(user_id: UUID, run: Runner, actor: shared.Actor) -> Rows:
    """What touched a member."""
    cursor: str | None = None
    while True:
        page = await run.read(touched, TouchedBy(user_id=user_id, cursor=cursor), actor=actor)
        yield [msgspec.to_builtins(one) for one in page.items]
        if (cursor := page.next_cursor) is None:
            return


def _secrets(names: Sequence[str]) -> list[str]:
    """The fields that are in no archive, by table."""
    marked = ((name, kind_of(name).secret) for name in names)
    return [f"{name} ({', '.join(fields)})" for name, fields in marked if fields]


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return msgspec.json.encode(value).decode() if isinstance(value, (dict, list)) else value
