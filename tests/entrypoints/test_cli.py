"""The command line: what it prints, for people and for programs, and its exit codes."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from serving import PROGRAM

from baobab.adapters.postgres import migrate
from baobab.adapters.postgres.database import Database
from baobab.application import identity, points
from baobab.domain import shared
from baobab.entrypoints import cli, library, program
from baobab.entrypoints.cli.serve import free_port, is_loopback
from baobab.entrypoints.cli.terminal import text_of
from baobab.entrypoints.settings import Settings

MEMBER = "member-1@example.org"


@pytest.fixture
def on_database(database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    """The command line works on the test's database, in which there is one member with 65 points."""
    monkeypatch.setenv("BAOBAB_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")
    asyncio.run(_enrol_with_points(database_url))
    return database_url


async def _enrol_with_points(url: str) -> None:
    async with library.on_postgres(url) as run:
        user_id = run.new_id()
        command = identity.Enrol(user_id=user_id, email=MEMBER, name="Member", password_hash="-")
        await run(identity.enrol, command, actor=program.OPERATOR)
        earn = points.Earn(user_id=user_id, funded=50, bonus=15, source_id=uuid4())
        await run(points.earn, earn, actor=program.OPERATOR)


def call(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(cli.cli, arguments, input=input, catch_exceptions=False)


def fails(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a whole run of the program."""
    monkeypatch.setattr("sys.argv", ["baobab", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_help_names_every_command() -> None:
    said = call("--help").output
    assert all(name in said for name in ("serve", "db", "demo", "points", "orders", "members", "reference"))


def test_a_balance_is_a_table_or_json(on_database: str) -> None:
    assert "65" in call("points", "balance", MEMBER).output
    answer = json.loads(call("points", "balance", MEMBER, "--json").output)
    assert (answer["available"], answer["euros"]) == (65, {"amount": 6500, "currency": "EUR"})


def test_a_statement_goes_page_by_page(on_database: str) -> None:
    page = json.loads(call("points", "statement", MEMBER, "--limit", "1", "--json").output)
    assert [line["kind"] for line in page["items"]] == ["bonus"]
    said = call("points", "statement", MEMBER, "--limit", "1", "--cursor", page["next_cursor"]).output
    assert "earned" in said
    assert "More:" not in said
    assert f"--cursor {page['next_cursor']}" in call("points", "statement", MEMBER, "--limit", "1").output


def test_members_are_listed_and_given_roles(on_database: str) -> None:
    assert MEMBER in call("members", "list").output
    tried = json.loads(call("members", "role", MEMBER, "admin", "--dry-run", "--json").output)
    assert tried["role"] == "admin"
    assert json.loads(call("members", "list", "--json").output)["items"][0]["role"] == "member"
    call("members", "role", MEMBER, "admin")
    assert json.loads(call("members", "list", "--json").output)["items"][0]["role"] == "admin"


def test_a_member_is_found_by_id_too(on_database: str) -> None:
    user_id = json.loads(call("members", "list", "--json").output)["items"][0]["user_id"]
    assert json.loads(call("points", "balance", user_id, "--json").output)["available"] == 65


def test_what_is_refused_says_why_and_exits_with_1(
    on_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fails(monkeypatch, "points", "balance", "nobody@example.org") == 1
    assert capsys.readouterr().err == "baobab: There is no member nobody@example.org.\n"


def test_wrong_usage_exits_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fails(monkeypatch, "points", "balance") == 2
    assert fails(monkeypatch, "members", "role", MEMBER, "emperor") == 2


def test_a_wrong_setting_is_named_and_exits_with_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAOBAB_PORT", "eighty")
    assert fails(monkeypatch, "serve") == 3
    assert "BAOBAB_PORT='eighty'" in capsys.readouterr().err


def test_a_command_says_soon_that_the_database_is_away_and_exits_with_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However long `serve` would wait for it."""
    monkeypatch.setenv("BAOBAB_DATABASE_URL", f"postgresql://nobody@127.0.0.1:{_free()}/none")
    assert fails(monkeypatch, "members", "list") == 3
    assert "did not answer within 3.0 seconds" in capsys.readouterr().err


def test_the_schema_is_current_or_the_command_says_what_to_do(on_database: str) -> None:
    assert call("db", "current").output.strip() == migrate.head()
    assert call("db", "url").output.strip() == on_database
    assert migrate.head() in call("db", "upgrade").output
    assert call("db", "downgrade", "base", input="n\n").exit_code == 1
    assert call("db", "current").exit_code == 0


@pytest.fixture
async def bare(new_database: Callable[[], Awaitable[str]], monkeypatch: pytest.MonkeyPatch) -> str:
    url = await new_database()
    monkeypatch.setenv("BAOBAB_DATABASE_URL", url)
    return url


def test_a_database_of_ones_own_is_migrated_by_hand_only(
    bare: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fails(monkeypatch, "serve") == 3
    assert "run `baobab db upgrade`" in capsys.readouterr().err
    assert call("db", "current").exit_code == 1
    assert call("db", "upgrade").exit_code == 0
    assert call("db", "downgrade", "base", "--yes").output.strip() == "The schema is at nothing."


async def test_the_library_wants_a_schema_that_is_current(bare: str) -> None:
    with pytest.raises(program.SchemaNotCurrent):
        async with library.on_postgres(bare):
            raise AssertionError("it opened")


def test_the_reference_pages_are_printed() -> None:
    assert json.loads(call("reference", "openapi").output)["openapi"].startswith("3.1")
    assert "| 422 | `insufficient_points` |" in call("reference", "problems").output


def test_a_taken_port_gives_way_to_the_next() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        assert taken < free_port("127.0.0.1", taken) < taken + 100
        with pytest.raises(OSError, match="no free port"):
            free_port("127.0.0.1", taken, tries=1)


def test_a_host_that_is_not_ours_is_named() -> None:
    with pytest.raises(OSError, match=r"192\.0\.2\.1"):
        free_port("192.0.2.1", 8000)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder for an embedded server: outside pytest's own, which it closes to others."""
    with tempfile.TemporaryDirectory(prefix="baobab-cli-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "data"


def test_serving_migrates_the_embedded_database_says_which_port_was_taken_and_stops_clean(
    data_dir: Path,
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        environment = {**os.environ, "BAOBAB_DATA_DIR": str(data_dir), "BAOBAB_PORT": str(taken)}
        environment.pop("BAOBAB_DATABASE_URL", None)
        with subprocess.Popen(
            (*PROGRAM, "serve"), env=environment, stdout=subprocess.PIPE, text=True
        ) as served:
            assert served.stdout is not None
            said = [served.stdout.readline() for _ in range(2)]
            beside = subprocess.run(
                (*PROGRAM, "db", "current"), env=environment, capture_output=True, text=True, check=True
            )
            served.send_signal(signal.SIGTERM)
            served.communicate(timeout=120)
    assert said[0].startswith(f"Port {taken} is taken; using ")
    assert said[1].startswith("baobab serves at   http://127.0.0.1:")
    assert beside.stdout.strip() == migrate.head()
    assert served.returncode == 0
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_without_a_folder_the_data_are_in_the_users_own() -> None:
    assert Settings().data_path.name == "baobab"
    assert shared.evolve(Settings(), data_dir="~/x").data_path == Path.home() / "x"


def _free() -> int:
    """A port on which nobody answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_text_of_somebody_commands_no_terminal() -> None:
    """Escape sequences of both kinds and turned writing are named; letters of any language stay."""
    assert text_of("a\x1b]0;x\x1b[31m \x9b2J \u202eback") == r"a\x1b]0;x\x1b[31m \x9b2J \u202eback"
    assert text_of("Élise, 蜂蜜\nnext line") == "Élise, 蜂蜜\nnext line"


def test_a_terminal_gets_what_a_member_wrote_without_its_commands(on_database: str) -> None:
    assert call("members", "suspend", MEMBER, "--reason", "\x1b[31mred").exit_code == 0
    shown = call("members", "show", MEMBER).stdout
    assert r"\x1b[31mred" in shown
    assert "\x1b" not in shown


def test_a_demo_warns_where_others_reach_it() -> None:
    alone = {"127.0.0.1", "127.0.1.1", "::1", "localhost"}
    assert {
        host for host in {*alone, "0.0.0.0", "::", "192.0.2.1", "example.org"} if is_loopback(host)
    } == alone
