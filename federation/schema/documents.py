"""Numbered documents in GraphQL: what was issued or received here, byte for byte."""

from datetime import date
from typing import Annotated

import strawberry

from federation.documents import service as documents_service
from federation.documents import store as documents_store
from federation.documents.tables import Document as DocumentRow
from federation.papers.paper import PDF, SENT
from federation.payments import refunds
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import month_if_any
from federation.schema.money_choices import DocumentSeries
from federation.schema.pages import Connection
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_LICENSE


@strawberry.type(description="A document as it was issued; `GET /documents/<number>` sends it.")
class Document:
    """A numbered document. `sha256` is of its bytes; `forms` are the media types it comes in."""

    number: strawberry.ID
    issuer: str
    series: DocumentSeries
    period: str | None
    subject: str
    issued_on: date
    media_type: str
    forms: list[str]
    size: int
    sha256: str
    body: str

    @classmethod
    def of(cls, row: DocumentRow, forms: list[str]) -> "Document":
        """Show a document; `forms` are the media types it exists in beside its own."""
        return cls(
            number=strawberry.ID(row.number),
            issuer=row.issuer,
            series=DocumentSeries(row.series),
            period=row.period,
            subject=row.subject,
            issued_on=row.issued_on,
            media_type=row.media_type,
            forms=[row.media_type, *forms, *([PDF] if row.series in SENT else [])],
            size=len(row.body),
            sha256=row.sha256,
            body=row.body.decode(),
        )


_LIST = "documents"

DocumentResult = Annotated[Document | Refused, strawberry.union("DocumentResult")]


@strawberry.type
class DocumentQuery:
    """What was issued or received here: on every server."""

    @strawberry.field(description="Documents by number, of a series or a month.")
    async def documents(
        self,
        info: Info,
        series: DocumentSeries | None = None,
        period: str | None = None,
        first: int = 100,
        after: str | None = None,
    ) -> Connection[Document]:
        """List documents (BAD_PERIOD, BAD_PAGE, BAD_CURSOR)."""
        wanted = documents_service.series_for(info.context.require(), series and series.value)
        month = month_if_any(period)
        size, key = page_size(first), key_of(_LIST, after, tuple[str])
        async with info.context.server.db.read() as session:
            rows = await documents_store.list_documents(
                session,
                series=wanted,
                period=month,
                after=key[0] if key else "",
                limit=size + 1,
            )
            forms = await documents_store.forms_of(session, [row.number for row in rows])
        return Connection.of(
            rows,
            size,
            lambda row: cursor_of(_LIST, (row.number,)),
            lambda row: Document.of(row, forms.get(row.number, [])),
        )

    @strawberry.field(description="One document; a licensee sees its own invoices.")
    async def document(self, info: Info, number: str) -> Document:
        """Show a document; one that is another's does not exist (UNKNOWN_DOCUMENT)."""
        who = info.context.require()
        async with info.context.server.db.read() as session:
            row = await documents_service.document_for(session, number, who)
            forms = await documents_store.forms_of(session, [row.number])
        return Document.of(row, forms.get(row.number, []))


@strawberry.type
class DocumentMutation:
    """What issues a document beside the month itself."""

    @strawberry.mutation(
        description="End a licence before its term: its unused part is credited by a credit note."
    )
    async def end_licence_early(
        self, info: Info, number: str, last_day: date, reason: str
    ) -> DocumentResult:
        """End a licence after a day, today or later (LICENCE_STATUS, UNKNOWN_LICENCE)."""

        async def act(at: Change) -> Document:
            note = await refunds.end_licence(
                at.session,
                number,
                last_day,
                reason=reason,
                who=at.who,
                licensing=at.server.licensing,
                now=at.now,
            )
            forms = await documents_store.forms_of(at.session, [note.number])
            return Document.of(note, forms.get(note.number, []))

        return await change(info, "licence.end_early", MAY_LICENSE, act)
