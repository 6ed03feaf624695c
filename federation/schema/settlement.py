"""The month in GraphQL: cut-off, runs, what members and auditors see."""

from datetime import date, datetime
from typing import Annotated

import msgspec
import strawberry

from federation import money
from federation.metering import month
from federation.metering import service as metering
from federation.metering import store as usage
from federation.metering import totals as usage_totals
from federation.registry.urls import normalise_url
from federation.schema.context import Change, Info, Refused, change, hub_config
from federation.schema.scalars import BigInt, Money
from federation.settlement import report, service, store
from federation.settlement.corrections import store as corrections
from federation.settlement.payments.members import paid_to_member
from federation.settlement.tables import Run as RunRow
from federation.trust.principals import NotAllowedError

OFFICER = ("settlement_officer",)
APPROVER = ("settlement_approver",)
READERS = ("settlement_officer", "settlement_approver", "auditor")


@strawberry.type(description="Where a month stands on this server.")
class Period:
    """A month: CUT_OFF, FORWARDED, COMPLETE, REPORTED, or not cut off yet."""

    period: str
    state: str
    missing_reports: list[str]


@strawberry.type(description="A settlement run; `document` is the text whose SHA-256 is `runId`.")
class Run:
    """A run."""

    run_id: str
    period: str
    state: str
    calculated_by: str
    approved_by: str | None
    reason: str | None
    warnings: list[str]
    objections_until: datetime | None
    corrects: str | None
    posted_in: str | None
    document: str

    @classmethod
    def of(cls, row: RunRow) -> "Run":
        """Show a row."""
        return cls(
            run_id=row.run_id,
            period=row.period,
            state=row.state,
            calculated_by=row.calculated_by,
            approved_by=row.approved_by,
            reason=row.reason,
            warnings=msgspec.json.decode(row.warnings, type=list[str]),
            objections_until=row.objections_until,
            corrects=row.corrects,
            posted_in=row.posted_in,
            document=row.document.decode(),
        )


@strawberry.type(description="An amount that leaves one account and enters another.")
class Posting:
    """A posting; `meta` is JSON."""

    debit: str
    credit: str
    amount: Money
    meta: str


@strawberry.type(description="One transaction of this server's journal.")
class JournalEntry:
    """A journal entry."""

    id: strawberry.ID
    posted_on: date
    document: str
    narration: str
    postings: list[Posting]


@strawberry.type(description="Usage of one address by one licence in one month.")
class Use:
    """Who used an address, for what, how often, and what it earned its member."""

    period: str
    licence: str
    licensee: str
    use: str
    verdict: str
    lines: int
    units: BigInt
    earned: Money | None


@strawberry.type(description="Everything recorded about an address; none recorded is an answer.")
class UsesAnswer:
    """The answer to "was my work used?"."""

    url: str
    as_of: datetime
    recorded: bool
    uses: list[Use]


@strawberry.type(description="A line of a member's statement.")
class StatementLine:
    """Where an amount comes from; a base or tier part belongs to no licence."""

    licence: str | None
    use: str | None
    units: BigInt
    source: str
    amount: Money


@strawberry.type(description="What a correction or a release changed; of a month settled before.")
class StatementAdjustment:
    """An adjustment of either sign; `corrects` is the run it belongs to."""

    reason: str
    service_period: str
    licence: str | None
    use: str | None
    amount: Money
    corrects: str | None


@strawberry.type(description="Usage of one of the member's addresses.")
class StatementUse:
    """Usage, also where it was withheld and earned nothing."""

    url: str
    licence: str
    use: str
    verdict: str
    lines: int
    units: BigInt


@strawberry.type(
    description="A member's month: opening + attributed + adjusted - payable = outstanding."
)
class MemberStatement:
    """A statement that adds up."""

    member: str
    period: str
    run_id: str
    opening: Money
    attributed: Money
    adjusted: Money
    payable: Money
    outstanding: Money
    reason: str | None
    paid: Money
    in_payment: Money
    not_paid: Money
    not_paid_reason: str | None
    lines: list[StatementLine]
    adjustments: list[StatementAdjustment]
    uses: list[StatementUse]


@strawberry.type(description="What this collective did with one run.")
class Distribution:
    """A distribution in the collective's settlement currency."""

    period: str
    run_id: str
    distribution_id: str
    received: Money
    domestic: Money
    admin_fee: Money
    outstanding: str


