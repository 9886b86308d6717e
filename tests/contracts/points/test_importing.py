"""Opening balances from another system, in memory and on PostgreSQL: each line once and for ever."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from ledgers import END, Ledger, enrolled, parts, set_policy

from baobab.application.points import importing, opening_files, sweeping
from baobab.application.points.importing import (
    Bring,
    Brought,
    Count,
    Entry,
    LineReport,
    OpeningLine,
    UnreadableFile,
)
from baobab.application.work import Conflict
from baobab.domain import shared
from baobab.domain.points import FOREVER
from builders import World

HEADER = "reference,member,amount,expires_at,funded"


def line(member: Any, reference: str = "A-1", **facts: Any) -> OpeningLine:
    """A line about a member; 50 funded points until the end of 2027 where nothing else is said."""
    who = str(member.member.user_id) if isinstance(member, Ledger) else member
    facts = {"amount": 50, "funded": True, "expires_at": "2027-12-31", **facts}
    return OpeningLine(reference=reference, member=who, **facts)


async def bring(world: World, *lines: OpeningLine, skip_bad: bool = False, **options: Any) -> Brought:
    command = Bring(lines=lines, skip_bad=skip_bad)
    return await world.run(importing.bring, command, actor=world.admin, **options)


def outcomes(brought: Brought) -> list[str]:
    return [one.outcome for one in brought.lines]


def fault(brought: Brought) -> tuple[str, str]:
    """What is wrong with the only line."""
    [one] = brought.lines
    assert (one.outcome, brought.accepted) == ("wrong", False)
    assert one.reason
    return one.field, one.code


# --- one batch ------------------------------------------------------------------------------------


async def test_a_line_opens_an_account_with_points_that_keep_their_own_end(any_world: World) -> None:
    ledger = Ledger(any_world)
    brought = await bring(any_world, line(ledger), line(ledger, "A-2", funded=False, amount=15))
    assert brought == Brought(
        True,
        2,
        0,
        0,
        65,
        (LineReport(1, "A-1", "ok", points=50), LineReport(2, "A-2", "ok", points=15)),
    )
    assert parts(await ledger.balance()) == (65, 65, 0, 0)
    lots = {lot.funded: lot for lot in await ledger.lots()}
    assert (lots[True].amount, lots[False].amount) == (50, 15)
    assert lots[True].expires_at == datetime.fromisoformat("2027-12-31T23:00+00:00"), "its end in Paris"
    opened = await ledger.lines()
    assert {(one.kind, one.contra, one.source_type) for one in opened} == {("opening", "opening", "opening")}
    assert {one.source_id for one in opened} == {lot.source_id for lot in lots.values()}


async def test_a_member_is_named_by_e_mail_or_id(any_world: World) -> None:
    ledger = await enrolled(any_world, "member-1@example.org")
    named = " Member-1@Example.org "
    assert outcomes(await bring(any_world, line(named), line(ledger, "A-2"))) == ["ok", "ok"]
    assert (await ledger.balance()).balance == 100


async def test_an_instant_is_taken_as_it_is_and_a_day_ends_in_the_zone_of_the_unit(any_world: World) -> None:
    await set_policy(any_world, "seeds", zone="Asia/Tokyo")
    ledger = Ledger(any_world)
    instant = "2027-06-01T12:00:00+02:00"
    lines = (
        line(ledger, "A-1", expires_at=instant),
        line(ledger, "A-2", expires_at="9999-12-31"),
        line(ledger, "A-1", unit="seeds", expires_at="2027-06-01"),
    )
    assert outcomes(await bring(any_world, *lines)) == ["ok"] * 3
    assert [lot.expires_at for lot in await ledger.lots()] == [
        datetime.fromisoformat("2027-06-01T10:00+00:00"),
        FOREVER,
    ]
    [seed] = await ledger.counted_in("seeds").lots()
    assert seed.expires_at == datetime.fromisoformat("2027-06-01T15:00+00:00")


async def test_a_line_is_brought_once_for_ever(any_world: World) -> None:
    ledger = Ledger(any_world)
    await bring(any_world, line(ledger))
    again = await bring(any_world, line(ledger), line(ledger, "A-2"))
    assert (outcomes(again), again.points) == (["already_there", "ok"], 50)
    await ledger.spend(100)
    any_world.clock.advance(days=2_000)
    last = await bring(any_world, line(ledger), line(ledger, "A-2"))
    assert outcomes(last) == ["already_there"] * 2, "also when it is spent, and its day is over"
    assert [one.kind for one in await ledger.lines()].count("opening") == 2


async def test_a_line_is_there_already_however_it_is_written(any_world: World) -> None:
    ledger = await enrolled(any_world, "member-1@example.org")
    await bring(any_world, line(ledger))
    other = line("member-1@example.org", expires_at="2028-01-01T00:00:00+01:00")
    assert outcomes(await bring(any_world, other)) == ["already_there"]


@pytest.mark.parametrize(
    "changed", [{"amount": 51}, {"funded": False}, {"expires_at": "2027-12-30"}, {"member": None}]
)
async def test_a_reference_that_comes_again_with_other_content_is_wrong(
    any_world: World, changed: dict[str, Any]
) -> None:
    ledger, other = Ledger(any_world), Ledger(any_world)
    await bring(any_world, line(ledger))
    if "member" in changed:
        changed = {"member": str(other.member.user_id)}
    different = shared.evolve(line(ledger), **changed)
    assert fault(await bring(any_world, different)) == ("reference", "reference_reused")
    assert (await ledger.balance()).balance == 50


async def test_the_same_reference_in_another_unit_is_another_line(any_world: World) -> None:
    await set_policy(any_world, "seeds")
    ledger = Ledger(any_world)
    await bring(any_world, line(ledger))
    assert outcomes(await bring(any_world, line(ledger, unit="seeds", amount=9))) == ["ok"]


async def test_a_reference_stands_once_in_a_list(any_world: World) -> None:
    ledger = Ledger(any_world)
    brought = await bring(any_world, line(ledger), line(ledger, "A-2"), line(ledger))
    assert outcomes(brought) == ["ok", "ok", "wrong"]
    assert brought.lines[2].code == "reference_repeated"
    assert "line 1" in brought.lines[2].reason
    assert (await ledger.balance()).balance == 0


@pytest.mark.parametrize(
    ("facts", "field", "code"),
    [
        ({"member": "nobody@example.org"}, "member", "not_found"),
        ({"member": "no member"}, "member", "not_found"),
        ({"member": str(uuid4())}, "member", "not_found"),
        ({"unit": "shells"}, "unit", "unknown_unit"),
        ({"amount": 0}, "amount", "invalid_amount"),
        ({"amount": -5}, "amount", "invalid_amount"),
        ({"expires_at": "2026-03-01"}, "expires_at", "already_expired"),
        ({"expires_at": "2026-03-02T10:30:00+00:00"}, "expires_at", "already_expired"),
        ({"expires_at": "2027-02-30"}, "expires_at", "no_expiry"),
        ({"expires_at": "2027-12-31T10:00:00"}, "expires_at", "no_expiry"),
        ({"expires_at": "31.12.2027"}, "expires_at", "no_expiry"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at", "no_expiry"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at", "no_expiry"),
    ],
)
async def test_what_is_wrong_with_a_line_is_named_with_its_field(
    any_world: World, facts: dict[str, Any], field: str, code: str
) -> None:
    ledger = Ledger(any_world)
    assert fault(await bring(any_world, shared.evolve(line(ledger), **facts))) == (field, code)
    assert await ledger.lines() == []


async def test_a_closed_account_takes_nothing(any_world: World) -> None:
    ledger = Ledger(any_world)
    await ledger.earn(funded=5)
    await ledger.spend(5)
    await ledger.close()
    assert fault(await bring(any_world, line(ledger))) == ("member", "account_closed")


async def test_a_batch_is_brought_whole_or_not_at_all(any_world: World) -> None:
    good, bad = Ledger(any_world), Ledger(any_world)
    lines = (line(good), line(bad, "A-2", amount=0), line(good, "A-3"))
    brought = await bring(any_world, *lines)
    assert (outcomes(brought), brought.accepted) == (["ok", "wrong", "ok"], False)
    assert (await good.balance()).balance == 0
    skipped = await bring(any_world, *lines, skip_bad=True)
    assert (skipped.lines, skipped.accepted) == (brought.lines, True)
    assert (await good.balance()).balance == 100


async def test_a_dry_run_reports_the_same_and_brings_nothing(any_world: World) -> None:
    ledger = Ledger(any_world)
    await bring(any_world, line(ledger, "A-0"))
    lines = (
        line(ledger, "A-0"),
        line(ledger),
        line(ledger, "A-0", amount=3),
        line("nobody@example.org", "B"),
    )
    dry = await bring(any_world, *lines, skip_bad=True, dry_run=True)
    assert (await ledger.balance()).balance == 50
    assert await bring(any_world, *lines, skip_bad=True) == dry
    assert outcomes(dry) == ["already_there", "ok", "wrong", "wrong"]


async def test_what_is_brought_repays_a_debt_and_settles_what_time_decided(any_world: World) -> None:
    ledger = Ledger(any_world)
    grant = await ledger.grant(funded=30)
    await ledger.spend(20)
    await ledger.claw_back(grant)
    assert (await ledger.balance()).debt == 20
    await bring(any_world, line(ledger))
    assert ((await ledger.balance()).balance, (await ledger.balance()).debt) == (30, 0)
    any_world.clock.at("2028-02-01 00:00")
    await bring(any_world, line(ledger, "A-2", expires_at="2029-01-01"))
    assert [one.kind for one in await ledger.lines()].count("expired") == 1


async def test_what_is_brought_is_warned_of_like_all_else(any_world: World) -> None:
    ledger = Ledger(any_world)
    soon = (any_world.clock.now + timedelta(days=20)).date().isoformat()
    await bring(any_world, line(ledger, expires_at=soon))
    warned = await sweeping.run_due(any_world.run, "warning", actor=any_world.admin)
    assert (warned.lots, warned.points) == (1, 50)


async def test_only_administrators_bring_balances(world: World) -> None:
    member = world.member()
    with pytest.raises(shared.Forbidden):
        await world.run(importing.bring, Bring(lines=(line("member-1@example.org"),)), actor=member)


async def test_the_same_lines_at_once_from_two_processes_are_brought_once(postgres_world: World) -> None:
    world = postgres_world
    ledgers = [Ledger(world) for _ in range(12)]
    known = ledgers[:6]
    await asyncio.gather(*(one.earn(funded=1) for one in known))
    lines = tuple(line(one, f"A-{number}") for number, one in enumerate(ledgers))
    command = Bring(lines=lines)
    runners = [world.runner() for _ in range(3)]
    answers = await asyncio.gather(*(run(importing.bring, command, actor=world.admin) for run in runners))
    assert sorted(one.ok for one in answers) == [0, 0, 12]
    assert sorted(one.already_there for one in answers) == [0, 12, 12]
    balances = [(await one.balance()).balance for one in ledgers]
    assert balances == [51] * 6 + [50] * 6


# --- a long import ----------------------------------------------------------------------------------


async def go_through(world: World, entries: Any, **options: Any) -> tuple[Count, list[LineReport]]:
    reports: list[LineReport] = []
    options = {"dry_run": False, "report": reports.append, **options}
    count = await importing.go_through(world.run, entries, actor=world.admin, **options)
    return count, reports


async def test_a_long_import_goes_batch_by_batch_and_reports_every_line_in_order(any_world: World) -> None:
    ledgers = [Ledger(any_world) for _ in range(7)]
    lines = [line(ledgers[number % 7], f"A-{number}", number=number) for number in range(2, 652)]
    count, reports = await go_through(any_world, lines)
    assert count == Count(ok=650, points=32_500)
    assert [one.number for one in reports] == list(range(2, 652))
    assert sum([(await one.balance()).balance for one in ledgers]) == 32_500
    again, _ = await go_through(any_world, lines)
    assert again == Count(already_there=650)


async def test_an_import_that_was_interrupted_goes_on_where_it_was(any_world: World) -> None:
    ledger = Ledger(any_world)
    lines = [line(ledger, f"A-{number}", number=number) for number in range(1, 651)]

    def broken() -> Any:
        yield from lines[:450]
        raise Conflict

    with pytest.raises(Conflict):
        await go_through(any_world, broken())
    assert (await ledger.balance()).balance == 300 * 50
    count, _ = await go_through(any_world, lines)
    assert count == Count(ok=350, already_there=300, points=350 * 50)
    assert (await ledger.balance()).balance == 650 * 50


async def test_a_reference_stands_once_in_a_whole_file(any_world: World) -> None:
    ledger = Ledger(any_world)
    lines = [line(ledger, f"A-{number % 640}", number=number + 2) for number in range(650)]
    dry, dry_reports = await go_through(any_world, lines, dry_run=True)
    assert dry == Count(ok=640, wrong=10, points=32_000)
    assert "line 2 " in dry_reports[640].reason
    count, reports = await go_through(any_world, lines, skip_bad=True)
    assert (count, reports) == (dry, dry_reports)


async def test_the_first_batch_with_a_wrong_line_is_the_last(any_world: World) -> None:
    ledger = Ledger(any_world)
    lines = [line(ledger, f"A-{number}", number=number) for number in range(1, 901)]
    lines[400] = shared.evolve(lines[400], amount=0)
    count, reports = await go_through(any_world, lines)
    assert (count.ok, count.wrong, len(reports)) == (599, 1, 600)
    assert (await ledger.balance()).balance == 300 * 50, "the batch before it"


async def test_a_file_without_a_good_line_brings_nothing(world: World) -> None:
    entries = opening_files.read([HEADER, *(f"A-{number},m,x,2027-12-31,yes" for number in range(700))])
    count, reports = await go_through(world, entries, skip_bad=True)
    assert (count, len(reports)) == (Count(wrong=700), 700)


@pytest.mark.parametrize("seed", range(4))
async def test_a_dry_run_of_any_file_reports_what_the_run_does(any_world: World, seed: int) -> None:
    chance, world = Random(seed), any_world
    ledgers = [Ledger(world) for _ in range(4)]
    await bring(world, *(line(ledgers[0], f"R-{number}") for number in range(8)))
    people = [*ledgers, "nobody@example.org"]
    rows = [
        f"R-{chance.randrange(60)},"
        f"{line(chance.choice(people)).member},"
        f"{chance.choice(['50', '7', '0', 'x'])},"
        f"{chance.choice(['2027-12-31', '2027-12-31', '2020-01-01', ''])},"
        f"{chance.choice(['yes', 'no', 'yes', '?'])}"
        for _ in range(400)
    ]
    entries: list[Entry] = list(opening_files.read([HEADER, *rows]))
    dry = await go_through(world, entries, dry_run=True)
    assert await go_through(world, entries, skip_bad=True) == dry
    assert min(dry[0].ok, dry[0].wrong) > 10
    assert dry[0].points == sum(one.points for one in dry[1])
    again, _ = await go_through(world, entries, skip_bad=True)
    assert (again.ok, again.wrong) == (0, dry[0].wrong)


# --- files ------------------------------------------------------------------------------------------

GOOD = OpeningLine(
    number=2,
    reference="A-1",
    member="member-1@example.org",
    amount=50,
    expires_at="2027-12-31",
    funded=True,
)


@pytest.mark.parametrize(
    "text",
    [
        "reference,member,amount,expires_at,funded\nA-1,member-1@example.org,50,2027-12-31,yes\n",
        "reference;member;amount;expires_at;funded\r\nA-1;member-1@example.org;50;2027-12-31;TRUE\r\n",
        "\ufeffreference\tmember\tamount\texpires_at\tfunded\nA-1\tmember-1@example.org\t+50\t2027-12-31\tyes",
        '"Reference";"Member";"Amount";"Expires_at";"Funded"\n'
        '"A-1";" member-1@example.org ";"50";"2027-12-31";"Yes"\n',
        "unit,funded,expires_at,amount,member,reference\n,true,2027-12-31,50,member-1@example.org,A-1\n\n",
    ],
    ids=["commas", "semicolons and CRLF", "BOM and tabs", "quotes", "another order and a unit"],
)
def test_a_file_is_read_however_a_spreadsheet_wrote_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "openings.csv"
    path.write_bytes(text.encode())
    with path.open(encoding="utf-8", newline="") as file:
        assert list(opening_files.read(file)) == [GOOD]


def test_quoted_values_hold_separators_and_lines_and_keep_the_numbers_of_lines_right() -> None:
    rows = (
        '"A;1, ""x""",m-1@example.org,1,2027-12-31,no',
        "",
        '"B\n1",m-1@example.org,1,2027-12-31,no',
        "C,,1,,",
    )
    text = "\n".join((HEADER, *rows))
    first, second, third = opening_files.read(text.splitlines(keepends=True))
    assert (first.number, first.reference) == (2, 'A;1, "x"')
    assert (second.number, second.reference) == (4, "B\n1")
    assert isinstance(second, LineReport)
    assert (third.number, third.reference) == (6, "C")


