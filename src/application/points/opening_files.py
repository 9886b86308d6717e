"""Opening balances as CSV: UTF-8, with or without a byte order mark; the columns split by `,`, `;` or a tab,
named by the first line, in any order. Read line by line, so that a long file needs no room.

    reference;member;amount;expires_at;funded
    A-1042;member-1@example.org;50;2027-12-31;yes
"""

import csv
import re
from collections.abc import Iterable, Iterator

import msgspec

from ...domain import shared
from ...domain.points import POINTS
from .importing import (
    Entry,
    InvalidValue,
    NotWhole,
    NotYesOrNo,
    OpeningLine,
    UnreadableFile,
    WrongColumns,
    wrong,
)

NEEDED = ("reference", "member", "amount", "expires_at", "funded")
COLUMNS = (*NEEDED, "unit")
_FUNDED = {"yes": True, "true": True, "no": False, "false": False}
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_PLACE = re.compile(r" - at `\$\.(\w+)`")


class _Wrong(Exception):
    """What is wrong with a field."""

    def __init__(self, field: str, error: shared.DomainError) -> None:
        self.field, self.error = field, error


def read(text: Iterable[str], unit: str = POINTS) -> Iterator[Entry]:
    """The lines of a file, `unit` where they name none; what cannot be read of a line is its report. Empty
    lines are passed over. Raises UnreadableFile."""
    rows = _rows(text)
    _, header = next(rows, (1, []))
    columns = _columns(header)
    for number, row in rows:
        if any(row):
            yield _entry(number, columns, row, unit)


def _rows(text: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line at which it begins, its values trimmed."""
    lines = iter(text)
    number = 1
    try:
        first = next(lines, "").removeprefix("\ufeff")
        reader = csv.reader(_after(first, lines), delimiter=max(",;\t", key=first.count), strict=True)
        for row in reader:
            yield number, [value.strip() for value in row]
            number = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableFile(line=number, reason=str(error)) from None
    except UnicodeDecodeError:
        raise UnreadableFile(line=number, reason="it is not UTF-8 there or soon after") from None


def _after(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _columns(header: list[str]) -> list[str]:
    names = [name.lower() for name in header]
    missing = [name for name in NEEDED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    if missing:
        raise UnreadableFile(line=1, reason=f"there is no column {', '.join(missing)}")
    if unknown or len(set(names)) < len(names):
        raise UnreadableFile(line=1, reason=f"its columns are {', '.join(COLUMNS)}, each once")
    return names


def _entry(number: int, columns: list[str], row: list[str], unit: str) -> Entry:
    values = dict(zip(columns, row, strict=False))
    reference = values.get("reference", "")
    try:
        if len(row) != len(columns):
            raise _Wrong("", WrongColumns(found=len(row), wanted=len(columns)))
        return _line(number, values, unit)
    except _Wrong as error:
        return wrong(number, reference, error.error, error.field)


def _line(number: int, values: dict[str, str], unit: str) -> OpeningLine:
    amount, funded = values["amount"], values["funded"]
    if not _WHOLE.fullmatch(amount):
        raise _Wrong("amount", NotWhole(given=amount))
    if funded.lower() not in _FUNDED:
        raise _Wrong("funded", NotYesOrNo(given=funded))
    facts = {**values, "unit": values.get("unit") or unit, "number": number}
    facts |= {"amount": int(amount), "funded": _FUNDED[funded.lower()]}
    try:
        return msgspec.convert(facts, OpeningLine)
    except msgspec.ValidationError as error:
        reason = str(error)
        place = _PLACE.search(reason)
        raise _Wrong(place[1] if place else "", InvalidValue(reason=_PLACE.sub("", reason))) from None
