"""Codes with which member sites are installed, in GraphQL. A node has them; a hub has no sites."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.clients import site_codes
from federation.clients.service import Act
from federation.registry import service as registry
from federation.schema.context import Change, Info, Refused, change
from federation.signing.enrolment import SiteCode as Code
from federation.trust.key_life import Purpose
from federation.values.roles import MAY_ISSUE_SITE_CODES


@strawberry.type(description="A code with which one site is installed; it is shown once.")
class SiteCode:
    """`federation-site init CODE` takes it, once, until it is over."""

    code: str
    member: str
    expires_at: datetime


SiteCodeResult = Annotated[SiteCode | Refused, strawberry.union("SiteCodeResult")]


@strawberry.type
class SiteCodeMutation:
    """How a member's site gets what it needs."""

    @strawberry.mutation(description="Make a code with which a member installs its site's gate.")
    async def issue_site_code(
        self,
        info: Info,
        origins: list[str],
        member: str | None = None,
        days: int = site_codes.DAYS,
    ) -> SiteCodeResult:
        """Make one for `origins`, each like https://host (BAD_CLIENT, UNKNOWN_MEMBER)."""

        async def act(at: Change) -> SiteCode:
            server, whose = at.server, at.who.party if member is None else member
            acting = Act(at.session, at.who, at.now, server.pepper)
            made = await site_codes.issue(acting, whose, origins, days)
            await registry.get_member(at.session, made.row.member)
            keys = (await server.keys.current()).published(Purpose.FEDERATION, at.now)
            named = tuple(dict.fromkeys([server.key.kid, *keys]))
            code = Code(server.url, made.secret, named)
            return SiteCode(
                code=code.written(), member=made.row.member, expires_at=made.row.expires_at
            )

        return await change(info, "site_code.issue", MAY_ISSUE_SITE_CODES, act)