def test_the_unit_is_that_of_the_line_or_the_one_that_is_given() -> None:
    rows = [f"{HEADER},unit", "A,m-1@example.org,1,2027-12-31,no,seeds", "B,m-1@example.org,1,2027-12-31,no,"]
    found = [one.unit for one in opening_files.read(rows, "stones") if isinstance(one, OpeningLine)]
    assert found == ["seeds", "stones"]


@pytest.mark.parametrize(
    ("row", "field", "code"),
    [
        ("A,m-1@example.org,1.5,2027-12-31,no", "amount", "not_whole"),
        ("A,m-1@example.org,,2027-12-31,no", "amount", "not_whole"),
        ("A,m-1@example.org,1_000,2027-12-31,no", "amount", "not_whole"),
        ("A,m-1@example.org,٣,2027-12-31,no", "amount", "not_whole"),
        ("A,m-1@example.org,9999999999999999,2027-12-31,no", "amount", "not_whole"),
        ("A,m-1@example.org,999999999999999,2027-12-31,no", "amount", "invalid_value"),
        ("A,m-1@example.org,1,2027-12-31,maybe", "funded", "not_yes_or_no"),
        (",m-1@example.org,1,2027-12-31,no", "reference", "invalid_value"),
        (f"{'A' * 101},m-1@example.org,1,2027-12-31,no", "reference", "invalid_value"),
        ("A,,1,2027-12-31,no", "member", "invalid_value"),
        ("A,m\0@example.org,1,2027-12-31,no", "member", "invalid_value"),
        ("A,m-1@example.org,1,,no", "expires_at", "invalid_value"),
        ("A,m-1@example.org,1,2027-12-31", "", "wrong_columns"),
        ("A,m-1@example.org,1,2027-12-31,no,more", "", "wrong_columns"),
    ],
)
def test_a_line_that_cannot_be_read_is_reported_with_its_field(row: str, field: str, code: str) -> None:
    [one] = opening_files.read([HEADER, row])
    assert isinstance(one, LineReport)
    assert (one.number, one.outcome, one.field, one.code) == (2, "wrong", field, code)
    assert one.reason.endswith(".")


