"""A node's statement of a month as a paper: gross, what was taken on the way, net. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from federation.papers.paper import Column, Paper, Table, amount_text
from federation.papers.sheets import account_table, words_of

DEDUCTIONS: Final = (
    "clearing_fee",
    "collecting_fee",
    "admin_fee",
    "tax_withheld",
    "other_deduction",
)
_ENDS: Final = ("gross", "net")


class StatementLineBody(msgspec.Struct, frozen=True):
    """A line of a node's statement: amounts in minor units of its currency, as texts."""

    debtor: str
    creditor: str
    licence: str
    component: str
    use: str
    service_period: str
    currency: str
    gross: str
    net: str
    net_settlement: str
    clearing_fee: str
    collecting_fee: str
    admin_fee: str
    tax_withheld: str
    other_deduction: str
    units: str | None = None

    def deducted(self) -> int:
        """Return what was taken on the way, 0 or less."""
        return sum(int(getattr(self, name)) for name in DEDUCTIONS)


class StatementBody(msgspec.Struct, frozen=True):
    """A node's statement, as `documents/statement_files.py` writes it."""

    statement_no: str
    node: str
    period: str
    run_id: str
    settlement_currency: str
    decimals: dict[str, Annotated[int, Meta(ge=0, le=9)]]
    lines: list[StatementLineBody]
    account: dict[str, str]


_ORDER: Final = ("opening", "received", "owed", "fx_rounding", "adjusted", "remitted", "closing")
_WORDS: Final = {
    "opening": "Left from before",
    "received": "Received for members",
    "owed": "Owed to others",
    "fx_rounding": "Rounding of conversions",
    "adjusted": "Adjusted since",
    "remitted": "Remitted since the last statement",
    "closing": "Left open",
}


def statement_paper(raw: Mapping[str, Any], fingerprint: str) -> Paper:
    """Lay out a node's statement. ValueError if it is none."""
    body = msgspec.convert(raw, StatementBody)
    account = [(_WORDS[name], body.account[name]) for name in _ORDER if name in body.account]
    return Paper(
        title="Statement of a month",
        number=body.statement_no,
        dated=date.fromisoformat(f"{body.period}-01"),
        sender=[body.node],
        recipient=[body.node],
        facts=[
            ("Number", body.statement_no),
            ("Month", body.period),
            ("Settled in", body.settlement_currency),
            ("Run", body.run_id),
        ],
        blocks=[
            account_table(
                "From opening to closing", account, body.settlement_currency, body.decimals
            ),
            *way_tables(body),
            _lines(body),
        ],
        fingerprint=fingerprint,
    )


def way_tables(body: StatementBody) -> list[Table]:
    """Show what came for members: by currency from gross to net, then what is shared out of it."""
    received, domestic, fee = shared_out(body).values()
    rows = [
        ("Net, in the settlement currency", str(received + domestic)),
        ("Fee for administration", str(fee)),
        ("For members", str(received + domestic + fee)),
    ]
    return [
        *(
            account_table(
                f"From gross to net, {currency}",
                [(words_of(name), str(amount)) for name, amount in found.items()],
                currency,
                body.decimals,
            )
            for currency, found in sorted(gross_to_net(body).items())
        ),
        account_table("For members", rows, body.settlement_currency, body.decimals),
    ]


def gross_to_net(body: StatementBody) -> dict[str, dict[str, int]]:
    """Return {currency: rows from gross to net} of what came for members; deductions negative.

    The fee for administration is not in them: it is taken in the settlement currency.
    """
    sums: dict[str, dict[str, int]] = {}
    for line in _for_members(body):
        rows = sums.setdefault(line.currency, dict.fromkeys(("gross", *DEDUCTIONS, "net"), 0))
        for name in rows:
            rows[name] += int(getattr(line, name))
    return {
        currency: {name: amount for name, amount in rows.items() if amount or name in _ENDS}
        for currency, rows in sums.items()
    }


def shared_out(body: StatementBody) -> dict[str, int]:
    """Return what is shared out among members, in the settlement currency; it is the sum.

    `received` from other licensors, `domestic` from own licences, less the `admin_fee`.
    """
    sums = {"received": 0, "domestic": 0}
    for line in _for_members(body):
        side = "domestic" if line.debtor == body.node else "received"
        sums[side] += int(line.net_settlement)
    fees = (int(line.admin_fee) for line in body.lines if line.creditor == body.node)
    return {**sums, "admin_fee": sum(fees)}


def _for_members(body: StatementBody) -> Iterator[StatementLineBody]:
    """Yield what the node gets; the fee for administration has lines of its own."""
    return (line for line in body.lines if line.creditor == body.node and line.admin_fee == "0")


def _lines(body: StatementBody) -> Table:
    columns = [
        Column("Debtor", 0.7),
        Column("Creditor", 0.8),
        Column("Licence", 1.4),
        Column("Use", 1.0),
        Column("Gross", 1.4, True),
        Column("Deducted", 1.4, True),
        Column("Net", 1.4, True),
        Column(f"In {body.settlement_currency}", 1.5, True),
    ]
    return Table("Lines", columns, [_row(line, body) for line in body.lines])


def _row(line: StatementLineBody, body: StatementBody) -> Sequence[str]:
    key = f"{line.licence}/{line.component}" if line.component else line.licence
    said = (line.gross, str(line.deducted()), line.net)
    return [
        line.debtor,
        line.creditor,
        key,
        line.use,
        *(amount_text(minor, line.currency, body.decimals) for minor in said),
        amount_text(line.net_settlement, body.settlement_currency, body.decimals),
    ]
