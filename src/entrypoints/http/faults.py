"""The faults of a request body with their places: msgspec stops at the first one, a client wants all."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, get_args, get_origin

import msgspec

from ...domain import shared

MOST_FAULTS = 100
"""More are not listed: a body of a quarter of a megabyte has room for a hundred thousand."""


class Fault(shared.Record, omit_defaults=True):
    """What is wrong, at a JSON pointer (RFC 6901) of the body or in a parameter."""

    detail: str
    pointer: str = ""
    parameter: str = ""


def faults_of(body: bytes, type: Any) -> tuple[Fault, ...]:
    """What is wrong with a body that was to be of a type, so many at most; nothing if it fits."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return (Fault(f"not JSON: {error}", "#"),)
    return tuple(islice(_faults(value, type, "#"), MOST_FAULTS))


def _faults(value: Any, type: Any, place: str) -> Iterator[Fault]:
    try:
        msgspec.convert(value, type)
    except msgspec.ValidationError as error:
        inside = _inside(value, type, place)
        yield next(inside, Fault(str(error).partition(" - at `")[0], place))
        yield from inside


def _inside(value: Any, type: Any, place: str) -> Iterator[Fault]:
    """The faults of the parts of a record or a list; none where the fault is in the whole."""
    record = next((one for one in (type, *get_args(type)) if _is_record(one)), None)
    if record is not None and isinstance(value, dict):
        yield from _of_fields(value, record, place)
    elif get_origin(type) is tuple and isinstance(value, list):
        part = get_args(type)[0]
        for index, one in enumerate(value):
            yield from _faults(one, part, f"{place}/{index}")
    elif get_args(type) and hasattr(type, "__metadata__"):
        yield from _inside(value, get_args(type)[0], place)


def _of_fields(value: dict[str, Any], record: Any, place: str) -> Iterator[Fault]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(record)}
    for name, field in fields.items():
        if field.required and name not in value:
            yield Fault("is missing", f"{place}/{name}")
    for name, part in value.items():
        if name in fields:
            yield from _faults(part, fields[name].type, f"{place}/{_escaped(name)}")
        elif record.__struct_config__.forbid_unknown_fields:
            yield Fault("is not a field here", f"{place}/{_escaped(name)}")


def _is_record(type: Any) -> bool:
    return isinstance(type, msgspec.StructMeta)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
