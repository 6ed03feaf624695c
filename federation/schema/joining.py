"""Joining: applications at the hub, the application at a node, and who belongs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
import strawberry

from federation.licensing import delivery
from federation.people import admission as decisions
from federation.schema.choices import ApplicationState
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import row_number
from federation.schema.pages import Connection
from federation.server import node_config
from federation.trust import store as trust
from federation.trust.membership import CollectiveTerms
from federation.trust.tables import Application as ApplicationRow
from federation.trust.tables import Invitation as InvitationRow
from federation.trust.tables import Party
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import (
    MAY_ADMIT,
    MAY_APPLY_FOR_ADMISSION,
    MAY_READ_APPLICATIONS,
    MAY_READ_OWN_APPLICATION,
)


@strawberry.type(description="A collective's application to join the federation.")
class Application:
    """An application, its state (APPLIED, RECOMMENDED, ADMITTED, REFUSED) and who decided.

    `key_id` is the RFC 7638 thumbprint of the applicant's FEDERATION key.
    """

    id: strawberry.ID
    code: str
    name: str
    country: str
    settlement_currency: str
    entity_id: str
    key_id: str
    state: ApplicationState
    recommended_by: str | None
    decided_by: str | None
    reason: str | None

    @classmethod
    def of(cls, row: ApplicationRow) -> "Application":
        """Show an application with the particulars it was made with."""
        terms = msgspec.json.decode(row.terms, type=CollectiveTerms)
        return cls(
            id=strawberry.ID(str(row.id)),
            code=row.code,
            name=terms.name,
            country=terms.country,
            settlement_currency=terms.settlement_currency,
            entity_id=row.entity_id,
            key_id=row.key_id,
            state=ApplicationState(row.state),
            recommended_by=row.recommended_by,
            decided_by=row.decided_by,
            reason=row.reason,
        )


@strawberry.federation.type(keys=["code"], description="An admitted collective, or the hub.")
class Collective:
    """An admitted server: its code, its name for signatures (`entity_id`), and its address.

    `suspended_at`, at the hub: since when the hub does not vouch for it.
    """

    code: str
    name: str
    entity_id: str
    url: str
    admitted_at: datetime
    suspended_at: datetime | None

    @classmethod
    def of(cls, row: Party) -> "Collective":
        """Show an admitted server."""
        return cls(
            code=row.code,
            name=row.name,
            entity_id=row.entity_id,
            url=row.url,
            admitted_at=row.admitted_at,
            suspended_at=row.suspended_at,
        )


@strawberry.type(description="The application was sent.")
class ApplicationSent:
    """What a node is told when it applied: its own code, and the hub's entity id."""

    code: str
    hub: str


@strawberry.type(description="A code by which one collective may apply; it is shown once.")
class NewInvitation:
    """An invitation as it is handed over."""

    code: str
    note: str
    expires_at: datetime


@strawberry.type(description="An invitation, without its code.")
class Invitation:
    """Who was invited, and what came of it."""

    note: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    application: strawberry.ID | None

    @classmethod
    def of(cls, row: InvitationRow) -> "Invitation":
        """Show a row."""
        used = None if row.application is None else strawberry.ID(str(row.application))
        return cls(
            note=row.note,
            made_by=row.made_by,
            made_at=row.made_at,
            expires_at=row.expires_at,
            application=used,
        )


@strawberry.type(description="This node's own application to its hub.")
class OwnApplication:
    """Where it stands: SENT until the hub has decided, ADMITTED or REFUSED."""

    state: ApplicationState
    reason: str | None


_APPLICATIONS, _INVITATIONS = "applications", "invitations"

InvitationResult = Annotated[NewInvitation | Refused, strawberry.union("InvitationResult")]
ApplicationResult = Annotated[Application | Refused, strawberry.union("ApplicationResult")]

ApplicationSentResult = Annotated[
    ApplicationSent | Refused, strawberry.union("ApplicationSentResult")
]


async def find_collectives(info: Info, codes: Sequence[str]) -> dict[str, Collective]:
    """Return {code: the admitted server}; open to everybody."""
    async with info.context.server.db.read() as session:
        rows = await trust.parties(session)
    return {row.code: Collective.of(row) for row in rows if row.code in codes}


@strawberry.type
class MembershipQuery:
    """Who belongs: on every server."""

    @strawberry.field(description="The collectives of the federation; at a node also the hub.")
    async def collectives(self, info: Info) -> list[Collective]:
        """List admitted servers by code, at a node the hub first; open to everybody."""
        async with info.context.server.db.read() as session:
            return [Collective.of(row) for row in await trust.parties(session)]


