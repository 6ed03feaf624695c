"""How a document reaches the party it is for."""

from datetime import date
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from federation.store.messages import MIB, Message
from federation.values.month import WrittenMonth
from federation.values.wire import ShortText

FORMS_MAX = 8


class Form(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The document in one media type; its bytes as UTF-8 text."""

    media_type: Annotated[str, Meta(pattern=r"\A(application/json|text/csv|application/xml)\Z")]
    body: str


class DocumentIssued(Message, frozen=True):
    """A document that was issued to the receiver; the first form is the main one."""

    KIND: ClassVar[str] = "document.issued"
    BYTES_MAX: ClassVar[int] = 32 * MIB

    number: Annotated[str, Meta(pattern=r"\A[A-Z]{2,4}-[A-Z0-9-]{2,12}-[0-9]{6,12}\Z")]
    series: Annotated[str, Meta(pattern=r"\A[A-Z]{2,4}\Z")]
    subject: ShortText
    period: WrittenMonth | None
    issued_on: date
    forms: Annotated[list[Form], Meta(min_length=1, max_length=FORMS_MAX)]

    @property
    def stream(self) -> str:
        """Return a stream of its own: no document waits for another."""
        return f"document/{self.number}"
