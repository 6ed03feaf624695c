"""What `scenario.toml` and its tables say, as shapes; `reading.py` reads them."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from federation.errors import RefusalError
from federation.tabular import Row
from federation.values.month import Month


class ScenarioError(RefusalError):
    """The scenario cannot be read."""

    code: ClassVar[str] = "BAD_SCENARIO"


class HubPart(msgspec.Struct, forbid_unknown_fields=True):
    """`[hub]`."""

    clearing_currency: str
    fee_bps: int
    fee_band_bps: tuple[int, int]
    national_fee_bps: int | None = None
    account: str | None = None
    account_scheme: str = "IBAN"
    bic: str | None = None
    name: str = "Federation hub"


class TermsPart(msgspec.Struct, forbid_unknown_fields=True):
    """`[terms]`: integer thousandths."""

    tier_weight: dict[str, int]
    use_weight: dict[str, int]


class LicenseePart(msgspec.Struct, forbid_unknown_fields=True):
    """`[[licensee]]`."""

    id: str
    name: str


class ComponentPart(msgspec.Struct, forbid_unknown_fields=True):
    """`[[licence.component]]`."""

    id: str
    uses: list[str]
    fee: int
    unit: str = "TOKEN"


class LicencePart(msgspec.Struct, forbid_unknown_fields=True):
    """`[[licence]]`: uses and fee, or components."""

    id: str
    licensee: str
    issuer: str
    currency: str
    starts_on: date
    ends_on: date
    usage_basis: str
    unclaimed: str = "exclude"
    uses: list[str] | None = None
    fee: int | None = None
    component: list[ComponentPart] | None = None

    def components(self) -> list[dict[str, Any]]:
        """Return the components as the API takes them."""
        if self.component is not None:
            return [
                {"id": item.id, "uses": item.uses, "unit": item.unit, "fee": str(item.fee)}
                for item in self.component
            ]
        return [{"id": None, "uses": self.uses or [], "unit": "TOKEN", "fee": str(self.fee)}]

    def total(self) -> int:
        """Return the whole fee."""
        if self.component is not None:
            return sum(item.fee for item in self.component)
        return self.fee or 0


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """`scenario.toml`."""

    format: int
    periods: list[Month]
    hub: HubPart
    terms: TermsPart
    collective: list[dict[str, Any]] = []
    licensee: list[LicenseePart] = []
    licence: list[LicencePart] = []
    rates: str = "rates.csv"


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One usage line: what is posted, and where it goes."""

    event_id: str
    licence: str
    url: str
    use: str
    units: int
    occurred_at: str
    source: str
    period: Month
    host: str

    def posted(self, licence: str) -> dict[str, Any]:
        """Return what is posted, under the number its licence has there."""
        return {
            "event_id": self.event_id,
            "licence": licence,
            "url": self.url,
            "use": self.use,
            "units": self.units,
            "occurred_at": self.occurred_at,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """Money received for a licence of the scenario."""

    licence: str
    received_on: date
    amount: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table split by collective: its name, and rows with their place in the file."""

    file: str
    columns: list[str]
    rows: dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything a scenario says, read and checked as far as files can be."""

    folder: Path
    manifest: Manifest
    members: Table
    works: Table
    optouts: Table
    rates: bytes
    usage: list[UsageRow]
    receipts: list[ReceiptRow]

    @property
    def codes(self) -> list[str]:
        """Return the collectives' codes in the order of the file."""
        return [str(item["code"]) for item in self.manifest.collective]
