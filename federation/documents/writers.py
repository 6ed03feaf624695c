"""What stands in an invoice, a credit note, a fee note and a remittance advice. Pure.

Every amount is in minor units; a deduction is negative.
"""

from collections.abc import Mapping
from datetime import date

from federation.documents.charged import Charged
from federation.documents.sheet import AccountRows, Cell, Sheet
from federation.documents.statements import rate_text
from federation.licensing.facts import LicenceFacts
from federation.money import decimal_text
from federation.settlement.clearing import Clearing
from federation.settlement.computed import ComputedRun
from federation.settlement.revenue import still_owed
from federation.settlement.run import document_rates
from federation.settlement.run_document import RunDocument
from federation.values.licence_key import LicenceKey, component_of, number_of
from federation.values.month import Month
from federation.values.party import HUB

VAT = "VAT is not in it: it is added by law, passed on, and never rights revenue"
VAT_ON_TOP = "VAT comes on top of the fee, is passed on, and is never rights revenue"


def invoice(
    number: str,
    licence: LicenceFacts,
    issued_on: date,
    due_on: date,
    charged: Charged | None = None,
) -> Sheet:
    """Return the invoice of an accepted licence: its whole fee.

    `reference` is what the payer is asked to quote. Where it is known what is `charged` beside the
    fee, both sides stand there, and the account leads over the VAT to the gross.
    """
    fee = sum(item.fee for item in licence.components)
    return Sheet(
        number=number,
        head={
            "kind": "licence invoice",
            "issuer": licence.licensor,
            "recipient": licence.licensee,
            "licence": licence.number,
            "issued_on": issued_on.isoformat(),
            "due_on": due_on.isoformat(),
            "term": f"{licence.starts_on}/{licence.fee_until}",
            "reference": number,
            "vat": VAT,
            **_beside(charged),
        },
        texts=("licence", "component", "uses", "unit", "currency"),
        amounts=("amount",),
        lines=[
            {
                "licence": licence.number,
                "component": component.id or "",
                "uses": " ".join(sorted(component.uses)),
                "unit": component.unit,
                "currency": licence.currency,
                "amount": component.fee,
            }
            for component in licence.components
        ],
        accounts=[_total(licence.currency, fee, charged)],
    )


def credit_note(
    number: str,
    licence: LicenceFacts,
    issued_on: date,
    *,
    invoice_number: str,
    reason: str,
    credited: Mapping[LicenceKey, Mapping[Month, int]],
    received: int,
    charged: Charged | None = None,
) -> Sheet:
    """Return the credit note of a licence that ended early, by licence key and month.

    `credited` is {licence key: {month: what is not owed any more}}, above 0; it stands there
    negative, as a deduction from the invoice it corrects. `received` is what came in so far. The
    first account is net of VAT; where it is known what was `charged`, a second has it.
    """
    lines: list[Mapping[str, Cell]] = [
        {
            "licence": licence.number,
            "component": component_of(key) or "",
            "month": month,
            "currency": licence.currency,
            "amount": -amount,
        }
        for key, by_month in sorted(credited.items())
        for month, amount in sorted(by_month.items())
    ]
    fee = sum(component.fee for component in licence.components)
    total = sum(amount for by_month in credited.values() for amount in by_month.values())
    return Sheet(
        number=number,
        head={
            "kind": "credit note",
            "issuer": licence.licensor,
            "recipient": licence.licensee,
            "licence": licence.number,
            "corrects": invoice_number,
            "issued_on": issued_on.isoformat(),
            "ended_on": licence.ends_on.isoformat(),
            "reason": reason,
            "vat": VAT,
            **_beside(charged),
        },
        texts=("licence", "component", "month", "currency"),
        amounts=("amount",),
        lines=lines,
        accounts=[
            AccountRows(
                currency=licence.currency,
                rows={
                    "opening_invoiced": fee,
                    "credited": -total,
                    "received": -received,
                    "closing_to_pay": still_owed(licence, received),
                },
            ),
            *_gross(licence.currency, -total, charged),
        ],
    )


def _beside(charged: Charged | None) -> dict[str, str]:
    return {} if charged is None else {**charged.head(), "vat": VAT_ON_TOP}


def _gross(currency: str, net: int, charged: Charged | None) -> list[AccountRows]:
    """Return what leads from what is credited, net, to what it is with VAT."""
    if charged is None:
        return []
    tax = charged.vat.of(net)
    rows = {"credited_net": net, "credited_vat": tax, "credited_gross": net + tax}
    return [AccountRows(currency=currency, rows=rows)]


