"""Whether a database without a key is a new server's, or that of one which lost its key."""

from typing import ClassVar

from federation.config import HubConfig, NodeConfig
from federation.errors import RefusalError
from federation.ledger import store as ledger
from federation.licensing import store as licensing
from federation.licensing.objects import SIGNED_TYPE
from federation.signing.jose import InvalidTokenError, verify
from federation.signing.keys import SigningKey
from federation.store.sessions import ReadSession
from federation.trust import store as trust
from federation.values.party import HUB


class KeyLostError(RefusalError):
    """This server lived before, and its key is not here.

    Put back its database with its secret, or its `key.pem`: others know it by that key.
    """

    code: ClassVar[str] = "KEY_LOST"


async def why_it_lived(session: ReadSession, config: HubConfig | NodeConfig) -> str | None:
    """Return what shows that this server had a key before, None where nothing does."""
    if await trust.parties(session):
        return "it has admitted parties"
    if await trust.applications(session, limit=1) or await trust.invitations(session, limit=1):
        return "somebody was invited or applied"
    own = await licensing.first_licence_of(session, _code(config))
    if own is not None:
        return f"it issued {own.number}"
    if await ledger.position(session, None) is not None:
        return "its journal has entries"
    return None


async def require_own_key(
    session: ReadSession, config: HubConfig | NodeConfig, key: SigningKey
) -> None:
    """Refuse a key file that is another's: others know this server by a key, where it has acted."""
    if isinstance(config, NodeConfig):
        applied = await trust.own_application(session)
        if applied is not None and applied.key_id not in {"", key.kid}:
            raise KeyLostError(f"it applied with {applied.key_id}; key.pem holds {key.kid}")
    own = await licensing.first_licence_of(session, _code(config))
    if own is None:
        return
    try:
        verify(own.signed, typ=SIGNED_TYPE, keys={key.kid: key.public}, max_bytes=len(own.signed))
    except InvalidTokenError:
        raise KeyLostError(f"key.pem, {key.kid}, did not sign {own.number}") from None


def _code(config: HubConfig | NodeConfig) -> str:
    return HUB if isinstance(config, HubConfig) else config.code
