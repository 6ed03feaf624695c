"""What this server waits for from its banks."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Expected:
    """Money to come in or go out: `amount` above 0 in minor units, with its direction."""

    kind: str
    id: str
    direction: str
    party: str
    counterparty_name: str | None
    account: str | None
    amount: int
    currency: str
    references: tuple[str, ...] = ()
    due_on: date | None = None

    @property
    def signed(self) -> int:
        """Return the amount: in is positive, out negative."""
        return self.amount if self.direction == "IN" else -self.amount
