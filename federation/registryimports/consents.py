"""Files of consent records: each row is held to the rules of the single act.

A no is recorded at once. Whatever else is said waits until another person confirms the proposal of
its file; then it is judged again, by what is registered by then.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from federation.errors import RefusalError
from federation.history.kinds import Saying
from federation.mandates.judging import RecordThereError, judge
from federation.mandates.records import DraftRecord, NewRecord, read_record
from federation.mandates.store import add
from federation.mandates.writing import write_all
from federation.registryfiles.rows import BAD_ROW, Row
from federation.registryimports.subjects import ReadRow, refused
from federation.registryimports.verdicts import REASON_LENGTH_MAX, RowVerdict, Verdict
from federation.registryimports.waiting import Judged, Waiting
from federation.store.sessions import ReadSession, WriteSession


class Described(NamedTuple):
    """A record as a row describes it, and as it was read."""

    draft: DraftRecord
    record: NewRecord


@dataclass(frozen=True, slots=True)
class ConsentFile:
    """By what rows are read: the node, the uses of the terms, and since when a row holds.

    That is from `starts_at` on where it does not say.
    """

    node: str
    uses: Collection[str]
    starts_at: datetime

    def read(self, row: Row[Any]) -> ReadRow:
        """Read what a row says, as far as that needs no registry."""
        if row.draft is None:
            return refused(row, BAD_ROW, row.fault)
        since = row.starts_at or self.starts_at
        draft = msgspec.structs.replace(row.draft, effective_at=since)
        try:
            record, altered = read_record(draft, self.uses, self.node, since)
        except RefusalError as refusal:
            return refused(row, refusal.code, refusal.detail)
        body = Described(draft, record)
        return ReadRow(row.place, record.subject.text, since, body, (*row.altered, *altered))

    async def judge(
        self, session: WriteSession, rows: Sequence[ReadRow], first_row: int, saying: Saying
    ) -> Judged:
        """Judge the rows of a batch: a no is recorded, all else waits."""
        judged, kept = await self._judge(session, rows, first_row, lambda new: new.is_refusal)
        await self._write(session, kept, saying)
        return judged

    async def rehearse(
        self,
        registry: ReadSession,
        stage: WriteSession,
        rows: Sequence[ReadRow],
        first_row: int,
        saying: Saying,
    ) -> list[RowVerdict]:
        """Return the verdicts that `judge` would give; a no of a batch before is on the stage."""
        judged, kept = await self._judge(
            registry, rows, first_row, lambda new: new.is_refusal, stage
        )
        await add(stage, [(one, None) for one in kept], saying)
        return judged.verdicts

    async def enter(
        self,
        session: WriteSession,
        verdicts: Sequence[RowVerdict],
        waiting: Sequence[Waiting],
        saying: Saying,
    ) -> list[RowVerdict]:
        """Record what waited, as far as it is good by now; return the verdicts of the batch."""
        rows = [
            self.read(Row(verdicts[at].place, verdicts[at].id, draft.effective_at, draft))
            for at, draft in waiting
        ]
        judged, kept = await self._judge(session, rows, 0, lambda _: True)
        await self._write(session, kept, saying)
        found = list(verdicts)
        for (at, _), new in zip(waiting, judged.verdicts, strict=True):
            found[at] = msgspec.structs.replace(new, row=verdicts[at].row)
        return found

    async def _judge(
        self,
        session: ReadSession,
        rows: Sequence[ReadRow],
        first_row: int,
        enters: Callable[[NewRecord], bool],
        also: ReadSession | None = None,
    ) -> tuple[Judged, list[NewRecord]]:
        """Return the verdicts, what waits, and the records that are entered."""
        described = [row.body.record for row in rows if row.body is not None]
        judged = iter(await judge(session, described, also=also))
        verdicts: list[RowVerdict] = []
        waiting: list[Waiting] = []
        kept: list[NewRecord] = []
        for at, row in enumerate(rows):
            new = None if row.body is None else next(judged)
            verdict, code, reason = _verdict(row, new)
            if isinstance(new, NewRecord) and enters(new):
                kept.append(new)
            elif isinstance(new, NewRecord):
                verdict = Verdict.WAITS
                waiting.append(Waiting(at, row.body.draft))
            shown = reason[:REASON_LENGTH_MAX]
            verdicts.append(RowVerdict(first_row + at, row.place, row.thing, verdict, code, shown))
        return Judged(verdicts, waiting), kept

    async def _write(
        self, session: WriteSession, kept: Sequence[NewRecord], saying: Saying
    ) -> None:
        if kept:
            await write_all(session, self.node, kept, saying)


def _verdict(row: ReadRow, new: NewRecord | RefusalError | None) -> tuple[Verdict, str, str]:
    if new is None:
        return Verdict.REFUSED, row.code, row.reason
    if isinstance(new, RecordThereError):
        return Verdict.DUPLICATE, "", ""
    if isinstance(new, RefusalError):
        return Verdict.CONFLICT, new.code, new.detail
    if row.altered:
        return Verdict.ACCEPTED_WITH_CHANGES, "", "; ".join(map(str, row.altered))
    return Verdict.ACCEPTED, "", ""
