"""Accounts of a party, postings between them and entries that group them (SETTLEMENT §5). Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from federation.money import exponent
from federation.values.held import DISPUTED, LATE, UNMATCHED

HELD_AS = {UNMATCHED: "Unmatched", DISPUTED: "Disputed", LATE: "Late"}


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount (minor units, above 0) that is debited to one account and credited to another."""

    debit: str
    credit: str
    amount: int
    currency: str
    meta: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction; `document` names what it records and is posted once.

    `reverses` names the document of an earlier entry that this one takes back.
    """

    posted_on: date
    document: str
    narration: str
    postings: tuple[Posting, ...]
    reverses: str | None = None


def require_movement(entry: Entry) -> None:
    """Raise ValueError unless every posting moves whole minor units between two accounts.

    With that an entry is zero per currency by its shape (I1), in integers (I3).
    """
    for row in entry.postings:
        if type(row.amount) is not int or row.amount < 1 or row.debit == row.credit:
            raise ValueError(
                f"{entry.document}: {row.amount!r} from {row.credit} to {row.debit} is no movement"
            )
        exponent(row.currency)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of one party (SETTLEMENT §5)."""

    party: str

    def asset(self, name: str) -> str:
        """Return `Assets:<P>:Bank|Receivable|NotCollected`."""
        return f"Assets:{self.party}:{name}"

    def owed(self, name: str) -> str:
        """Return `Liabilities:<P>:Unearned|Members|Outstanding|InTransit|Vat`."""
        return f"Liabilities:{self.party}:{name}"

    def due(self, other: str) -> str:
        """Return `Liabilities:<P>:Due:<Q>`."""
        return f"Liabilities:{self.party}:Due:{other}"

    def suspense(self, reason: str) -> str:
        """Return `Liabilities:<P>:Suspense:<Reason>`."""
        return f"Liabilities:{self.party}:Suspense:{reason}"

    def income(self, name: str) -> str:
        """Return `Income:<P>:ClearingFee|CollectingFee|AdminFee`."""
        return f"Income:{self.party}:{name}"

    def equity(self, name: str) -> str:
        """Return `Equity:<P>:Clearing|FxRounding|FxRealised`."""
        return f"Equity:{self.party}:{name}"


def transfer(
    debit: str, credit: str, amount: int, currency: str, meta: Mapping[str, str]
) -> Iterator[Posting]:
    """Yield the posting of an amount of either sign; nothing for 0."""
    if amount > 0:
        yield Posting(debit, credit, amount, currency, meta)
    elif amount < 0:
        yield Posting(credit, debit, -amount, currency, meta)


def held_as(reason: str) -> str:
    """Return the name of the suspense account for money held for a reason such as UNMATCHED."""
    return HELD_AS[reason]
