"""How the rows of a file are taken: read without the registry, then judged batch by batch."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from federation.history.kinds import Saying
from federation.registryfiles.rows import FileKind, Row
from federation.registryimports.consents import ConsentFile
from federation.registryimports.judging import Judging, judge
from federation.registryimports.options import OnConflict
from federation.registryimports.rehearsing import bring
from federation.registryimports.subjects import ReadRow, Subject, subject_of
from federation.registryimports.tables import RegistryImport
from federation.registryimports.verdicts import RowVerdict
from federation.registryimports.waiting import Judged
from federation.store.sessions import ReadSession, WriteSession


class Taker(Protocol):
    """Takes rows of one kind into the registry."""

    def read(self, row: Row[Any]) -> ReadRow:
        """Read what a row says, as far as that needs no registry."""
        ...

    async def judge(
        self, session: WriteSession, rows: Sequence[ReadRow], first_row: int, saying: Saying
    ) -> Judged:
        """Judge the rows of a batch, and write down what is registered at once."""
        ...

    async def rehearse(
        self,
        registry: ReadSession,
        stage: WriteSession,
        rows: Sequence[ReadRow],
        first_row: int,
        saying: Saying,
    ) -> list[RowVerdict]:
        """Return the verdicts that `judge` would give; what it would write is written on a stage.

        The same stage has what the batches before wrote.
        """
        ...


def taker_of(
    row: RegistryImport, node: str, tiers: Collection[str], uses: Collection[str]
) -> Taker:
    """Return what takes the rows of an import, at a node whose terms know some tiers and uses."""
    kind = FileKind(row.kind)
    if kind is FileKind.CONSENTS:
        return ConsentFile(node, uses, row.starts_at)
    subject = subject_of(kind, node, tiers, row.rightholder)
    return _Things(subject, OnConflict(row.on_conflict), row.starts_at)


@dataclass(frozen=True, slots=True)
class _Things:
    """Works or rightholders: what a row says is registered at once."""

    subject: Subject
    on_conflict: OnConflict
    starts_at: datetime

    def read(self, row: Row[Any]) -> ReadRow:
        return self.subject.read(row)

    async def judge(
        self, session: WriteSession, rows: Sequence[ReadRow], first_row: int, saying: Saying
    ) -> Judged:
        judging = Judging(self.subject, self.on_conflict, self.starts_at, saying)
        return Judged(await judge(session, judging, rows, first_row))

    async def rehearse(
        self,
        registry: ReadSession,
        stage: WriteSession,
        rows: Sequence[ReadRow],
        first_row: int,
        saying: Saying,
    ) -> list[RowVerdict]:
        await bring(registry, stage, self.subject, rows)
        return (await self.judge(stage, rows, first_row, saying)).verdicts