def fee_note(number: str, run: ComputedRun, licensor: str) -> Sheet:
    """Return the hub's clearing-fee note for a national licensor's licences of a period."""
    document, result = run.document, run.result
    rows = [
        (key, licence)
        for key, licence in sorted(result.licences.items())
        if licence.licensor == licensor and licence.revenue.clearing_fee
    ]
    cleared = [row for row in result.cleared if (row.debtor, row.creditor) == (licensor, HUB)]
    clearing = document.hub.clearing_currency
    return Sheet(
        number=number,
        head={
            "kind": "clearing-fee note",
            "issuer": HUB,
            "recipient": licensor,
            "period": document.period,
            "run_id": run.run_id,
            "fee_bps": str(document.hub.national_fee_bps),
            "rule": "SETTLEMENT §2: floor(recognised * bps / 10000)",
        },
        texts=("licence", "component", "currency"),
        amounts=("recognised", "clearing_fee"),
        lines=[
            {
                "licence": number_of(key),
                "component": component_of(key) or "",
                "currency": licence.currency,
                "recognised": licence.revenue.recognised,
                "clearing_fee": -licence.revenue.clearing_fee,
            }
            for key, licence in rows
        ],
        accounts=[
            AccountRows(
                currency=clearing,
                rows={
                    **{
                        f"cleared_from_{row.currency} at {_rate(document, row)}": -row.cleared
                        for row in cleared
                    },
                    "closing": -sum(row.cleared for row in cleared),
                },
            )
        ],
    )


def advice(
    number: str, run: ComputedRun, node: str, *, opening: int, payment: Mapping[str, str]
) -> Sheet:
    """Return what is remitted to a node, or by it, for a period: both sides gross, then the net.

    `opening` is what the hub's books say was due to it before, in the clearing currency.
    `payment` says how it is paid: id, value date, state. The remittance is negative where the node
    pays; it is one conversion of this period's net, whatever stands open from before.
    """
    document, result = run.document, run.result
    clearing = document.hub.clearing_currency
    target = document.collectives[node].settlement_currency
    rows = [row for row in result.cleared if node in (row.debtor, row.creditor)]
    receivable = sum(row.cleared for row in rows if row.creditor == node)
    fees = sum(row.cleared for row in rows if row.creditor == HUB)
    owed = sum(row.cleared for row in rows if row.debtor == node) - fees
    rate, rate_date = rate_text(document, clearing, target)
    remittance = result.remittances[node]
    return Sheet(
        number=number,
        head={
            "kind": "remittance advice",
            "issuer": HUB,
            "recipient": node,
            "period": document.period,
            "run_id": run.run_id,
            "rate": rate,
            "rate_date": rate_date,
            "rule": "SETTLEMENT §5: convert(|net|, clearing, settlement), once",
            "remittance_minor": str(remittance),
            "remittance": decimal_text(remittance, target),
            "remittance_currency": target,
            **{f"payment_{name}": value for name, value in payment.items()},
        },
        texts=("debtor", "creditor", "side", "from_currency", "from_amount", "rate", "currency"),
        amounts=("cleared",),
        lines=[_advice_line(document, row, node) for row in rows],
        accounts=[
            AccountRows(
                currency=clearing,
                rows={
                    "opening": opening,
                    "receivable": receivable,
                    "payable": -owed,
                    "clearing_fees": -fees,
                    "closing": opening + receivable - owed - fees,
                },
            ),
        ],
    )


def _advice_line(document: RunDocument, row: Clearing, node: str) -> Mapping[str, Cell]:
    is_owed = row.debtor == node
    return {
        "debtor": row.debtor,
        "creditor": row.creditor,
        "side": "payable" if is_owed else "receivable",
        "from_currency": row.currency,
        "from_amount": str(-row.amount if is_owed else row.amount),
        "rate": _rate(document, row),
        "currency": document.hub.clearing_currency,
        "cleared": -row.cleared if is_owed else row.cleared,
    }


def _rate(document: RunDocument, row: Clearing) -> str:
    return rate_text(document, row.currency, document_rates(document).clearing)[0]


def _total(currency: str, fee: int, charged: Charged | None) -> AccountRows:
    if charged is None:
        return AccountRows(currency=currency, rows={"invoiced": fee, "closing_to_pay": fee})
    tax = charged.vat.of(fee)
    rows = {"invoiced": fee, "vat": tax, "closing_to_pay": fee + tax}
    return AccountRows(currency=currency, rows=rows)
