"""Issuing an invoice and taking in what others issued."""

from collections.abc import Callable
from typing import ClassVar

from federation.documents import store, writers
from federation.documents.messages import DocumentIssued
from federation.documents.service import CSV, JSON, Heading, issue, keep
from federation.documents.sheet import Sheet
from federation.documents.tables import Document
from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.licensing.tables import Licence
from federation.store.canonical import sha256_hex
from federation.store.sessions import WriteSession


class DocumentMismatchError(RefusalError):
    """A document came again under its number with other content."""

    code: ClassVar[str] = "DOCUMENT_MISMATCH"


async def issue_sheet(
    session: WriteSession, heading: Heading, write: Callable[[str], Sheet]
) -> Document:
    """Issue a document whose JSON and CSV are two forms of one sheet."""

    def forms(number: str) -> dict[str, bytes]:
        sheet = write(number)
        return {JSON: sheet.as_json(), CSV: sheet.as_csv()}

    return await issue(session, heading, forms)


async def issue_invoice(session: WriteSession, row: Licence) -> Document:
    """Issue the invoice of an accepted licence: the whole fee, due on the first day of its term."""
    facts, issued_on = licensing.facts(row), row.accepted_at.date()
    return await issue_sheet(
        session,
        Heading(row.licensor, "INV", row.number, issued_on),
        lambda number: writers.invoice(number, facts, issued_on),
    )


async def receive_document(session: WriteSession, message: DocumentIssued, issuer: str) -> None:
    """Keep a document another server issued to this one, byte for byte; other bytes are refused."""
    if not message.number.startswith(f"{message.series}-{issuer}-") or not message.forms:
        raise DocumentMismatchError(f"{message.number} is no number of {issuer}")
    main, *others = [(form.media_type, form.body.encode()) for form in message.forms]
    known = await store.find_document(session, message.number)
    if known is not None:
        if known.sha256 != sha256_hex(main[1]):
            raise DocumentMismatchError(message.number)
        return
    heading = Heading(issuer, message.series, message.subject, message.issued_on, message.period)
    await keep(session, message.number, heading, main, dict(others))