@strawberry.type
class AdmissionQuery:
    """What waits at the hub's admission desk."""

    @strawberry.field(description="Applications, newest first.")
    async def applications(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[Application]:
        """List applications (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_APPLICATIONS)
        size, key = page_size(first), key_of(_APPLICATIONS, after, tuple[int])
        async with info.context.server.db.read() as session:
            rows = await trust.applications(session, before=key[0] if key else None, limit=size + 1)
        return Connection.of(
            rows, size, lambda row: cursor_of(_APPLICATIONS, (row.id,)), Application.of
        )

    @strawberry.field(description="Invitations, newest first, without their codes.")
    async def invitations(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[Invitation]:
        """List invitations (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_APPLICATIONS)
        size, key = page_size(first), key_of(_INVITATIONS, after, tuple[int])
        async with info.context.server.db.read() as session:
            rows = await trust.invitations(session, before=key[0] if key else None, limit=size + 1)
        return Connection.of(
            rows, size, lambda row: cursor_of(_INVITATIONS, (row.id,)), Invitation.of
        )


@strawberry.type
class AdmissionMutation:
    """What two operators of the hub decide about an application."""

    @strawberry.mutation(
        description="Make a code by which one collective may apply within 30 days; shown once."
    )
    async def invite_collective(self, info: Info, note: str) -> InvitationResult:
        """Invite; the note says whom the code is for."""

        async def act(at: Change) -> NewInvitation:
            code, row = await decisions.invite(at.session, note, at.who, at.now)
            return NewInvitation(code=code, note=row.note, expires_at=row.expires_at)

        return await change(info, "admission.invite", MAY_ADMIT, act)

    @strawberry.mutation(description="First pair of eyes: the application is in order.")
    async def recommend_admission(
        self, info: Info, application: strawberry.ID, fingerprint: str | None = None
    ) -> ApplicationResult:
        """Recommend one that waits (UNKNOWN_APPLICATION, APPLICATION_REFUSED, FINGERPRINT)."""

        async def act(at: Change) -> Application:
            number = _number(application)
            await decisions.require_fingerprint(at.session, number, fingerprint)
            return Application.of(await decisions.recommend_admission(at.session, number, at.who))

        return await change(info, "admission.recommend", MAY_ADMIT, act)

    @strawberry.mutation(description="Second pair of eyes: admit the collective.")
    async def approve_admission(
        self, info: Info, application: strawberry.ID, fingerprint: str | None = None
    ) -> ApplicationResult:
        """Admit it (UNKNOWN_APPLICATION, SAME_PERSON, APPLICATION_REFUSED, FINGERPRINT)."""

        async def act(at: Change) -> Application:
            number = _number(application)
            await decisions.require_fingerprint(at.session, number, fingerprint)
            return Application.of(await delivery.admit(at.session, number, at.who, at.now))

        return await change(info, "admission.approve", MAY_ADMIT, act)

    @strawberry.mutation(description="Say no, with a reason the applicant reads.")
    async def refuse_admission(
        self, info: Info, application: strawberry.ID, reason: str
    ) -> ApplicationResult:
        """Refuse one that waits; its node is told why (UNKNOWN_APPLICATION)."""

        async def act(at: Change) -> Application:
            row = await decisions.refuse_admission(
                at.session, _number(application), at.who, reason=reason, now=at.now
            )
            return Application.of(row)

        return await change(info, "admission.refuse", MAY_ADMIT, act)


@strawberry.type
class OwnApplicationQuery:
    """A node's way into the federation."""

    @strawberry.field(description="Where this node's application stands; null before it applied.")
    async def own_application(self, info: Info) -> OwnApplication | None:
        """Return the state of the application and the last reason."""
        info.context.whose(MAY_READ_OWN_APPLICATION)
        async with info.context.server.db.read() as session:
            row = await trust.own_application(session)
        return (
            None
            if row is None
            else OwnApplication(state=ApplicationState(row.state), reason=row.reason)
        )


@strawberry.type
class ApplicationMutation:
    """How a node asks to join."""

    @strawberry.mutation(
        description="Apply to the hub this node is configured for, with a code its operator made."
    )
    async def apply_for_admission(self, info: Info, invitation: str) -> ApplicationSentResult:
        """Send the node's particulars, signed with its key."""

        async def act(at: Change) -> ApplicationSent:
            config = node_config(at.server)
            peer, key = at.server.peer, at.server.key.kid
            await decisions.apply(at.session, config, peer, key, invitation, who=at.who, now=at.now)
            return ApplicationSent(code=config.code, hub=config.hub.entity_id)

        return await change(info, "admission.apply", MAY_APPLY_FOR_ADMISSION, act)


def _number(text: str) -> int:
    number = row_number(text)
    if number is None:
        raise decisions.UnknownApplicationError(text)
    return number
