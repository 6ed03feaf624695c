"""What people do with a server's own keys: each act stands in the audit log with its reason.

What may be done when is in `trust/key_life.py`, how keys are kept in `trust/own_keys.py`.
"""

from datetime import datetime

from federation.people.audit import Act, record
from federation.store.sessions import WriteSession
from federation.trust import own_keys
from federation.trust.key_life import Purpose
from federation.trust.key_secret import KeySecret
from federation.trust.tables import OwnKey


async def make_next(
    session: WriteSession, purpose: Purpose, secret: KeySecret, actor: str, now: datetime
) -> OwnKey:
    """Make and publish the key that is to sign next (KEY_STATE, TOO_MANY_KEYS)."""
    row = await own_keys.make_next(session, purpose, secret, now)
    await _record(session, actor, Act.KEY_NEXT, row, None)
    return row


async def activate(
    session: WriteSession, kid: str, actor: str, now: datetime, *, urgent_because: str | None
) -> OwnKey:
    """Let a NEXT key sign from now on; raises what `trust.own_keys.activate` does."""
    row = await own_keys.activate(session, kid, now, urgent_because=urgent_because)
    await _record(session, actor, Act.KEY_ACTIVATE, row, urgent_because)
    return row


async def retire(
    session: WriteSession, kid: str, actor: str, now: datetime, *, urgent_because: str | None
) -> OwnKey:
    """Publish a key no more; raises what `trust.own_keys.retire` does."""
    row = await own_keys.retire(session, kid, now, urgent_because=urgent_because)
    await _record(session, actor, Act.KEY_RETIRE, row, urgent_because)
    return row


async def encrypt_again(session: WriteSession, secret: KeySecret, actor: str) -> int:
    """Encrypt every private key with the first of the secrets; return how many there are."""
    count = await own_keys.encrypt_again(session, secret)
    await record(session, actor, Act.KEY_ENCRYPT_AGAIN, "keys", {"private_keys": str(count)})
    return count


async def _record(
    session: WriteSession, actor: str, act: Act, row: OwnKey, urgent_because: str | None
) -> None:
    detail = {"purpose": str(row.purpose)}
    if urgent_because is not None:
        detail["urgent_because"] = urgent_because.strip()
    await record(session, actor, act, row.kid, detail)
