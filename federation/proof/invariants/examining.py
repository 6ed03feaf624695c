"""How invariants are examined over settled runs, and what was found."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from federation.distribution.tables import DistributedRun
from federation.settlement.computed import ComputedRun
from federation.settlement.run import RunResult
from federation.settlement.run_document import RunDocument
from federation.store.invariants import (
    BooksInvariant,
    Check,
    Checks,
    InvariantError,
    guarded,
    reported,
    violations,
)
from federation.store.sessions import ReadSession
from federation.values.month import Month

NOTHING_KNOWN: Mapping[str, ComputedRun] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Settled:
    """A settled run on this server; at a node with what the node made of it.

    `data` is what is kept; `known` are runs, by name, that need not be computed again.
    """

    here: str
    period: Month
    run_id: str
    data: bytes
    document: RunDocument
    result: RunResult
    corrects: str | None = None
    distribution: DistributedRun | None = None
    known: Mapping[str, ComputedRun] = field(default_factory=lambda: NOTHING_KNOWN)


@dataclass(frozen=True, slots=True)
class RunInvariant:
    """True of every settled run.

    With `at_approval` it is examined in the very transaction that settles the run, which is refused
    if it does not hold; the others look at every member and line, on demand.
    """

    number: str
    name: str
    meaning: str
    examine: Callable[[ReadSession, Settled], Awaitable[Check | None]]  # None: not on this server
    at_approval: bool = True


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


async def examine_run(
    session: ReadSession, run: Settled, invariants: Iterable[RunInvariant]
) -> Checks:
    """Examine what is true of a settled run; what does not apply here is left out."""
    found: Checks = {}
    for invariant in invariants:
        check = await guarded(invariant.examine(session, run))
        if check is not None:
            found[invariant.name] = check
    return found


async def require_sound(
    session: ReadSession, run: Settled, invariants: Sequence[RunInvariant]
) -> None:
    """Refuse to settle a run that breaks an invariant, before it is committed."""
    examined = [invariant for invariant in invariants if invariant.at_approval]
    wrong = violations([reported(await examine_run(session, run, examined))])
    if wrong:
        raise InvariantError("; ".join(wrong[:5]))
