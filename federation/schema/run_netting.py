"""Who owes whom in a run, and what is left when each party pays or gets one amount."""

import asyncio

import strawberry
from strawberry.federation.schema_directives import Cost

from federation.months import store as months
from federation.runs.service import UnknownRunError
from federation.schema.context import Info
from federation.schema.scalars import Money
from federation.settlement.run import RunResult, compute
from federation.settlement.run_document import RunDocument, decode
from federation.values.roles import MAY_READ_BOOKS


@strawberry.type(description="What a party owes another of a run, in one currency of licences.")
class RunClearing:
    """A sum of shares and clearing fees, and the one integer that both sides book for it."""

    debtor: str
    creditor: str
    owed: Money
    cleared: Money


@strawberry.type(description="What a party gets and owes in a run, in the clearing currency.")
class RunPosition:
    """Both sides of a party, and what is left: negative where it pays the hub."""

    party: str
    receivable: Money
    payable: Money
    net: Money


@strawberry.type(description="Who owes whom in a run, and what each is left with.")
class RunNetting:
    """Every pair of parties that clears, and every party, by code."""

    clearings: list[RunClearing]
    positions: list[RunPosition]


@strawberry.type
class RunNettingQuery:
    """Netting in a run: on every server."""

    @strawberry.field(
        description="Who owes whom in a run, and what is left for each.",
        directives=[Cost(weight=10)],
    )
    async def run_netting(self, info: Info, run_id: str) -> RunNetting:
        """Recompute a run from its document and show what clears (UNKNOWN_RUN)."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            row = await months.any_run(session, run_id)
            if row is None:
                raise UnknownRunError(run_id)
            document = decode(row.document)
        return _shown(document, await asyncio.to_thread(compute, document))


def _shown(document: RunDocument, result: RunResult) -> RunNetting:
    currency = document.hub.clearing_currency

    def cleared(minor: int) -> Money:
        return Money.of(minor, currency)

    pairs = sorted(result.cleared, key=lambda each: (each.debtor, each.creditor, each.currency))
    return RunNetting(
        clearings=[
            RunClearing(
                debtor=each.debtor,
                creditor=each.creditor,
                owed=Money.of(each.amount, each.currency),
                cleared=cleared(each.cleared),
            )
            for each in pairs
        ],
        positions=[
            RunPosition(
                party=party,
                receivable=cleared(each.receivable),
                payable=cleared(each.payable),
                net=cleared(each.net),
            )
            for party, each in sorted(result.positions.items())
        ],
    )
