"""Invoice, credit note, fee note, remittance advice and a member's statement as papers. Pure.

They are sheets (`documents/sheet.py`): a head of texts, lines, and accounts that lead from the
first row to the last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from federation.papers.paper import Column, Fact, Paper, Table, amount_text, percent_text
from federation.values.held import ACCOUNT_MISSING, BELOW_MINIMUM, SET_OFF


class AccountBody(msgspec.Struct, frozen=True):
    """An account as a sheet has it: amounts in minor units, as texts."""

    currency: str
    rows: list[tuple[str, str]]


class SheetBody(msgspec.Struct, frozen=True):
    """What every sheet has; the texts of its head are read beside it."""

    number: str
    kind: str
    issuer: str
    recipient: str
    decimals: dict[str, Annotated[int, Meta(ge=0, le=9)]]
    lines: list[dict[str, str | None]]
    accounts: list[AccountBody]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of sheet is laid out: {key: (title, part of the width)} of texts and amounts."""

    title: str
    texts: Mapping[str, tuple[str, float]]
    amounts: Mapping[str, tuple[str, float]]
    table: str = "Lines"
    account: str = "Account"
    # How an account is called by its first row, where a sheet has several; and what a row of one
    # is called: `received` is the lab's money in a credit note, other licensors' for a member.
    titles: Mapping[str, str] = field(default_factory=dict[str, str])
    rows: Mapping[str, str] = field(default_factory=dict[str, str])


_LICENCE: Final = {"licence": ("Licence", 1.3), "component": ("Part", 0.8)}
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "licence invoice": Kind(
            "Invoice",
            {**_LICENCE, "uses": ("Uses", 2.0), "unit": ("Unit", 0.8)},
            {"amount": ("Fee, net", 1.6)},
            account="To pay",
            rows={"vat": "VAT", "closing_to_pay": "To pay"},
        ),
        "credit note": Kind(
            "Credit note",
            {**_LICENCE, "month": ("Month", 0.9)},
            {"amount": ("Credited, net", 1.6)},
            account="From the invoice to what is left to pay",
            titles={"credited_net": "With VAT"},
            rows={
                "opening_invoiced": "Invoiced",
                "received": "Paid so far",
                "closing_to_pay": "Left to pay",
                "credited_net": "Credited, net",
                "credited_vat": "VAT on it",
                "credited_gross": "Credited, with VAT",
            },
        ),
        "clearing-fee note": Kind(
            "Clearing-fee note",
            _LICENCE,
            {"recognised": ("Recognised", 1.6), "clearing_fee": ("Clearing fee", 1.6)},
        ),
        "remittance advice": Kind(
            "Remittance advice",
            {
                "debtor": ("Debtor", 0.8),
                "creditor": ("Creditor", 0.8),
                "side": ("Side", 1.0),
                "from_amount": ("In minor units", 1.4),
                "from_currency": ("of", 0.6),
                "rate": ("Rate", 1.2),
            },
            {"cleared": ("Cleared", 1.6)},
            account="From opening to closing",
            rows={
                "opening": "Open from before",
                "receivable": "From others to you",
                "payable": "From you to others",
                "closing": "Open by now",
            },
        ),
        "member statement": Kind(
            "Statement",
            {
                "source": ("From", 1.7),
                "month": ("Month", 0.7),
                "licence": ("Licence", 1.2),
                "use": ("Use", 0.9),
                "units": ("Units", 0.8),
            },
            {"amount": ("For you", 1.4)},
            table="What it earned",
            titles={
                "gross": "From gross to net: all that came for members",
                "received": "From that to you",
                "opening": "Your month",
            },
            rows={
                "received": "From licences of other licensors",
                "domestic": "From licences of the own collective",
                "to_others": "For other members, or not shared out yet",
                "for_you": "For you",
                "opening": "Left from before",
                "attributed": "Earned in this month",
                "adjusted": "Adjusted for months before",
                "not_payable_yet": "Not payable yet",
                "payable": "Payable to you",
            },
        ),
    }
)
_FACTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "issued_on": "Issued on",
        "due_on": "Due on",
        "period": "Month",
        "term": "Term",
        "licence": "Licence",
        "corrects": "Corrects",
        "ended_on": "Ended on",
        "reference": "Please quote",
        "account": "Account",
        "bic": "BIC",
        "vat_bps": "VAT",
        "rate": "Rate",
        "rate_date": "Rate of",
        "payment_id": "Payment",
        "payment_value_date": "Value date",
        "payment_state": "State",
        "not_payable": "Not payable",
        "fee_bps": "Fee",
    }
)
_SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "received": "licences of other licensors",
        "domestic": "licences of the own collective",
        "base": "base part, the same for every member",
        "tier": "tier part, the same for every member of it",
        "CORRECTION": "correction",
        "RELEASE": "held money released",
        "RETURNED": "came back",
        "RESERVE": "from the reserve",
    }
)
# Why a member is not paid what stands open of its month.
_NOT_PAYABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        SET_OFF: "a debit: it is set off against what comes next",
        ACCOUNT_MISSING: "no account to pay to is known",
        BELOW_MINIMUM: "less than is paid at once",
    }
)
_NOTES: Final = ("reason", "vat_reason", "vat", "rule")
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"admin_fee": "Fee for administration", "other_deduction": "Other deductions"}
)


