"""The program waits for what it needs, says so, and goes without breaking off what was begun."""

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from serving import PROGRAM, SAYS, UNLIMITED

from baobab.adapters.postgres.server import EmbeddedServer
from baobab.entrypoints.settings import Settings
from baobab.entrypoints.waiting import DatabaseNotThere, DatabaseRefuses, until_it_answers

pytestmark = pytest.mark.usefixtures("emptied")
"""What was guessed in vain is counted: no test counts what another did."""
BODY = b'{"email":"nobody@example.org","password":"wrong password"}'
HEAD = (
    b"POST /v1/sessions HTTP/1.1\r\nHost: baobab\r\nContent-Type: application/json\r\nContent-Length: "
    + str(len(BODY)).encode()
    + b"\r\n\r\n"
)


class Program:
    """`baobab serve` in a process of its own, and somebody whose request is under way."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process, self.address = process, address
        host, _, port = address.removeprefix("http://").partition(":")
        self.wire = socket.create_connection((host, int(port)), timeout=60)

    def begin(self) -> None:
        """Send half of a request, and wait until the server has it."""
        self.wire.sendall(HEAD + BODY[:5])
        until(lambda: self.inside() == 1)

    def end(self) -> bytes:
        """Send the other half; what is answered."""
        self.wire.sendall(BODY[5:])
        return self.wire.recv(65_536)

    def inside(self) -> int:
        lines = self.ask("/metrics").text.splitlines()
        return int(
            next(float(line.split()[1]) for line in lines if line.startswith("baobab_requests_inside"))
        )

    def ask(self, path: str) -> httpx.Response:
        return httpx.get(self.address + path, timeout=60)


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


@contextmanager
def program(database_url: str, **settings: str) -> Iterator[Program]:
    named = {f"BAOBAB_{name.upper()}": value for name, value in settings.items()}
    environment = os.environ | UNLIMITED | {"BAOBAB_DATABASE_URL": database_url} | named
    command = (*PROGRAM, "serve", "--port", "0")
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = next((line for line in process.stdout if line.startswith(SAYS)), "")
            address = said.rpartition(" ")[2].strip()
            until(lambda: answers(address))
            running = Program(process, address)
            with running.wire:
                yield running
        finally:
            process.kill()


def answers(address: str) -> bool:
    try:
        return httpx.get(address + "/health/ready").status_code == 200
    except httpx.TransportError:
        return False


# --- how it goes --------------------------------------------------------------------------------


def test_a_signal_refuses_who_comes_answers_who_is_inside_and_ends_well(database_url: str) -> None:
    with program(database_url) as running:
        running.begin()
        running.process.send_signal(signal.SIGTERM)
        until(lambda: running.ask("/health/ready").status_code == 503)
        refused = running.ask("/v1/offers")
        assert (refused.status_code, refused.json()["code"]) == (503, "leaving")
        assert (refused.headers["retry-after"], refused.headers["connection"]) == ("1", "close")
        assert running.ask("/health/live").status_code == 200
        assert running.end().startswith(b"HTTP/1.1 401 ")
        assert running.process.wait(60) == 0


def test_a_load_balancer_has_time_to_look_elsewhere_and_a_second_signal_waits_for_nobody(
    database_url: str,
) -> None:
    with program(database_url, notice_seconds="600", drain_seconds="600") as running:
        running.begin()
        running.process.send_signal(signal.SIGTERM)
        until(lambda: running.ask("/health/ready").status_code == 503)
        assert running.ask("/v1/offers").status_code == 200
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(60) == 0
        assert not running.wire.recv(65_536).startswith(b"HTTP/1.1 2")


def test_nobody_inside_is_waited_for_for_ever(database_url: str) -> None:
    with program(database_url, drain_seconds="0.2") as running:
        running.begin()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0


# --- how it waits -------------------------------------------------------------------------------


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="baobab-life-", dir="/tmp") as name:
        yield Path(name)


def test_a_database_that_starts_later_is_waited_for_and_that_is_said(folder: Path) -> None:
    server = EmbeddedServer.start(folder / "data", durable=False)
    server.stop()
    url = server.url("postgres")
    said: list[str] = []
    waiting = threading.Thread(
        target=until_it_answers, args=(Settings(database_url=url, database_wait=60), said.append)
    )
    waiting.start()
    until(lambda: said)
    with EmbeddedServer.start(folder / "data", durable=False):
        waiting.join(30)
    assert not waiting.is_alive()
    assert said[0].startswith("Waiting for postgresql://postgres@/postgres, 60 seconds more: ")


def test_it_waits_for_so_long_and_says_why_it_gave_up() -> None:
    said: list[str] = []
    settings = Settings(database_url="postgresql://u:planted@127.0.0.1:1/n", database_wait=0.3)
    with pytest.raises(DatabaseNotThere, match=r"within 0\.3 seconds.*BAOBAB_DATABASE_URL") as refused:
        until_it_answers(settings, said.append)
    assert len(said) == 1
    assert "planted" not in str(refused.value) + said[0]


def test_a_command_waits_no_longer_than_somebody_who_typed_it_does() -> None:
    said: list[str] = []
    settings = Settings(database_url="postgresql://u@127.0.0.1:1/n", database_wait=60)
    with pytest.raises(DatabaseNotThere, match=r"within 0\.2 seconds"):
        until_it_answers(settings, said.append, most=0.2)
    assert "0 seconds more" in said[0]


@contextmanager
def refusing(code: str) -> Iterator[str]:
    """The address of what answers every connection as a PostgreSQL that refuses it for a reason."""
    fields = f"SFATAL\0VFATAL\0C{code}\0Mas told\0\0".encode()
    answer = b"E" + (len(fields) + 4).to_bytes(4, "big") + fields
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            while True:
                try:
                    wire, _ = listening.accept()
                except OSError:
                    return
                with wire:
                    wire.recv(65_536)
                    wire.sendall(answer)

        threading.Thread(target=refuse, daemon=True).start()
        try:
            yield f"postgresql://u:p@127.0.0.1:{listening.getsockname()[1]}/n?sslmode=disable"
        finally:
            listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("code", ["28P01", "28000", "3D000"])
def test_a_wrong_password_and_a_missing_database_are_said_at_once(code: str) -> None:
    said: list[str] = []
    with refusing(code) as url, pytest.raises(DatabaseRefuses, match="refuses us: as told"):
        until_it_answers(Settings(database_url=url), said.append)
    assert said == []


@pytest.mark.parametrize("place", ["127.0.0.1:99999", "127.0.0.1:many", "[127.0.0.1"])
def test_an_address_that_is_none_is_said_at_once_without_its_password(place: str) -> None:
    with pytest.raises(DatabaseRefuses) as refused:
        until_it_answers(Settings(database_url=f"postgresql://u:planted@{place}/n"), lambda text: None)
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize("code", ["57P03", "53300"])
def test_a_server_that_starts_or_is_full_is_waited_for(code: str) -> None:
    with refusing(code) as url, pytest.raises(DatabaseNotThere, match="as told"):
        until_it_answers(Settings(database_url=url, database_wait=0.2), lambda text: None)


def test_a_database_that_is_missing_ends_the_program_with_a_sentence(server: str) -> None:
    missing = server.replace("/postgres?", "/nowhere?")
    done = subprocess.run(
        [*PROGRAM, "serve"],
        env=os.environ | {"BAOBAB_DATABASE_URL": missing},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.startswith("baobab: ")
    assert "refuses us" in done.stderr
    assert "Traceback" not in done.stderr
