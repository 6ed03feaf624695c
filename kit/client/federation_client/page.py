"""A page of a member's site, as a crawler got it."""

from dataclasses import dataclass, field

import httpx


@dataclass(frozen=True, slots=True)
class Page:
    """What a site answered: its status, its headers, and its body, unpacked."""

    url: str
    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)

    @property
    def is_served(self) -> bool:
        """Whether it is the page (2xx); 401, 402 and 403 say why it is not, and where to buy."""
        return self.status // 100 == 2  # noqa: PLR2004 - 2xx
