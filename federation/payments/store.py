"""Every SQL statement of payments. Nothing here commits."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import BigInteger, Select, and_, case, cast, func, or_, select

from federation.ledger.tables import JournalEntry
from federation.payments.names import (
    bank_document,
    conversion_document,
    in_place_of,
    is_undone,
    left_net_document,
    member_payee,
    remittance_document,
)
from federation.payments.states import AT_THE_BANK, BOOKED, NOT_EXPORTED
from federation.payments.tables import (
    Conversion,
    Exclusion,
    Incoming,
    PayAhead,
    Payment,
    PaymentEvent,
    SetOff,
)
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession
from federation.values.month import Month
from federation.values.party import HUB


async def set_offs(
    session: ReadSession, node: str | None = None, licensor: str | None = None
) -> list[SetOff]:
    """Return debits of which something is left, and what took them up, in order.

    Of a node or of all, with the hub or with a licensor. What is taken up whole is history.
    """
    query = _open_set_offs().where(SetOff.licensor == licensor)
    return list(await session.scalars(query.where(SetOff.node == node) if node else query))


async def set_offs_between_nodes(session: ReadSession) -> list[SetOff]:
    """Return debits between nodes of which something is left, and what took them up, in order."""
    return list(await session.scalars(_open_set_offs().where(SetOff.licensor.is_not(None))))


def _open_set_offs() -> Select[SetOff]:
    debit = func.coalesce(SetOff.of, SetOff.id)
    left = func.sum(cast(SetOff.amount, BigInteger))  # amounts are kept as text
    is_open = select(debit).group_by(debit).having(left < 0)
    return select(SetOff).where(debit.in_(is_open)).order_by(SetOff.id)


ROWS_MAX = 100_000
# Of payments that replaced one another, the same for each: the id of the first, and `/`.
BASE_ID = case(
    (Payment.payment_id.contains("/"), func.rtrim(Payment.payment_id, "0123456789")),
    else_=Payment.payment_id + "/",
)


async def find_payment(session: ReadSession, payment_id: str) -> Payment | None:
    """Return a payment by id."""
    return await session.get(Payment, payment_id)


async def payments(
    session: ReadSession,
    *,
    period: Month | None = None,
    states: Collection[str] = (),
    kind: str | None = None,
    currency: str | None = None,
    payee: str | None = None,
    after: str = "",
    limit: int = ROWS_MAX,
) -> list[Payment]:
    """Return payments by id, a page at a time."""
    query = select(Payment).where(Payment.payment_id > after)
    if period is not None:
        query = query.where(Payment.period == period)
    if states:
        query = query.where(Payment.state.in_(sorted(states)))
    if kind is not None:
        query = query.where(Payment.kind == kind)
    if currency is not None:
        query = query.where(Payment.currency == currency)
    if payee is not None:
        query = query.where(Payment.payee == payee)
    return list(await session.scalars(query.order_by(Payment.payment_id).limit(limit)))


async def payments_for_member(session: ReadSession, period: Month, member: str) -> list[Payment]:
    """Return the payments of what a month owed a member, whoever is paid, by id."""
    itself = and_(Payment.payee == member_payee(member), Payment.attributed_to.is_(None))
    query = select(Payment).where(
        Payment.period == period,
        Payment.kind == "MEMBER",
        or_(itself, Payment.attributed_to == member),
    )
    return list(await session.scalars(query.order_by(Payment.payment_id)))


async def payments_instead(session: ReadSession, period: Month, payee: str) -> list[Payment]:
    """Return the payments of a month that a payee gets in others' place, by id."""
    query = select(Payment).where(
        Payment.period == period, Payment.payee == payee, Payment.attributed_to.is_not(None)
    )
    return list(await session.scalars(query.order_by(Payment.payment_id)))


async def next_id(session: ReadSession, base: str) -> str:
    """Return an id that nothing has: the base, or with the next suffix `/2`, `/3` and so on."""
    number = 1
    while await _is_taken(session, found := in_place_of(base, number)):
        number += 1
    return found


async def stand_for(session: ReadSession, base: str) -> list[Payment]:
    """Return the payment of an id and those that took its place or a part of it, in order."""
    found: list[Payment] = []
    number = 1
    while await _is_taken(session, name := in_place_of(base, number)):
        payment = await find_payment(session, name)
        found += [payment] if payment else []
        number += 1
    return found


