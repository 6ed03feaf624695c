"""Signing in in GraphQL: who lets a person in, what a person has, and its sessions."""

import strawberry

from federation.accounts import inviting, local, one_time, sessions, store
from federation.errors import RefusalError
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import row_number
from federation.schema.pages import Connection
from federation.schema.sign_in_types import (
    AccountResult,
    GivenInvitation,
    GivenResult,
    InvitationResult,
    PersonInvitation,
    SignInAccount,
    TotpResult,
    TotpSecret,
    shown_account,
)
from federation.trust.key_secret import get_secret
from federation.trust.principals import NotAllowedError, Principal
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_READ_PEOPLE, Role, may_keep_people

_LIST = "personInvitations"
ANYBODY = tuple(Role)


@strawberry.type
class SignInQuery:
    """What a person reads of its own account, operators and auditors of everybody's."""

    @strawberry.field(description="How whoever asks signs in here, and where it is signed in.")
    async def own_account(self, info: Info) -> SignInAccount:
        """Show a person its own account; programs have none (NOT_ALLOWED)."""
        who = _a_person(info.context.require(*ANYBODY))
        server = info.context.server
        async with server.db.read() as session:
            return await shown_account(session, who.subject, server.clock())

    @strawberry.field(description="How somebody signs in here, and where it is signed in.")
    async def account_of(self, info: Info, subject: str) -> SignInAccount:
        """Show anybody's account: nothing that opens it."""
        info.context.whose(MAY_READ_PEOPLE)
        server = info.context.server
        async with server.db.read() as session:
            return await shown_account(session, subject, server.clock())

    @strawberry.field(
        description="Invitations of people that wait to be confirmed or used, oldest first."
    )
    async def person_invitations(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[PersonInvitation]:
        """List them, 1 to 100 a page (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_PEOPLE)
        size, key = page_size(first), key_of(_LIST, after, tuple[int])
        server = info.context.server
        now = server.clock()
        async with server.db.read() as session:
            rows = await store.open_invitations(
                session, now, after=key[0] if key else 0, limit=size + 1
            )
        return Connection.of(
            rows,
            size,
            lambda row: cursor_of(_LIST, (row.id,)),
            lambda row: PersonInvitation.of(row, now),
        )


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
    async def confirm_person_invitation(self, info: Info, id: strawberry.ID) -> GivenResult:
        """Confirm it (NO_INVITATION, SAME_PERSON, IDENTITY_TAKEN)."""

        async def act(at: Change) -> GivenInvitation:
            number = row_number(id) or 0
            half, row = await inviting.confirm(at.session, number, who=at.who, now=at.now)
            return GivenInvitation(invitation=PersonInvitation.of(row, at.now), half=half)

        return await change(info, "account.confirm", may_keep_people(info.context.server.code), act)

    @strawberry.mutation(description="Take back an invitation that waits or was not used.")
    async def withdraw_person_invitation(self, info: Info, id: strawberry.ID) -> InvitationResult:
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
            return await shown_account(at.session, subject, at.now)

        return await change(info, "account.unlink", may_keep_people(info.context.server.code), act)

    @strawberry.mutation(
        description="Take a person's password and one-time codes; its sessions and tokens end."
    )
    async def close_account(self, info: Info, subject: str, reason: str) -> AccountResult:
        """Close it (NO_ACCOUNT, REASON); an invitation opens it again."""

        async def act(at: Change) -> SignInAccount:
            await inviting.close(at.session, subject, reason, who=at.who)
            return await shown_account(at.session, subject, at.now)

        return await change(info, "account.close", may_keep_people(info.context.server.code), act)

    @strawberry.mutation(description="End somebody's session, at once.")
    async def end_session(self, info: Info, id: strawberry.ID) -> AccountResult:
        """End it (UNKNOWN_SESSION)."""

        async def act(at: Change) -> SignInAccount:
            row = await sessions.end(at.session, id, person=None, by=at.who.subject, now=at.now)
            return await shown_account(at.session, row.person, at.now)

        return await change(info, "session.end", may_keep_people(info.context.server.code), act)


@strawberry.type
class OwnAccountMutation:
    """What a person does with its own account."""

    @strawberry.mutation(description="End one of one's own sessions, at once.")
    async def end_own_session(self, info: Info, id: strawberry.ID) -> AccountResult:
        """End it (UNKNOWN_SESSION)."""

        async def act(at: Change) -> SignInAccount:
            own = _a_person(at.who).subject
            await sessions.end(at.session, id, person=own, by=own, now=at.now)
            return await shown_account(at.session, own, at.now)

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
            return await shown_account(at.session, own, at.now)

        return await change(info, "totp.confirm", ANYBODY, act)

    @strawberry.mutation(description="Sign in without one-time codes again.")
    async def remove_totp(self, info: Info, password: str) -> AccountResult:
        """Remove them (NO_ACCOUNT, BAD_SIGN_IN)."""
        kept = await _own_password(info, password)
        if isinstance(kept, Refused):
            return kept

        async def act(at: Change) -> SignInAccount:
            await local.remove_totp(at.session, at.who.subject, kept)
            return await shown_account(at.session, at.who.subject, at.now)

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
