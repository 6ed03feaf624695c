"""Money received beyond what was owed, in GraphQL: it goes back or is set off, by two people."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.banking import overpayments, set_offs, store, tables
from federation.bankstatements.acting import At
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import number_of_row
from federation.schema.money_choices import OverpaymentKind, SetOffKind, SetOffState
from federation.schema.pages import Connection
from federation.schema.payment_types import Payment, PaymentResult
from federation.schema.scalars import Money
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_APPROVE, MAY_PREPARE, MAY_PREPARE_OR_APPROVE, MAY_READ_BOOKS


@strawberry.type(description="Money received beyond what was owed; `left` is not used yet.")
class Overpayment:
    """OVERPAYMENT from a bank entry, or LEFT_NET from a debtor that had left the net.

    `party` is its payer: a code, `lab:<id>`, or `entry:<bank entry>` where nobody is named.
    """

    id: strawberry.ID
    kind: OverpaymentKind
    ref: str
    party: str
    received: Money
    left: Money

    @classmethod
    def of(cls, row: overpayments.Overpayment) -> "Overpayment":
        """Show an overpayment."""
        return cls(
            id=strawberry.ID(row.id),
            kind=OverpaymentKind(row.kind),
            ref=row.ref,
            party=row.party,
            received=Money.of(row.received.minor, row.received.currency),
            left=Money.of(row.left.minor, row.left.currency),
        )


@strawberry.type(description="An overpayment set off against an invoice or a remittance.")
class OverpaymentSetOff:
    """PROPOSED by one person, APPROVED by another, or WITHDRAWN; UNDONE by two people again."""

    id: strawberry.ID
    overpayment: str
    kind: SetOffKind
    ref: str
    amount: Money
    reason: str
    state: SetOffState
    proposed_by: str
    decided_by: str | None
    decided_at: datetime | None
    undo_reason: str | None
    undo_proposed_by: str | None
    undone_by: str | None
    undone_at: datetime | None

    @classmethod
    def of(cls, row: tables.OverpaymentSetOff) -> "OverpaymentSetOff":
        """Show a set-off."""
        return cls(
            id=strawberry.ID(str(row.id)),
            overpayment=row.overpayment,
            kind=SetOffKind(row.kind),
            ref=row.ref,
            amount=Money.of(row.amount, row.currency),
            reason=row.reason,
            state=SetOffState(row.state),
            proposed_by=row.proposed_by,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            undo_reason=row.undo_reason,
            undo_proposed_by=row.undo_proposed_by,
            undone_by=row.undone_by,
            undone_at=row.undone_at,
        )


OverpaymentSetOffResult = Annotated[
    OverpaymentSetOff | Refused, strawberry.union("OverpaymentSetOffResult")
]


_OVERPAYMENTS, _SET_OFFS = "overpayments", "setOffs"


def _at(at: Change) -> At:
    return At(at.session, at.server.code, at.who, at.now)


@strawberry.type
class OverpaymentQuery:
    """What staff and auditors see of money paid too much."""

    @strawberry.field(
        description="Money received beyond what was owed and not used yet: bank entries, oldest "
        "first, then remittances by id."
    )
    async def overpayments(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[Overpayment]:
        """List what has to go back or to be set off (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_OVERPAYMENTS, after, overpayments.Place)
        server = info.context.server
        async with server.db.read() as session:
            found = await overpayments.overpayments(session, server.code)
        return Connection.of(
            [row for row in found if key is None or overpayments.place_of(row) > key],
            size,
            lambda row: cursor_of(_OVERPAYMENTS, overpayments.place_of(row)),
            Overpayment.of,
        )

    @strawberry.field(
        description="What overpayments were or are to be set off against, newest first."
    )
    async def set_offs(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[OverpaymentSetOff]:
        """List set-offs (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_SET_OFFS, after, tuple[int])
        async with info.context.server.db.read() as session:
            found = await store.newest_set_offs(
                session, before=key[0] if key else None, limit=size + 1
            )
        return Connection.of(
            found, size, lambda row: cursor_of(_SET_OFFS, (row.id,)), OverpaymentSetOff.of
        )


@strawberry.type
class OverpaymentMutation:
    """What becomes of money paid too much: on every server."""

    @strawberry.mutation(description="Propose to pay an overpayment back, to where it came from.")
    async def refund_overpayment(self, info: Info, id: strawberry.ID) -> PaymentResult:
        """Propose the payment; another person approves it (UNKNOWN_OVERPAYMENT)."""

        async def act(at: Change) -> Payment:
            own = await at.server.own_account(at.session)
            return Payment.of(await overpayments.refund(_at(at), id, own))

        return await change(info, "overpayment.refund", MAY_PREPARE, act)

    @strawberry.mutation(description="Propose to set an overpayment off against what is open.")
    async def set_off_overpayment(
        self,
        info: Info,
        id: strawberry.ID,
        kind: SetOffKind,
        ref: str,
        reason: str,
    ) -> OverpaymentSetOffResult:
        """Set it against an INVOICE or REMITTANCE_IN of the same payer and currency."""

        async def act(at: Change) -> OverpaymentSetOff:
            return OverpaymentSetOff.of(
                await set_offs.propose_set_off(_at(at), id, kind.value, ref, reason)
            )

        return await change(info, "overpayment.set_off", MAY_PREPARE, act)

    @strawberry.mutation(description="Approve a set-off as another person: it is posted.")
    async def approve_set_off(self, info: Info, id: strawberry.ID) -> OverpaymentSetOffResult:
        """Carry it out (SAME_PERSON, SET_OFF_STATE, NOT_EXPECTED)."""

        async def act(at: Change) -> OverpaymentSetOff:
            return OverpaymentSetOff.of(await set_offs.approve_set_off(_at(at), number_of_row(id)))

        return await change(info, "overpayment.approve", MAY_APPROVE, act)

    @strawberry.mutation(description="Propose to undo a set-off that was approved, with a reason.")
    async def undo_set_off(
        self,
        info: Info,
        id: strawberry.ID,
        reason: str,
    ) -> OverpaymentSetOffResult:
        """Propose it; another person must confirm (SET_OFF_STATE, UNDO_BLOCKED, REASON)."""

        async def act(at: Change) -> OverpaymentSetOff:
            row = await set_offs.propose_undo(_at(at), number_of_row(id), reason)
            return OverpaymentSetOff.of(row)

        return await change(info, "overpayment.undo", MAY_PREPARE, act)

    @strawberry.mutation(description="Confirm as another person: reversed, and owed again.")
    async def confirm_undo_set_off(self, info: Info, id: strawberry.ID) -> OverpaymentSetOffResult:
        """Undo it (SAME_PERSON, SET_OFF_STATE, UNDO_BLOCKED)."""

        async def act(at: Change) -> OverpaymentSetOff:
            return OverpaymentSetOff.of(await set_offs.confirm_undo(_at(at), number_of_row(id)))

        return await change(info, "overpayment.confirm_undo", MAY_APPROVE, act)

    @strawberry.mutation(description="Withdraw a set-off, or its undoing, that nobody approved.")
    async def withdraw_set_off(self, info: Info, id: strawberry.ID) -> OverpaymentSetOffResult:
        """Take back a proposal, of a set-off or to undo one, that stands alone (SET_OFF_STATE)."""

        async def act(at: Change) -> OverpaymentSetOff:
            return OverpaymentSetOff.of(await set_offs.withdraw_set_off(_at(at), number_of_row(id)))

        return await change(info, "overpayment.withdraw", MAY_PREPARE_OR_APPROVE, act)
