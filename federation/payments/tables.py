"""Payments and their history, and the remittances this server waits for."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, BigCount, Instant
from federation.values.month import Month


class SetOff(Base):
    """A node's debit from a correction, and its use against later credits (SETTLEMENT §7c).

    `amount` is in the node's settlement currency, `cleared` the same in clearing currency; both
    are negative where the node owes, positive where a credit took some of it up. What it owes to
    another node, since one of the two had left the net, names that `licensor`; `cleared` is then
    in the currency of its licence.
    """

    __tablename__ = "settlement_set_off"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    node: Mapped[str] = mapped_column(String(12), index=True)
    document: Mapped[str] = mapped_column(String(160))
    period: Mapped[Month] = mapped_column(String(7))  # the month in which it was entered
    amount: Mapped[int] = mapped_column(BigCount)
    cleared: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    of: Mapped[int | None]  # the debit that is taken up
    recorded_on: Mapped[date]
    licensor: Mapped[str | None] = mapped_column(String(12))
    cleared_currency: Mapped[str | None] = mapped_column(String(3))


class Payment(Base):
    """Money to send, and the debt in the books that it discharges.

    `amount` of `currency` is what the bank is told to pay; `debt_amount` of `debt_currency` is
    what leaves `debt_account`: the hub owes in clearing currency and pays in the node's.
    `taken_as_paid` of `currency` is what the payee set off of other money of the payer: should the
    order come back, that much is not owed again. `used_otherwise` of `currency` is what the hub
    set against other debts of a payment into a net that its payer had left: that much does not
    come back.
    Where a member's successor is paid in its place, `attributed_to` is that member and `share` the
    successor's exact part then, `3/5`.
    Accounts are frozen when the payment is proposed: what the approver saw is what is paid.
    """

    __tablename__ = "settlement_payment"
    __table_args__ = (
        CheckConstraint(
            "approved_by IS NULL OR (proposed_by IS NOT NULL AND approved_by <> proposed_by)",
            name="maker_is_not_checker",
        ),
        Index("ix_settlement_payment_period", "period", "state"),
        Index("ix_settlement_payment_kind", "kind"),
        Index("ix_settlement_payment_amount", "currency", "amount"),
    )
    payment_id: Mapped[str] = mapped_column(String(35), primary_key=True)  # the EndToEndId
    run_id: Mapped[str] = mapped_column(String(64), index=True)
    period: Mapped[Month] = mapped_column(String(7))
    payer: Mapped[str] = mapped_column(String(12))
    payee: Mapped[str] = mapped_column(String(140), index=True)  # code, member:<id> or lab:<id>
    amount: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(12), index=True)
    reason: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(12), server_default="REMITTANCE")
    debt_account: Mapped[str] = mapped_column(String(80), server_default="")
    debt_amount: Mapped[int] = mapped_column(BigCount, server_default="0")
    debt_currency: Mapped[str] = mapped_column(String(3), server_default="")
    set_off: Mapped[int] = mapped_column(BigCount, server_default="0")  # of `currency`, not paid
    taken_as_paid: Mapped[int] = mapped_column(BigCount, server_default="0")
    used_otherwise: Mapped[int] = mapped_column(BigCount, server_default="0")
    attributed_to: Mapped[str | None] = mapped_column(String(128), index=True)
    share: Mapped[str | None] = mapped_column(Text)
    payer_account: Mapped[str | None] = mapped_column(Text)  # pain001.Account as JSON
    payee_account: Mapped[str | None] = mapped_column(Text)
    replaces: Mapped[str | None] = mapped_column(String(35))
    proposed_by: Mapped[str | None] = mapped_column(String(255))
    proposed_at: Mapped[datetime | None] = mapped_column(Instant)
    approved_by: Mapped[str | None] = mapped_column(String(255))
    approved_at: Mapped[datetime | None] = mapped_column(Instant)
    exported_in: Mapped[str | None] = mapped_column(String(40), index=True)  # PAY document, MsgId
    exported_at: Mapped[datetime | None] = mapped_column(Instant)
    due_on: Mapped[date | None]  # agreed value date
    value_on: Mapped[date | None]  # asked of the bank
    booked_on: Mapped[date | None]
    returned_on: Mapped[date | None]


class ExportedFile(Base):
    """A file of an export, by its number: `part` of the files of one act, numbered from 1.

    `batch` is the number of the first of them.
    """

    __tablename__ = "settlement_exported_file"
    __table_args__ = (UniqueConstraint("batch", "part"),)
    number: Mapped[str] = mapped_column(String(40), primary_key=True)
    batch: Mapped[str] = mapped_column(String(40))
    part: Mapped[int]


class PaymentEvent(Base):
    """One step of a payment; never changed."""

    __tablename__ = "settlement_payment_event"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    payment_id: Mapped[str] = mapped_column(String(35), index=True)
    state: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(Instant)
    who: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str | None] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(String(160))  # document, bank entry, message


class Incoming(Base):
    """A remittance another party owes this server: it is booked when the bank says so.

    `id` is the id under which the payer's server proposes it, so that it comes back as the
    EndToEndId. `received` of `currency` came so far and took `settled` of the debt. A remittance
    of the net holds up the hub's own (`is_net`), what two parties settle bilaterally does not.
    """

    __tablename__ = "settlement_incoming"
    __table_args__ = (Index("ix_settlement_incoming_period", "period", "payer"),)
    id: Mapped[str] = mapped_column(String(35), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(64))
    period: Mapped[Month] = mapped_column(String(7))
    payer: Mapped[str] = mapped_column(String(12))
    amount: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    is_net: Mapped[bool]
    state: Mapped[str] = mapped_column(String(12))  # EXPECTED BOOKED EXCLUDED SET_OFF
    debt_account: Mapped[str] = mapped_column(String(80))
    debt_amount: Mapped[int] = mapped_column(BigCount)
    debt_currency: Mapped[str] = mapped_column(String(3))
    received: Mapped[int] = mapped_column(BigCount, server_default="0")
    settled: Mapped[int] = mapped_column(BigCount, server_default="0")
    due_on: Mapped[date]
    booked_on: Mapped[date | None]


class Exclusion(Base):
    """A debtor that did not pay and leaves a month's net, proposed and confirmed by two people."""

    __tablename__ = "settlement_exclusion"
    __table_args__ = (
        CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> proposed_by", name="maker_is_not_checker"
        ),
    )
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    node: Mapped[str] = mapped_column(String(12), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(String(255))
    proposed_at: Mapped[datetime] = mapped_column(Instant)
    confirmed_by: Mapped[str | None] = mapped_column(String(255))
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    position: Mapped[int | None]  # 1 for the first of a month: the order in which they left


class PayAhead(Base):
    """At a node: a month's members are paid before a debtor that left its net has: by two people.

    In force once another person has confirmed it, for the `remittances` that were awaited when it
    was proposed, and for no other: a JSON list of ids of `Incoming`. What is neither confirmed nor
    withdrawn is a proposal; a month has one at a time.
    """

    __tablename__ = "settlement_pay_ahead"
    __table_args__ = (
        CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> proposed_by", name="maker_is_not_checker"
        ),
        CheckConstraint("confirmed_by IS NULL OR withdrawn_by IS NULL", name="one_end"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    period: Mapped[Month] = mapped_column(String(7), index=True)
    remittances: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(String(255))
    proposed_at: Mapped[datetime] = mapped_column(Instant)
    confirmed_by: Mapped[str | None] = mapped_column(String(255))
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_by: Mapped[str | None] = mapped_column(String(255))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


class Conversion(Base):
    """Currency this server sold for another; each leg is booked when the bank says so.

    `squares_…` is how much of the exchange account's position the leg closes; what it is more or
    less than that is realised.
    """

    __tablename__ = "settlement_conversion"
    deal: Mapped[str] = mapped_column(String(28), primary_key=True)  # the bank's or our reference
    sold: Mapped[int] = mapped_column(BigCount)
    sold_currency: Mapped[str] = mapped_column(String(3))
    squares_sold: Mapped[int] = mapped_column(BigCount)
    bought: Mapped[int] = mapped_column(BigCount)
    bought_currency: Mapped[str] = mapped_column(String(3))
    squares_bought: Mapped[int] = mapped_column(BigCount)
    value_on: Mapped[date]
    recorded_by: Mapped[str] = mapped_column(String(255))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    sold_on: Mapped[date | None]
    bought_on: Mapped[date | None]
