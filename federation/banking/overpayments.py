"""Money received beyond what was owed: it goes back, or is set against something else owed.

Two ways lead to it: an officer called a part of a bank entry an overpayment, and a debtor that had
left a month's net paid into it all the same. Either is owed back to its payer (decision 0013).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import msgspec

from federation.bankfiles.pain001 import BadAccountError, check_account
from federation.banking import store
from federation.banking.items import INVOICE, OVERPAYMENT, REMITTANCE_IN
from federation.banking.names import id_of_item, item_of
from federation.banking.tables import MatchItem
from federation.bankstatements import store as bankstatements
from federation.bankstatements.acting import At
from federation.errors import RefusalError
from federation.ledger.accounts import Accounts
from federation.licensing import store as licensing
from federation.netting.messages import NetReturned, OverpaymentReturned
from federation.payments import service as payments
from federation.payments import states
from federation.payments import store as payments_store
from federation.payments.incoming import EXCLUDED
from federation.payments.names import (
    OVERPAID,
    base_id,
    lab_payee,
    overpaid_by,
    overpayment_id,
    refund_id,
)
from federation.payments.payees import account_in
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Proposal, Side
from federation.payments.tables import Incoming, Payment
from federation.store import outbox
from federation.store.sessions import ReadSession
from federation.trust.parties import collective_terms, hub_terms
from federation.trust.store import find_party
from federation.values.account import PaymentAccount
from federation.values.month import Month, month_of
from federation.values.party import HUB

LEFT_NET = "LEFT_NET"  # what a debtor that left a month's net still paid into it
WITHDRAWN, UNDONE = "WITHDRAWN", "UNDONE"
NOT_USED = frozenset({WITHDRAWN, UNDONE})  # states of a set-off that takes nothing


class UnknownOverpaymentError(RefusalError):
    """Nothing was overpaid under this id, or nothing of it is left."""

    code: ClassVar[str] = "UNKNOWN_OVERPAYMENT"


@dataclass(frozen=True, slots=True)
class Overpayment:
    """What was received too much, and what of it neither went back nor was set off.

    `party` is its payer: a code, `lab:<id>`, or `entry:<bank entry>` where nobody said whose it
    is. `debt` is the account that owes it back and how much it does, `left` both amounts still.
    `run` and `period` are those of a remittance, else empty and None.
    """

    id: str
    kind: str
    ref: str
    party: str
    received: Amount
    debt: Leg
    left: Amount
    debt_left: int
    entry: int | None = None
    run: str = ""
    period: Month | None = None

    def part(self, minor: int) -> Leg:
        """Return what of the debt an amount of it discharges; the last one takes the rest."""
        whole = self.debt.amount
        debt = whole.minor * minor // self.received.minor
        if minor == self.left.minor:
            debt = self.debt_left
        return Leg(self.debt.account, Amount(debt, whole.currency))


class Place(NamedTuple):
    """Where an overpayment stands in their list: items of the bank come first, oldest first."""

    is_remittance: bool
    act: int
    number: int
    id: str


def place_of(row: Overpayment) -> Place:
    """Return where an overpayment stands in their list."""
    act, number = item_of(row.id) or (0, 0)
    return Place(row.kind == LEFT_NET, act, number, row.id)


async def overpayments(session: ReadSession, here: str) -> list[Overpayment]:
    """Return what was overpaid and is not wholly used, in the order of their places."""
    items = await store.overpaid_items(session)
    remittances = await payments_store.paid_though_excluded(session)
    names = [id_of_item(item.match_id, item.number) for item in items]
    names += [overpayment_id(row.id) for row in remittances]
    used = await _used(session, names)
    found = [
        *[await _of_item(session, here, item, used) for item in items],
        *[_of_remittance(row, used) for row in remittances],
    ]
    return sorted((row for row in found if row.left.minor > 0), key=place_of)


async def find_overpayment(
    session: ReadSession, here: str, overpayment: str, *, used_up: bool = False
) -> Overpayment:
    """Return an overpayment of which something is left, or where asked one that is used up."""
    found = await _find(session, here, overpayment)
    if found is None or not (used_up or found.left.minor > 0):
        raise UnknownOverpaymentError(overpayment[:48])
    return found


async def _find(session: ReadSession, here: str, overpayment: str) -> Overpayment | None:
    named = item_of(overpayment)
    if named is not None:
        item = await store.standing_item(session, *named)
        if item is None or item.kind != OVERPAYMENT:
            return None
        return await _of_item(session, here, item, await _used(session, [overpayment]))
    for name in overpaid_by(overpayment):
        row = await payments_store.find_incoming(session, name)
        if row is not None and overpayment_id(row.id) == overpayment and is_overpaid(row):
            return _of_remittance(row, await _used(session, [overpayment]))
    return None


def is_overpaid(row: Incoming) -> bool:
    """Tell whether a remittance was paid although its debtor had left the net."""
    return row.state == EXCLUDED and row.received != 0


async def is_used(session: ReadSession, overpayment: str) -> bool:
    """Tell whether something of an overpayment goes back or is set off."""
    return (await _used(session, [overpayment]))[overpayment] != (0, 0)


async def is_used_without(session: ReadSession, here: str, refund: Payment) -> bool:
    """Tell whether what a returned refund was to pay back is used in another way by now."""
    base = base_id(refund.payment_id)
    found = await _find(session, here, base.removeprefix(refund_id("")))
    if found is None:  # the id is too long to be read from the refund's
        for row in await payments_store.paid_though_excluded(session):
            if refund_id(overpayment_id(row.id)) == base:
                found = await _find(session, here, overpayment_id(row.id))
    return found is not None and found.left.minor < refund.amount


async def _used(session: ReadSession, names: Iterable[str]) -> Mapping[str, tuple[int, int]]:
    """Return {overpayment: (what goes back or is set off, of its debt)} of some."""
    sums: dict[str, tuple[int, int]] = dict.fromkeys(names, (0, 0))
    by_refund = {refund_id(name): name for name in sums}

    def add(key: str, amount: int, debt: int) -> None:
        sums[key] = (sums[key][0] + amount, sums[key][1] + debt)

    every = list(sums)
    for start in range(0, len(every), store.CHUNK):
        part = every[start : start + store.CHUNK]
        for row in await store.set_offs(session, of=part):
            if row.state not in NOT_USED:
                add(row.overpayment, row.amount, row.debt)
        for payment in await payments_store.refunds(session, [refund_id(name) for name in part]):
            if payment.state not in states.NOT_PAID:
                name = by_refund[base_id(payment.payment_id)]
                add(name, payment.amount, payment.debt_amount)
    return sums


def _left(
    overpayment: str, received: Amount, debt: Leg, used: Mapping[str, tuple[int, int]]
) -> tuple[Amount, int]:
    amount, of_debt = used[overpayment]
    return Amount(received.minor - amount, received.currency), debt.amount.minor - of_debt


async def _of_item(
    session: ReadSession, here: str, item: MatchItem, used: Mapping[str, tuple[int, int]]
) -> Overpayment:
    overpayment = id_of_item(item.match_id, item.number)
    received = Amount(item.amount, item.currency)
    debt = Leg(Accounts(here).suspense("Overpaid"), received)
    match = await store.get_match(session, item.match_id)
    left = _left(overpayment, received, debt, used)
    party = await payer_of(session, item.ref) or await _payer_beside(session, item)
    party = party or f"entry:{match.entry_id}"
    return Overpayment(
        overpayment, OVERPAYMENT, item.ref, party, received, debt, *left, match.entry_id
    )


async def payer_of(session: ReadSession, ref: str) -> str | None:
    """Return who pays a licence or a remittance, None where nothing has that name."""
    licence = await licensing.find_licence(session, ref)
    if licence is not None:
        return lab_payee(licence.licensee)
    remittance = await payments_store.find_incoming(session, ref)
    return remittance.payer if remittance else None


async def _payer_beside(session: ReadSession, item: MatchItem) -> str | None:
    """Return who pays what the same entry was for as well, if that is one payer."""
    beside = await store.items_of(session, item.match_id)
    payers = {
        await payer_of(session, each.ref)
        for each in beside
        if each.kind in {INVOICE, REMITTANCE_IN}
    }
    return payers.pop() if len(payers) == 1 else None


def _of_remittance(row: Incoming, used: Mapping[str, tuple[int, int]]) -> Overpayment:
    overpayment = overpayment_id(row.id)
    received = Amount(row.received, row.currency)
    debt = Leg(row.debt_account, Amount(row.settled, row.debt_currency))
    left = _left(overpayment, received, debt, used)
    return Overpayment(
        overpayment,
        LEFT_NET,
        row.id,
        row.payer,
        received,
        debt,
        *left,
        run=row.run_id,
        period=row.period,
    )


async def refund(at: At, overpayment: str, own: PaymentAccount | None) -> Payment:
    """Propose to pay back what is left of an overpayment; another person approves the payment.

    It goes to the account it came from, or that is agreed with the party. Where that is not known
    the refund is outstanding until somebody names an account.
    """
    found = await find_overpayment(at.session, at.here, overpayment)
    base = refund_id(found.id)
    earlier = [row.payment_id for row in await payments_store.refunds(at.session, [base])]
    proposal = Proposal(
        kind=payments.REFUND,
        payment_id=await payments_store.next_id(at.session, base),
        run=found.run,
        period=month_of(at.now.date()),
        payer=Side(at.here, own),
        payee=Side(found.party, await _account_of(at.session, found)),
        amount=found.left,
        debt=found.part(found.left.minor),
        replaces=earlier[-1] if earlier else None,
    )
    payment = await payments.propose(at.session, proposal, who=at.who.subject, at=at.now)
    await at.session.flush()
    await tell(at, found)
    return payment


async def set_refunds_aside(at: At, overpayment: str) -> None:
    """Let no refund that was cancelled, rejected or returned be proposed again by itself."""
    rows = await payments_store.refunds(at.session, [refund_id(overpayment)])
    payments.not_owed_again(
        at.session, rows, f"{OVERPAID}{overpayment}", who=at.who.subject, at=at.now
    )


async def tell(
    at: At, found: Overpayment, *, against: str | None = None, set_off: int = 0, undone: int = 0
) -> None:
    """At the hub: tell a node what becomes of what it paid too much, or into a net it had left.

    What goes back is said whole each time: a set-off leaves a refund of the rest as it is.
    """
    party = await find_party(at.session, found.party) if at.here == HUB else None
    if party is None or party.code == HUB:
        return
    refunds = await payments_store.refunds(at.session, [refund_id(found.id)])
    refunded = sum(row.amount for row in refunds if row.state not in states.NOT_PAID)
    message: NetReturned | OverpaymentReturned = OverpaymentReturned(
        refund=refund_id(found.id),
        refunded=str(refunded),
        currency=found.received.currency,
        against=against,
        set_off=str(set_off),
        undone=str(undone),
    )
    if found.period is not None:
        of_net = msgspec.structs.asdict(message)
        message = NetReturned(run_id=found.run, period=found.period, **of_net)
    await outbox.post(at.session, target=party.entity_id, message=message, now=at.now)


async def _account_of(session: ReadSession, found: Overpayment) -> PaymentAccount | None:
    party = await find_party(session, found.party)
    if party is not None:
        is_hub = party.code == HUB
        return account_in(await hub_terms(session) if is_hub else collective_terms(party))
    if found.entry is None:
        return None
    details = (await bankstatements.details_of(session, [found.entry])).get(found.entry, [])
    told = {(row.counterparty_name, row.counterparty_account) for row in details}
    return _account_it_came_from(told, found.received.currency)


def _account_it_came_from(
    told: Iterable[tuple[str | None, str | None]], currency: str
) -> PaymentAccount | None:
    """Return the IBAN that the bank names, if it names one payer and a bank would take it."""
    pairs = set(told)
    if len(pairs) != 1:
        return None
    name, number = pairs.pop()
    if not name or not number:
        return None
    account = PaymentAccount(name, "IBAN", number, None, None)
    try:
        check_account(account, currency)
    except BadAccountError:
        return None
    return account