@pytest.mark.parametrize(
    ("text", "line_number", "words"),
    [
        ("", 1, "no column reference, member, amount, expires_at, funded"),
        ("reference,member,amount,funded\n", 1, "no column expires_at"),
        (f"{HEADER},colour\n", 1, "each once"),
        (f"{HEADER},unit,unit\n", 1, "each once"),
        (f'{HEADER}\nA,m,1,2027-12-31,no\n"B,m,1,2027', 3, "unexpected end of data"),
    ],
)
def test_a_file_that_is_no_list_of_openings_says_so(text: str, line_number: int, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words) as refused:
        list(opening_files.read(text.splitlines(keepends=True)))
    assert refused.value.line == line_number


def test_a_file_in_another_encoding_says_so(tmp_path: Path) -> None:
    path = tmp_path / "openings.csv"
    path.write_bytes(f"{HEADER}\n".encode() + "é,m,1,2027-12-31,no\n".encode("latin-1"))
    with path.open(encoding="utf-8", newline="") as file, pytest.raises(UnreadableFile, match="UTF-8"):
        list(opening_files.read(file))


async def test_a_brought_lot_ends_like_any_other(any_world: World) -> None:
    ledger = Ledger(any_world)
    await bring(any_world, line(ledger, expires_at=END.isoformat()))
    any_world.clock.at(END)
    assert parts(await ledger.balance()) == (0, 0, 0, 0)
