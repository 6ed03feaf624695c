"""Acts on imports: beginning one or going on with it, taking a batch, ending it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple

from federation.errors import RefusalError
from federation.history.kinds import Saying
from federation.registryfiles.rows import BadRegistryFileError
from federation.registryimports import store
from federation.registryimports.intake import NOTHING, OtherFileError, Taken
from federation.registryimports.options import ImportOptions
from federation.registryimports.subjects import ReadRow
from federation.registryimports.tables import ImportBatch, RegistryImport
from federation.registryimports.taking import Taker
from federation.registryimports.verdicts import RowVerdict, Verdict, packed
from federation.registryimports.waiting import Judged, packed_waiting, with_states
from federation.store.sessions import ReadSession, WriteSession
from federation.store.told import tell


class State(StrEnum):
    """How far an import is: not all was read yet, all was, or it could not be read on."""

    OPEN = "OPEN"
    DONE = "DONE"
    BROKEN = "BROKEN"


class UnknownImportError(RefusalError):
    """There is no import with this id."""

    code: ClassVar[str] = "UNKNOWN_IMPORT"


class ImportRunningError(RefusalError):
    """This import is being sent already."""

    code: ClassVar[str] = "IMPORT_RUNNING"


class Progress(NamedTuple):
    """How far a file is read, how, and who sends it when."""

    taken: Taken
    read_as: str
    sender: str
    now: datetime

    def saying(self, reason: str) -> Saying:
        """Return who says what a batch says, and why."""
        return Saying(self.sender, reason, self.now)


async def begin(
    session: WriteSession, options: ImportOptions, who: str, now: datetime
) -> RegistryImport:
    """Begin an import, or return the one with this id, to go on with.

    Asked for otherwise than before it is another one (OTHER_FILE).
    """
    row = await store.find_import(session, options.import_id)
    if row is None:
        row = RegistryImport(
            import_id=options.import_id,
            kind=options.kind,
            format=options.format,
            on_conflict=options.on_conflict,
            is_dry_run=options.is_dry_run,
            starts_at=options.starts_at or now,
            rightholder=options.rightholder,
            reason=options.reason,
            started_by=who,
            started_at=now,
            updated_at=now,
            state=State.OPEN,
            read_as="",
            rows=0,
            size=0,
            digest=NOTHING.digest,
            waiting_states="{}",
            **{verdict.value.lower(): 0 for verdict in Verdict},
        )
        session.add(row)
        return row
    asked = (options.kind, options.format, options.on_conflict, options.is_dry_run)
    if asked != (row.kind, row.format, row.on_conflict, row.is_dry_run):
        raise OtherFileError(f"{row.import_id}: kind, format, onConflict or dryRun")
    if options.rightholder != row.rightholder or options.starts_at not in {None, row.starts_at}:
        raise OtherFileError(f"{row.import_id}: rightholder or startsAt")
    return row


async def take(
    session: WriteSession,
    import_id: str,
    taker: Taker,
    rows: Sequence[ReadRow],
    progress: Progress,
) -> None:
    """Judge a batch, write down what is accepted and the verdicts, and say how far the import is.

    Refused is a batch that does not follow the last one: somebody else sends the same import
    (IMPORT_RUNNING); and one of a file that was taken to its end before, and is longer now
    (OTHER_FILE). What broke off goes on.
    """
    row = await _next_batch(session, import_id, len(rows), progress)
    judged = await taker.judge(session, rows, row.rows + 1, progress.saying(row.reason))
    _keep(session, row, judged, progress)


async def keep_verdicts(
    session: WriteSession, import_id: str, verdicts: list[RowVerdict], progress: Progress
) -> None:
    """Keep the verdicts of a batch of a dry run, and say how far it is; refused is what `take` is.

    Nothing of it waits.
    """
    row = await _next_batch(session, import_id, len(verdicts), progress)
    _keep(session, row, Judged(verdicts), progress)


async def _next_batch(
    session: WriteSession, import_id: str, rows: int, progress: Progress
) -> RegistryImport:
    """Return the import of which so many rows come next (IMPORT_RUNNING, OTHER_FILE)."""
    row = await get_import(session, import_id)
    if row.state == State.DONE:
        raise OtherFileError(f"{import_id}: the file ended with row {row.rows}")
    if progress.taken.rows - rows != row.rows:
        raise ImportRunningError(f"{import_id}: row {row.rows} was taken")
    row.state, row.place, row.why = State.OPEN, None, None
    return row


def _keep(session: WriteSession, row: RegistryImport, judged: Judged, progress: Progress) -> None:
    verdicts, waiting = judged
    session.add(
        ImportBatch(
            import_id=row.import_id,
            first_row=row.rows + 1,
            rows=len(verdicts),
            verdicts=packed(verdicts),
            waiting=packed_waiting(waiting),
        )
    )
    row.waiting_states = with_states(row.waiting_states, waiting)
    count(row, verdicts)
    _progressed(row, progress)


async def finish(session: WriteSession, import_id: str, progress: Progress) -> RegistryImport:
    """Say that all of the file was taken; sent again, it must be the same to its last byte."""
    row = await get_import(session, import_id)
    if row.state != State.DONE:
        _progressed(row, progress)
        row.state, row.place, row.why = State.DONE, None, None
        if not row.is_dry_run:
            tell(session, "registry.imported", id=import_id, kind=row.kind, rows=row.rows)
    elif (progress.taken.size, progress.taken.digest) != (row.size, row.digest):
        raise OtherFileError(f"{import_id}: {row.size} bytes were taken")
    return row


async def break_off(
    session: WriteSession, import_id: str, error: BadRegistryFileError, progress: Progress
) -> None:
    """Say that the file cannot be read on, where and why; what was taken of it stays."""
    row = await get_import(session, import_id)
    if row.state == State.OPEN:
        _progressed(row, progress)
        row.state, row.place, row.why = State.BROKEN, error.place, error.reason


async def get_import(session: ReadSession, import_id: str) -> RegistryImport:
    """Return one import, or refuse (UNKNOWN_IMPORT)."""
    row = await store.find_import(session, import_id)
    if row is None:
        raise UnknownImportError(import_id[:64])
    return row


def taken_of(row: RegistryImport) -> Taken:
    """Return how far a file was taken."""
    return Taken(row.rows, row.size, row.digest)


def is_done(row: RegistryImport) -> bool:
    """Tell whether a file was taken to its end."""
    return row.state == State.DONE


def counts_of(row: RegistryImport) -> dict[str, int]:
    """Return how often each verdict was given."""
    return {verdict.value: getattr(row, verdict.value.lower()) for verdict in Verdict}


def _progressed(row: RegistryImport, progress: Progress) -> None:
    row.rows, row.size, row.digest = progress.taken
    row.read_as, row.updated_at = progress.read_as, progress.now


def count(row: RegistryImport, verdicts: Sequence[RowVerdict], sign: int = 1) -> None:
    """Count verdicts that rows got, or with a sign of -1 those that they have no longer."""
    for verdict in Verdict:
        column = verdict.value.lower()
        given = sum(one.verdict is verdict for one in verdicts)
        setattr(row, column, getattr(row, column) + sign * given)
