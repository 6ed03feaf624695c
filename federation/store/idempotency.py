"""One effect per (principal, field, key), for ever; other input under the same key is refused."""

from datetime import datetime
from typing import Any, ClassVar

from federation.errors import RefusalError
from federation.store.canonical import digest
from federation.store.sessions import ReadSession, WriteSession
from federation.store.tables import IdempotentResult

KEY_LENGTH_MAX = 128


class IdempotencyConflictError(RefusalError):
    """This idempotency key was used with other input."""

    code: ClassVar[str] = "IDEMPOTENCY_CONFLICT"


class BadIdempotencyKeyError(RefusalError):
    """An idempotency key has 1 to 128 characters."""

    code: ClassVar[str] = "BAD_IDEMPOTENCY_KEY"


async def find_result(
    session: ReadSession, *, principal: str, field: str, key: str, value: Any
) -> str | None:
    """Return the id of what the same request did before, or None when it is new."""
    if not 1 <= len(key) <= KEY_LENGTH_MAX:
        raise BadIdempotencyKeyError
    row = await session.get(IdempotentResult, (principal, field, key))
    if row is None:
        return None
    if row.input_digest != digest(value):
        raise IdempotencyConflictError(key)
    return row.result_id


def remember_result(
    session: WriteSession,
    *,
    principal: str,
    field: str,
    key: str,
    value: Any,
    result_id: str,
    now: datetime,
) -> None:
    """Record what the request did, in the effect's own transaction."""
    session.add(
        IdempotentResult(
            principal=principal,
            field=field,
            key=key,
            input_digest=digest(value),
            result_id=result_id,
            recorded_at=now,
        )
    )
