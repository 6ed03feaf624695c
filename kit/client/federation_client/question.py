"""One question to a hub, and its answer read whole: pure, whoever sends it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, Protocol, Self, TypeVar

import msgspec
from msgspec import Raw, Struct

from federation_client.refusals import NotUnderstoodError, RefusedError

T_co = TypeVar("T_co", covariant=True)
_WORD_MAX: Final = 64


class Word(StrEnum):
    """A word of the schema. One that a later hub adds is read as well, under no name of a class.

    So ask for what you know (`status == RightsStatus.LICENSABLE`): nothing else equals it.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str) or not 0 < len(value) <= _WORD_MAX:
            return None
        word = str.__new__(cls, value)
        word._name_ = word._value_ = value
        return word


class Reader(Protocol[T_co]):
    """What reads the JSON of one root field."""

    def decode(self, buf: Raw, /) -> T_co:
        """Return it as its type, or raise a MsgspecError."""
        ...


def reader(shape: Any) -> "msgspec.json.Decoder[Any]":
    """Return what reads one type; integers may be decimal strings, as BigInt is."""
    return msgspec.json.Decoder(shape, strict=False)


@dataclass(frozen=True, slots=True)
class Question(Generic[T_co]):
    """A document with one root field, what is put into it, and what reads the answer."""

    field: str
    document: str
    variables: Mapping[str, Any]
    reader: Reader[T_co]

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent twice: it changes nothing, or carries a key of its own."""
        return self.document.startswith("query ") or "key" in self.variables

    def body(self) -> bytes:
        """Return what is sent."""
        return msgspec.json.encode({"query": self.document, "variables": self.variables})

    def read(self, body: bytes) -> T_co:
        """Return the answer. Raises RefusedError for an error, NotUnderstoodError for no answer."""
        try:
            whole = _WHOLE.decode(body)
            if whole.errors:
                first = whole.errors[0]
                raise RefusedError(first.extensions.code, first.message)
            return self.reader.decode((whole.data or {})[self.field])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError) as error:
            raise NotUnderstoodError(f"{self.field}: {str(error)[:200]}") from None


class _Extensions(Struct, frozen=True):
    code: str = "ERROR"


class _Error(Struct, frozen=True):
    message: str
    extensions: _Extensions = _Extensions()


class _Whole(Struct, frozen=True):
    data: dict[str, Raw] | None = None
    errors: tuple[_Error, ...] = ()


class _Plain(Struct, frozen=True):
    """How plain HTTP refuses."""

    code: str
    message: str = ""


_WHOLE: Final = msgspec.json.Decoder(_Whole)
_PLAIN: Final = msgspec.json.Decoder(_Plain)


def refused_by(status: int, body: bytes, retry_after: int) -> RefusedError:
    """Return the refusal that an answer is which is none of 2xx: GraphQL's, or plain HTTP's."""
    code, message = f"HTTP_{status}", ""
    try:
        whole = _WHOLE.decode(body)
        if whole.errors:
            code, message = whole.errors[0].extensions.code, whole.errors[0].message
        else:
            plain = _PLAIN.decode(body)
            code, message = plain.code, plain.message
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return RefusedError(code, message, retry_after=retry_after)
