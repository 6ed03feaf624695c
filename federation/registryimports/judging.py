"""Which verdict each row of a batch gets; what is accepted is written down at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from federation.errors import RefusalError
from federation.history.acts import CHANGED, REGISTERED, AlreadyRegisteredError, MergedError
from federation.history.identifying import regained
from federation.history.kinds import Saying, Statement
from federation.history.spans import next_boundary
from federation.history.store import Known, Told, known_of
from federation.identifiers.schemes import IdentifierTakenError
from federation.registryimports.options import OnConflict
from federation.registryimports.subjects import ReadRow, Subject
from federation.registryimports.verdicts import REASON_LENGTH_MAX, RowVerdict, Verdict
from federation.store.sessions import WriteSession


@dataclass(frozen=True, slots=True)
class Judging:
    """By what rows are judged: what they are about, and what holds for the whole import."""

    subject: Subject
    on_conflict: OnConflict
    starts_at: datetime
    saying: Saying


async def judge(
    session: WriteSession, judging: Judging, rows: Sequence[ReadRow], first_row: int
) -> list[RowVerdict]:
    """Judge the rows of a batch in their order, and write down those that are accepted.

    A row sees what rows before it said: the batch is cut where a row speaks of a thing, or has an
    identifier that numbers one thing only, that a row before it has.
    """
    verdicts: list[RowVerdict] = []
    for part in _parts(judging.subject, rows):
        verdicts += await _judge(session, judging, part, first_row + len(verdicts))
    return verdicts


def _parts(subject: Subject, rows: Sequence[ReadRow]) -> Iterator[Sequence[ReadRow]]:
    begin, seen = 0, set[str]()
    for at, row in enumerate(rows):
        if row.body is None:
            continue
        keys = {f"/{row.thing}", *subject.numbering.numbers_of(row.body)}
        keys.update(f"/{thing}" for thing in subject.refers(row.body))
        if not seen.isdisjoint(keys):
            yield rows[begin:at]
            begin, seen = at, set()
        seen |= keys
    if begin < len(rows):
        yield rows[begin:]


async def _judge(
    session: WriteSession, judging: Judging, rows: Sequence[ReadRow], first_row: int
) -> list[RowVerdict]:
    subject = judging.subject
    things = [row.thing for row in rows if row.body is not None]
    known = await known_of(session, subject.kind, things)
    found: dict[int, tuple[Verdict, str, str]] = {}
    said: dict[int, Statement[Any]] = {}
    for at, row in enumerate(rows):
        if row.body is None:
            found[at] = (Verdict.REFUSED, row.code, row.reason)
            continue
        answer = _answer(judging, row, known.get(row.thing, {}))
        if isinstance(answer, Statement):
            said[at] = answer
        else:
            found[at] = answer
    refused = await subject.contradictions(session, list(said.values()))
    refused = {**await _regained(session, subject, known, said.values()), **refused}
    for at, statement in said.items():
        refusal = refused.get(statement.thing)
        if refusal is not None:
            found[at] = (Verdict.CONFLICT, refusal.code, refusal.detail)
        elif rows[at].altered:
            changes = "; ".join(str(fault) for fault in rows[at].altered)
            found[at] = (Verdict.ACCEPTED_WITH_CHANGES, "", changes)
        else:
            found[at] = (Verdict.ACCEPTED, "", "")
    kept = [statement for statement in said.values() if statement.thing not in refused]
    await subject.record(session, kept, judging.saying, known)
    return [
        RowVerdict(first_row + at, row.place, row.thing, verdict, code, reason[:REASON_LENGTH_MAX])
        for at, row in enumerate(rows)
        for verdict, code, reason in (found[at],)
    ]


async def _regained(
    session: WriteSession, subject: Subject, known: Known, statements: Iterable[Statement[Any]]
) -> dict[str, RefusalError]:
    """Return {thing: why} of what comes back while another has a number of what is merged in it."""
    found = dict[str, RefusalError]()
    for one in statements:
        if one.act == REGISTERED and one.thing in known:
            for text, other in await regained(session, subject.kind, subject.numbering, one):
                found.setdefault(one.thing, IdentifierTakenError(f"{text} is of {other}"))
    return found


def _answer(
    judging: Judging, row: ReadRow, known: Mapping[int, Told]
) -> Statement[Any] | tuple[Verdict, str, str]:
    """Return what a row says, or the verdict on one that says nothing new or too much."""
    starts_at = row.starts_at or judging.starts_at
    there = next((one for one in known.values() if one.span.holds(starts_at)), None)
    if there is not None and there.merged_into is not None:
        return (Verdict.CONFLICT, MergedError.code, f"it is {there.merged_into}")
    if there is not None and row.kept is not None and there.body == row.kept.body:
        return (Verdict.DUPLICATE, "", "")
    if known and judging.on_conflict is OnConflict.REFUSE:
        what = "with other content" if there is not None else "for another time"
        reason = f"{row.thing} is registered {what}"
        return (Verdict.CONFLICT, AlreadyRegisteredError.code, reason)
    ends_at = next_boundary((one.span for one in known.values()), starts_at)
    act = REGISTERED if there is None else CHANGED
    return Statement(row.thing, act, starts_at, ends_at, row.body, kept=row.kept)
