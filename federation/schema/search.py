"""The search over everything in GraphQL: on every server, of what who asks may see."""

from datetime import date

import strawberry
from strawberry.federation.schema_directives import Cost

from federation.schema.choices import choice
from federation.schema.context import Info
from federation.schema.scalars import Money
from federation.search import kinds, service, sought

choice(kinds.SearchKind)


@strawberry.type(description="Something that was found; its kind says what its id is of.")
class SearchHit:
    """What it is called, and what tells it from others of its kind."""

    id: strawberry.ID
    title: str
    detail: str
    amount: Money | None
    on: date | None
    period: str | None
    party: str | None
    is_exact: bool

    @classmethod
    def of(cls, hit: kinds.Hit) -> "SearchHit":
        """Show something that was found."""
        return cls(
            id=strawberry.ID(hit.id),
            title=hit.title,
            detail=hit.detail,
            amount=None if hit.amount is None else Money.of(hit.amount.minor, hit.amount.currency),
            on=hit.on,
            period=hit.period,
            party=hit.party,
            is_exact=hit.is_exact,
        )


@strawberry.type(description="What was found of one kind.")
class SearchGroup:
    """Some of it, as many as were asked for of each kind, and whether there is more."""

    kind: kinds.SearchKind
    hits: list[SearchHit]
    has_more: bool


@strawberry.type
class SearchQuery:
    """One question about everything."""

    @strawberry.field(
        description="What has a text in its number, name, address or amount: a few of each kind.",
        directives=[Cost(weight=20)],
    )
    async def search(self, info: Info, text: str, each: int = 5) -> list[SearchGroup]:
        """Look for 1 to 200 characters, 1 to 20 things of each kind (BAD_SEARCH, BAD_TEXT).

        What one may not see is not found. A number is found by the whole of it, an amount with its
        currency, as `1,234.50 EUR`.
        """
        wanted, context = sought.read(text), info.context
        server = context.server
        async with server.db.read() as session:
            found = await service.look_for(
                session,
                wanted,
                each,
                who=context.principal,
                here=server.code,
                now=server.clock(),
            )
        return [
            SearchGroup(
                kind=group.kind,
                hits=[SearchHit.of(hit) for hit in group.hits],
                has_more=group.has_more,
            )
            for group in found
        ]
