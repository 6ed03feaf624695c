"""What kinds of things have a history, and a thing as it was at a moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from federation.history.spans import BadSpanError, Span
from federation.history.tables import Versioned
from federation.store.base import from_micros


class Described(Protocol):
    """What is said of a thing: how it is put in order, and by which words it is found."""

    @property
    def sorted_by(self) -> str:
        """What it is put in order by."""
        ...

    @property
    def words(self) -> list[str]:
        """The words it is found by, each once."""
        ...


Body = TypeVar("Body", bound=Described)
_encoder = msgspec.json.Encoder()


class Kept(NamedTuple):
    """What is said of a thing as it is kept: JSON, what it is put in order by, its words."""

    body: str
    sorted_by: str
    words: str


def kept_of(body: Described) -> Kept:
    """Return what is said of a thing as it is kept: two bodies are alike if their JSON is."""
    return Kept(_encoder.encode(body).decode(), body.sorted_by, f" {' '.join(body.words)} ")


@dataclass(frozen=True, slots=True)
class Kind(Generic[Body]):
    """A kind of thing: its name in the feed, its table of versions, and what is said of it."""

    name: str
    table: type[Versioned]
    body: type[Body]
    decode: Callable[[str], Body] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decode", msgspec.json.Decoder(self.body).decode)


class Moment(NamedTuple):
    """Of when an answer is: what held at `at`, as it was known at `known_at` (None: now).

    What will be known at an instant to come nobody can say: it is answered with what is known now.
    """

    at: datetime
    known_at: datetime | None = None


EVER: Final = from_micros(0)
"""When something was written down of which that was not kept: it counts as known for ever."""


class Saying(NamedTuple):
    """Who says something, why, and when it is written down."""

    by: str
    reason: str
    now: datetime


class Place(NamedTuple):
    """Where a thing stands in the order: what a page begins after."""

    sorted_by: str
    thing: str


class Said(NamedTuple):
    """A row of the feed to be: what was done to a thing of a kind, from when on."""

    kind: str
    thing: str
    act: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Statement(Generic[Body]):
    """What is said of a thing: from when, until when (None: without end), and what (BAD_SPAN).

    `body` is None where the thing ends; `merged_into` names the thing that it is from then on.
    `kept` is the body as it is kept, where who says it has found that out already.
    """

    thing: str
    act: str
    starts_at: datetime
    ends_at: datetime | None
    body: Body | None
    merged_into: str | None = None
    kept: Kept | None = None

    def __post_init__(self) -> None:
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise BadSpanError(f"from {self.starts_at.isoformat()} to {self.ends_at.isoformat()}")

    @property
    def period(self) -> Span:
        """Over which period it holds."""
        return Span(self.starts_at, self.ends_at)


@dataclass(frozen=True, slots=True)
class Found(Generic[Body]):
    """A thing as it was over a period."""

    thing: str
    body: Body
    period: Span
    place: Place
    merged_into: str | None


@dataclass(frozen=True, slots=True)
class Page(Generic[Body]):
    """A page of a long list, and after which place the next one begins, None where it ends.

    A page may be shorter than what was asked for and the list go on: so many were looked at.
    """

    found: list[Found[Body]]
    after: Place | None
