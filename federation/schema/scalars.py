"""How large numbers, money and instants travel: numbers as decimal strings, as Int has 32 bits."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final, NewType, Self

import strawberry
from graphql import GraphQLError, IntValueNode, StringValueNode, ValueNode
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.types.base_scalars import DateDefinition

from federation import money

_DIGITS_MAX = 76
_INTEGER = re.compile(rf"-?[0-9]{{1,{_DIGITS_MAX}}}\Z")

BigInt = NewType("BigInt", int)
LicensedUse = NewType("LicensedUse", str)
ContentTier = NewType("ContentTier", str)


def schema_config() -> StrawberryConfig:
    """Return the configuration of every schema: its scalars, and no batching."""
    return StrawberryConfig(
        scalar_map={
            BigInt: _BIG_INT,
            ContentTier: _CONTENT_TIER,
            LicensedUse: _LICENSED_USE,
            date: _DAY,
            datetime: _INSTANT,
        }
    )


def _parse(value: object) -> int:
    """Accept a decimal string or an integer; never a float, which has lost digits already."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_DIGITS_MAX:
        return value
    if isinstance(value, str) and _INTEGER.match(value):
        return int(value)
    raise GraphQLError(f"BigInt is an integer of at most {_DIGITS_MAX} digits, as a string.")


def _parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> int:  # noqa: ARG001
    return _parse(node.value if isinstance(node, IntValueNode | StringValueNode) else None)


_BIG_INT = strawberry.scalar(
    name="BigInt",
    description="An integer of any size, as a decimal string.",
    serialize=lambda value: str(int(value)),
    parse_value=_parse,
    parse_literal=_parse_literal,
)


def _word(name: str) -> Callable[[object], str]:
    """Return what accepts a text; whether the terms have the word is asked where it counts."""

    def parse(value: object) -> str:
        if isinstance(value, str):
            return value
        raise GraphQLError(f"{name} is a word of the federation's terms, as a string.")

    return parse


def _parse_instant(value: object) -> datetime:
    """Accept an ISO 8601 time with its offset; without one it would be another time elsewhere."""
    try:
        instant = datetime.fromisoformat(value if isinstance(value, str) else "")
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise GraphQLError("DateTime is a time with its offset, as 2026-09-01T12:00:00Z.")


_INSTANT = strawberry.scalar(
    name="DateTime",
    description="An instant in ISO 8601 with its offset, as 2026-09-01T12:00:00Z; given in UTC.",
    serialize=datetime.isoformat,
    parse_value=_parse_instant,
)

_LICENSED_USE = strawberry.scalar(
    name="LicensedUse",
    description="A use of works, by the word that the federation's terms have for it: TRAIN.",
    serialize=str,
    parse_value=_word("LicensedUse"),
)
_CONTENT_TIER = strawberry.scalar(
    name="ContentTier",
    description="A tier of works, by the word that the federation's terms have for it: standard.",
    serialize=str,
    parse_value=_word("ContentTier"),
)
REPRESENTATION: Final = strawberry.scalar(
    name="_Any",
    description='A thing by its type and its key: {__typename: "Work", id: "GB:W-17"}.',
    serialize=lambda value: value,
    parse_value=lambda value: value,
)
_DAY = replace(DateDefinition, description="A day in ISO 8601, as 2026-09-01.")


@strawberry.type(
    description="An amount in minor units of its currency: 123456 and EUR are 1,234.56 euro."
)
class Money:
    """An amount in minor units of an ISO 4217 currency: "123456" EUR is 1,234.56 euro."""

    minor: str
    currency: str

    @classmethod
    def of(cls, minor: int, currency: str) -> Self:
        """Return an amount of minor units as it is written on the wire."""
        return cls(minor=str(minor), currency=currency)

    @classmethod
    def shown(cls, amount: money.Money | None) -> Self | None:
        """Return an amount that may be unknown as it is written on the wire."""
        return None if amount is None else cls.of(amount.minor, amount.currency)