PeriodResult = Annotated[Period | Refused, strawberry.union("PeriodResult")]
RunResult = Annotated[Run | Refused, strawberry.union("RunResult")]

PAGE_MAX = 100


def _money(minor: int, currency: str) -> Money:
    return Money.of(money.Money(minor, currency))


@strawberry.type
class SettlementQuery:
    """What staff and auditors read: on every server."""

    @strawberry.field(description="Where a month stands.")
    async def period(self, info: Info, period: str) -> Period:
        """Show a month."""
        info.context.require(*READERS, "node_operator")
        async with info.context.server.db.read() as session:
            row = await usage.find_period(session, period)
            reports = await usage.latest_reports(session, period)
            progress = await usage.progress(session, period)
        return Period(
            period=period,
            state=row.state if row else "OPEN",
            missing_reports=sorted(progress.keys() - reports.keys()),
        )

    @strawberry.field(description="Runs, newest first.")
    async def runs(self, info: Info, period: str | None = None) -> list[Run]:
        """List runs."""
        info.context.require(*READERS)
        async with info.context.server.db.read() as session:
            return [Run.of(row) for row in await store.runs(session, period)]

    @strawberry.field(description="The journal in the order it was written.")
    async def journal(self, info: Info, first: int = 100, after: str = "0") -> list[JournalEntry]:
        """List journal entries."""
        info.context.require(*READERS)
        start = int(after) if after.isdigit() and len(after) < 19 else 0  # noqa: PLR2004
        async with info.context.server.db.read() as session:
            found = await store.journal(session, after=start, limit=min(max(first, 1), PAGE_MAX))
        return [
            JournalEntry(
                id=strawberry.ID(str(entry.id)),
                posted_on=entry.posted_on,
                document=entry.document,
                narration=entry.narration,
                postings=[
                    Posting(
                        debit=posting.debit,
                        credit=posting.credit,
                        amount=_money(posting.amount, posting.currency),
                        meta=posting.meta,
                    )
                    for posting in postings
                ],
            )
            for entry, postings in found
        ]


@strawberry.type
class RunMutation:
    """The hub's month."""

    @strawberry.mutation(description="Close a month: nodes send on what is not theirs and report.")
    async def cut_off(self, info: Info, period: str) -> PeriodResult:
        """Cut a month off; again it changes nothing."""

        async def act(at: Change) -> Period:
            await month.cut_off(at.session, period, await at.server.terms(at.session), at.now)
            row = await usage.find_period(at.session, period)
            return Period(period=period, state=row.state if row else "OPEN", missing_reports=[])

        return await change(info, "period.cut_off", OFFICER, act)

    @strawberry.mutation(description="Calculate the run of a month.")
    async def calculate_run(self, info: Info, period: str) -> RunResult:
        """Calculate; the same inputs again return the same run."""

        async def act(at: Change) -> Run:
            terms = await at.server.terms(at.session)
            return Run.of(await service.calculate_run(at.session, period, terms, at.who, at.now))

        return await change(info, "run.calculate", OFFICER, act)

    @strawberry.mutation(description="Send a calculated run to the nodes to look at.")
    async def advise_run(self, info: Info, run_id: str) -> RunResult:
        """Advise."""

        async def act(at: Change) -> Run:
            calendar = hub_config(at.server).calendar
            return Run.of(await service.advise_run(at.session, run_id, calendar, at.now))

        return await change(info, "run.advise", OFFICER, act)

    @strawberry.mutation(description="Approve as another person; locks the month and posts.")
    async def approve_run(self, info: Info, run_id: str) -> RunResult:
        """Approve."""

        async def act(at: Change) -> Run:
            terms = await at.server.terms(at.session)
            adjustments = hub_config(at.server).adjustments
            return Run.of(
                await service.approve_run(at.session, run_id, at.who, terms, adjustments, at.now)
            )

        return await change(info, "run.approve", APPROVER, act)

    @strawberry.mutation(description="Take back a run that is not approved, with a reason.")
    async def withdraw_run(self, info: Info, run_id: str, reason: str) -> RunResult:
        """Withdraw."""

        async def act(at: Change) -> Run:
            return Run.of(await service.withdraw_run(at.session, run_id, at.who, reason, at.now))

        return await change(info, "run.withdraw", (*OFFICER, *APPROVER), act)


