"""A server's own keys in GraphQL: which there are, and how its operators change them."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.people import own_keys as acts
from federation.schema.context import Change, Info, Refused, change
from federation.trust import store
from federation.trust.key_life import Purpose, State
from federation.trust.key_secret import get_secret
from federation.trust.tables import OwnKey as Row
from federation.values.roles import MAY_KEEP_KEYS, MAY_READ_KEYS


@strawberry.type(description="A key of this server itself; its private half is never shown.")
class OwnKey:
    """A key: its thumbprint and public JWK, what it signs, and where it stands in its life.

    `purpose` is FEDERATION or TOKEN, `state` NEXT, ACTIVE, VERIFY_ONLY or RETIRED.
    """

    kid: strawberry.ID
    purpose: Purpose
    state: State
    jwk: str
    made_at: datetime
    activated_at: datetime | None
    verify_until: datetime | None
    retired_at: datetime | None
    reason: str | None

    @classmethod
    def of(cls, row: Row) -> "OwnKey":
        """Show a row."""
        return cls(
            kid=strawberry.ID(row.kid),
            purpose=Purpose(row.purpose),
            state=State(row.state),
            jwk=row.jwk,
            made_at=row.made_at,
            activated_at=row.activated_at,
            verify_until=row.verify_until,
            retired_at=row.retired_at,
            reason=row.reason,
        )


OwnKeyResult = Annotated[OwnKey | Refused, strawberry.union("OwnKeyResult")]


@strawberry.type
class OwnKeyQuery:
    """Which keys a server has: the same at hub and node."""

    @strawberry.field(description="Every key this server ever had, by purpose, the newest last.")
    async def own_keys(self, info: Info) -> list[OwnKey]:
        """List the keys of this server itself."""
        info.context.whose(MAY_READ_KEYS)
        async with info.context.server.db.read() as session:
            return [OwnKey.of(row) for row in await store.own_keys(session)]


@strawberry.type
class OwnKeyMutation:
    """How operators change the key of tokens; `urgentBecause` is why an act is not to wait."""

    @strawberry.mutation(description="Make and publish the key that is to sign next.")
    async def make_next_key(self, info: Info, purpose: Purpose) -> OwnKeyResult:
        """Make a TOKEN or FEDERATION key (KEY_STATE, TOO_MANY_KEYS)."""

        async def act(at: Change) -> OwnKey:
            secret = get_secret(at.server.config)
            return OwnKey.of(
                await acts.make_next(at.session, purpose, secret, at.who.subject, at.now)
            )

        return await change(info, "keys.next", MAY_KEEP_KEYS, act)

    @strawberry.mutation(description="Let a key sign that was published for 48 hours.")
    async def activate_key(
        self, info: Info, key: strawberry.ID, urgent_because: str | None = None
    ) -> OwnKeyResult:
        """Let it sign (UNKNOWN_KEY, KEY_STATE, KEY_TOO_YOUNG, KEY_UNTOLD, FEDERATION_KEY_STAYS)."""

        async def act(at: Change) -> OwnKey:
            row = await acts.activate(
                at.session, key, at.who.subject, at.now, urgent_because=urgent_because
            )
            return OwnKey.of(row)

        return await change(info, "keys.activate", MAY_KEEP_KEYS, act)

    @strawberry.mutation(description="Publish a key no more: what it signed is refused.")
    async def retire_key(
        self, info: Info, key: strawberry.ID, urgent_because: str | None = None
    ) -> OwnKeyResult:
        """Withdraw it (UNKNOWN_KEY, KEY_STATE, KEY_STILL_CHECKED)."""

        async def act(at: Change) -> OwnKey:
            row = await acts.retire(
                at.session, key, at.who.subject, at.now, urgent_because=urgent_because
            )
            return OwnKey.of(row)

        return await change(info, "keys.retire", MAY_KEEP_KEYS, act)
