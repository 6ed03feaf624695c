"""Signing in in GraphQL: who lets a person in, what a person has, and its sessions."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.accounts import inviting, local, one_time, sessions, store, tables
from federation.errors import RefusalError
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import number_of_row, row_number
from federation.store.sessions import ReadSession
from federation.trust.key_secret import get_secret
from federation.trust.principals import NotAllowedError, Principal
from federation.values.roles import MAY_READ_PEOPLE, Role, may_keep_people

PAGE_MAX = 100
ANYBODY = tuple(Role)


@strawberry.type(description="A person who is signed in in a browser, in one role.")
class PersonSession:
    """A live session; `way` is PASSWORD, or the provider."""

    id: strawberry.ID
    role: str
    way: str
    made_at: datetime
    seen_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, row: tables.PersonSession) -> "PersonSession":
        """Show a session."""
        return cls(
            id=strawberry.ID(row.number),
            role=row.role,
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
    state: str
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
            state=row.state(now),
            made_by=row.made_by,
            confirmed_by=row.confirmed_by,
            expires_at=row.expires_at,
        )


@strawberry.type(description="An invitation with half of its code: shown once, to be handed over.")
class GivenInvitation:
    """`half` is the first half for its maker, the second for who confirmed it, null for a link."""

    invitation: PersonInvitation
    half: str | None


@strawberry.type(description="A page of invitations.")
class PersonInvitations:
    """Invitations that wait to be confirmed or used; `next` is the `after` of more."""

    invitations: list[PersonInvitation]
    next: strawberry.ID | None


@strawberry.type(description="The secret of one-time codes: shown once, for a telephone to keep.")
class TotpSecret:
    """In base32, and as the `otpauth://` address that telephones read."""

    secret: str
    uri: str


InvitationResult = Annotated[PersonInvitation | Refused, strawberry.union("PersonInvitationResult")]
GivenResult = Annotated[GivenInvitation | Refused, strawberry.union("GivenInvitationResult")]
AccountResult = Annotated[SignInAccount | Refused, strawberry.union("SignInAccountResult")]
TotpResult = Annotated[TotpSecret | Refused, strawberry.union("TotpResult")]


async def _account(session: ReadSession, subject: str, now: datetime) -> SignInAccount:
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


@strawberry.type
class SignInQuery:
    """What a person reads of its own account, operators and auditors of everybody's."""

    @strawberry.field(description="How whoever asks signs in here, and where it is signed in.")
    async def own_account(self, info: Info) -> SignInAccount:
        """Show a person its own account; programs have none (NOT_ALLOWED)."""
        who = _a_person(info.context.require(*ANYBODY))
        server = info.context.server
        async with server.db.read() as session:
            return await _account(session, who.subject, server.clock())

    @strawberry.field(description="How somebody signs in here, and where it is signed in.")
    async def account_of(self, info: Info, subject: str) -> SignInAccount:
        """Show anybody's account: nothing that opens it."""
        info.context.whose(MAY_READ_PEOPLE)
        server = info.context.server
        async with server.db.read() as session:
            return await _account(session, subject, server.clock())

    @strawberry.field(description="Invitations of people that wait to be confirmed or used.")
    async def person_invitations(
        self, info: Info, first: int, after: strawberry.ID | None = None
    ) -> PersonInvitations:
        """List them, oldest first, at most 100 a page (BAD_ID)."""
        info.context.whose(MAY_READ_PEOPLE)
        server, limit = info.context.server, min(max(first, 1), PAGE_MAX)
        now = server.clock()
        async with server.db.read() as session:
            begin = 0 if after is None else number_of_row(after)
            rows = await store.open_invitations(session, now, after=begin, limit=limit + 1)
        found = [PersonInvitation.of(row, now) for row in rows[:limit]]
        more = found[-1].id if len(rows) > limit else None
        return PersonInvitations(invitations=found, next=more)


