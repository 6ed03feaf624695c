"""What lies between two nodes of which one had left a month's net: paid, awaited, or set off.

The hub does not stand between them, but decides in one order for all what a credit takes up of
older debits of the same pair, and tells both (decision 0014). A debit is never called in
(SETTLEMENT §7c); what is left of it after the periods of the terms goes to a reserve of each.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts, Entry, Posting, transfer
from federation.payments import incoming, postings, record, service, set_off, store
from federation.payments.payees import ACCOUNT_CHANGED, account_in
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited, Proposal, Side
from federation.payments.set_off import NOTHING, Debit, TooMuchSetOffError, Used
from federation.payments.tables import SetOff
from federation.settlement.messages import Between
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.values.account import PaymentAccount
from federation.values.month import Month
from federation.values.party import HUB


class NoSuchDebitError(RefusalError):
    """The hub sets off more than this node knows to be owed between the two."""

    code: ClassVar[str] = "NO_SUCH_DEBIT"


class AccountContradictsError(RefusalError):
    """The hub names another account of this node, or of its own, than is agreed."""

    code: ClassVar[str] = "ACCOUNT_CONTRADICTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What one party owes another directly.

    `amount` is in the payee's settlement currency, `debt` as the books here state it; `set_off` of
    `amount` is taken up by older debits of the pair.
    """

    kind: str
    base: str
    run: str
    period: Month
    payer: str
    payee: str
    amount: Amount
    debt: Amount
    due_on: date
    set_off: int = 0


def by_pair(items: Iterable[Between]) -> dict[tuple[str, str], int]:
    """Return {(payer, payee): what the hub sets off of what the one owes the other}."""
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    for item in items:
        found[item.payer, item.payee] += int(item.amount)
    return dict(found)


def refuse_left_over(left: Mapping[tuple[str, str], int]) -> None:
    """Refuse what the hub sets off of nothing that is owed here."""
    for (payer, payee), amount in left.items():
        if amount:
            raise TooMuchSetOffError(f"{amount} of {payer} with {payee}")


def known_accounts(
    own: Side, terms: HubTerms, told: Mapping[str, PaymentAccount]
) -> dict[str, PaymentAccount | None]:
    """Return accounts by code: this node's own, the hub's as agreed, and others as the hub says.

    Only the hub tells a node the accounts of others; of what the node knows itself it may not say
    anything else.
    """
    known = {own.code: own.account, HUB: account_in(terms)}
    for code, account in known.items():
        if code in told and told[code] != account:
            raise AccountContradictsError(code)
    return {**told, **known}


async def _other_than_approved(
    session: ReadSession, payee: str, account: PaymentAccount | None
) -> str | None:
    """Return ACCOUNT_CHANGED where a payee had another account when somebody here approved it.

    The hub alone says so: it is proposed when somebody here has named the account.
    """
    approved = await store.account_approved(session, payee)
    if payee == HUB or account is None or approved in {None, record.kept(account)}:
        return None
    return ACCOUNT_CHANGED


async def settle_between(
    session: WriteSession,
    here: str,
    owed: Owed,
    accounts: Mapping[str, PaymentAccount | None],
    *,
    at: datetime,
) -> None:
    """Propose what is to be paid, or wait for it; both servers give it the same id."""
    number = await store.next_id(session, owed.base)
    other = owed.payee if owed.payer == here else owed.payer
    account = Accounts(here).due(other)
    used = await _set_off(session, here, owed, number, at.date())
    if owed.payer == here:
        proposal = Proposal(
            kind=owed.kind,
            payment_id=number,
            run=owed.run,
            period=owed.period,
            payer=Side(here, accounts.get(here)),
            payee=Side(owed.payee, accounts.get(owed.payee)),
            amount=owed.amount,
            debt=Leg(account, owed.debt),
            due_on=owed.due_on,
            set_off=used,
        )
        changed = await _other_than_approved(session, owed.payee, accounts.get(owed.payee))
        await service.propose(session, proposal, who=HUB, at=at, refused=changed)
    else:
        is_set_off = used.amount == owed.amount.minor
        taken = NOTHING if is_set_off else used
        awaited = Awaited(
            incoming_id=number,
            run=owed.run,
            period=owed.period,
            payer=owed.payer,
            amount=Amount(owed.amount.minor - taken.amount, owed.amount.currency),
            debt=Leg(account, Amount(owed.debt.minor - taken.cleared, owed.debt.currency)),
            due_on=owed.due_on,
            is_net=other == HUB,
        )
        row = incoming.expect(session, awaited)
        row.state = incoming.SET_OFF if is_set_off else row.state
    await session.flush()


