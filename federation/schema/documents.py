"""Numbered documents in GraphQL: what was issued or received here, byte for byte."""

from datetime import date
from typing import Annotated

import strawberry

from federation import money
from federation.documents import service as documents_service
from federation.documents import store as documents_store
from federation.documents.tables import Document as DocumentRow
from federation.licensing import service as licensing
from federation.payments import refunds as issuing
from federation.proof import reasons, why
from federation.schema.context import Change, Info, Refused, change
from federation.schema.scalars import Money
from federation.trust.principals import NotAllowedError
from federation.values.licence_key import LicenceKey
from federation.values.month import parse_month

READERS = ("settlement_officer", "settlement_approver", "licensing_officer", "auditor")


@strawberry.type(description="A document as it was issued; `GET /documents/<number>` sends it.")
class Document:
    """A numbered document. `sha256` is of its bytes; `forms` are the media types it comes in."""

    number: strawberry.ID
    issuer: str
    series: str
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
        """Show a row."""
        return cls(
            number=strawberry.ID(row.number),
            issuer=row.issuer,
            series=row.series,
            period=row.period,
            subject=row.subject,
            issued_on=row.issued_on,
            media_type=row.media_type,
            forms=[row.media_type, *forms],
            size=len(row.body),
            sha256=row.sha256,
            body=row.body.decode(),
        )


@strawberry.type(description="A reference of a step: a run, a weight, a rate with its date.")
class WhyRef:
    """A name and what it says."""

    name: str
    value: str


@strawberry.type(description="One step of a reason; steps below it (`0.1` below `0`) add up to it.")
class WhyStep:
    """A step with its place in the tree; leaves add up to the first step."""

    path: str
    is_leaf: bool
    label: str
    amount: Money
    rule: str
    refs: list[WhyRef]

    @classmethod
    def of(cls, path: str, step: why.Step) -> "WhyStep":
        """Show a step."""
        return cls(
            path=path,
            is_leaf=not step.steps,
            label=step.label,
            amount=Money.of(money.Money(step.amount, step.currency)),
            rule=step.rule,
            refs=[WhyRef(name=name, value=value) for name, value in step.refs.items() if value],
        )


DocumentResult = Annotated[Document | Refused, strawberry.union("DocumentResult")]


@strawberry.type
class DocumentQuery:
    """Documents: on every server."""

    @strawberry.field(description="Documents by number, of a series or a month.")
    async def documents(
        self,
        info: Info,
        series: str | None = None,
        period: str | None = None,
        first: int = 100,
        after: str = "",
    ) -> list[Document]:
        """List documents, at most 100 at a time."""
        info.context.require(*READERS)
        month = None if period is None else parse_month(period)
        async with info.context.server.db.read() as session:
            rows = await documents_store.list_documents(
                session, series=series, period=month, after=after, limit=first
            )
            forms = await documents_store.forms_of(session, [row.number for row in rows])
        return [Document.of(row, forms.get(row.number, [])) for row in rows]

    @strawberry.field(description="One document; a licensee sees its own invoices.")
    async def document(self, info: Info, number: str) -> Document:
        """Show a document."""
        who = info.context.require("lab", *READERS)
        async with info.context.server.db.read() as session:
            row = await documents_service.document_for(session, number, who)
            forms = await documents_store.forms_of(session, [row.number])
        return Document.of(row, forms.get(row.number, []))

    @strawberry.field(
        description=(
            "Why an amount is what it is: of a document (number), a payment, a member's month "
            "(period, member) or a share (period, licence, party)."
        )
    )
    async def why_amount(
        self,
        info: Info,
        number: str | None = None,
        payment: str | None = None,
        period: str | None = None,
        member: str | None = None,
        licence: str | None = None,
        party: str | None = None,
    ) -> list[WhyStep]:
        """Explain an amount, parents before children; a member asks for its own month."""
        who = info.context.require("member", *READERS)
        server = info.context.server
        if "member" in who.roles and (member != who.require_party() or number or payment):
            raise NotAllowedError("a member asks for its own month")
        async with server.db.read() as session:
            if number:
                step = await reasons.why_document(session, number)
            elif payment:
                step = await reasons.why_payment(session, server.code, payment)
            elif period and member:
                step = await reasons.why_member(session, server.code, parse_month(period), member)
            elif period and licence and party:
                step = await reasons.why_share(
                    session, server.code, parse_month(period), LicenceKey(licence), party
                )
            else:
                raise why.NothingToExplainError("name a document, payment, member or share")
        return [WhyStep.of(path, found) for path, found in step.walk()]


@strawberry.type
class DocumentMutation:
    """What issues a document beside the month itself."""

    @strawberry.mutation(
        description="End a licence before its term: its unused part is credited by a credit note."
    )
    async def end_licence_early(
        self, info: Info, number: str, last_day: date, reason: str
    ) -> DocumentResult:
        """End a licence after a day, today or later; return the credit note."""

        async def act(at: Change) -> Document:
            row = await licensing.end_early(
                at.session,
                number,
                last_day,
                reason=reason,
                licensing=at.server.licensing,
                now=at.now,
            )
            note = await issuing.credit_licence(at.session, row, reason, at.who, at.now)
            forms = await documents_store.forms_of(at.session, [note.number])
            return Document.of(note, forms.get(note.number, []))

        return await change(info, "licence.end_early", ("licensing_officer",), act)