def sheet_paper(raw: Mapping[str, Any], fingerprint: str) -> Paper | None:
    """Lay out a sheet; None for one of a kind that is not sent. ValueError if it is no sheet."""
    body = msgspec.convert(raw, SheetBody)
    kind = KINDS.get(body.kind)
    if kind is None:
        return None
    head = {name: text for name, text in raw.items() if isinstance(text, str)}
    return Paper(
        title=kind.title,
        number=body.number,
        dated=date.fromisoformat(head.get("issued_on") or f"{head['period']}-01"),
        sender=side("issuer", head),
        recipient=side("recipient", head),
        facts=[("Number", body.number), *_facts(head, body)],
        blocks=[_lines(kind, body), *_accounts(kind, body)],
        notes=_notes(head),
        fingerprint=fingerprint,
    )


def _notes(head: Mapping[str, str]) -> list[str]:
    notes = [f"{head[name].rstrip('.')}." for name in _NOTES if head.get(name)]
    if "statement" in head:
        of = f"{head['statement']}, which has the SHA-256 {head['statement_sha256']}"
        notes.append(f"Settled by run {head['run_id']}. The collective's statement is {of}.")
    return notes


def side(name: str, head: Mapping[str, str]) -> list[str]:
    """Return issuer or recipient as it is addressed: what is stated of it, or its code alone."""
    said = {key.removeprefix(f"{name}_"): text for key, text in head.items()}
    code = head[name]
    if f"{name}_name" not in head:
        return [code]
    town = " ".join(filter(None, (said.get("postcode"), said.get("city"))))
    vat, registration = head.get(f"{name}_vat_id"), head.get(f"{name}_registration")
    lines = (
        head[f"{name}_name"],
        head.get(f"{name}_street"),
        town if f"{name}_city" in head else None,
        head.get(f"{name}_country"),
        registration and f"Registered as {registration}",
        vat and f"VAT id {vat}",
        code,
    )
    return [line for line in lines if line] or [code]


def _facts(head: Mapping[str, str], body: SheetBody) -> list[Fact]:
    facts = [(words, _fact(name, head[name])) for name, words in _FACTS.items() if head.get(name)]
    if "remittance_minor" in head:
        currency = head["remittance_currency"]
        amount = amount_text(head["remittance_minor"], currency, body.decimals | _own(head))
        facts.append(("Remitted", amount))
    return facts


def _fact(name: str, text: str) -> str:
    if name.endswith("_bps"):
        return percent_text(text)
    return _NOT_PAYABLE.get(text, text) if name == "not_payable" else text


def _own(head: Mapping[str, str]) -> dict[str, int]:
    """Return the decimals of what is remitted, whose currency is in no line: as it is written."""
    _, point, part = head["remittance"].partition(".")
    return {head["remittance_currency"]: len(part) if point else 0}


def _lines(kind: Kind, body: SheetBody) -> Table:
    shown = [key for key in kind.texts if any(line.get(key) for line in body.lines)]
    columns = [
        *(Column(*kind.texts[key], key in {"units", "from_amount"}) for key in shown),
        *(Column(*amount, True) for amount in kind.amounts.values()),
    ]
    rows = [
        [
            *(_text(line, key) for key in shown),
            *(_amount(line, key, body) for key in kind.amounts),
        ]
        for line in body.lines
    ]
    return Table(kind.table, columns, rows, empty="Nothing in this month.")


def _text(line: Mapping[str, str | None], key: str) -> str:
    text = line.get(key) or ""
    return _SOURCES.get(text, text) if key == "source" else text


def _amount(line: Mapping[str, str | None], key: str, body: SheetBody) -> str:
    minor = line.get(key)
    return "" if minor is None else amount_text(minor, line["currency"] or "", body.decimals)


def _accounts(kind: Kind, body: SheetBody) -> list[Table]:
    return [
        account_table(
            kind.titles.get(account.rows[0][0], kind.account),
            [(kind.rows.get(name) or words_of(name), minor) for name, minor in account.rows],
            account.currency,
            body.decimals,
        )
        for account in body.accounts
        if account.rows
    ]


def account_table(
    title: str, rows: Sequence[tuple[str, str]], currency: str, decimals: Mapping[str, int]
) -> Table:
    """Show what leads from the first row, (words, minor units), to the last, below a line."""
    shown = [[words, amount_text(minor, currency, decimals)] for words, minor in rows]
    return Table(title, [Column("", 3), Column("", 2, True)], shown[:-1], shown[-1:])


def words_of(name: str) -> str:
    """Return how the row of an account is called; codes in it stay as they are: `EUR`."""
    said = name.replace("_", " ")
    return _WORDS.get(name) or f"{said[:1].upper()}{said[1:]}"
