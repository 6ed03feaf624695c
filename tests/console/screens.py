"""Every screen of the console, as tests look at it: at which server, as whom, at which address."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from federation.scenario.client import nodes_of
from federation.values.party import HUB
from tests.federation.conftest import PRICES, TARIFF
from tests.federation.harness import PERIOD

RUNS = "query($period: String!) { runs(period: $period) { edges { node { runId } } } }"
PAYMENTS = "query($period: String!) { payments(period: $period) { edges { node { id } } } }"
MEMBER = ("member@fr-a", "member")
OFFICER, APPROVER, AUDITOR = (
    ("settlement", "settlement_officer"),
    ("approver", "settlement_approver"),
    ("auditor", "auditor"),
)


@dataclass(frozen=True)
class Screen:
    """A screen: `path` is its address, or finds it in a federation whose month is settled."""

    name: str
    code: str
    path: str | Callable[[Any, str], Awaitable[str]]
    subject: str | None = None
    role: str = ""
    status: int = 200
    language: str = "en"

    async def path_at(self, small: Any) -> str:
        """Return the address."""
        return self.path if isinstance(self.path, str) else await self.path(small, self.code)


async def the_run(small: Any, code: str) -> str:
    """Return the address of the run of the month."""
    found = nodes_of(await small.at(code, "auditor").ask(RUNS, period=PERIOD))
    return f"/month/{PERIOD}/run/{found[0]['runId']}"


async def a_payment(small: Any, code: str) -> str:
    """Return the address of a payment of the month."""
    found = nodes_of(await small.at(code, "auditor").ask(PAYMENTS, period=PERIOD))
    return f"/payment?id={quote(found[0]['id'], safe='')}"


BUYER = ("buyer@lab-one", "lab")
LINES = (
    "of-1=DE&for-1=TRAIN%7Cstandard&units-1=1000000&of-2=FR&for-2=GROUND%7Cstandard&units-2=10"
    "&starts=2026-11-01"
)
ADDRESSES = (
    "urls=https%3A%2F%2Fnews.example%2Fde%2F1%0Ahttps%3A%2F%2Fnews.example%2Fde%2Fprivate%2F1"
    "%0Ahttps%3A%2F%2Fnobody.example%2F%0Anonsense"
)


async def priced(small: Any, code: str) -> str:
    """Publish a tariff, which the federation of these tests has not, and return where it stands."""
    if await small.at(code, "licensing").ask("{ tariff { version } }") is None:
        await small.at(code, "licensing").ask(TARIFF, input=PRICES)
    return "/tariff"


async def calculated(small: Any, code: str) -> str:
    """Return the address of a price that is calculated."""
    await priced(small, code)
    return f"/calculator?{LINES}"


SCREENS = [
    Screen("start-nobody", HUB, "/"),
    Screen("start-officer", HUB, "/", *OFFICER),
    Screen("start-node", "DE", "/", *OFFICER),
    Screen("month", HUB, f"/month?period={PERIOD}", *OFFICER),
    Screen("month-open", HUB, "/month?period=2026-12", *OFFICER),
    Screen("month-node", "DE", f"/month?period={PERIOD}", *OFFICER),
    Screen("run", HUB, the_run, *APPROVER),
    Screen("run-node", "DE", the_run, *OFFICER),
    Screen("payments", HUB, "/payments", *APPROVER),
    Screen("payments-officer", "DE", "/payments", *OFFICER),
    Screen("corrections-none", HUB, "/corrections", *OFFICER),
    Screen("payments-none", HUB, "/payments?period=2020-01", *AUDITOR),
    Screen("payment", HUB, a_payment, *OFFICER),
    Screen("documents", HUB, "/documents", *AUDITOR),
    Screen("documents-none", HUB, "/documents?period=2020-01", *AUDITOR),
    Screen("proposals-none", "DE", "/proposals", "registry", "registry_officer"),
    Screen("registry-none", "DE", "/registry?text=nothing", "registry", "registry_officer"),
    Screen("claims", "DE", "/claims", "registry", "registry_officer"),
    Screen("work-none", "DE", "/registry/work/DE:none", "registry", "registry_officer"),
    Screen("statement", "FR", f"/statement?period={PERIOD}", *MEMBER),
    Screen("statement-open", "FR", "/statement?period=2026-12", *MEMBER),
    Screen("deductions", "FR", f"/statement/deductions?period={PERIOD}", *MEMBER),
    Screen("uses", "FR", "/uses?url=news.example/fr/1", *MEMBER),
    Screen("crawlers-none", "FR", "/crawlers", *MEMBER),
    Screen("sites-none", "FR", "/sites", *MEMBER),
    Screen("opt-outs", "FR", "/opt-outs", "member@fr-b", "member"),
    Screen("consents-none", "FR", "/consents", *MEMBER),
    Screen("people", HUB, "/people", *AUDITOR),
    Screen("people-none", HUB, "/people?state=WITHDRAWN", *AUDITOR),
    Screen("person", HUB, "/people/auditor", *AUDITOR),
    Screen("audit", HUB, "/audit", *AUDITOR),
    Screen("audit-none", HUB, "/audit?subject=nothing", *AUDITOR),
    Screen("audit-runs", HUB, "/audit/runs", *AUDITOR),
    Screen("audit-runs-node", "DE", "/audit/runs", *AUDITOR),
    Screen("audit-journal", HUB, "/audit/journal", *AUDITOR),
    Screen("audit-balance", "DE", "/audit/balance", *AUDITOR),
    Screen("audit-balance-none", HUB, "/audit/balance?asOf=2020-01-01", *AUDITOR),
    Screen("audit-account", HUB, "/audit/account?account=Assets:HUB:Bank&currency=EUR", *AUDITOR),
    Screen("audit-invariants", HUB, f"/audit/invariants?period={PERIOD}", *AUDITOR),
    Screen("audit-invariants-none", HUB, "/audit/invariants?period=2020-01", *AUDITOR, status=404),
    Screen("account", HUB, "/account", *AUDITOR),
    Screen("month-german", HUB, f"/month?period={PERIOD}", *OFFICER, language="de"),
    Screen("payments-german", HUB, "/payments", *APPROVER, language="de"),
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
    Screen("invoice", HUB, "/labs/documents/INV-HUB-000001", *BUYER),
    Screen("lab-clients", HUB, "/labs/clients", *BUYER),
    Screen("usage", HUB, "/labs/usage?period=2026-09", *BUYER),
    Screen("usage-none", HUB, "/labs/usage?period=2020-01", *BUYER),
    Screen("coverage", HUB, f"/labs/coverage?{ADDRESSES}&uses.TRAIN=on&uses.GROUND=on", *BUYER),
    Screen("withheld", HUB, "/labs/withheld", *BUYER),
    Screen("programs", HUB, "/labs/programs", *BUYER),
    Screen("webhooks", HUB, "/labs/webhooks", *BUYER),
    Screen("webhook", HUB, "/labs/webhooks/wh-1", *BUYER),
    Screen("not-allowed", HUB, "/people", *OFFICER, status=403),
    Screen("bank-none", HUB, "/reconciliation", "settlement", "settlement_officer"),
    Screen("held", HUB, "/reconciliation/held", "settlement", "settlement_officer"),
    Screen("held-node", "DE", "/reconciliation/held", "settlement", "settlement_officer"),
    Screen("overpayments-none", HUB, "/reconciliation/overpayments", *OFFICER),
    Screen("held-claims-none", HUB, "/reconciliation/claims", *APPROVER),
    Screen("held-elsewhere", "DE", "/reconciliation/published", *OFFICER),
    Screen("search", HUB, "/search?q=lab", *AUDITOR),
    Screen("search-address", "DE", "/search?q=news.example%2Fde%2F1", *AUDITOR),
    Screen("search-none", HUB, "/search?q=nothing", *OFFICER),
    Screen("search-nobody", HUB, "/search?q=de"),
    Screen("nowhere", HUB, "/no/such/page", *OFFICER, status=404),
    Screen("why-member", "DE", "/why?period=2026-09&member=de-a", "auditor", "auditor"),
]