@strawberry.type
class DistributionQuery:
    """What a collective did with its part, and what its members see."""

    @strawberry.field(description="What this collective did with a month's run.")
    async def distribution(self, info: Info, period: str) -> Distribution | None:
        """Show a distribution."""
        info.context.require(*READERS, "node_operator")
        async with info.context.server.db.read() as session:
            row = await store.find_distribution(session, period)
        if row is None:
            return None
        currency = report.settlement_currency(info.context.server.config)
        return Distribution(
            period=row.period,
            run_id=row.run_id,
            distribution_id=row.distribution_id,
            received=_money(row.received, currency),
            domestic=_money(row.domestic, currency),
            admin_fee=_money(row.admin_fee, currency),
            outstanding=row.outstanding,
        )

    @strawberry.field(description="A member's statement of a month; null before its run.")
    async def member_statement(
        self, info: Info, period: str, member: str | None = None
    ) -> MemberStatement | None:
        """Show a statement: a member's own, or any for settlement staff."""
        who = info.context.require("member", *READERS)
        wanted = who.require_party() if "member" in who.roles else member
        if wanted is None:
            raise NotAllowedError("name the member")
        async with info.context.server.db.read() as session:
            done = await store.find_distribution(session, period)
            if done is None:
                return None
            balance = (await store.balances(session, period)).get(wanted)
            paid = await paid_to_member(session, period, balance, wanted)
            amounts = await store.member_amounts(session, period, wanted)
            adjusted = await corrections.adjustments_of(session, wanted, period, 1_000)
            uses = await usage_totals.totals_for_member(session, wanted, period, 1_000)
        currency = report.settlement_currency(info.context.server.config)

        def amount(minor: int) -> Money:
            return _money(minor, currency)

        return MemberStatement(
            member=wanted,
            period=period,
            run_id=done.run_id,
            opening=amount(balance.opening if balance else 0),
            attributed=amount(balance.attributed if balance else 0),
            adjusted=amount(balance.adjusted if balance else 0),
            payable=amount(balance.payable if balance else 0),
            outstanding=amount(balance.outstanding if balance else 0),
            reason=balance.reason if balance else None,
            paid=amount(paid.paid),
            in_payment=amount(paid.in_payment),
            not_paid=amount(paid.not_paid),
            not_paid_reason=paid.reason,
            lines=[
                StatementLine(
                    licence=row.licence,
                    use=row.use,
                    units=BigInt(row.units),
                    source=row.source,
                    amount=amount(row.amount),
                )
                for row in amounts
            ],
            adjustments=[
                StatementAdjustment(
                    reason=row.reason,
                    service_period=row.service_period,
                    licence=row.licence,
                    use=row.use,
                    amount=amount(row.amount),
                    corrects=row.corrects,
                )
                for row in adjusted
            ],
            uses=[
                StatementUse(
                    url=row.url_key,
                    licence=row.licence,
                    use=row.use,
                    verdict=row.verdict,
                    lines=row.lines,
                    units=BigInt(row.units),
                )
                for row in uses
            ],
        )


@strawberry.type
class UsesQuery:
    """The answer to "was my work used?"."""

    @strawberry.field(description="Who used an address: licence, use, units, money.")
    async def uses_of(self, info: Info, url: str) -> UsesAnswer:
        """Answer for one address; a member asks for its own, staff for any."""
        who = info.context.require("member", "registry_officer", *READERS)
        server = info.context.server
        key = normalise_url(url)
        async with server.db.read() as session:
            rows = await usage_totals.totals_for_url(session, key.text)
            if "member" in who.roles:
                rows = [row for row in rows if row.member == who.require_party()]
            licences = await metering.licence_facts(session)
            earned = await report.earned_by_address(session, server.config, rows)
        return UsesAnswer(
            url=key.text,
            as_of=server.clock(),
            recorded=bool(rows),
            uses=[
                Use(
                    period=row.period,
                    licence=row.licence,
                    licensee=licences[row.licence].licensee,
                    use=row.use,
                    verdict=row.verdict,
                    lines=row.lines,
                    units=BigInt(row.units),
                    earned=Money.of(amount) if amount else None,
                )
                for row, amount in zip(rows, earned, strict=True)
            ],
        )
