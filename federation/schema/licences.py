"""Licences in GraphQL: accepted, suspended, revoked, registered at nodes, and paid for."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry.federation.schema_directives import Cost

from federation.documents import licence_books
from federation.licensing import licensees, service, store
from federation.licensing.objects import decode
from federation.licensing.tables import Licence as LicenceRow
from federation.licensing.tables import Registration as RegistrationRow
from federation.schema.choices import LicenceStatus, RegistrationState, Unclaimed, UsageBasis
from federation.schema.context import Change, Info, Refused, change
from federation.schema.pages import Connection
from federation.schema.scalars import BigInt, LicensedUse, Money
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_BUY, MAY_LICENSE, MAY_PREPARE, MAY_READ_LICENCES


@strawberry.type(description="Where a licence stands at a node; it gates tokens, not settlement.")
class Registration:
    """A node's receipt for one version of a licence: PENDING, REGISTERED or REFUSED."""

    node: str
    state: RegistrationState
    version: int
    reason: str | None
    changed_at: datetime

    @classmethod
    def of(cls, row: RegistrationRow) -> "Registration":
        """Show where a licence stands at one node."""
        return cls(
            node=row.node,
            state=RegistrationState(row.state),
            version=row.version,
            reason=row.reason,
            changed_at=row.changed_at,
        )


@strawberry.federation.type(keys=["number"], description="A licence as its licensor signed it.")
class Licence:
    """A licence in its newest version; `signed` is its licensor's signature over all of it."""

    number: str
    version: int
    licensor: str
    licensee: str
    status: LicenceStatus
    uses: list[LicensedUse]
    fee: Money
    starts_on: date
    ends_on: date
    unclaimed: Unclaimed
    usage_basis: UsageBasis
    signed: str

    @strawberry.field(
        description="Where the licence stands at each node.", directives=[Cost(weight=2)]
    )
    async def registrations(self, info: Info) -> list[Registration]:
        """List the nodes that were sent this licence; at a node the list is empty."""
        async with info.context.server.db.read() as session:
            rows = await store.registrations(session, self.number)
            return [Registration.of(row) for row in rows]

    @classmethod
    def of(cls, row: LicenceRow) -> "Licence":
        """Show the newest version of a licence."""
        body = decode(row.body)
        return cls(
            number=row.number,
            version=row.version,
            licensor=row.licensor,
            licensee=row.licensee,
            status=LicenceStatus(row.status),
            uses=[LicensedUse(use) for use in body.uses],
            fee=Money.of(int(body.fee.total), body.fee.currency),
            starts_on=body.term.starts_on,
            ends_on=body.term.ends_on,
            unclaimed=Unclaimed(body.grant.unclaimed),
            usage_basis=UsageBasis(body.reporting.usage_basis),
            signed=row.signed,
        )


@strawberry.type(description="A registered AI lab.")
class Licensee:
    """A lab that may buy here, by the id its licences name."""

    id: str
    name: str


@strawberry.type(description="Money received for a licence.")
class Receipt:
    """Money received for a licence, in its currency; a return is negative."""

    id: strawberry.ID
    licence: str
    received_on: date
    amount: Money


_LIST = "licences"

LicenceResult = Annotated[Licence | Refused, strawberry.union("LicenceResult")]


LicenseeResult = Annotated[Licensee | Refused, strawberry.union("LicenseeResult")]


ReceiptResult = Annotated[Receipt | Refused, strawberry.union("ReceiptResult")]


async def find_licences(info: Info, numbers: Sequence[str]) -> dict[str, Licence]:
    """Return {number: the licence}; to a lab another's does not exist."""
    licensee = info.context.whose(MAY_READ_LICENCES)
    async with info.context.server.db.read() as session:
        rows = await store.licences_of(session, numbers)
    return {row.number: Licence.of(row) for row in rows if licensee in (None, row.licensee)}


