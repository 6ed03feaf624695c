"""Every screen of the console, as tests look at it: at which server, as whom, at which address."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from federation.values.party import HUB


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


SCREENS = [
    Screen("start-nobody", HUB, "/"),
    Screen("start-officer", HUB, "/", "settlement", "settlement_officer"),
    Screen("start-node", "DE", "/", "settlement", "settlement_officer"),
    Screen("people", HUB, "/people", "auditor", "auditor"),
    Screen("people-none", HUB, "/people?state=WITHDRAWN", "auditor", "auditor"),
    Screen("person", HUB, "/people/auditor", "auditor", "auditor"),
    Screen("not-allowed", HUB, "/people", "settlement", "settlement_officer", status=403),
    Screen("bank-none", HUB, "/reconciliation", "settlement", "settlement_officer"),
    Screen("held", HUB, "/reconciliation/held", "settlement", "settlement_officer"),
    Screen("held-node", "DE", "/reconciliation/held", "settlement", "settlement_officer"),
    Screen("why-member", "DE", "/why?period=2026-09&member=de-a", "auditor", "auditor"),
]