async def has_gone_on(session: ReadSession, run: str, kinds: Collection[str]) -> str | None:
    """Return a payment of some kinds, for a run, that the bank has or has booked."""
    states = sorted(AT_THE_BANK | {BOOKED})
    query = select(Payment.payment_id).where(Payment.run_id == run, Payment.kind.in_(kinds))
    return await session.scalar(query.where(Payment.state.in_(states)).limit(1))


async def _is_taken(session: ReadSession, payment_id: str) -> bool:
    found = await find_payment(session, payment_id) or await find_incoming(session, payment_id)
    return found is not None


async def replacement_of(session: ReadSession, payment_id: str) -> str | None:
    """Return the payment that stands for another one."""
    return await session.scalar(
        select(Payment.payment_id).where(Payment.replaces == payment_id).limit(1)
    )


async def account_approved(session: ReadSession, payee: str) -> str | None:
    """Return the account of a payee that somebody here approved last, as it is kept."""
    return await session.scalar(
        select(Payment.payee_account)
        .where(Payment.payee == payee, Payment.approved_by.is_not(None))
        .order_by(Payment.approved_at.desc(), Payment.payment_id.desc())
        .limit(1)
    )


async def refunds(session: ReadSession, bases: Collection[str]) -> list[Payment]:
    """Return the refunds whose first ones have some ids, and what took their place, in order."""
    query = select(Payment).where(
        Payment.kind == "REFUND", BASE_ID.in_([f"{base}/" for base in bases])
    )
    rows = await session.scalars(
        query.order_by(func.length(Payment.payment_id), Payment.payment_id)
    )
    return list(rows)


async def set_aside_by(session: ReadSession, payment_id: str, kind: str) -> str | None:
    """Return the document, of a kind, that set a payment aside."""
    return await session.scalar(
        select(PaymentEvent.reference)
        .where(
            PaymentEvent.payment_id == payment_id,
            PaymentEvent.reference.startswith(kind, autoescape=True),
        )
        .limit(1)
    )


async def set_aside(session: ReadSession, payments: Collection[str], kind: str) -> set[str]:
    """Return those of some payments that documents of a kind set aside."""
    found = set[str]()
    for chunk in in_chunks(sorted(payments)):
        query = select(PaymentEvent.payment_id).where(
            PaymentEvent.payment_id.in_(chunk),
            PaymentEvent.reference.startswith(kind, autoescape=True),
        )
        found |= set(await session.scalars(query))
    return found


async def at_the_bank(session: ReadSession, limit: int = ROWS_MAX) -> list[Payment]:
    """Return payments that the bank has and has not booked."""
    return await payments(session, states=AT_THE_BANK, limit=limit)


async def booked_since(session: ReadSession, day: date, limit: int = ROWS_MAX) -> list[Payment]:
    """Return payments booked on or after a day: they may come back."""
    query = select(Payment).where(Payment.state == BOOKED, Payment.booked_on >= day)
    return list(await session.scalars(query.order_by(Payment.payment_id).limit(limit)))


async def events(session: ReadSession, payment_id: str) -> list[PaymentEvent]:
    """Return what happened to a payment, oldest first."""
    rows = await session.scalars(
        select(PaymentEvent).where(PaymentEvent.payment_id == payment_id).order_by(PaymentEvent.id)
    )
    return list(rows)


async def bank_documents(session: ReadSession, payment_id: str, step: str) -> list[str]:
    """Return the entries that recorded the bank's word on a payment, undone or not, in order."""
    found = await _documents(session, bank_document(payment_id, step, ""))
    return [document for document in found if not is_undone(document)]


async def find_incoming(session: ReadSession, incoming_id: str) -> Incoming | None:
    """Return a remittance that is waited for."""
    return await session.get(Incoming, incoming_id)


async def incoming(session: ReadSession, period: Month) -> list[Incoming]:
    """Return the remittances of a month that are or were waited for, by id."""
    query = select(Incoming).where(Incoming.period == period).order_by(Incoming.id)
    return list(await session.scalars(query.limit(ROWS_MAX)))


async def waited_for(session: ReadSession) -> list[Incoming]:
    """Return the remittances that have not come in whole, by id."""
    query = select(Incoming).where(Incoming.state == "EXPECTED").order_by(Incoming.id)
    return list(await session.scalars(query.limit(ROWS_MAX)))


