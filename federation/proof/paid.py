"""Why a payment is what it is: remittance, correction, release of held money, member's month."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

import msgspec

from federation.distribution import store as distribution
from federation.distribution.store import adjustments_of
from federation.distribution.tables import MemberAdjustment
from federation.documents.statement_files import statement_json
from federation.documents.statements import StatementInputs, build_statement
from federation.ledger import balance_store
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts, Entry
from federation.ledger.names import of_correction
from federation.months import store as months
from federation.months.tables import Run
from federation.payments import store as payments_store
from federation.payments.names import (
    OVERPAID,
    base_id,
    correction_id,
    direct_release_id,
    release_id,
    released_by,
)
from federation.payments.service import ADJUSTMENT, MEMBER, REMITTANCE, get_payment
from federation.payments.successors import owner_of
from federation.payments.tables import Payment
from federation.proof import nets, store, why
from federation.proof.corrected import why_correction, why_member_correction
from federation.proof.nets import Net
from federation.proof.reasons import why_member
from federation.proof.why import NothingToExplainError, Step
from federation.releases import store as releases_store
from federation.settlement.arithmetic import largest_remainder
from federation.settlement.run import RunResult, compute
from federation.settlement.run_document import RunDocument, decode
from federation.store.sessions import ReadSession
from federation.suspense import store as suspense
from federation.suspense.release import release_document
from federation.suspense.tables import Release
from federation.values.month import Month
from federation.values.party import HUB

ADJUSTMENTS_MAX = 1_000
SET_OFF = "SETTLEMENT §7c: a debit is set off against the same party's next credits"
RESERVE = "SETTLEMENT §7c: what no credit took up in twelve periods goes to a reserve"
RELEASE = "SETTLEMENT §7a: what was held, at the rates of its month"
ADMIN_FEE = "SETTLEMENT §6: floor(received * bps / 10000) of what is received from others"
SUCCEEDED = "SETTLEMENT §0, decision 0047: successors are paid in a member's place, by their parts"
OVERPAYMENT = "SETTLEMENT §1, decision 0013: what was paid too much is set against it"


async def why_payment(session: ReadSession, here: str, payment_id: str) -> Step:
    """Explain a payment by the debt it discharges."""
    payment = await get_payment(session, payment_id)
    if payment.kind == MEMBER:
        steps = await _to_member(session, here, payment)
    else:
        steps = await _to_party(session, here, payment)
    return Step(
        f"Payment {payment.payment_id}",
        payment.amount,
        payment.currency,
        "SETTLEMENT §5 and §8",
        {
            "payee": payment.payee,
            "run": payment.run_id,
            "debt": f"{payment.debt_amount} {payment.debt_currency}",
            "state": payment.state,
        },
        tuple(steps),
    )


async def _to_party(session: ReadSession, here: str, payment: Payment) -> list[Step]:
    """Explain what another party gets; what is paid once more is explained by the first."""
    before = await payments_store.find_payment(session, payment.replaces or "")
    if before is not None and before.run_id == payment.run_id:
        if await payments_store.set_aside_by(session, before.payment_id, OVERPAID):
            less = Step(
                "Set against an overpayment",
                payment.amount - before.amount,
                payment.currency,
                OVERPAYMENT,
                {"instead_of": before.payment_id},
            )
            return [*await _to_party(session, here, before), less]
        if before.amount == payment.amount and not payment.set_off:
            return await _to_party(session, here, before)
    taken = await _taken_up(session, payment)
    run = await months.any_run(session, payment.run_id)
    if payment.kind == REMITTANCE and run is not None:
        return [*await _remittance(session, payment, run), *taken]
    if payment.kind == ADJUSTMENT and run is not None and _is_of(payment, run):
        total = payment.amount + payment.set_off
        return [*await why_correction(session, here, payment, run, total), *taken]
    if payment.kind == ADJUSTMENT:
        return [*await _release(session, payment), *taken]
    raise NothingToExplainError(f"{payment.payment_id} is a {payment.kind}")


def _is_of(payment: Payment, run: Run) -> bool:
    """Tell a correction's payment from held money released, whose run is the month's."""
    name = base_id(payment.payment_id)
    return bool(run.corrects) and name.startswith(correction_id(run.period, run.run_id))


async def _replaced(session: ReadSession, payment: Payment) -> list[str]:
    """Return the payments in whose place one is, the newest first."""
    found: list[str] = []
    row: Payment | None = payment
    while row is not None and row.replaces is not None:
        found.append(row.replaces)
        row = await payments_store.find_payment(session, row.replaces)
    return found


async def _taken_up(session: ReadSession, payment: Payment) -> list[Step]:
    """Return what older debits take up of a credit, each with where it is from."""
    if not payment.set_off:
        return []
    documents = {payment.payment_id, base_id(payment.payment_id)}
    documents.update(await _replaced(session, payment))
    documents.add(of_correction(payment.payee, payment.run_id))
    licensor = None if payment.payer == HUB else payment.payer
    rows = await store.taken_up(session, payment.payee, licensor, documents)
    steps = tuple(
        Step(
            f"Debit of {debit.period}",
            -used.amount,
            payment.currency,
            SET_OFF,
            {"document": debit.document, "recorded_on": debit.recorded_on.isoformat()},
        )
        for used, debit in rows
    )
    is_all = sum(step.amount for step in steps) == -payment.set_off
    label = "Set off" if licensor is None else f"Set off between {licensor} and {payment.payee}"
    return [Step(label, -payment.set_off, payment.currency, SET_OFF, steps=steps if is_all else ())]


async def _remittance(session: ReadSession, payment: Payment, run: Run) -> list[Step]:
    """Explain what a month's run lets one pay another, also once debtors have left its net.

    Of several equal amounts the one that was owed when the payment was proposed is explained.
    """
    document = decode(run.document)
    result = await asyncio.to_thread(compute, document)
    total = payment.amount + payment.set_off
    steps = list[Step]()
    if HUB in (payment.payer, payment.payee):
        steps = _as_the_run_had_it(document, result, run.run_id, payment)
    left = await store.left_net(session, run.period)
    proposed = payment.proposed_at.date() if payment.proposed_at else None
    known = [code for code, on in left if proposed is None or on <= proposed]
    found = [steps] if sum(step.amount for step in steps) == total else []
    net = Net(document, result, known)
    for _, since in nets.remittances(net, payment.payer, payment.payee, steps):
        if sum(step.amount for step in since) == total:
            found.append(since)
    if not found:
        raise NothingToExplainError(payment.payment_id)
    return found[-1]


def _as_the_run_had_it(
    document: RunDocument, result: RunResult, run_id: str, payment: Payment
) -> list[Step]:
    """Build the node's statement of the run, from an opening of 0: it closes with the remittance.

    What a node pays is what its statement closes with below 0, so every sign turns round.
    """
    sign, node = (1, payment.payee) if payment.payer == HUB else (-1, payment.payer)
    inputs = StatementInputs(
        document=document,
        result=result,
        run_id=run_id,
        node=node,
        statement_no=payment.payment_id,
        use_weights={},
        use_units={},
    )
    tree = why.statement(msgspec.json.decode(statement_json(build_statement(inputs))))
    return [_signed(step, sign) for step in tree.steps]


def _signed(step: Step, sign: int) -> Step:
    steps = tuple(_signed(item, sign) for item in step.steps)
    return Step(step.label, sign * step.amount, step.currency, step.rule, step.refs, steps)


async def _release(session: ReadSession, payment: Payment) -> list[Step]:
    """Explain a payment of held money by licence, by what each released.

    The hub has cleared it; a licensor pays what it held in one currency directly.
    """
    period, claim, rows = await _released(session, payment)
    items = await suspense.held_items_by_id(session, [row.held_item for row in rows])
    released: defaultdict[str, int] = defaultdict(int)
    refs: dict[str, dict[str, str]] = {}
    for row in rows:
        item = items[row.held_item]
        released[item.licence] += row.amount
        refs[item.licence] = {
            "held_item": str(item.id),
            "url": item.url_key,
            "released": f"{released[item.licence]} {item.currency}",
            "document": row.document,
        }
    weights = dict(released)
    if payment.payer == HUB:
        weights = {
            key: await balance_store.cleared_for(
                session, refs[key]["document"], payment.debt_currency
            )
            for key in released
        }
        for key, cleared in weights.items():
            refs[key]["cleared"] = f"{cleared} {payment.debt_currency}"
    if not any(weights.values()):
        raise NothingToExplainError(payment.payment_id)
    total = payment.amount + payment.set_off
    split = largest_remainder(total, weights, scope=f"{period}/{payment.payee}/{claim}")
    return [
        Step(key, amount, payment.currency, RELEASE, refs[key])
        for key, amount in sorted(split.items())
    ]


async def _released(session: ReadSession, payment: Payment) -> tuple[Month, str, list[Release]]:
    """Return the month, the claim and the releases that a payment is for."""
    period, named = released_by(payment.payment_id)
    currency, name = payment.debt_currency, base_id(payment.payment_id)
    for row in await releases_store.releases(session, to_party=payment.payee):
        claim = row.held_claim or ""
        if payment.payer == HUB:
            if named == claim or release_id(period, claim) == name:
                rows = await releases_store.releases(session, claim)
                return period, claim, [row for row in rows if f"/{period}/" in row.document]
            continue
        if direct_release_id(period, claim, payment.payer, currency) == name:
            document = release_document(period, claim, currency)
            rows = await releases_store.releases(session, claim)
            return period, claim, [row for row in rows if row.document == document]
    raise NothingToExplainError(payment.payment_id)


async def _to_member(session: ReadSession, here: str, payment: Payment) -> list[Step]:
    """Explain a member's payment: what stood open, what the month attributed, what was adjusted.

    One to a successor is its part of that: what others get of it, or got before, is taken out.
    """
    member = owner_of(payment)
    balance = (await distribution.balances(session, payment.period)).get(member)
    if balance is None:
        raise NothingToExplainError(payment.payment_id)
    currency = payment.currency
    steps: list[Step] = []
    if balance.opening:
        rule = "SETTLEMENT §6: attributed earlier and not payable then"
        steps.append(Step("Opening", balance.opening, currency, rule))
    if balance.attributed:
        steps.append(await why_member(session, here, payment.period, member))
    rows = await adjustments_of(session, member, payment.period, ADJUSTMENTS_MAX)
    for _, group in groupby(rows, key=lambda row: (row.reason, row.document)):
        steps.append(await _adjusted(session, here, list(group)))
    if payment.amount != balance.payable:
        label = f"Paid to others of what {member} is owed"
        refs = {"attributed_to": member, "share": payment.share or "1"}
        others = payment.amount - balance.payable
        steps.append(Step(label, others, currency, SUCCEEDED, refs))
    return steps


async def _adjusted(session: ReadSession, here: str, rows: list[MemberAdjustment]) -> Step:
    """Explain what a member got beside the run, by one entry of the journal."""
    reason = rows[0].reason
    if reason == "CORRECTION":
        return await why_member_correction(session, here, rows)
    if reason == "RELEASE":
        return await _released_to_member(session, here, rows)
    first = rows[0]
    refs = {"document": first.document, "since": first.service_period}
    rule = RESERVE if reason == "RESERVE" else "SETTLEMENT §8: what came back is owed as before"
    label = f"{reason.capitalize()} of {first.service_period}"
    return Step(label, sum(row.amount for row in rows), first.currency, rule, refs)


async def _released_to_member(
    session: ReadSession, here: str, rows: Sequence[MemberAdjustment]
) -> Step:
    """Explain held money that a member got: what was released for it, less the admin fee."""
    first, total = rows[0], sum(row.amount for row in rows)
    entry = await ledger.entry_of(session, first.document)
    income = Accounts(here).income("AdminFee")
    fee = sum(posting.amount for posting in entry.postings if posting.credit == income)
    refs = {"document": first.document, "run": first.corrects or ""}
    refs |= {row.licence or "": f"{row.amount} {row.currency}" for row in rows}
    by = _releaser(entry, here)
    label = "Released by the hub" if by == HUB else f"Released by {by}"
    parts = [Step(label, total + fee, first.currency, RELEASE, refs)]
    if fee:
        parts.append(Step("Admin fee", -fee, first.currency, ADMIN_FEE))
    label = f"Held money of {first.service_period} released"
    return Step(label, total, first.currency, RELEASE, refs, tuple(parts))


def _releaser(entry: Entry, here: str) -> str:
    """Return who released held money: who owes it by the entry, or this node where nobody does."""
    due = Accounts(here).due("")
    owing = {row.debit.removeprefix(due) for row in entry.postings if row.debit.startswith(due)}
    return owing.pop() if len(owing) == 1 else here
