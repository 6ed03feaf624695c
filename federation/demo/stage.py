"""Everything a chapter of the demo works with."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from federation.demo.plan import Script
from federation.demo.servers import Servers
from federation.demo.teller import Teller
from federation.demo.web import Crawler, Web
from federation.money import decimal_text
from federation.scenario.servers import Federation
from federation.scenario.story import Story


@dataclass(slots=True)
class Stage:
    """The script, the servers and sites that play it, who tells it, and what has come of it."""

    script: Script
    servers: Servers
    story: Story
    web: Web
    tell: Teller
    folder: Path
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    crawlers: dict[str, Crawler] = field(default_factory=dict)

    @property
    def federation(self) -> Federation:
        """Return hub and nodes with their people."""
        return self.story.federation

    def number(self, licence: str) -> str:
        """Return the number of a licence of the script."""
        return self.story.numbers[licence]

    def set_clock(self, instant: datetime) -> None:
        """Move the business time that all servers and sites share."""
        self.federation.set_clock(instant)


def amount(value: dict[str, str]) -> str:
    """Write an amount of the API with the decimals of its currency: `123.45 EUR`."""
    return f"{decimal_text(int(value['minor']), value['currency'])} {value['currency']}"


def when(instant: datetime) -> str:
    """Write a business time."""
    return f"{instant:%Y-%m-%d %H:%M} UTC"
