"""What the demo plays: the scenario beside this file, and the plan that goes with it."""

import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from federation.scenario.model import LicencePart, Scenario, UsageRow
from federation.scenario.reading import read_scenario
from federation.values.month import Month

FOLDER = Path(__file__).parent / "scenario"


class TariffPart(msgspec.Struct, forbid_unknown_fields=True):
    """The prices that the hub publishes: minor units per 1,000 units, by use and content tier."""

    currency: str
    minimum_fee: int
    valid_days: int
    per_1000: dict[str, dict[str, int]]


class ExpectedPart(msgspec.Struct, forbid_unknown_fields=True):
    """One line of what the lab asks a price for."""

    node: str
    use: str
    content_tier: str
    units: int


class SitePart(msgspec.Struct, forbid_unknown_fields=True):
    """A member's site."""

    collective: str
    member: str
    origin: str


class BotPart(msgspec.Struct, forbid_unknown_fields=True):
    """Who comes without a licence, and where."""

    agent: str
    url: str


class WithheldPart(msgspec.Struct, forbid_unknown_fields=True):
    """A page that no licence opens."""

    licence: str
    url: str
    use: str


class Plan(msgspec.Struct, forbid_unknown_fields=True):
    """`story.toml`. `mint` is the node that mints tokens, `down` the one that fails meanwhile.

    `quoted` is the licence bought by a quote, and stopped at `stop_at`, more than an hour after
    `back_at`: what servers and sites hold is over by then. `reason` is why the others deviate from
    the tariff.
    """

    join_at: datetime
    buy_at: datetime
    back_at: datetime
    stop_at: datetime
    mint: str
    down: str
    quoted: str
    reason: str
    tariff: TariffPart
    expected: list[ExpectedPart]
    site: list[SitePart]
    bot: BotPart
    withheld: WithheldPart


@dataclass(frozen=True, slots=True)
class Script:
    """The scenario and its plan."""

    scenario: Scenario
    plan: Plan

    @property
    def period(self) -> Month:
        """Return the month that is settled."""
        return self.scenario.manifest.periods[0]

    @property
    def licences(self) -> dict[str, LicencePart]:
        """Return the licences by their name in the scenario."""
        return {item.id: item for item in self.scenario.manifest.licence}

    @property
    def labs(self) -> dict[str, str]:
        """Return the labs' names by id."""
        return {item.id: item.name for item in self.scenario.manifest.licensee}

    @property
    def particulars(self) -> dict[str, dict[str, Any]]:
        """Return the collectives' particulars by code."""
        return {str(item["code"]): item for item in self.scenario.manifest.collective}

    @property
    def members(self) -> dict[str, dict[str, str]]:
        """Return {code: {member id: name}}."""
        return {
            code: {row.get("member_id"): row.get("name") for row in rows}
            for code, rows in self.scenario.members.rows.items()
        }

    def lines(self, source: str) -> list[UsageRow]:
        """Return the pages that crawlers fetch (`site`), or what the labs say of it (`lab`)."""
        return [row for row in self.scenario.usage if row.source == source]


def read_script(folder: Path = FOLDER) -> Script:
    """Read the demo's files."""
    plan = tomllib.loads((folder / "story.toml").read_text(encoding="utf-8"))
    return Script(read_scenario(folder), msgspec.convert(plan, Plan))