async def _set_off(session: WriteSession, here: str, owed: Owed, number: str, on: date) -> Used:
    """Take up debits of the payee; at the payer the two debts are entered against another.

    The payee keeps both in one currency on one account: there nothing moves.
    """
    if not owed.set_off:
        return NOTHING
    set_off.less(owed.amount.minor, owed.set_off, number)
    taken = await _take(session, owed.payer, owed.payee, owed.set_off, number, owed.period, on)
    debt = owed.debt.minor * owed.set_off // owed.amount.minor
    if owed.payer == here:
        books, moved, left = Accounts(here), list[Posting](), debt
        for place, (debit, used) in enumerate(taken, start=1):
            part = left if place == len(taken) else debt * used.amount // owed.set_off
            left -= part
            account = books.due(owed.payee)
            was = Amount(used.cleared, debit.cleared_currency or owed.debt.currency)
            meta = {"period": debit.period, "party": owed.payee, "payment": number}
            moved += postings.exchanged(
                books, Leg(account, Amount(part, owed.debt.currency)), Leg(account, was), meta
            )
        if moved:
            entry = Entry(on, f"set-off/{number}", f"Set off against {number}", tuple(moved))
            await ledger.post(session, [entry])
    return Used(owed.set_off, debt)


async def _take(
    session: WriteSession,
    licensor: str,
    node: str,
    amount: int,
    document: str,
    period: Month,
    on: date,
) -> list[tuple[Debit, Used]]:
    taken = await set_off.take(
        session,
        node=node,
        licensor=licensor,
        document=document,
        period=period,
        credit=amount,
        on=on,
    )
    if sum(used.amount for _, used in taken) != amount:
        raise NoSuchDebitError(f"{amount} of {node} with {licensor}")
    return taken


async def give_up(
    session: WriteSession, *, before: Month, period: Month, on: date
) -> list[Between]:
    """At the hub: end the debits between nodes that were entered before a month."""
    pairs: defaultdict[tuple[str, str], list[SetOff]] = defaultdict(list)
    for row in await store.set_offs_between_nodes(session):
        pairs[row.licensor or "", row.node].append(row)
    found: list[Between] = []
    for (licensor, node), rows in sorted(pairs.items()):
        amount = sum(debit.amount for debit in set_off.open_debits(rows) if debit.period < before)
        if amount:
            await _take(session, licensor, node, amount, f"reserve/{period}", period, on)
            found.append(Between(licensor, node, str(amount)))
    return found


async def to_reserve(
    session: WriteSession,
    here: str,
    currency: str,
    waived: Sequence[Between],
    period: Month,
    on: date,
) -> None:
    """At a node: take to the reserve what the hub gave up between it and others."""
    books, moved = Accounts(here), list[Posting]()
    reserve = books.equity("Reserve")
    for item in waived:
        taken = await _take(
            session, item.payer, item.payee, int(item.amount), f"reserve/{period}", period, on
        )
        for debit, used in taken:
            meta = {"period": debit.period, "party": item.payer, "payee": item.payee}
            if item.payee == here:
                moved += transfer(books.due(item.payer), reserve, used.amount, currency, meta)
            else:
                was = debit.cleared_currency or currency
                moved += transfer(reserve, books.due(item.payee), used.cleared, was, meta)
    if moved:
        name = f"reserve/{period}/nodes"
        entry = Entry(on, name, "Debits between nodes left to the reserve", tuple(moved))
        await ledger.post(session, [entry])
