"""Examples for the OpenAPI document, made from the types: each one would be accepted as it stands."""

from datetime import date, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

BY_NAME: dict[str, Any] = {
    "birth_date": "1990-05-01",
    "carrier": "bpost",
    "city": "Namur",
    "country": "BE",
    "currency": "EUR",
    "device": "a telephone",
    "display_name": "Olive",
    "email": "member-1@example.org",
    "evidence": "file 12",
    "latitude": 50.4674,
    "longitude": 4.8720,
    "month": "2026-03",
    "name": "Acacia honey",
    "next_cursor": None,
    "number": "MTC-2026-000001",
    "origin_country": "BE",
    "password": "correct horse battery",
    "postal_code": "5000",
    "purpose": "newsletter",
    "rate": "3/2",
    "reason": "counted again",
    "recipient": "member-2@example.org",
    "region": "Namur",
    "sku": "HONEY-ACACIA-250",
    "slug": "acacia-honey",
    "street": "Rue de Fer 1",
    "text_version": "2026-01",
    "tracking_number": "BE123456789",
    "to_unit": "pearls",
    "unit": "points",
    "valid_until": None,
    "zone": "Europe/Paris",
}
BY_TYPE: dict[Any, Any] = {
    UUID: "01a1fe03-aa47-77f7-a8ae-7c75fabce465",
    datetime: "2026-11-21T12:00:00Z",
    date: "2026-11-21",
    bool: True,
    int: 1,
    float: 1.5,
    str: "text",
    bytes: "dGV4dA==",
    NoneType: None,
}


def example_of(kind: Any, name: str = "") -> Any:
    """A value of a type as JSON has it; a field's name says more than its type."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _annotated(kind, name)
    if origin in (Union, UnionType):
        return example_of(get_args(kind)[0], name)
    if origin is Literal:
        return get_args(kind)[0]
    if origin is dict:
        return {}
    if origin is tuple or origin is list:
        return [example_of(get_args(kind)[0], name)]
    if isinstance(origin or kind, msgspec.StructMeta):
        return _record(kind)
    return BY_NAME[name] if name in BY_NAME and kind is str else BY_NAME.get(name, BY_TYPE[kind])


def _annotated(kind: Any, name: str) -> Any:
    base, *metas = get_args(kind)
    for meta in metas:
        if meta.examples:
            return meta.examples[0]
        if meta.ge is not None and base is int:
            return max(meta.ge, 1)
    value = example_of(base, name)
    pattern = next((meta.pattern for meta in metas if meta.pattern), "")
    return "https://example.org/page" if pattern.startswith("^http") else value


def _record(kind: Any) -> dict[str, Any]:
    record = get_origin(kind) or kind
    filled = dict(zip(getattr(record, "__parameters__", {}), get_args(kind), strict=False))
    hints = get_type_hints(record, include_extras=True)
    config = record.__struct_config__
    tag = {config.tag_field: config.tag} if config.tag_field else {}
    return tag | {
        field.encode_name: example_of(_with(hints[field.name], filled), field.name)
        for field in msgspec.structs.fields(record)
    }


def _with(kind: Any, filled: dict[Any, Any]) -> Any:
    """A type with its variables filled in: `tuple[V, ...]` of a `Page[Line]` is `tuple[Line, ...]`."""
    if isinstance(kind, TypeVar):
        return filled[kind]
    if filled and getattr(kind, "__parameters__", {}):
        return kind[tuple(filled[one] for one in kind.__parameters__)]
    return kind
