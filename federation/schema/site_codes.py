"""Codes with which member sites are installed, in GraphQL. A node has them; a hub has no sites."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.clients import site_codes
from federation.registry import service as registry
from federation.registry.missing import claims_missing
from federation.schema.clients import acting
from federation.schema.context import Change, Info, Refused, change
from federation.signing.enrolment import SiteCode as Code
from federation.trust.key_life import Purpose
from federation.values.roles import MAY_ISSUE_SITE_CODES


@strawberry.type(description="A code with which one site is installed; it is shown once.")
class SiteCode:
    """`federation-site init CODE` takes it, once, until it is over; `id` withdraws it.

    `warnings` name origins under which nothing is earned yet: the member has no claim there.
    """

    id: strawberry.ID
    code: str
    member: str
    expires_at: datetime
    warnings: list[str]


@strawberry.type(description="A code that installs no site any more.")
class WithdrawnSiteCode:
    """It was a member's, and nobody had used it."""

    id: strawberry.ID
    member: str


SiteCodeResult = Annotated[SiteCode | Refused, strawberry.union("SiteCodeResult")]
SiteCodeWithdrawal = Annotated[WithdrawnSiteCode | Refused, strawberry.union("SiteCodeWithdrawal")]


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
            made = await site_codes.issue(await acting(at), whose, origins, days)
            await registry.get_member(at.session, made.row.member)
            keys = (await server.keys.current()).published(Purpose.FEDERATION, at.now)
            named = tuple(dict.fromkeys([server.key.kid, *keys]))
            code = Code(server.url, made.secret, named)
            missing = await claims_missing(at.session, made.row.member, made.origins, at.now)
            return SiteCode(
                id=strawberry.ID(made.row.id),
                code=code.written(),
                member=made.row.member,
                expires_at=made.row.expires_at,
                warnings=[
                    f"{origin}: nothing is earned there before the member claims {claim}"
                    for origin, claim in missing.items()
                ],
            )

        return await change(info, "site_code.issue", MAY_ISSUE_SITE_CODES, act)

    @strawberry.mutation(description="End a code that no site was installed with yet.")
    async def withdraw_site_code(self, info: Info, code: strawberry.ID) -> SiteCodeWithdrawal:
        """End one by its id (BAD_SITE_CODE: unknown, another's, used or over)."""

        async def act(at: Change) -> WithdrawnSiteCode:
            row = await site_codes.withdraw(await acting(at), code)
            return WithdrawnSiteCode(id=code, member=row.member)

        return await change(info, "site_code.withdraw", MAY_ISSUE_SITE_CODES, act)
