"""A group of commands whose modules are imported when one of its commands is asked for."""

from importlib import import_module

import rich_click as click


class LateGroup(click.RichGroup):
    """Knows beside its own commands the tuples `COMMANDS` of modules named by `late(...)`."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._late: tuple[tuple[str, str], ...] = ()

    def late(self, package: str, *modules: str) -> None:
        """Name modules, seen from a package, to import when somebody looks for a command."""
        self._late += tuple((module, package) for module in modules)

    def _open(self) -> None:
        late, self._late = self._late, ()
        for module, package in late:
            for command in import_module(module, package).COMMANDS:
                self.add_command(command)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._open()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._open()
        return super().get_command(ctx, cmd_name)
