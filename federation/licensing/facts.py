"""What usage and money need to know of a licence, and nothing else of it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from federation.values.licence_key import LicenceKey, licence_key


@dataclass(frozen=True, slots=True)
class Component:
    """Uses with one fee and one unit; `id` is None where the licence has no components."""

    id: str | None
    uses: frozenset[str]
    unit: str
    fee: int


@dataclass(frozen=True, slots=True)
class LicenceFacts:
    """The terms of a licence by which lines are classed and revenue is recognised.

    `ends_on` is the day it really ends: the end of its term, or the earlier one it was ended on.
    """

    number: str
    licensor: str
    licensee: str
    currency: str
    starts_on: date
    ends_on: date
    revoked_at: datetime | None
    usage_basis: str
    unclaimed: str
    components: tuple[Component, ...]
    fee_ends_on: date | None = None  # the last day the fee was agreed for, where it ended earlier

    @property
    def fee_until(self) -> date:
        """Return the last day of the term the fee was agreed for: its months are split by it."""
        return self.fee_ends_on or self.ends_on

    def covers(self, at: datetime) -> bool:
        """Tell whether an instant lies in the term: its UTC day, and not after a revocation.

        The first and the last day belong to the term, and so does the very instant of the
        revocation (SETTLEMENT §3.4).
        """
        if not self.starts_on <= at.astimezone(UTC).date() <= self.ends_on:
            return False
        return self.revoked_at is None or at <= self.revoked_at

    def component_for(self, use: str) -> Component | None:
        """Return the one component that licenses a use, None if none does."""
        return next((c for c in self.components if use in c.uses), None)

    def key(self, component: Component) -> LicenceKey:
        """Return what weights and shares of a component are kept under."""
        return licence_key(self.number, component.id)