async def pay_ahead(session: ReadSession, period: Month) -> list[PayAhead]:
    """Return the decisions to pay a month's members ahead, proposed or withdrawn too, in order."""
    query = select(PayAhead).where(PayAhead.period == period).order_by(PayAhead.id)
    return list(await session.scalars(query))


async def paid_though_excluded(session: ReadSession) -> list[Incoming]:
    """Return remittances that were paid although their debtor had left the net, by id."""
    query = select(Incoming).where(Incoming.state == "EXCLUDED", Incoming.received != 0)
    return list(await session.scalars(query.order_by(Incoming.id).limit(ROWS_MAX)))


async def may_still_be_paid(session: ReadSession) -> list[Incoming]:
    """Return remittances that nodes owed when they left the net and may pay all the same, by id."""
    query = select(Incoming).where(
        Incoming.state == "EXCLUDED", Incoming.received != Incoming.amount, Incoming.payer != HUB
    )
    return list(await session.scalars(query.order_by(Incoming.id).limit(ROWS_MAX)))


async def left_net(session: ReadSession, period: Month) -> list[str]:
    """Return who has left a month's net as the books here say, in the order in which they did."""
    prefix = left_net_document(period, "")
    return [document.removeprefix(prefix) for document in await _documents(session, prefix)]


async def receipts_of_incoming(session: ReadSession, incoming_id: str) -> list[str]:
    """Return the documents of what came in for a remittance, undone or not."""
    found = await _documents(session, remittance_document(incoming_id, ""))
    return [document for document in found if not is_undone(document)]


async def undone_receipts(session: ReadSession, incoming_id: str) -> list[str]:
    """Return the documents that took such a receipt back."""
    found = await _documents(session, remittance_document(incoming_id, ""))
    return [document for document in found if is_undone(document)]


async def _documents(session: ReadSession, prefix: str) -> list[str]:
    rows = await session.scalars(
        select(JournalEntry.document)
        .where(JournalEntry.document.startswith(prefix, autoescape=True))
        .order_by(JournalEntry.id)
    )
    return list(rows)


async def find_conversion(session: ReadSession, deal: str) -> Conversion | None:
    """Return a deal in currency."""
    return await session.get(Conversion, deal)


async def conversions_waiting(session: ReadSession) -> list[Conversion]:
    """Return deals of which the bank has not booked both legs."""
    query = select(Conversion).where(Conversion.sold_on.is_(None) | Conversion.bought_on.is_(None))
    return list(await session.scalars(query.order_by(Conversion.deal).limit(ROWS_MAX)))


async def leg_documents(session: ReadSession, deal: str, side: str) -> list[str]:
    """Return the entries that recorded a leg of a deal, undone or not."""
    found = await _documents(session, conversion_document(deal, side, ""))
    return [document for document in found if not is_undone(document)]


async def find_exclusion(session: ReadSession, period: Month, node: str) -> Exclusion | None:
    """Return the proposal that a debtor leaves a month's net, or its confirmation."""
    return await session.get(Exclusion, (period, node))


async def exclusions(session: ReadSession, period: Month) -> list[Exclusion]:
    """Return the debtors that left a month's net, in the order in which they did."""
    rows = await session.scalars(
        select(Exclusion)
        .where(Exclusion.period == period, Exclusion.position.is_not(None))
        .order_by(Exclusion.position)
    )
    return list(rows)


async def count_by_state(session: ReadSession) -> list[tuple[str, str, str, str, int]]:
    """Return (month, state, currency, kind, how many) of payments that are not final."""
    groups = (Payment.period, Payment.state, Payment.currency, Payment.kind)
    rows = await session.execute(
        select(*groups, func.count())
        .where(Payment.state.in_(sorted(NOT_EXPORTED | AT_THE_BANK)))
        .group_by(*groups)
        .order_by(*groups)
    )
    return [(period, state, currency, kind, count) for period, state, currency, kind, count in rows]


async def exclusions_proposed(session: ReadSession) -> list[Exclusion]:
    """Return exclusions that wait for a second person."""
    rows = await session.scalars(
        select(Exclusion)
        .where(Exclusion.confirmed_by.is_(None))
        .order_by(Exclusion.period, Exclusion.node)
    )
    return list(rows)


async def payments_of(session: ReadSession, period: Month) -> list[Payment]:
    """Return every payment of a month by id."""
    query = select(Payment).where(Payment.period == period).order_by(Payment.payment_id)
    return list(await session.scalars(query))
