"""How a document reaches the party it is for."""

from datetime import date

import msgspec

from federation.values.month import WrittenMonth


class Form(msgspec.Struct, frozen=True, array_like=True):
    """The document in one media type; its bytes as UTF-8 text."""

    media_type: str
    body: str


class DocumentIssued(msgspec.Struct, frozen=True):
    """A document that was issued to the receiver; the first form is the main one."""

    number: str
    series: str
    subject: str
    period: WrittenMonth | None
    issued_on: date
    forms: list[Form]
