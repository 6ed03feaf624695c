"""A message between servers: one typed kind, with limits that its sender keeps as well.

A kind is a struct: its annotations say what each field may hold, `BYTES_MAX` how large the whole
may be, `stream` with which others it keeps its order. `seal` checks all of it before a message is
written to the outbox, `opened` before any of it is kept: what a receiver would refuse is never
sent. A signature says who spoke; only this says that what was said has its form.
"""

from typing import Annotated, ClassVar, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from federation.errors import RefusalError
from federation.values.plain import require_plain_json, why_unread

KIB, MIB = 1024, 1024 * 1024

Stream = Annotated[str, Meta(pattern=r"\A[a-z]+(/[A-Za-z0-9~_.:-]{1,128})?\Z", max_length=160)]
"""Messages of one stream are handled in their order; one that waits holds up no other stream."""

AnyMessage = TypeVar("AnyMessage", bound="Message")


class BadMessageError(RefusalError):
    """This message has not the form of its kind."""

    code: ClassVar[str] = "BAD_MESSAGE"


class MessageTooLargeError(RefusalError):
    """This would not fit into a message to another server."""

    code: ClassVar[str] = "MESSAGE_TOO_LARGE"


LARGEST_BYTES = 40 * MIB  # of the kinds that hold a month
READ_BYTES_MAX = 82 * MIB  # of a message with what it is read into: the largest, if it is one text
_STRING_BYTES = 72  # what a short text in a row comes to, measured


def read_bytes(size: int, quotes: int) -> int:
    """Return about how many bytes JSON takes with what it is read into: its text twice, and texts.

    `quotes` are the marks that texts begin and end with. Rows of short texts come to ten times
    what they are as JSON; other values are small beside them.
    """
    return 2 * size + _STRING_BYTES * (quotes // 2)


def _quotes(body: bytes) -> int:
    """Count the marks that texts begin and end with: those that no odd backslash stands before."""
    if b"\\\\" in body:
        body = body.replace(b"\\\\", b"")
    return body.count(b'"') - body.count(b'\\"')


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one server tells another; subclasses are the kinds."""

    KIND: ClassVar[str] = ""
    BYTES_MAX: ClassVar[int] = 64 * KIB

    @property
    def stream(self) -> str:
        """Return the stream it belongs to: one licence, one month's usage, one run."""
        raise NotImplementedError


class Sealed(NamedTuple):
    """A message as it is written down and sent."""

    kind: str
    stream: str
    body: bytes


def seal(message: Message) -> Sealed:
    """Encode a message that its receiver will take.

    Raises MessageTooLargeError or BadMessageError where the receiver would refuse it: the act
    that causes the message is refused then, before anything is written.
    """
    kind = type(message)
    body = msgspec.json.encode(message)
    opened(body, kind)
    return Sealed(kind.KIND, message.stream, body)


def opened(body: bytes, kind: type[AnyMessage]) -> AnyMessage:
    """Read a message of a kind; one that is too large or malformed is refused whole."""
    if len(body) > kind.BYTES_MAX:
        raise MessageTooLargeError(f"{kind.KIND}: {len(body)} bytes, at most {kind.BYTES_MAX}")
    comes_to = read_bytes(len(body), _quotes(body))
    if comes_to > READ_BYTES_MAX:
        raise MessageTooLargeError(
            f"{kind.KIND}: some {comes_to} bytes with what it is read into, "
            f"at most {READ_BYTES_MAX}"
        )
    require_plain_json(body)
    try:
        message = msgspec.json.decode(body, type=kind)
        msgspec.convert(message.stream, Stream)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessageError(f"{kind.KIND}: {why_unread(body, error)}") from error
    return message
