"""Every fault of a request body with its place: msgspec stops at the first one, a client wants all."""

from typing import Any, get_args, get_origin

import msgspec

from ...domain import shared


class Fault(shared.Record, omit_defaults=True):
    """What is wrong, at a JSON pointer (RFC 6901) of the body or in a parameter."""

    detail: str
    pointer: str = ""
    parameter: str = ""


def faults_of(body: bytes, type: Any) -> tuple[Fault, ...]:
    """What is wrong with a body that was to be of a type; nothing if it fits."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        return (Fault(f"not JSON: {error}", "#"),)
    return tuple(_faults(value, type, "#"))


def _faults(value: Any, type: Any, place: str) -> list[Fault]:
    try:
        msgspec.convert(value, type)
    except msgspec.ValidationError as error:
        return _inside(value, type, place) or [Fault(str(error).partition(" - at `")[0], place)]
    return []


def _inside(value: Any, type: Any, place: str) -> list[Fault]:
    """The faults of the parts of a record or a list; none where the fault is in the whole."""
    record = next((one for one in (type, *get_args(type)) if _is_record(one)), None)
    if record is not None and isinstance(value, dict):
        return _of_fields(value, record, place)
    if get_origin(type) is tuple and isinstance(value, list):
        part = get_args(type)[0]
        return [fault for index, one in enumerate(value) for fault in _faults(one, part, f"{place}/{index}")]
    if get_args(type) and hasattr(type, "__metadata__"):
        return _inside(value, get_args(type)[0], place)
    return []


def _of_fields(value: dict[str, Any], record: Any, place: str) -> list[Fault]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(record)}
    found = [
        Fault("is missing", f"{place}/{name}")
        for name, field in fields.items()
        if field.required and name not in value
    ]
    for name, part in value.items():
        if name in fields:
            found += _faults(part, fields[name].type, f"{place}/{_escaped(name)}")
        elif record.__struct_config__.forbid_unknown_fields:
            found.append(Fault("is not a field here", f"{place}/{_escaped(name)}"))
    return found


def _is_record(type: Any) -> bool:
    return isinstance(type, msgspec.StructMeta)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
