"""The rows of imports and their verdicts. Nothing here commits."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, tuple_

from federation.registryimports.tables import ImportBatch, RegistryImport
from federation.store.sessions import ReadSession


async def find_import(session: ReadSession, import_id: str) -> RegistryImport | None:
    """Return one import."""
    return await session.get(RegistryImport, import_id)


async def imports(
    session: ReadSession, after: tuple[datetime, str] | None, limit: int
) -> Sequence[RegistryImport]:
    """Return imports, the one that began last first."""
    begun = (RegistryImport.started_at, RegistryImport.import_id)
    query = select(RegistryImport).order_by(*(column.desc() for column in begun)).limit(limit)
    if after is not None:
        query = query.where(tuple_(*begun) < after)
    return list(await session.scalars(query))


async def batch_from(session: ReadSession, import_id: str, first_row: int) -> ImportBatch | None:
    """Return the first batch of an import that begins at a row or behind it."""
    query = select(ImportBatch).where(
        ImportBatch.import_id == import_id, ImportBatch.first_row >= first_row
    )
    found: ImportBatch | None = await session.scalar(query.order_by(ImportBatch.first_row).limit(1))
    return found


async def waiting_imports(session: ReadSession) -> Sequence[RegistryImport]:
    """Return the imports with rows that wait for what becomes of their proposal, by id."""
    query = select(RegistryImport).where(
        RegistryImport.waits > 0, RegistryImport.proposal.is_not(None)
    )
    return list(await session.scalars(query.order_by(RegistryImport.import_id)))


async def waiting_batch(session: ReadSession, import_id: str) -> ImportBatch | None:
    """Return the first batch of an import with rows that wait."""
    query = select(ImportBatch).where(
        ImportBatch.import_id == import_id, ImportBatch.waiting.is_not(None)
    )
    found: ImportBatch | None = await session.scalar(query.order_by(ImportBatch.first_row).limit(1))
    return found
