"""`baobab points import`: opening balances from another system."""

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any, TextIO

import rich_click as click

from ....application.points import importing, opening_files
from ....application.points.importing import Count, Entry, LineReport
from ....domain import shared
from ....domain.points import POINTS
from ...container import Container
from ...program import OPERATOR
from ..progress import progress
from ..terminal import as_json, on_database, print_json, show, show_all

SHOWN = 20
"""Wrong lines, for people."""
LISTED = 1_000
"""Wrong lines, for programs."""
COLUMNS = ("number", "reference", "field", "reason")


class Imported(shared.Record):
    """What became of a file; `written` says that its good lines are brought."""

    written: bool
    ok: int
    already_there: int
    wrong: int
    points: int
    seconds: float


class InFull(Imported):
    """The same, with the first of the wrong lines."""

    wrong_lines: tuple[LineReport, ...]


class _Sheet:
    """Where the reports of lines go: to a file, and the first wrong ones to who asked. A second pass over the
    lines starts it anew."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file
        self.wrong: list[LineReport] = []
        self.start()

    def start(self) -> None:
        self.wrong.clear()
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
            self._writer: Any = csv.writer(self._file)
            self._writer.writerow(LineReport.__struct_fields__)

    def add(self, line: LineReport) -> None:
        if line.outcome == "wrong" and len(self.wrong) < LISTED:
            self.wrong.append(line)
        if self._file is not None:
            self._writer.writerow([getattr(line, name) for name in LineReport.__struct_fields__])


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--unit", default=POINTS, show_default=True, help="The unit of lines that name none.")
@click.option("--dry-run", is_flag=True, help="Check every line, and write nothing.")
@click.option("--skip-bad", is_flag=True, help="Bring the good lines though others are wrong.")
@click.option(
    "--report", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="A CSV of every line."
)
@as_json
@click.pass_context
def import_openings(
    context: click.Context,
    file: Path,
    unit: str,
    dry_run: bool,
    skip_bad: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Bring opening balances from FILE, a CSV with the columns reference, member, amount, expires_at, funded,
    and unit where there are several.

    Every line is checked first; nothing is written if one is wrong. A reference is brought once: run it again
    after a crash, or with a longer file. Exit code 1 if a line is wrong and was not skipped.
    """
    since = monotonic()
    with ExitStack() as opened:
        lines = opened.enter_context(file.open(encoding="utf-8", newline=""))
        rows = opened.enter_context(report.open("w", encoding="utf-8", newline="")) if report else None
        sheet = _Sheet(rows)
        written, count = on_database(
            lambda container: _bring(container, lines, sheet, unit, dry_run, skip_bad)
        )
    seconds = round(monotonic() - since, 3)
    _show(shared.recast(Imported, count, written=written, seconds=seconds), sheet.wrong, as_json=as_json)
    if count.wrong and not skip_bad:
        context.exit(1)


async def _bring(
    container: Container, lines: TextIO, sheet: _Sheet, unit: str, dry_run: bool, skip_bad: bool
) -> tuple[bool, Count]:
    """Check every line, then bring them."""
    run = container.runner()

    async def go(words: str, *, dry_run: bool) -> Count:
        sheet.start()
        with progress(words) as watch:
            return await importing.go_through(
                run,
                _entries(lines, unit, watch),
                actor=OPERATOR,
                dry_run=dry_run,
                skip_bad=skip_bad,
                report=sheet.add,
            )

    checked = await go("Checking", dry_run=True)
    if dry_run or (checked.wrong and not skip_bad):
        return False, checked
    return True, await go("Bringing", dry_run=False)


def _entries(lines: Any, unit: str, watch: Callable[[int, int], None]) -> Iterator[Entry]:
    """The lines of a file from its beginning; the bar counts bytes."""
    lines.seek(0)
    size = Path(lines.name).stat().st_size
    for entry in opening_files.read(lines, unit):
        watch(lines.buffer.tell(), size)
        yield entry


def _show(done: Imported, wrong: list[LineReport], *, as_json: bool) -> None:
    if as_json:
        print_json(shared.recast(InFull, done, wrong_lines=tuple(wrong)))
        return
    show(done, as_json=False)
    if wrong:
        click.echo()
        show_all(wrong[:SHOWN], COLUMNS, as_json=False)
    if done.wrong > SHOWN:
        click.echo(f"and {done.wrong - SHOWN} more: --report FILE lists them all")


COMMANDS = (import_openings,)
