"""How an invariant is stated, examined and reported; who examines what is composed elsewhere.

Names are public: `report.json`, staff and `federation check` read them. Each belongs to a number
of docs/invariants.md, and one number may have several.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from msgspec import MsgspecError
from sqlalchemy.ext.asyncio import AsyncSession

from federation.errors import RefusalError
from federation.settlement.run import RunResult
from federation.settlement.run_document import RunDocument
from federation.settlement.tables import Distribution

Check = tuple[int, list[str]]  # how many were examined, what is wrong, by the object's name
Checks = dict[str, Check]


class InvariantError(RefusalError):
    """An invariant does not hold; nothing was written."""

    code: ClassVar[str] = "INVARIANT"


@dataclass(frozen=True, slots=True)
class Settled:
    """A settled run on this server; at a node with what the node made of it."""

    here: str
    period: str
    run_id: str
    data: bytes
    document: RunDocument
    result: RunResult
    corrects: str | None = None
    distribution: Distribution | None = None


@dataclass(frozen=True, slots=True)
class RunInvariant:
    """True of every settled run.

    With `at_approval` it is examined in the very transaction that settles the run, which is refused
    if it does not hold; the others look at every member and line, on demand.
    """

    number: str
    name: str
    meaning: str
    examine: Callable[[AsyncSession, Settled], Awaitable[Check | None]]  # None: not on this server
    at_approval: bool = True


@dataclass(frozen=True, slots=True)
class BooksInvariant:
    """True of a server at any moment, examined on demand over everything that is there."""

    number: str
    name: str
    meaning: str
    examine: Callable[[AsyncSession, str], Awaitable[Check]]  # session, code of this server


Invariant = RunInvariant | BooksInvariant


@dataclass(slots=True)
class Finding:
    """What examining one invariant on this server gave."""

    invariant: Invariant
    examined: int = 0
    wrong: list[str] = field(default_factory=list[str])

    def add(self, found: Check, *, where: str = "") -> None:
        """Count what one examination found; `where` goes before the object's name."""
        prefix = f"{where}: " if where else ""
        self.examined += found[0]
        self.wrong += [f"{prefix}{text}" for text in found[1]]


async def guarded(examination: Awaitable[Check | None]) -> Check | None:
    """Return what was found; rows that cannot even be read are a violation, not a crash."""
    try:
        return await examination
    except (ValueError, LookupError, MsgspecError, RefusalError) as error:
        return 1, [f"cannot be read: {type(error).__name__}: {error}"[:300]]


async def examine_run(
    session: AsyncSession, run: Settled, invariants: Iterable[RunInvariant]
) -> Checks:
    """Examine what is true of a settled run; what does not apply here is left out."""
    found: Checks = {}
    for invariant in invariants:
        check = await guarded(invariant.examine(session, run))
        if check is not None:
            found[invariant.name] = check
    return found


async def require_sound(
    session: AsyncSession, run: Settled, invariants: Sequence[RunInvariant]
) -> None:
    """Refuse to settle a run that breaks an invariant, before it is committed."""
    examined = [invariant for invariant in invariants if invariant.at_approval]
    wrong = violations([stated(await examine_run(session, run, examined))])
    if wrong:
        raise InvariantError("; ".join(wrong[:5]))


def stated(checks: Mapping[str, Check]) -> dict[str, Any]:
    """Return `{invariant: {"examined": n, "violations": [...]}}`."""
    return {
        name: {"examined": examined, "violations": wrong}
        for name, (examined, wrong) in sorted(checks.items())
    }


def violations(stated_checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return every violation of some stated checks, with the name of its invariant."""
    return [
        f"{name}: {violation}"
        for checks in stated_checks
        for name, check in checks.items()
        for violation in check["violations"]
    ]
