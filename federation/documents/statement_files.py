"""A node's statement as files, CSV and JSON, each with its control totals. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from federation.documents.csv_bytes import csv_bytes
from federation.documents.statements import DEDUCTIONS, Statement, StatementLine
from federation.money import decimal_text, exponent
from federation.store.canonical import canonical, sha256_hex

AMOUNTS = ("gross", *DEDUCTIONS, "net", "net_settlement")
COLUMNS = tuple(field.name for field in fields(StatementLine))


def statement_csv(statement: Statement) -> bytes:
    """Return the statement as RFC 4180 bytes: lines, then opening … closing, then control totals.

    Each amount stands there as decimal text and, at the end of the row, as an integer. Only lines
    have a licence; the other rows say in `use` what they are. The last one holds the SHA-256 of
    the bytes of the line rows in `component`.
    """
    common = {
        "statement_no": statement.statement_no,
        "period": statement.period,
        "currency": statement.currency,
        "run_id": statement.run_id,
    }
    amounts = {**statement.account, "control_for_members": statement.for_members}
    rows: list[dict[str, Any]] = [
        *({**common, "use": use, "net_settlement": amount} for use, amount in amounts.items()),
        {**common, "use": "control_lines", "units": len(statement.lines), "currency": ""},
        *(
            {**common, "use": "control_sum", "currency": currency, **sums}
            for currency, sums in _sums(statement).items()
        ),
        {**common, "use": "control_sha256", "component": _sha256(statement), "currency": ""},
    ]
    header = csv_bytes([[*COLUMNS, *(f"{name}_minor" for name in AMOUNTS)]])
    tail = csv_bytes(_cells(row, statement.currency) for row in rows)
    return header + _line_rows(statement) + tail


def statement_json(statement: Statement) -> bytes:
    """Return the statement as canonical JSON: money, units and weights are texts in minor units."""
    currencies = {statement.currency, *(line.currency for line in statement.lines)}
    return canonical(
        {
            "format": 1,
            "statement_no": statement.statement_no,
            "node": statement.node,
            "period": statement.period,
            "run_id": statement.run_id,
            "settlement_currency": statement.currency,
            "decimals": {currency: exponent(currency) for currency in currencies},
            "lines": [_texts(asdict(line)) for line in _in_order(statement)],
            "account": _texts(statement.account),
            "control": {
                "lines": len(statement.lines),
                "sums": {c: _texts(sums) for c, sums in _sums(statement).items()},
                "for_members": str(statement.for_members),
                "sha256": _sha256(statement),
            },
        }
    )


def _in_order(statement: Statement) -> list[StatementLine]:
    """Sort lines by column after column, an admin fee after what it is taken from."""

    def order(line: StatementLine) -> tuple[Any, ...]:
        head = (line.debtor, line.creditor, line.licence, line.component, line.use)
        # Texts in Python sort as their UTF-8 bytes do.
        return (*head, line.admin_fee != 0, _cells(asdict(line), statement.currency))

    return sorted(statement.lines, key=order)


def _line_rows(statement: Statement) -> bytes:
    return csv_bytes(_cells(asdict(line), statement.currency) for line in _in_order(statement))


def _sha256(statement: Statement) -> str:
    return sha256_hex(_line_rows(statement))


def _sums(statement: Statement) -> dict[str, dict[str, int]]:
    sums: dict[str, dict[str, int]] = {}
    for line in sorted(statement.lines, key=lambda line: line.currency):
        of_currency = sums.setdefault(line.currency, dict.fromkeys(AMOUNTS, 0))
        for name in AMOUNTS:
            of_currency[name] += getattr(line, name)
    return sums


def _cells(row: Mapping[str, Any], settlement_currency: str) -> list[str]:
    """Return the cells of a row, each amount in both forms."""
    texts = {name: "" if value is None else str(value) for name, value in row.items()}
    for name in AMOUNTS:
        if name in row:
            currency = settlement_currency if name == "net_settlement" else row["currency"]
            texts[name] = decimal_text(row[name], currency)
            texts[f"{name}_minor"] = str(row[name])
    return [texts.get(name, "") for name in (*COLUMNS, *(f"{name}_minor" for name in AMOUNTS))]


def _texts(values: Mapping[str, str | int | None]) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in values.items()}
