"""What labs used of their licences in a month, and what that month took in, in GraphQL."""

import strawberry

from federation.proof.used import ComponentUsage as ComponentRow
from federation.proof.used import LicenceUsage as Row
from federation.proof.used import usage_of_licences
from federation.schema.context import Info
from federation.schema.pages import Connection
from federation.schema.scalars import BigInt, LicensedUse, Money
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.month import parse_month
from federation.values.roles import MAY_READ_LAB_USAGE


@strawberry.type(description="Units of one use of one collective's works.")
class UsedUnits:
    """Units of a use, and whose works they are of; `~` names what is nobody's yet."""

    use: LicensedUse
    collective: str
    units: BigInt


@strawberry.type(description="The month of a component of a licence, or of all of it.")
class ComponentUsage:
    """What was used, and what the month took in; money is null until the month is settled."""

    licence: str
    used: list[UsedUnits]
    recognised: Money | None
    carried_forward: Money | None

    @classmethod
    def of(cls, row: ComponentRow) -> "ComponentUsage":
        """Show the month of a component."""
        return cls(
            licence=row.licence,
            used=[
                UsedUnits(use=LicensedUse(it.use), collective=it.collective, units=BigInt(it.units))
                for it in row.used
            ],
            recognised=Money.shown(row.recognised),
            carried_forward=Money.shown(row.carried_forward),
        )


@strawberry.type(description="The month of a licence.")
class LicenceUsage:
    """What was used of a licence in a month, component by component."""

    number: str
    licensee: str
    components: list[ComponentUsage]

    @classmethod
    def of(cls, row: Row) -> "LicenceUsage":
        """Show the month of a licence."""
        return cls(
            number=row.number,
            licensee=row.licensee,
            components=[ComponentUsage.of(item) for item in row.components],
        )


_LIST = "licenceUsage"


@strawberry.type
class LicenceUsageQuery:
    """What labs used and what they paid: a lab sees its own, staff of the books see all."""

    @strawberry.field(
        description="What was used of each licence in a month, and what that took in, by number."
    )
    async def licence_usage(
        self,
        info: Info,
        period: str,
        licensee: str | None = None,
        first: int = 100,
        after: str | None = None,
    ) -> Connection[LicenceUsage]:
        """List licences with their month (BAD_PERIOD, BAD_PAGE, BAD_CURSOR)."""
        shown = info.context.whose(MAY_READ_LAB_USAGE, licensee)
        size, key, month = page_size(first), key_of(_LIST, after, tuple[str]), parse_month(period)
        async with info.context.server.db.read() as session:
            rows = await usage_of_licences(
                session, month, shown, after=key[0] if key else "", limit=size + 1
            )
        return Connection.of(
            rows, size, lambda row: cursor_of(_LIST, (row.number,)), LicenceUsage.of
        )
