"""`coverage`: which of the asking lab's licences cover which addresses, in GraphQL."""

from datetime import UTC, date, datetime

import strawberry
from strawberry.federation.schema_directives import Cost

from federation.consent.states import Reason
from federation.licensing import coverage as rules
from federation.licensing import store
from federation.licensing.coverage import UseCoverage as Found
from federation.licensing.licensees import licensee_of
from federation.licensing.objects import decode
from federation.licensing.rights import ANSWERED, Answer, Question, Reply
from federation.schema.choices import CoverageGap
from federation.schema.context import Info
from federation.schema.rights import NodeStatus, rights_at_hub
from federation.schema.scalars import LicensedUse
from federation.values.roles import MAY_BUY

LICENCES_READ_MAX = 1_000


@strawberry.type(description="A licence that covers a use of an address.")
class CoveringLicence:
    """A licence and the last day on which it covers."""

    number: str
    until: date


@strawberry.type(description="Whether one use of an address is covered.")
class UseCoverage:
    """The licences that cover it, or why none does."""

    use: LicensedUse
    licences: list[CoveringLicence]
    why: CoverageGap | None
    reason: Reason | None

    @classmethod
    def of(cls, found: Found) -> "UseCoverage":
        """Show what covers a use, those licences first that last longest."""
        return cls(
            use=LicensedUse(found.use),
            licences=[CoveringLicence(number=it.number, until=it.until) for it in found.licences],
            why=None if found.why is None else CoverageGap(found.why),
            reason=found.right.reason,
        )


@strawberry.type(description="What of the uses that were asked about is covered for one address.")
class UrlCoverage:
    """An address, whose it is, and each use in the order it was asked about."""

    url: str
    collective: str | None
    uses: list[UseCoverage]


@strawberry.type(description="What is covered of many addresses, with how complete the answer is.")
class CoverageAnswer:
    """Addresses in the order asked; a collective that does not answer costs its own only."""

    items: list[UrlCoverage]
    nodes: list[NodeStatus]
    complete: bool


@strawberry.type
class CoverageQuery:
    """What a lab's own licences cover: at the hub."""

    @strawberry.field(
        description="Which of your licences cover up to 1,000 URLs, for which uses and until when.",
        directives=[Cost(weight=10)],
    )
    async def coverage(
        self, info: Info, urls: list[str], uses: list[str], at: datetime | None = None
    ) -> CoverageAnswer:
        """Ask as `rights` does, once for each use (UNKNOWN_USE, TOO_MANY_URLS, TOO_MANY_USES).

        `at` is the instant asked about, now by default. Each use beyond the first counts as
        another request.
        """
        server, who = info.context.server, info.context.require(*MAY_BUY)
        at = at or server.clock()
        asked = rules.check_uses(uses)
        async with server.db.read() as session:
            rows = await store.licences_at(
                session,
                await licensee_of(session, who),
                on=at.astimezone(UTC).date(),
                limit=LICENCES_READ_MAX,
            )
        if len(asked) > 1:
            server.quotas.take(info.context.asker, "graphql", len(asked) - 1)
        licences = [decode(row.body) for row in rows]
        answers: list[Answer] = []
        found: dict[str, list[Found]] = {}
        for use in asked:
            question = Question(urls, use, at)
            answer = await rights_at_hub(info, question)
            found[use] = rules.coverage_of(question, answer, licences)
            answers.append(answer)
        return CoverageAnswer(
            items=[
                UrlCoverage(
                    url=url,
                    collective=row[0].right.collective,
                    uses=[UseCoverage.of(each) for each in row],
                )
                for url, row in zip(urls, rules.by_url(found), strict=True)
            ],
            nodes=[NodeStatus.of(reply) for reply in _worst(answers)],
            complete=all(answer.is_complete for answer in answers),
        )


def _worst(answers: list[Answer]) -> list[Reply]:
    """Return one reply of each collective: one that it owed, where it did not always answer."""
    found: dict[str, Reply] = {}
    for answer in answers:
        for reply in answer.replies:
            if reply.node not in found or reply.state != ANSWERED:
                found[reply.node] = reply
    return [found[node] for node in sorted(found)]