@strawberry.type
class LicenceQuery:
    """Licences: a lab sees its own, staff see all."""

    @strawberry.field(description="Licences by number.")
    async def licences(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[Licence]:
        """List licences by number; a lab gets its own only (BAD_PAGE, BAD_CURSOR)."""
        licensee = info.context.whose(MAY_READ_LICENCES)
        size, key = page_size(first), key_of(_LIST, after, tuple[str])
        async with info.context.server.db.read() as session:
            rows = await store.licences(
                session, licensee=licensee, after=key[0] if key else "", limit=size + 1
            )
        return Connection.of(rows, size, lambda row: cursor_of(_LIST, (row.number,)), Licence.of)

    @strawberry.field(description="One licence.")
    async def licence(self, info: Info, number: str) -> Licence:
        """Show a licence; another lab's does not exist (UNKNOWN_LICENCE)."""
        who = info.context.require()
        async with info.context.server.db.read() as session:
            return Licence.of(await service.licence_for(session, number, who))


@strawberry.type
class LicenseeMutation:
    """Which labs may buy: at hub and node."""

    @strawberry.mutation(description="Register an AI lab as a licensee.")
    async def register_licensee(self, info: Info, id: str, name: str) -> LicenseeResult:
        """Register a lab; the same again changes nothing (BAD_LICENSEE, UNCLEAR_IDENTITY)."""

        async def act(at: Change) -> Licensee:
            row = await licensees.register_licensee(at.session, id, name, at.now)
            return Licensee(id=row.id, name=row.name)

        return await change(info, "licensee.register", MAY_LICENSE, act)


@strawberry.type
class LicenceMutation:
    """Acceptance, status and receipts: at hub and node."""

    @strawberry.mutation(description="Accept an offer: the licence gets its number at once.")
    async def accept_offer(self, info: Info, offer: strawberry.ID, key: str) -> LicenceResult:
        """Accept once; the same key again answers the same (UNKNOWN_OFFER, OFFER_NOT_OPEN)."""

        async def act(at: Change) -> Licence:
            row = await licence_books.accept_offer(
                at.session, offer, at.who, key=key, licensing=at.server.licensing, now=at.now
            )
            return Licence.of(row)

        return await change(info, "licence.accept", MAY_BUY, act)

    @strawberry.mutation(description="Suspend a licence: tokens stop, settlement goes on.")
    async def suspend_licence(self, info: Info, number: str, reason: str) -> LicenceResult:
        """Stop tokens at every site until it is lifted (LICENCE_STATUS)."""
        return await _status(info, number, "SUSPENDED", reason)

    @strawberry.mutation(description="Lift a suspension.")
    async def reinstate_licence(self, info: Info, number: str, reason: str) -> LicenceResult:
        """Let tokens be minted again (LICENCE_STATUS)."""
        return await _status(info, number, "ACTIVE", reason)

    @strawberry.mutation(description="Revoke a licence for good, from now on.")
    async def revoke_licence(self, info: Info, number: str, reason: str) -> LicenceResult:
        """End it at this instant; what was used before counts (LICENCE_STATUS)."""
        return await _status(info, number, "REVOKED", reason)

    @strawberry.mutation(description="Record money received; a return is negative (minor units).")
    async def record_receipt(
        self, info: Info, licence: str, received_on: date, amount: BigInt, key: str
    ) -> ReceiptResult:
        """Record a receipt and enter it in the books (BAD_RECEIPT, UNKNOWN_LICENCE)."""

        async def act(at: Change) -> Receipt:
            row = await licence_books.record_receipt(
                at.session,
                number=licence,
                received_on=received_on,
                amount=int(amount),
                who=at.who,
                key=key,
                here=at.server.code,
                now=at.now,
            )
            found = decode((await service.get_licence(at.session, licence)).body)
            return Receipt(
                id=strawberry.ID(row.id),
                licence=row.licence,
                received_on=row.received_on,
                amount=Money.of(row.amount, found.fee.currency),
            )

        return await change(info, "receipt.record", MAY_PREPARE, act)


async def _status(info: Info, number: str, status: str, reason: str) -> Licence | Refused:
    async def act(at: Change) -> Licence:
        row = await service.change_status(
            at.session,
            number,
            status,
            who=at.who,
            reason=reason,
            licensing=at.server.licensing,
            now=at.now,
        )
        return Licence.of(row)

    return await change(info, f"licence.{status.lower()}", MAY_LICENSE, act)
