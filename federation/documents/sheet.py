"""How a document that is a table is written: canonical JSON and CSV of the same rows. Pure.

Deductions are negative, the account leads from opening to closing and adds up, and counts, sums
and the SHA-256 of the lines stand in the control part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from federation.documents.csv_bytes import csv_bytes
from federation.errors import RefusalError
from federation.money import decimal_text, exponent
from federation.store.canonical import canonical, sha256_hex

Cell = str | int | None


class SheetError(RefusalError):
    """The document does not add up; it is not written."""

    code: ClassVar[str] = "DOCUMENT_DOES_NOT_ADD_UP"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRows:
    """Rows that lead from the first to the last: all but the last add up to the last."""

    currency: str
    rows: Mapping[str, int]

    def __post_init__(self) -> None:
        """Refuse an account that does not check."""
        *movements, closing = self.rows.values()
        if sum(movements) != closing:
            raise SheetError(f"{dict(self.rows)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A numbered table. `texts` and `amounts` name its columns; each line has a `currency`.

    `head` is what the whole document says: who, for what, when, in texts. Amounts are minor units.
    """

    number: str
    head: Mapping[str, str]
    texts: Sequence[str]
    amounts: Sequence[str]
    lines: Sequence[Mapping[str, Cell]]
    accounts: Sequence[AccountRows] = field(default_factory=tuple[AccountRows, ...])

    def as_json(self) -> bytes:
        """Return canonical JSON; money is text in minor units."""
        currencies = {str(line["currency"]) for line in self.lines}
        currencies |= {account.currency for account in self.accounts}
        return canonical(
            {
                "format": 1,
                "number": self.number,
                **self.head,
                "decimals": {currency: exponent(currency) for currency in currencies},
                "lines": [self._texts(line) for line in self.lines],
                "accounts": [
                    {
                        "currency": account.currency,
                        "rows": [[name, str(amount)] for name, amount in account.rows.items()],
                    }
                    for account in self.accounts
                ],
                "control": {
                    "lines": len(self.lines),
                    "sums": {
                        currency: {name: str(amount) for name, amount in sums.items()}
                        for currency, sums in self._sums().items()
                    },
                    "sha256": self._sha256(),
                },
            }
        )

    def as_csv(self) -> bytes:
        """Return the head, then lines, accounts and control; every amount as decimal and integer.

        The first column says what a row is: `head`, `line`, `account` or `control`; the second
        names it where it is no line.
        """
        rows = [["head", name, value] for name, value in sorted(self.head.items())]
        first = [["row", "name", *self._columns()]]
        width = len(first[0])
        body = [[*row, *([""] * (width - len(row)))] for row in rows]
        tail = [
            self._row("account", name, {"currency": account.currency, self.amounts[-1]: amount})
            for account in self.accounts
            for name, amount in account.rows.items()
        ]
        tail += [
            self._row("control", "sum", {"currency": currency, **sums})
            for currency, sums in self._sums().items()
        ]
        tail += [
            [*row, *([""] * (width - len(row)))]
            for row in (
                ["control", "lines", str(len(self.lines))],
                ["control", "sha256", self._sha256()],
            )
        ]
        return csv_bytes(first) + csv_bytes(body) + self._line_rows() + csv_bytes(tail)

    def _columns(self) -> list[str]:
        return [*self.texts, *self.amounts, *(f"{name}_minor" for name in self.amounts)]

    def _line_rows(self) -> bytes:
        return csv_bytes(self._row("line", self.number, line) for line in self.lines)

    def _sha256(self) -> str:
        return sha256_hex(self._line_rows())

    def _row(self, kind: str, name: str, cells: Mapping[str, Cell]) -> list[str]:
        texts = {key: "" if value is None else str(value) for key, value in cells.items()}
        for amount in self.amounts:
            value = cells.get(amount)
            if isinstance(value, int):
                texts[amount] = decimal_text(value, str(cells["currency"]))
                texts[f"{amount}_minor"] = str(value)
        return [kind, name, *(texts.get(column, "") for column in self._columns())]

    def _texts(self, line: Mapping[str, Cell]) -> dict[str, str | None]:
        return {
            name: None if line.get(name) is None else str(line[name])
            for name in (*self.texts, *self.amounts)
        }

    def _sums(self) -> dict[str, dict[str, int]]:
        sums: dict[str, dict[str, int]] = {}
        for line in self.lines:
            of_currency = sums.setdefault(str(line["currency"]), dict.fromkeys(self.amounts, 0))
            for name in self.amounts:
                value = line.get(name)
                of_currency[name] += value if isinstance(value, int) else 0
        return dict(sorted(sums.items()))
