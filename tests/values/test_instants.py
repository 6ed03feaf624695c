"""Every instant in every kind of message has a zone, also where a kind or a field is new."""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from federation.claimindex.messages import OptOutFact, Over, ShareFact
from federation.hub.handlers import HANDLERS as AT_HUB
from federation.nodes.handlers import HANDLERS as AT_NODES
from federation.store.messages import BadMessageError, opened

TEXTS = (
    *("x", "HUB", "EUR", "0", "2026-09", "HUB-000001", "HC-GB-000001"),
    *("UNMATCHED", "~UNMATCHED", "/", "ab" * 32, "GB"),
)
SPAN = {"starts_at": "2026-01-01T00:00:00Z", "ends_at": None}
ONE_OR_THE_OTHER: dict[type, dict[str, Any]] = {
    OptOutFact: {"holder_id": "x"},
    ShareFact: SPAN,
    Over: {**SPAN, "parts": {"DE": 10_000, "FR": 1}},
}
Way = tuple[str, ...]  # fields, from the message to the instant


def fields_of(shape: inspect.Type) -> tuple[inspect.Field, ...]:
    return shape.fields if isinstance(shape, inspect.StructType) else ()


def within(shape: inspect.Type) -> Iterator[inspect.Type]:
    """Return the types that a value of a type may be made of, one step down."""
    if isinstance(shape, inspect.UnionType):
        yield from shape.types
    elif isinstance(shape, inspect.CollectionType):
        yield shape.item_type
    elif isinstance(shape, inspect.TupleType):
        yield from shape.item_types
    elif isinstance(shape, inspect.DictType):
        yield from (shape.key_type, shape.value_type)


def ways(shape: inspect.Type) -> Iterator[Way]:
    """Return the way to each instant in a type."""
    if isinstance(shape, inspect.DateTimeType):
        yield ()
    for field in fields_of(shape):
        yield from ((field.name, *rest) for rest in ways(field.type))
    for part in within(shape):
        yield from ways(part)


def written(shape: inspect.Type, way: Way | None, instant: str) -> Any:
    """Return the least value of a type, with an instant at the end of a way."""
    if isinstance(shape, inspect.StructType):
        return _struct(shape, way, instant)
    if isinstance(shape, inspect.UnionType):
        leads = [part for part in shape.types if way is not None and way in ways(part)]
        least = [part for part in shape.types if isinstance(part, inspect.NoneType)]
        return written([*leads, *least, *shape.types][0], way, instant)
    if isinstance(shape, inspect.CollectionType):
        count = 1 if way is not None else shape.min_length or 0
        return [written(shape.item_type, way, instant)] * count
    if isinstance(shape, inspect.DictType):
        key = written(shape.key_type, None, instant)
        return {key: written(shape.value_type, way, instant)} if way is not None else {}
    if isinstance(shape, inspect.DateTimeType):
        return instant if way == () else "2026-10-15T09:00:00Z"
    return _plain(shape)


def _plain(shape: inspect.Type) -> Any:
    if isinstance(shape, inspect.StrType):
        return next(text for text in TEXTS if re.search(shape.pattern or "", text))
    if isinstance(shape, inspect.BytesType):
        return b64encode(bytes(shape.min_length or 0)).decode()
    if isinstance(shape, inspect.EnumType):
        return next(iter(shape.cls)).value
    if isinstance(shape, inspect.LiteralType):
        return shape.values[0]
    found = {
        inspect.DateType: "2026-10-15",
        inspect.IntType: 1,
        inspect.BoolType: False,
        inspect.NoneType: None,
    }
    return found[type(shape)]


def _struct(shape: inspect.StructType, way: Way | None, instant: str) -> Any:
    found = {}
    for field in shape.fields:
        leads = way[1:] if way and way[0] == field.name else None
        found[field.encode_name] = written(field.type, leads, instant)
    led = way[0] if way else None
    least = ONE_OR_THE_OTHER.get(shape.cls, {})
    found |= {name: value for name, value in least.items() if name != led}
    return list(found.values()) if shape.array_like else found


KINDS = {shape for shape, _ in [*AT_HUB.values(), *AT_NODES.values()]}
INSTANTS = [
    pytest.param(kind, way, id=f"{kind.KIND}: {'.'.join(way)}")
    for kind in sorted(KINDS, key=lambda kind: kind.KIND)
    for way in sorted(set(ways(inspect.type_info(kind))))
]


def body(kind: type, way: Way, instant: str) -> bytes:
    return msgspec.json.encode(written(inspect.type_info(kind), way, instant))


def test_the_instants_that_are_known_are_found():
    assert [found.id for found in INSTANTS] == [
        "held.ordered: filed_at",
        "identifiers.added: as_of",
        "identifiers.filtered: as_of",
        "registry.delta: opt_outs.effective_at",
        "registry.delta: opt_outs.ends_at",
        "registry.delta: opt_outs.since",
        "registry.delta: shares.ends_at",
        "registry.delta: shares.starts_at",
        "registry.delta: withdrawn_opt_outs.effective_at",
        "registry.delta: withdrawn_opt_outs.ends_at",
        "registry.delta: withdrawn_opt_outs.since",
        "registry.shares_over: over.ends_at",
        "registry.shares_over: over.starts_at",
        "run.advised: objections_until",
    ]


@pytest.mark.parametrize(("kind", "way"), INSTANTS)
def test_an_instant_without_a_zone_is_no_message(kind, way):
    assert isinstance(opened(body(kind, way, "2026-10-15T09:00:00Z"), kind), kind)

    for wrong in ("2026-10-15T09:00:00", "9999-12-31T23:59:59-14:00"):
        with pytest.raises(BadMessageError, match=f"`{way[-1]}`") as refusal:
            opened(body(kind, way, wrong), kind)
        assert refusal.value.code == "BAD_MESSAGE"
