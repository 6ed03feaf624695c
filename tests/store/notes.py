"""A kind of message for tests: a note with a number, a stream of its own for what it is about."""

from typing import Annotated, ClassVar

from msgspec import Meta

from federation.store.messages import Message


class Note(Message, frozen=True):
    KIND: ClassVar[str] = "note"
    BYTES_MAX: ClassVar[int] = 1_024

    n: Annotated[int, Meta(ge=0)]
    about: str = "a"
    text: str = ""

    @property
    def stream(self):
        return f"note/{self.about}"