@strawberry.type
class SignInMutation:
    """Two people of whoever operates a server let a person in; one takes that away at once."""

    @strawberry.mutation(
        description="Invite a person to sign in, first or anew: the first half of a code; another "
        "confirms."
    )
    async def invite_person(self, info: Info, subject: str, reason: str) -> GivenResult:
        """Make an invitation (NOT_IN_THE_DIRECTORY, TOO_MANY_INVITATIONS, REASON)."""

        async def act(at: Change) -> GivenInvitation:
            half, row = await inviting.invite(at.session, subject, reason, who=at.who, now=at.now)
            return GivenInvitation(invitation=PersonInvitation.of(row, at.now), half=half)

        return await change(info, "account.invite", may_keep_people(info.context.server.code), act)

    @strawberry.mutation(
        description="Propose that a provider's account is a person's; another confirms."
    )
    async def link_identity(
        self, info: Info, subject: str, issuer: str, identity: str, reason: str
    ) -> InvitationResult:
        """Propose a link (BAD_IDENTITY, IDENTITY_TAKEN, NOT_IN_THE_DIRECTORY, REASON)."""

        async def act(at: Change) -> PersonInvitation:
            row = await inviting.propose_link(
                at.session, subject, (issuer, identity), reason, who=at.who, now=at.now
            )
            return PersonInvitation.of(row, at.now)

        return await change(info, "account.link", may_keep_people(info.context.server.code), act)

    @strawberry.mutation(
        description="Confirm an invitation as another person whom it does not concern: the second "
        "half of its code, or the link at once."
    )
    async def confirm_person_invitation(self, info: Info, id: strawberry.ID) -> GivenResult:  # noqa: A002 - the name in the schema
        """Confirm it (NO_INVITATION, SAME_PERSON, IDENTITY_TAKEN)."""

        async def act(at: Change) -> GivenInvitation:
            number = row_number(id) or 0
            half, row = await inviting.confirm(at.session, number, who=at.who, now=at.now)
            return GivenInvitation(invitation=PersonInvitation.of(row, at.now), half=half)

        return await change(info, "account.confirm", may_keep_people(info.context.server.code), act)

    @strawberry.mutation(description="Take back an invitation that waits or was not used.")
    async def withdraw_person_invitation(self, info: Info, id: strawberry.ID) -> InvitationResult:  # noqa: A002 - likewise
        """Withdraw it (NO_INVITATION)."""

        async def act(at: Change) -> PersonInvitation:
            number = row_number(id) or 0
            row = await inviting.withdraw(at.session, number, who=at.who, now=at.now)
            return PersonInvitation.of(row, at.now)

        may = may_keep_people(info.context.server.code)
        return await change(info, "account.withdraw", may, act)

    @strawberry.mutation(
        description="Take a provider's account from a person; its sessions and tokens end, at once."
    )
    async def unlink_identity(
        self, info: Info, subject: str, issuer: str, identity: str, reason: str
    ) -> AccountResult:
        """Unlink it (NO_ACCOUNT, REASON)."""

        async def act(at: Change) -> SignInAccount:
            await inviting.unlink(at.session, subject, (issuer, identity), reason, who=at.who)
            return await _account(at.session, subject, at.now)

        return await change(info, "account.unlink", may_keep_people(info.context.server.code), act)

    @strawberry.mutation(
        description="Take a person's password and one-time codes; its sessions and tokens end."
    )
    async def close_account(self, info: Info, subject: str, reason: str) -> AccountResult:
        """Close it (NO_ACCOUNT, REASON); an invitation opens it again."""

        async def act(at: Change) -> SignInAccount:
            await inviting.close(at.session, subject, reason, who=at.who)
            return await _account(at.session, subject, at.now)

        return await change(info, "account.close", may_keep_people(info.context.server.code), act)

    @strawberry.mutation(description="End somebody's session, at once.")
    async def end_session(self, info: Info, id: strawberry.ID) -> AccountResult:  # noqa: A002 - likewise
        """End it (UNKNOWN_SESSION)."""

        async def act(at: Change) -> SignInAccount:
            row = await sessions.end(at.session, id, person=None, by=at.who.subject, now=at.now)
            return await _account(at.session, row.person, at.now)

        return await change(info, "session.end", may_keep_people(info.context.server.code), act)


@strawberry.type
class OwnAccountMutation:
    """What a person does with its own account."""

    @strawberry.mutation(description="End one of one's own sessions, at once.")
    async def end_own_session(self, info: Info, id: strawberry.ID) -> AccountResult:  # noqa: A002 - the name in the schema
        """End it (UNKNOWN_SESSION)."""

        async def act(at: Change) -> SignInAccount:
            own = _a_person(at.who).subject
            await sessions.end(at.session, id, person=own, by=own, now=at.now)
            return await _account(at.session, own, at.now)

        return await change(info, "session.end_own", ANYBODY, act)

    @strawberry.mutation(
        description="Set up one-time codes beside one's password; the first code confirms them."
    )
    async def begin_totp(self, info: Info, password: str) -> TotpResult:
        """Make their secret (NO_ACCOUNT, BAD_SIGN_IN, TOTP_STANDS)."""
        kept = await _own_password(info, password)
        if isinstance(kept, Refused):
            return kept

        async def act(at: Change) -> TotpSecret:
            own, config = at.who.subject, at.server.config
            secret = await local.begin_totp(at.session, own, kept, get_secret(config))
            return TotpSecret(secret=secret, uri=one_time.uri_of(secret, own, config.name))

        return await change(info, "totp.begin", ANYBODY, act)

    @strawberry.mutation(description="Show the first one-time code: from now on one is needed.")
    async def confirm_totp(self, info: Info, code: str) -> AccountResult:
        """Confirm it (NO_ACCOUNT, BAD_SIGN_IN, TOTP_STANDS)."""

        async def act(at: Change) -> SignInAccount:
            own = _a_person(at.who).subject
            at.server.quotas.take(own, "password")
            keys = get_secret(at.server.config)
            await local.confirm_totp(at.session, own, code, keys, at.now)
            return await _account(at.session, own, at.now)

        return await change(info, "totp.confirm", ANYBODY, act)

    @strawberry.mutation(description="Sign in without one-time codes again.")
    async def remove_totp(self, info: Info, password: str) -> AccountResult:
        """Remove them (NO_ACCOUNT, BAD_SIGN_IN)."""
        kept = await _own_password(info, password)
        if isinstance(kept, Refused):
            return kept

        async def act(at: Change) -> SignInAccount:
            await local.remove_totp(at.session, at.who.subject, kept)
            return await _account(at.session, at.who.subject, at.now)

        return await change(info, "totp.remove", ANYBODY, act)


def _a_person(who: Principal) -> Principal:
    if who.is_program:
        raise NotAllowedError("a program has no account")
    return who


async def _own_password(info: Info, password: str) -> str | Refused:
    """Return the hash of the caller's own password, which it has to show anew for this.

    It is compared before the transaction: hashing keeps no writer waiting.
    """
    server = info.context.server
    try:
        who = _a_person(info.context.require(*ANYBODY))
        server.quotas.take(who.subject, "password")
        async with server.db.read() as session:
            kept = (await local.get_account(session, who.subject)).password
        local.require_right(is_right=await server.hasher.confirms(password, kept))
    except RefusalError as refusal:
        return Refused.of(refusal)
    server.quotas.give_back(who.subject, "password", 1)
    return kept
