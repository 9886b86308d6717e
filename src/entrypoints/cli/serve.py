"""`baobab serve`: the HTTP server."""

import asyncio
import errno
import socket
from ipaddress import ip_address

import rich_click as click
import uvloop

from ...domain import shared
from .. import program
from ..demo import load_demo
from ..settings import Settings, from_environment
from .demo import accounts


@click.command("serve")
@click.option("--host", help="Where to listen; default BAOBAB_HOST or 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Default BAOBAB_PORT or 8000.")
@click.option("--demo", is_flag=True, help="Load the demo community first, unless it is there.")
def command(host: str | None, port: int | None, demo: bool) -> None:
    """Serve the HTTP API until Ctrl-C or SIGTERM, then answer whoever is inside; a second signal hurries.

    On the embedded database the schema is brought up to date first; another one must be current.
    If the port is taken, the next free one is used, and said.
    """
    from ..serving import serve  # which no other command needs

    settings = from_environment()
    settings = shared.evolve(
        settings, host=host or settings.host, port=settings.port if port is None else port
    )
    with program.ready(settings, patient=True) as found:
        if demo:
            asyncio.run(load_demo(found))
        chosen = free_port(found.host, found.port)
        _announce(found, chosen, demo=demo)
        public_url = found.public_url or _address(found, chosen)
        uvloop.run(serve(shared.evolve(found, public_url=public_url), chosen))


def free_port(host: str, port: int, tries: int = 100) -> int:
    """The port, or the next one that nobody has. Raises OSError when none is free or the host is none."""
    for candidate in range(port, min(port + tries, 65_536)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise OSError(f"cannot listen on {host}:{candidate}: {error.strerror}") from error
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {host} from {port} on")


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine comes in there, as far as its name tells."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(settings: Settings, port: int) -> str:
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{shown}:{port}"


def _announce(settings: Settings, port: int, *, demo: bool) -> None:
    if settings.port not in (0, port):
        click.echo(f"Port {settings.port} is taken; using {port} instead.")
    address = _address(settings, port)
    click.echo(f"baobab serves at   {address}")
    click.echo(f"Browse the API at  {address}/schema")
    if not settings.smtp_url:
        click.echo(f"Letters go to      {settings.mail_path} (BAOBAB_SMTP_URL names a mail server)")
    if demo:
        click.echo("Sign in with one of these (e-mail, password):")
        click.echo(accounts())
        if not is_loopback(settings.host):
            click.echo(
                f"Others may reach {settings.host}, and everybody knows these passwords: serve them no demo.",
                err=True,
            )
    click.echo("Stop with Ctrl-C.")
