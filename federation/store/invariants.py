"""An invariant: a named question to the database; the answer counts and names what is wrong.

Names are public: `report.json`, staff and `federation check` read them. Each belongs to a number
of docs/invariants.md, and one number may have several.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from msgspec import MsgspecError

from federation.errors import RefusalError
from federation.store.sessions import ReadSession

Check = tuple[int, list[str]]  # how many were examined, what is wrong, by the object's name
Checks = dict[str, Check]


class InvariantError(RefusalError):
    """An invariant does not hold; nothing was written."""

    code: ClassVar[str] = "INVARIANT"


@dataclass(frozen=True, slots=True)
class BooksInvariant:
    """True of a server at any moment, examined on demand over everything that is there."""

    number: str
    name: str
    meaning: str
    examine: Callable[[ReadSession, str], Awaitable[Check]]  # session, code of this server


async def guarded(examination: Awaitable[Check | None]) -> Check | None:
    """Return what was found; rows that cannot even be read are a violation, not a crash."""
    try:
        return await examination
    except (ValueError, LookupError, MsgspecError, RefusalError) as error:
        return 1, [f"cannot be read: {type(error).__name__}: {error}"[:300]]


def reported(checks: Mapping[str, Check]) -> dict[str, Any]:
    """Return `{invariant: {"examined": n, "violations": [...]}}`."""
    return {
        name: {"examined": examined, "violations": wrong}
        for name, (examined, wrong) in sorted(checks.items())
    }


def violations(reports: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return every violation in some reports, with the name of its invariant."""
    return [
        f"{name}: {violation}"
        for checks in reports
        for name, check in checks.items()
        for violation in check["violations"]
    ]
