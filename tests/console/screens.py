"""Every screen of the console, as tests look at it: at which server, as whom, at which address."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from federation.values.party import HUB
from tests.federation.conftest import PRICES, TARIFF


@dataclass(frozen=True)
class Screen:
    """A screen: `path` is its address, or finds it in a federation whose month is settled."""

    name: str
    code: str
    path: str | Callable[[Any], Awaitable[str]]
    subject: str | None = None
    role: str = ""
    status: int = 200

    async def path_at(self, small: Any) -> str:
        """Return the address."""
        return self.path if isinstance(self.path, str) else await self.path(small)


BUYER = ("buyer@lab-one", "lab")
LINES = (
    "of-1=DE&for-1=TRAIN%7Cstandard&units-1=1000000&of-2=FR&for-2=GROUND%7Cstandard&units-2=10"
    "&starts=2026-11-01"
)
ADDRESSES = (
    "urls=https%3A%2F%2Fnews.example%2Fde%2F1%0Ahttps%3A%2F%2Fnews.example%2Fde%2Fprivate%2F1"
    "%0Ahttps%3A%2F%2Fnobody.example%2F%0Anonsense"
)


async def priced(small: Any) -> str:
    """Publish a tariff, which the federation of these tests has not, and return where it stands."""
    if await small.at(HUB, "licensing").ask("{ tariff { version } }") is None:
        await small.at(HUB, "licensing").ask(TARIFF, input=PRICES)
    return "/tariff"


async def calculated(small: Any) -> str:
    """Return the address of a price that is calculated."""
    await priced(small)
    return f"/calculator?{LINES}"


SCREENS = [
    Screen("start-nobody", HUB, "/"),
    Screen("start-officer", HUB, "/", "settlement", "settlement_officer"),
    Screen("start-node", "DE", "/", "settlement", "settlement_officer"),
    Screen("people", HUB, "/people", "auditor", "auditor"),
    Screen("people-none", HUB, "/people?state=WITHDRAWN", "auditor", "auditor"),
    Screen("person", HUB, "/people/auditor", "auditor", "auditor"),
    Screen("tariff-none", HUB, "/tariff"),
    Screen("tariff", HUB, priced),
    Screen("calculator", HUB, "/calculator"),
    Screen("calculator-priced", HUB, calculated, *BUYER),
    Screen("calculator-refused", HUB, f"/calculator?{LINES}&ends=2020-01-01", status=422),
    Screen("how", HUB, "/how"),
    Screen("how-node", "DE", "/how"),
    Screen("rights", HUB, f"/rights?{ADDRESSES}", *BUYER),
    Screen("licences", HUB, "/labs/licences", "licensing", "licensing_officer"),
    Screen("licences-node", "DE", "/labs/licences", *BUYER),
    Screen("licence", HUB, "/labs/licences/HUB-000001", *BUYER),
    Screen("offers", HUB, "/labs/offers", *BUYER),
    Screen("invoices", HUB, "/labs/invoices", *BUYER),
    Screen("lab-clients", HUB, "/labs/clients", *BUYER),
    Screen("usage", HUB, "/labs/usage?period=2026-09", *BUYER),
    Screen("usage-none", HUB, "/labs/usage?period=2020-01", *BUYER),
    Screen("coverage", HUB, f"/labs/coverage?{ADDRESSES}&uses.TRAIN=on&uses.GROUND=on", *BUYER),
    Screen("withheld", HUB, "/labs/withheld", *BUYER),
    Screen("programs", HUB, "/labs/programs", *BUYER),
    Screen("webhooks", HUB, "/labs/webhooks", *BUYER),
    Screen("webhook", HUB, "/labs/webhooks/wh-1", *BUYER),
    Screen("not-allowed", HUB, "/people", "settlement", "settlement_officer", status=403),
]
