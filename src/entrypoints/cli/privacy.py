"""`baobab members export`, `erase`, `erasures`: what is stored of somebody, given out or gone."""

from pathlib import Path
from typing import get_args
from uuid import UUID

import rich_click as click

from ...application import privacy
from ...application.privacy import HOUSE, Erase, ErasureView, Manifest, NoteExport, Unfinished
from ...domain.privacy import Grounds
from ..container import Container
from ..program import OPERATOR
from .terminal import as_json, member_id, on_database, print_json, show_all, show_whole

FILE = click.Path(dir_okay=False, path_type=Path)
GROUNDS = click.option(
    "--grounds",
    type=click.Choice(get_args(Grounds)),
    default="request",
    show_default=True,
    help="Why: they wished it themselves, they asked otherwise, or a law or court asks.",
)


@click.command("export")
@click.argument("member")
@click.option("-o", "--output", required=True, type=FILE, help="The zip to write.")
@GROUNDS
@as_json
def export(member: str, output: Path, grounds: Grounds, as_json: bool) -> None:
    """Write everything that is stored of a member to a zip of JSON and CSV files."""

    async def do(container: Container) -> Manifest:
        wish = NoteExport(user_id=await member_id(container, member), grounds=grounds)
        with output.open("xb") as file:
            return await privacy.export(wish, container.runner(), file, actor=OPERATOR)

    manifest = on_database(do)
    if as_json:
        print_json(manifest)
    else:
        show_all(manifest.tables, ("table", "rows"), as_json=False)


@click.command("erase")
@click.argument("member")
@GROUNDS
@click.option("--give-up-points", is_flag=True, help="Points that are left are given up.")
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@as_json
def erase(member: str, grounds: Grounds, give_up_points: bool, yes: bool, as_json: bool) -> None:
    """Erase a member, for good: everything personal of theirs becomes neutral, in every table.

    Run again, it goes on with what was interrupted."""
    if not yes:
        click.confirm(f"Erase {member}, for good?", abort=True)

    async def do(container: Container) -> ErasureView:
        user_id = await member_id(container, member)
        wish = Erase(user_id=user_id, grounds=grounds, give_up_points=give_up_points)
        return await privacy.erase(wish, container.runner(), actor=OPERATOR)

    show_whole(on_database(do), as_json=as_json)


@click.command("finish-erasures")
@as_json
def finish_erasures(as_json: bool) -> None:
    """Go on with every erasure that was interrupted."""

    async def do(container: Container) -> tuple[ErasureView, ...]:
        run = container.runner()
        begun: tuple[UUID, ...] = await run.read(privacy.unfinished, Unfinished(), actor=HOUSE)
        return tuple([await privacy.go_on(user_id, run) for user_id in begun])

    show_all(on_database(do), ("user_id", "state", "begun_at", "done_at"), as_json=as_json)


COMMANDS = (export, erase, finish_erasures)
