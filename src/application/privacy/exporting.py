"""Everything that is stored of a member, as one archive: for each table a JSON and a CSV file.

What is stored of somebody is what names them as its owner, in whichever table: a table that comes later is in
the archive without being told. Secrets, such as the hash of a password, are of no use to anybody: left out.

Decision: docs/decisions/0017-audit-and-privacy.md.
"""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import IO, Any
from uuid import UUID

import msgspec

from ...domain import privacy, shared
from ..identity import MEMBERS
from ..marks import SECRET, shown
from ..runner import Runner
from ..work import SIGNED_IN, Kind, Read, Work, query, use_case
from .erasing import key_decoder, key_text, kind_of
from .records import MOST_ROWS, Export, HasPrivacy, NoteExport, Of, RowsOf

LEFT_OUT: Mapping[str, str] = {
    "checkpoint": "how far we have checked our own books",
}
"""Tables that name a member and are not in their archive, and why."""
README = """\
Everything that is stored about you / Tout ce qui est enregistré à votre sujet

Each table of our database that holds something of yours is here twice: as .json, for programs, and as .csv,
for a spreadsheet. manifest.json lists them with their number of rows. Times are UTC, amounts are in cents,
points are whole points. Secrets, such as the hash of your password, are left out: {left_out}.
What others did to your account is listed without saying who they are.

Chaque table de notre base qui contient des données vous concernant figure ici deux fois : en .json, pour les
programmes, et en .csv, pour un tableur. manifest.json en donne la liste et le nombre de lignes. Les heures
sont en UTC, les montants en centimes, les points sont entiers. Les secrets, comme l'empreinte de votre mot de
passe, n'y sont pas. Ce que d'autres ont fait à votre compte y figure sans dire qui ils sont.
"""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would compute: such a text is shown after an apostrophe."""


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


async def export(command: NoteExport, run: Runner, file: IO[bytes], *, actor: shared.Actor) -> Manifest:
    """Write everything about a member to a file, as a zip. Raises NotFound, GroundsNeeded."""
    await run(note_export, command, actor=actor)
    names = await run.read(exported_tables, Of(user_id=command.user_id), actor=actor)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        found = [await _table(name, command.user_id, run, archive, actor) for name in names]
        tables = tuple(one for one in found if one is not None)
        manifest = Manifest(command.user_id, run.clock(), tables, LEFT_OUT)
        archive.writestr("manifest.json", _json(manifest))
        archive.writestr("README.txt", README.format(left_out="; ".join(_secrets(names))))
    return manifest


async def _table(
    name: str, user_id: UUID, run: Runner, archive: zipfile.ZipFile, actor: shared.Actor
) -> TableOf | None:
    """Write the two files of a table; nothing where it has no rows."""
    kind = kind_of(name)
    fields = tuple(field for field in kind.record.__struct_fields__ if field not in kind.secret)
    rows = [shown(one, fields, SECRET) for one in await _all_rows(kind, user_id, run, actor)]
    if not rows:
        return None
    archive.writestr(f"{name}.json", _json(rows))
    archive.writestr(f"{name}.csv", _csv(fields, rows))
    return TableOf(name, len(rows), fields)


async def _all_rows(kind: Kind[Any], user_id: UUID, run: Runner, actor: shared.Actor) -> list[Any]:
    found: list[Any] = []
    after: str | None = None
    while True:
        rows = await run.read(own_rows, RowsOf(user_id=user_id, table=kind.name, after=after), actor=actor)
        found += rows
        if len(rows) < MOST_ROWS:
            return found
        after = key_text(kind, rows[-1])


def _secrets(names: Sequence[str]) -> list[str]:
    """The fields that are in no archive, by table."""
    marked = ((name, kind_of(name).secret) for name in names)
    return [f"{name} ({', '.join(fields)})" for name, fields in marked if fields]


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value))


def _csv(fields: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(fields)
    writer.writerows([_cell(row[name]) for name in fields] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return msgspec.json.encode(value).decode() if isinstance(value, (dict, list)) else value
