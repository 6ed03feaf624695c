"""What is shown of claims that several hold and of disputes over them: at a node and at the hub."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import strawberry

from federation.claimindex.messages import Over
from federation.disputes import outcomes, service, store, tables
from federation.disputes.rules import (
    DocumentKind,
    OutcomeKind,
    State,
    number_of,
)
from federation.distribution import disputed_store
from federation.registry.conflicts import Conflict as Found
from federation.registry.conflicts import Standing
from federation.schema.context import Info, Refused
from federation.schema.scalars import Money
from federation.store.sessions import ReadSession
from federation.values.party import HUB
from federation.values.right import Right
from federation.values.roles import (
    MAY_READ_BOOKS,
)

strawberry.enum(
    State,
    name="DisputeState",
    description="OPENED; ASKED for documents; NOTICE given to who brought none; ESCROW: held until "
    "a court decides; DECIDED.",
)
strawberry.enum(
    OutcomeKind,
    name="DisputeOutcomeKind",
    description="How a dispute ends. WITHDRAWN: all sides but one give way. REDUCED: one keeps a "
    "narrower address. PRO_RATA: each gets its part. EXPIRED: all but one brought no document in "
    "time. ESCROW: it does not end yet.",
)
strawberry.enum(
    DocumentKind, name="DisputeDocumentKind", description="What kind of document a side brings."
)


@strawberry.type(description="A claim of one of several who hold the same.")
class ConflictSide:
    """Who claims it, from when to when, and since when that is known."""

    party: str | None = strawberry.field(
        description="The member, at the hub the collective; to a member others are null."
    )
    claim: strawberry.ID | None = strawberry.field(
        description="Its claim; others' are null, and so is what is over shares."
    )
    counts_from: date = strawberry.field(description="The first UTC day on which it counts.")
    counts_to: date | None = strawberry.field(description="The first on which it does no more.")
    recorded_at: datetime = strawberry.field(description="Since when it is registered.")


@strawberry.type(description="Days on which a claim is contested.")
class ContestedDays:
    """From a day to before another."""

    starts_on: date = strawberry.field(description="The first UTC day.")
    ends_on: date | None = strawberry.field(description="The first that is not; null: no end.")


@strawberry.type(description="What collectives say they have of one right at a place.")
class SharesOver:
    """From when to before when it is more than the whole, and who says what."""

    use: str = strawberry.field(description="The use; `*`: each.")
    right: Right = strawberry.field(description="The right; ALL: each.")
    territory: str | None = strawberry.field(
        description="The territory; null: everywhere. Only what is so everywhere holds money."
    )
    starts_at: datetime = strawberry.field(description="From when on it is so.")
    ends_at: datetime | None = strawberry.field(description="Before when; null: no end.")
    parts: list["SharePart"] = strawberry.field(description="What each of them says.")
    total_bps: int = strawberry.field(description="What that comes to, in 1/10,000.")


@strawberry.type(description="The part that a collective says its parties have.")
class SharePart:
    """A collective, and its part of the right in 1/10,000."""

    party: str = strawberry.field(description="The collective.")
    bps: int = strawberry.field(description="Its part in 1/10,000.")


@strawberry.type(
    description="A claim that several members hold on the same days; at the hub, members of "
    "several collectives. Or a place of which collectives say that they have more than the whole."
)
class Conflict:
    """The sides, the one that was registered first in front, and over which addresses."""

    id: strawberry.ID = strawberry.field(description="Its number.")
    claim: str = strawberry.field(description="The claim: the address and what lies below it.")
    found_at: datetime = strawberry.field(
        description="When the second claim was registered; 1970 where that was not kept."
    )
    days: list[ContestedDays] = strawberry.field(description="On which days it is contested.")
    sides: list[ConflictSide] = strawberry.field(description="Who holds it.")
    shares: list[SharesOver] = strawberry.field(
        description="What of a right is more than the whole; empty: it is the claim itself."
    )
    dispute: strawberry.ID | None = strawberry.field(
        description="The newest dispute over it; null: there is none."
    )

    @classmethod
    def of(cls, found: Found, dispute: int | None, party: str | None) -> "Conflict":
        """Show a conflict; to a `party` its own claims."""
        return cls(
            id=strawberry.ID(str(found.number)),
            claim=found.key.text,
            found_at=found.found_at,
            days=[ContestedDays(starts_on=d.starts_on, ends_on=d.ends_on) for d in found.days],
            sides=[
                ConflictSide(
                    party=side.party if party in (None, side.party) else None,
                    claim=_claim_shown(side, party),
                    counts_from=side.counts_from,
                    counts_to=side.counts_to,
                    recorded_at=side.recorded_at,
                )
                for side in found.sides
            ],
            shares=[_shares(one) for one in found.over],
            dispute=None if dispute is None else strawberry.ID(number_of(dispute)),
        )


def _claim_shown(side: Standing, party: str | None) -> strawberry.ID | None:
    is_shown = bool(side.claim_id) and party in (None, side.party)
    return strawberry.ID(side.claim_id) if is_shown else None


def _shares(one: Over) -> SharesOver:
    return SharesOver(
        use=one.use,
        right=one.right,
        territory=one.territory or None,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        parts=[SharePart(party=party, bps=bps) for party, bps in sorted(one.parts.items())],
        total_bps=one.total,
    )


@strawberry.type(description="A document that a side brought, as it describes it.")
class DisputeDocument:
    """Held to what it has to say; whether it is right nobody here asks."""

    kind: DocumentKind = strawberry.field(description="What kind of document it is.")
    reference: str = strawberry.field(description="Where the paper is kept.")
    sha256: str = strawberry.field(description="The SHA-256 of the paper, in hexadecimal.")
    term_from: date = strawberry.field(description="The first day of its term.")
    term_to: date | None = strawberry.field(description="The first day after its term, if any.")
    territory: str = strawberry.field(description="WORLD, or ISO 3166 codes.")
    signed_on: date = strawberry.field(description="When it was signed.")
    recorded_by: str = strawberry.field(description="Who entered it.")
    recorded_at: datetime = strawberry.field(description="When it was entered.")


@strawberry.type(description="A side of a dispute.")
class DisputeSide:
    """Until when it is to bring documents, what it brought, and whether it agrees."""

    party: str | None = strawberry.field(
        description="The member, at the hub the collective; to a member others are null."
    )
    asked_at: datetime | None = strawberry.field(description="When it was asked for documents.")
    noticed_at: datetime | None = strawberry.field(description="When it was given notice.")
    due_on: date | None = strawberry.field(description="The last day on which it may bring them.")
    is_documented: bool = strawberry.field(description="Whether it brought a document.")
    documents: list[DisputeDocument] = strawberry.field(
        description="What it brought; a member sees its own."
    )
    agrees: bool = strawberry.field(description="Whether it agrees to what is proposed.")


@strawberry.type(description="What is held for an address of a dispute, by month and licence.")
class DisputedMoney:
    """What stays outstanding as DISPUTED, and what of it was not released."""

    period: str
    licence: str
    url: str = strawberry.field(description="The address that was used.")
    held: Money = strawberry.field(description="What was held, corrections included.")
    left: Money = strawberry.field(description="What is held still.")


@strawberry.type(description="What a dispute gave a member.")
class DisputeRelease:
    """An amount that went to a member, by an entry of the journal."""

    member: str
    amount: Money = strawberry.field(description="The amount; below 0 a correction took it back.")
    document: str
    released_at: datetime = strawberry.field(description="When it was released.")


@strawberry.type(description="A dispute over a claim: where it stands, and how it ends.")
class Dispute:
    """Everything that was done in it; what moves money is proposed and confirmed by two people."""

    id: strawberry.ID = strawberry.field(description="Its number: D-000001.")
    claim: str = strawberry.field(description="The claim that it is over.")
    state: State = strawberry.field(description="Where it stands.")
    opened_by: str = strawberry.field(description="Who opened it.")
    opened_at: datetime = strawberry.field(description="When it was opened.")
    reason: str
    sides: list[DisputeSide] = strawberry.field(description="Who holds the claim, or held it.")
    proposed: str | None = strawberry.field(
        description="How it is proposed to end, as JSON; to a member others are `~another side`."
    )
    proposed_by: str | None
    proposed_because: str | None = strawberry.field(description="Why that is proposed.")
    outcome: OutcomeKind | None = strawberry.field(description="How it ended.")
    agreed: str | None = strawberry.field(description="How it ended in full, as JSON; likewise.")
    decided_by: str | None = strawberry.field(description="Who confirmed it.")
    decided_at: datetime | None
    money: list[DisputedMoney] | None = strawberry.field(
        description="What is held for it here; null for who does not read the books."
    )
    released: list[DisputeRelease] | None = strawberry.field(
        description="What it gave members; to a member its own, null for who reads no books."
    )


DisputeResult = Annotated[Dispute | Refused, strawberry.union("DisputeResult")]


async def shown(
    info: Info, session: ReadSession, row: tables.Dispute, party: str | None
) -> Dispute:
    """Show a dispute: to a `party` its own part."""
    here = info.context.server.code
    hides = party is not None and here != HUB  # collectives know each other, members do not
    key = await service.key_of(session, row)
    documents = await store.documents_of(session, row.id)
    sides = (await store.sides_of(session, row.id)).values()
    who = info.context.require()
    is_reader = not who.roles.isdisjoint(MAY_READ_BOOKS.roles)
    held = await disputed_store.sums(session, contested=key.text) if is_reader else []
    given = await disputed_store.releases_of(session, number_of(row.id))
    given = [one for one in given if party in (None, one.member_id)]
    return Dispute(
        id=strawberry.ID(number_of(row.id)),
        claim=key.text,
        state=State(row.state),
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        reason=row.reason,
        sides=[_side(side, documents, row.proposal, party, hides=hides) for side in sides],
        proposed=_terms(row.terms, party if hides else None),
        proposed_by=row.proposed_by,
        proposed_because=row.proposed_because,
        outcome=None if row.outcome is None else OutcomeKind(row.outcome),
        agreed=_terms(row.agreed, party if hides else None),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        money=[
            DisputedMoney(
                period=one.period,
                licence=one.licence,
                url=one.url_key,
                held=Money.of(one.held, one.currency),
                left=Money.of(one.left, one.currency),
            )
            for one in held
        ]
        if is_reader
        else None,
        released=[
            DisputeRelease(
                member=one.member_id,
                amount=Money.of(one.amount, one.currency),
                document=one.document,
                released_at=one.released_at,
            )
            for one in given
        ]
        if is_reader or party is not None
        else None,
    )


def _terms(text: str | None, party: str | None) -> str | None:
    return text if text is None or party is None else outcomes.told_to(text, party)


def _side(
    side: tables.DisputeSide,
    documents: Sequence[tables.DisputeDocument],
    proposal: int,
    party: str | None,
    *,
    hides: bool,
) -> DisputeSide:
    is_shown = party in (None, side.party)
    brought = [one for one in documents if one.party == side.party]
    return DisputeSide(
        party=side.party if is_shown or not hides else None,
        asked_at=side.asked_at,
        noticed_at=side.noticed_at,
        due_on=side.due_on,
        is_documented=bool(brought),
        documents=[
            DisputeDocument(
                kind=DocumentKind(one.kind),
                reference=one.reference,
                sha256=one.sha256,
                term_from=one.term_from,
                term_to=one.term_to,
                territory=one.territory,
                signed_on=one.signed_on,
                recorded_by=one.recorded_by,
                recorded_at=one.recorded_at,
            )
            for one in brought
            if is_shown
        ],
        agrees=proposal > 0 and side.consent == proposal,
    )
