"""The proof commands: verify, seal, proof, check-proof, and the verifier that stands alone."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from click.testing import CliRunner, Result

from baobab.adapters.postgres.database import Database
from baobab.application import identity, points
from baobab.entrypoints import cli, library, program

MEMBER, OTHER = "member-1@example.org", "member-2@example.org"
PROOF: dict[str, Any] = {
    "format": "baobab-proof-1",
    "user_id": "019ab1f0-0000-7000-8000-000000000001",
    "sequence": 2,
    "posting_hash": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "balance": 40,
    "path": [
        {
            "side": "right",
            "hash": "5c824134741dcf76971d6e036106e8da522d5364db0b5deaed8761437fe2571d",
            "sum": 7,
        }
    ],
    "seal": {
        "unit": "points",
        "number": 1,
        "day": "2026-03-02",
        "root": "da90b9f6d6c54ec31744af9d8c33c45cfafb4ddbbe201c46ae347c43dc4c65b5",
        "total": 47,
        "accounts": 2,
        "previous": "",
        "sealed_at": "2026-03-02T22:30:00Z",
        "hash": "efa6b0dbbd652904ae5122b0bd9b39e69f3cc4bb527abe4cae0ed1ae2c30dab3",
    },
}
"""As it was printed once: whatever is changed here must fail, and nothing may change how it is checked."""
ALONE = Path(__file__).parents[2] / "docs" / "how-to" / "check_proof.py"


@pytest.fixture
def members(database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Two members with 40 and 7 points, on the database that the command line works on."""
    monkeypatch.setenv("BAOBAB_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "250")
    return asyncio.run(_enrol(database_url))


async def _enrol(url: str) -> list[UUID]:
    async with library.on_postgres(url) as run:
        made = []
        for email, amount in ((MEMBER, 50), (OTHER, 7)):
            user_id = run.new_id()
            enrol = identity.Enrol(user_id=user_id, email=email, name="Member", password_hash="-")
            await run(identity.enrol, enrol, actor=program.OPERATOR)
            earn = points.Earn(user_id=user_id, funded=amount, source_id=uuid4())
            await run(points.earn, earn, actor=program.OPERATOR)
            made.append(user_id)
        spend = points.Spend(user_id=made[0], amount=10, source_id=uuid4())
        await run(points.spend, spend, actor=program.OPERATOR)
        return made


def call(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(cli.cli, ["points", *arguments], input=input, catch_exceptions=False)


def answer(*arguments: str) -> Any:
    return json.loads(call(*arguments, "--json").output)


def by_hand(url: str, sql: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url, server_settings={"search_path": "baobab"})
        await connection.execute(sql)
        await connection.close()

    asyncio.run(run())


# --- verify -------------------------------------------------------------------------------------


def test_books_in_order_exit_with_0_and_say_how_much_was_verified(members: list[UUID]) -> None:
    done = call("verify")
    assert done.exit_code == 0
    assert "2 accounts with 3 postings are in order (chain, " in done.output
    found = answer("verify")
    assert (found["accounts"], found["postings"], found["broken"], found["findings"]) == (2, 3, 0, [])
    assert found["seconds"] >= 0


@pytest.mark.parametrize(
    "options", [(MEMBER,), ("--from", "{0}", "--to", "{0}")], ids=["a member", "a range"]
)
def test_one_member_or_a_range_is_verified_alone(members: list[UUID], options: tuple[str, ...]) -> None:
    first = min(members)
    found = answer("verify", *(option.format(first) for option in options))
    assert found["accounts"] == 1


def test_since_the_last_time_only_what_moved_is_verified(members: list[UUID]) -> None:
    assert answer("verify", "--since-last", "--no-watermark")["accounts"] == 2
    assert answer("verify", "--since-last")["accounts"] == 2
    assert answer("verify", "--since-last")["accounts"] == 0


def test_a_member_and_a_range_are_too_much() -> None:
    done = call("verify", MEMBER, "--from", str(uuid4()))
    assert done.exit_code == 2
    assert "Name a member or a range, not both." in done.output


def test_a_changed_row_exits_with_1_and_is_named_with_its_invariant(
    members: list[UUID], database_url: str
) -> None:
    by_hand(database_url, "update posting set amount = 900 where amount = 50")
    done = call("verify")
    assert done.exit_code == 1
    found = answer("verify")["findings"]
    assert [(one["check"], one["table"], one["user_id"]) for one in found] == [
        ("chain", "posting", str(members[0]))
    ]
    said = done.output.splitlines()[0]
    assert said == (
        f"The first bad row: posting {found[0]['row']} has amount 900; its hash proves that it was 50."
        " Invariant: chain."
    )
    assert "1 findings in 2 accounts" in done.output
    assert call("verify", OTHER).exit_code == 0


# --- seals and proofs -----------------------------------------------------------------------------


def test_a_day_is_sealed_once_and_listed(members: list[UUID]) -> None:
    sealed = answer("seal")
    assert (sealed["total"], sealed["accounts"], sealed["number"]) == (47, 2, 1)
    assert answer("seal") == sealed
    assert answer("seals")["items"] == [sealed]
    assert sealed["root"] in call("seals").output
    assert sealed["root"] in call("seal").output


def test_a_list_of_seals_goes_page_by_page(members: list[UUID], database_url: str) -> None:
    answer("seal")
    by_hand(database_url, "update seal set day = day - 1")
    answer("seal")
    said = call("seals", "--limit", "1").output
    cursor = said.rpartition("--cursor ")[2].strip()
    assert answer("seals", "--limit", "1", "--cursor", cursor)["items"][0]["number"] == 1


@pytest.fixture
def sealed(members: list[UUID]) -> dict[str, Any]:
    found: dict[str, Any] = answer("seal")
    return found


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["in words", "as JSON"])
def test_what_is_printed_can_be_checked_with_and_without_the_program(
    sealed: dict[str, Any], tmp_path: Path, options: tuple[str, ...]
) -> None:
    """By two verifiers that share no code."""
    printed = tmp_path / "proof.txt"
    printed.write_text(call("proof", MEMBER, *options).output)
    says = f"The proof holds: 40 of 47 points on {sealed['day']}.\n"
    assert call("check-proof", str(printed), "--root", sealed["root"]).output == says
    assert call("check-proof", "-", "--root", sealed["root"], input=printed.read_text()).output == says
    done = alone(printed, sealed["root"])
    assert (done.returncode, done.stdout, done.stderr) == (0, says, "")


def alone(printed: Path, root: str) -> "subprocess.CompletedProcess[str]":
    """The verifier that needs nothing, in an interpreter that sees no library and no environment."""
    command = [sys.executable, "-I", "-S", str(ALONE), str(printed), root]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_proof_in_words_says_what_it_shows(sealed: dict[str, Any], members: list[UUID]) -> None:
    said = call("proof", MEMBER).output
    assert f"On {sealed['day']} the account {members[0]} had 40 points," in said
    assert "inside of the 47 points of all 2 accounts." in said
    assert "with 7 on the" in said
    assert f"--root {sealed['root']}" in said


def test_a_proof_of_another_day_is_asked_for_by_the_day(sealed: dict[str, Any]) -> None:
    assert answer("proof", MEMBER, "--day", sealed["day"])["seal"] == sealed
    assert call("proof", MEMBER, "--day", "yesterday").exit_code == 2


def test_a_proof_that_does_not_hold_exits_with_1(
    sealed: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    proof = answer("proof", MEMBER)
    printed = tmp_path / "proof.json"
    printed.write_text(json.dumps({**proof, "balance": 41}))
    monkeypatch.setattr(
        "sys.argv", ["baobab", "points", "check-proof", str(printed), "--root", sealed["root"]]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "does not hold" in capsys.readouterr().err


# --- both verifiers agree on every change -----------------------------------------------------------


def step(proof: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {**proof, "path": [{**proof["path"][0], **facts}]}


def with_seal(proof: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {**proof, "seal": {**proof["seal"], **facts}}


WRONG = {
    "more": lambda proof: {**proof, "balance": 41},
    "less": lambda proof: {**proof, "balance": 39},
    "negative": lambda proof: {**proof, "balance": -1},
    "a text": lambda proof: {**proof, "balance": "40"},
    "somebody else": lambda proof: {**proof, "user_id": str(UUID(int=7))},
    "another line": lambda proof: {**proof, "sequence": 3},
    "another history": lambda proof: {**proof, "posting_hash": "00" * 32},
    "no hash": lambda proof: {**proof, "posting_hash": "zz"},
    "the other side": lambda proof: step(
        proof, side={"left": "right", "right": "left"}[proof["path"][0]["side"]]
    ),
    "no side": lambda proof: step(proof, side="above"),
    "a smaller neighbour": lambda proof: step(proof, sum=6),
    "a negative neighbour": lambda proof: step(proof, sum=-7),
    "another neighbour": lambda proof: step(proof, hash="00" * 32),
    "no path": lambda proof: {**proof, "path": []},
    "another total": lambda proof: with_seal(proof, total=48),
    "another day": lambda proof: with_seal(proof, day="2026-01-01"),
    "another number of accounts": lambda proof: with_seal(proof, accounts=3),
    "another seal before": lambda proof: with_seal(proof, previous="00" * 32),
    "another unit": lambda proof: with_seal(proof, unit="pearls"),
    "another root": lambda proof: with_seal(proof, root="00" * 32),
    "nothing": lambda proof: {},
}


@pytest.mark.parametrize("what", WRONG)
def test_both_verifiers_refuse_what_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    printed = tmp_path / "proof.json"
    printed.write_text(json.dumps(PROOF))
    root = PROOF["seal"]["root"]
    assert alone(printed, root).returncode == 0
    printed.write_text(json.dumps(WRONG[what](PROOF)))
    done = alone(printed, root)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(("The proof does not hold: ", "This is no printed proof: "))
    monkeypatch.setattr("sys.argv", ["baobab", "points", "check-proof", str(printed), "--root", root])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("baobab: ")


@pytest.mark.parametrize("root", ["00" * 32, "short", ""])
def test_a_root_that_was_not_published_is_refused_by_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: str
) -> None:
    printed = tmp_path / "proof.json"
    printed.write_text(json.dumps(PROOF))
    assert alone(printed, root).returncode == 1
    monkeypatch.setattr("sys.argv", ["baobab", "points", "check-proof", str(printed), "--root", root])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "root" in capsys.readouterr().err


def test_the_verifier_that_stands_alone_says_how_it_is_called() -> None:
    done = subprocess.run(
        [sys.executable, "-I", str(ALONE)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "python check_proof.py PROOF_FILE PUBLISHED_ROOT" in done.stderr
