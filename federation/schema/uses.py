"""Was my work used? Who used an address, for what, how often, and what it earned."""

from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Cost

from federation.addresses.urls import normalise_url
from federation.proof import uses
from federation.proof.uses import EarnedState
from federation.schema.choices import Verdict
from federation.schema.context import Info
from federation.schema.scalars import BigInt, LicensedUse, Money
from federation.values.roles import MAY_READ_USES


@strawberry.type(
    description="Usage of one address by one licence in one month. Of its lines, `tokenLogged` and "
    "`agentLogged` rest on no more than a token, or a user agent, in a server's log."
)
class Use:
    """Who used an address, for what, how often, on what evidence, and what it earned.

    `state` is SETTLED, NOT_SETTLED_YET, or NOT_KNOWN_HERE where another collective's member earned
    it; `earned` is an amount where it is SETTLED.
    """

    period: str
    licence: str
    licensee: str
    use: LicensedUse
    verdict: Verdict
    lines: int
    units: BigInt
    state: EarnedState
    token_logged: int
    agent_logged: int
    earned: Money | None

    @classmethod
    def of(cls, found: uses.Use) -> "Use":
        """Show a use."""
        return cls(
            period=found.total.period,
            licence=found.total.licence,
            licensee=found.licensee,
            use=LicensedUse(found.total.use),
            verdict=Verdict(found.total.verdict),
            lines=found.total.lines,
            units=BigInt(found.total.units),
            state=EarnedState(found.state),
            token_logged=found.total.token_logged,
            agent_logged=found.total.agent_logged,
            earned=Money.shown(found.earned),
        )


@strawberry.type(
    description="Everything recorded about an address; none recorded is an answer. Lines of a "
    "month are recorded when it is cut off, and are not seen here before."
)
class UsesAnswer:
    """The uses of one address by month and licence, as recorded here at an instant."""

    url: str
    as_of: datetime
    recorded: bool
    uses: list[Use]


@strawberry.type
class UsesQuery:
    """Whether a work was used: on every server, for what counted there."""

    @strawberry.field(
        description="Who used an address: licence, use, units, money.", directives=[Cost(weight=20)]
    )
    async def uses_of(self, info: Info, url: str) -> UsesAnswer:
        """Answer for one address (MALFORMED_URL); a member sees its own, staff see any."""
        member, server = info.context.whose(MAY_READ_USES), info.context.server
        key = normalise_url(url)
        async with server.db.read() as session:
            found = await uses.uses_of(session, server.config, key, member)
        return UsesAnswer(
            url=key.text,
            as_of=server.clock(),
            recorded=bool(found),
            uses=[Use.of(item) for item in found],
        )
