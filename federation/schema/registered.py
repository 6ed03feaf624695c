"""What is registered of a member, in GraphQL: its claims and opt-outs. At a node."""

from datetime import date, datetime

import strawberry

from federation.addresses.urls import ClaimKey
from federation.claimindex.entitlement import counts_from
from federation.history.kinds import EVER
from federation.registry import tables as rows
from federation.schema.scalars import ContentTier


@strawberry.type(description="A claim of a member of this collective; it says the same for ever.")
class Claim:
    """A claim on `host/path` or `*.host/path`; a change makes another claim of it."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    member: str = strawberry.field(description="The id of the member whose claim it is.")
    claim: str = strawberry.field(description="The address, and what lies below it.")
    content_tier: ContentTier = strawberry.field(description="By which tier its uses are weighed.")
    works: int = strawberry.field(description="How many works it stands for.")
    canonical: str | None = strawberry.field(description="Of a copy: the address of the original.")
    owner_bps: int | None = strawberry.field(
        description="Of a copy: the part of the original's owner, in basis points."
    )
    counts_from: date = strawberry.field(description="The first UTC day on which it counts.")
    valid_from: date | None = strawberry.field(
        description="From which day on it was entered; null: since its member joined."
    )
    valid_to: date | None = strawberry.field(
        description="The first day on which it counts no more; null where no end is known."
    )
    recorded_at: datetime | None = strawberry.field(
        description="When it was written down; null: before that was kept."
    )
    recorded_by: str | None = strawberry.field(description="Who said so; for staff only.")
    reason: str | None = strawberry.field(description="Why; for staff only.")
    replaces: strawberry.ID | None = strawberry.field(
        description="The claim whose place it took, which is not known any more."
    )

    @classmethod
    def of(cls, row: rows.Claim, joined_on: date, *, is_staff: bool) -> "Claim":
        """Show a registered claim."""
        return cls(
            id=strawberry.ID(row.claim_id),
            member=row.member_id,
            claim=ClaimKey(row.host, row.path, row.wildcard).text,
            content_tier=ContentTier(row.content_tier),
            works=row.works,
            canonical=row.canonical,
            owner_bps=row.owner_bps,
            counts_from=counts_from(joined_on, row.valid_from),
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            recorded_at=_recorded_at(row),
            recorded_by=row.recorded_by if is_staff else None,
            reason=row.reason if is_staff else None,
            replaces=None if row.replaces is None else strawberry.ID(row.replaces),
        )


@strawberry.type(description="What is withheld: a member, or an address and what lies below it.")
class OptOut:
    """An opt-out of a member or of an address; ending it makes another one of it."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    subject: str = strawberry.field(description="`member:ID`, or an address or pattern.")
    use: str = strawberry.field(description="The use it is withheld from; `*`: from all.")
    effective_at: datetime = strawberry.field(description="From when on.")
    ends_at: datetime | None = strawberry.field(
        description="Before when; null where no end is known."
    )
    recorded_at: datetime = strawberry.field(description="When it was written down.")
    recorded_by: str | None = strawberry.field(description="Who said so; for staff only.")
    reason: str | None = strawberry.field(description="Why; for staff only.")
    replaces: strawberry.ID | None = strawberry.field(
        description="The opt-out whose place it took, which is not known any more."
    )

    @classmethod
    def of(cls, row: rows.OptOut, *, is_staff: bool) -> "OptOut":
        """Show a recorded opt-out."""
        subject = f"member:{row.member_id}"
        if row.host is not None and row.path is not None:
            subject = ClaimKey(row.host, row.path, row.wildcard).text
        return cls(
            id=strawberry.ID(str(row.id)),
            subject=subject,
            use=row.use,
            effective_at=row.effective_at,
            ends_at=row.ends_at,
            recorded_at=row.recorded_at,
            recorded_by=row.recorded_by if is_staff else None,
            reason=row.reason if is_staff else None,
            replaces=None if row.replaces is None else strawberry.ID(str(row.replaces)),
        )


def _recorded_at(row: rows.Claim) -> datetime | None:
    return None if row.recorded_at == EVER else row.recorded_at
