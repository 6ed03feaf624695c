"""What becomes of rows that wait once the proposal of their file is decided: batch by batch."""

import msgspec

from federation.history.kinds import Saying
from federation.registryimports import store
from federation.registryimports.consents import ConsentFile
from federation.registryimports.service import count, get_import
from federation.registryimports.tables import ImportBatch, RegistryImport
from federation.registryimports.verdicts import RowVerdict, Verdict, packed, unpacked
from federation.registryimports.waiting import unpacked_waiting
from federation.store.sessions import WriteSession

NOT_CONFIRMED = "NOT_CONFIRMED"
"""The code of a row whose file's proposal was refused, taken back, or not decided in time."""


async def enter_next(
    session: WriteSession, import_id: str, file: ConsentFile, saying: Saying
) -> None:
    """Record what the next batch has waiting; of what is not good by now, the verdict says why."""
    row = await get_import(session, import_id)
    batch = await store.waiting_batch(session, import_id)
    if batch is not None:
        verdicts = unpacked(batch.verdicts)
        waiting = unpacked_waiting(batch.waiting)
        _decided(row, batch, await file.enter(session, verdicts, waiting, saying))


async def refuse_next(session: WriteSession, import_id: str, why: str) -> None:
    """Say of what the next batch has waiting that it is not recorded, and why."""
    row = await get_import(session, import_id)
    batch = await store.waiting_batch(session, import_id)
    if batch is not None:
        verdicts = unpacked(batch.verdicts)
        for at, _ in unpacked_waiting(batch.waiting):
            verdicts[at] = msgspec.structs.replace(
                verdicts[at], verdict=Verdict.REFUSED, code=NOT_CONFIRMED, reason=why
            )
        _decided(row, batch, verdicts)


def _decided(row: RegistryImport, batch: ImportBatch, verdicts: list[RowVerdict]) -> None:
    count(row, unpacked(batch.verdicts), -1)
    count(row, verdicts)
    batch.verdicts, batch.waiting = packed(verdicts), None
