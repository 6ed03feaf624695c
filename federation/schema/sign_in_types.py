"""What GraphQL shows of signing in: accounts, identities, invitations, sessions."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.accounts import sessions, store, tables
from federation.schema.choices import PersonInvitationState
from federation.schema.context import Refused
from federation.store.sessions import ReadSession
from federation.values.roles import Role


@strawberry.type(description="A person who is signed in in a browser, in one role.")
class PersonSession:
    """A live session; `way` is PASSWORD, or the provider."""

    id: strawberry.ID
    role: Role
    way: str
    made_at: datetime
    seen_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, row: tables.PersonSession) -> "PersonSession":
        """Show a session."""
        return cls(
            id=strawberry.ID(row.number),
            role=Role(row.role),
            way=row.way,
            made_at=row.made_at,
            seen_at=row.seen_at,
            ends_at=row.ends_at,
        )


@strawberry.type(description="By whom a provider means a person: its issuer and its subject.")
class Identity:
    """An account at a provider that is linked to a person."""

    issuer: str
    identity: str
    linked_at: datetime


@strawberry.type(description="How a person signs in here, and where it is signed in now.")
class SignInAccount:
    """What a person has: a password and one-time codes here, accounts at a provider, sessions."""

    subject: str
    has_password: bool
    has_totp: bool
    identities: list[Identity]
    sessions: list[PersonSession]


@strawberry.type(description="How two people let a person in: by a code, or by naming its account.")
class PersonInvitation:
    """PROPOSED, CONFIRMED (its code may be used), USED, WITHDRAWN or EXPIRED."""

    id: strawberry.ID
    subject: str
    issuer: str | None
    identity: str | None
    reason: str
    state: PersonInvitationState
    made_by: str
    confirmed_by: str | None
    expires_at: datetime

    @classmethod
    def of(cls, row: tables.PersonInvitation, now: datetime) -> "PersonInvitation":
        """Show an invitation; its code is shown nowhere."""
        return cls(
            id=strawberry.ID(str(row.id)),
            subject=row.person,
            issuer=row.issuer,
            identity=row.identity,
            reason=row.reason,
            state=PersonInvitationState(row.state(now)),
            made_by=row.made_by,
            confirmed_by=row.confirmed_by,
            expires_at=row.expires_at,
        )


@strawberry.type(description="An invitation with half of its code: shown once, to be handed over.")
class GivenInvitation:
    """`half` is the first half for its maker, the second for who confirmed it, null for a link."""

    invitation: PersonInvitation
    half: str | None


@strawberry.type(description="The secret of one-time codes: shown once, for a telephone to keep.")
class TotpSecret:
    """In base32, and as the `otpauth://` address that telephones read."""

    secret: str
    uri: str


InvitationResult = Annotated[PersonInvitation | Refused, strawberry.union("PersonInvitationResult")]
GivenResult = Annotated[GivenInvitation | Refused, strawberry.union("GivenInvitationResult")]
AccountResult = Annotated[SignInAccount | Refused, strawberry.union("SignInAccountResult")]
TotpResult = Annotated[TotpSecret | Refused, strawberry.union("TotpResult")]


async def shown_account(session: ReadSession, subject: str, now: datetime) -> SignInAccount:
    """Show how somebody signs in, and where: nothing that opens it."""
    found = await store.find_account(session, subject)
    return SignInAccount(
        subject=subject,
        has_password=found is not None,
        has_totp=found is not None and found.totp_since is not None,
        identities=[
            Identity(issuer=row.issuer, identity=row.identity, linked_at=row.linked_at)
            for row in await store.identities_of(session, subject)
        ],
        sessions=[PersonSession.of(row) for row in await sessions.live_of(session, subject, now)],
    )
