"""Joining: applications at the hub, the application at a node, and who belongs."""

from datetime import datetime
from typing import Annotated

import msgspec
import strawberry

from federation.config import HubConfig, NodeConfig
from federation.licensing import delivery
from federation.schema.context import Change, Info, Refused, change
from federation.store import outbox
from federation.trust import admission
from federation.trust import store as trust
from federation.trust.membership import Apply, CollectiveTerms
from federation.trust.tables import Application as ApplicationRow
from federation.trust.tables import Party
from federation.values import party as service
from federation.values.tier import Tier

OPERATOR = ("federation_operator",)


@strawberry.type(description="A collective's application to join the federation.")
class Application:
    """An application and where it stands."""

    id: strawberry.ID
    code: str
    name: str
    country: str
    settlement_currency: str
    entity_id: str
    state: str
    recommended_by: str | None
    decided_by: str | None
    reason: str | None

    @classmethod
    def of(cls, row: ApplicationRow) -> "Application":
        """Show a row."""
        terms = msgspec.json.decode(row.terms, type=CollectiveTerms)
        return cls(
            id=strawberry.ID(str(row.id)),
            code=row.code,
            name=terms.name,
            country=terms.country,
            settlement_currency=terms.settlement_currency,
            entity_id=row.entity_id,
            state=row.state,
            recommended_by=row.recommended_by,
            decided_by=row.decided_by,
            reason=row.reason,
        )


@strawberry.type(description="An admitted collective, or the hub.")
class Collective:
    """An admitted server as others know it."""

    code: str
    name: str
    entity_id: str
    url: str
    admitted_at: datetime

    @classmethod
    def of(cls, row: Party) -> "Collective":
        """Show a row."""
        return cls(
            code=row.code,
            name=row.name,
            entity_id=row.entity_id,
            url=row.url,
            admitted_at=row.admitted_at,
        )


@strawberry.type(description="Messages on their way to another server.")
class Delivery:
    """How many messages wait for a server."""

    target: str
    waiting: int


@strawberry.type(description="The application was sent.")
class ApplicationSent:
    """The node's own receipt."""

    code: str
    hub: str


ApplicationResult = Annotated[Application | Refused, strawberry.union("ApplicationResult")]

ApplicationSentResult = Annotated[
    ApplicationSent | Refused, strawberry.union("ApplicationSentResult")
]


@strawberry.type
class MembershipQuery:
    """Who belongs, and what is on its way to them: on every server."""

    @strawberry.field(description="The collectives of the federation; at a node also the hub.")
    async def collectives(self, info: Info) -> list[Collective]:
        """List admitted parties."""
        async with info.context.server.db.read() as session:
            rows = await trust.node_parties(session)
            hub = await trust.find_party(session, service.HUB)
            return [Collective.of(row) for row in [*([hub] if hub else []), *rows]]

    @strawberry.field(description="Undelivered messages per target, for operators.")
    async def deliveries(self, info: Info) -> list[Delivery]:
        """List what waits in the outbox."""
        info.context.require(
            "federation_operator", "node_operator", "auditor", "settlement_officer"
        )
        async with info.context.server.db.read() as session:
            found = await outbox.targets_waiting(session)
        return [Delivery(target=target, waiting=count) for target, count in sorted(found.items())]


@strawberry.type
class AdmissionQuery:
    """The hub's admission desk."""

    @strawberry.field(description="Applications, newest first.")
    async def applications(self, info: Info, first: int = 100) -> list[Application]:
        """List applications."""
        info.context.require(*OPERATOR, "auditor")
        async with info.context.server.db.read() as session:
            rows = await trust.applications(session, limit=min(max(first, 1), 1000))
            return [Application.of(row) for row in rows]


@strawberry.type
class AdmissionMutation:
    """The hub's admission desk."""

    @strawberry.mutation(description="First pair of eyes: the application is in order.")
    async def recommend_admission(
        self, info: Info, application: strawberry.ID
    ) -> ApplicationResult:
        """Recommend."""

        async def act(at: Change) -> Application:
            number = _number(application)
            return Application.of(await admission.recommend_admission(at.session, number, at.who))

        return await change(info, "admission.recommend", OPERATOR, act)

    @strawberry.mutation(description="Second pair of eyes: admit the collective.")
    async def approve_admission(self, info: Info, application: strawberry.ID) -> ApplicationResult:
        """Admit; a later collective gets every licence sold before."""

        async def act(at: Change) -> Application:
            row = await admission.approve_admission(
                at.session,
                _number(application),
                at.who,
                hub=at.server.peer,
                terms=await at.server.terms(at.session),
                now=at.now,
            )
            await delivery.deliver_all_to(at.session, row.code, at.now)
            return Application.of(row)

        return await change(info, "admission.approve", OPERATOR, act)

    @strawberry.mutation(description="Say no, with a reason the applicant reads.")
    async def refuse_admission(
        self, info: Info, application: strawberry.ID, reason: str
    ) -> ApplicationResult:
        """Refuse."""

        async def act(at: Change) -> Application:
            row = await admission.refuse_admission(
                at.session, _number(application), at.who, reason=reason, now=at.now
            )
            return Application.of(row)

        return await change(info, "admission.refuse", OPERATOR, act)


@strawberry.type
class ApplicationMutation:
    """A node's way into the federation."""

    @strawberry.mutation(description="Apply to the hub this node is configured for.")
    async def apply_for_admission(self, info: Info) -> ApplicationSentResult:
        """Send the node's particulars, signed with its key."""

        async def act(at: Change) -> ApplicationSent:
            config = at.server.config
            if isinstance(config, HubConfig):
                raise admission.ApplicationRefusedError("a hub does not apply")
            peer = at.server.peer
            message = Apply(
                entity_id=config.entity_id,
                url=peer.url,
                jwk=peer.jwk,
                terms=particulars(config),
            )
            await outbox.post(
                at.session,
                target=config.hub.entity_id,
                kind="admission.apply",
                body=message,
                now=at.now,
            )
            return ApplicationSent(code=config.code, hub=config.hub.entity_id)

        return await change(info, "admission.apply", ("node_operator",), act)


def particulars(config: NodeConfig) -> CollectiveTerms:
    """Return a node's particulars as it applies with them."""
    tiers = config.tiers
    return CollectiveTerms(
        code=config.code,
        name=config.name,
        country=config.country,
        settlement_currency=config.settlement_currency,
        admin_fee_bps=config.admin_fee_bps,
        collecting_fee_bps=config.collecting_fee_bps,
        minimum_payment=config.minimum_payment,
        plan=config.plan,
        base_bps=config.base_bps,
        tiers=None
        if tiers is None
        else {name: Tier(tier.minimum_works, tier.share_bps) for name, tier in tiers.items()},
        account=config.account,
        account_scheme=config.account_scheme,
        bic=config.bic,
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:  # noqa: PLR2004 - 64 bits
        raise admission.UnknownApplicationError(text)
    return int(text)
