"""Registry files at a node: taken in batch by batch as they come, and sent."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from federation.edge.bodies import BodyLimit
from federation.edge.doors import Doors
from federation.edge.files import NoSuchFileError
from federation.edge.http import json_response
from federation.errors import LaterError
from federation.nodes.registry_exports import as_known_now, exported_consents, exported_parts
from federation.proposals import files
from federation.proposals.rules import rules_by
from federation.registryfiles.formats import reader_of, require_format
from federation.registryfiles.rows import BadRegistryFileError, FileKind
from federation.registryfiles.writers import writer_of
from federation.registryimports import service, store
from federation.registryimports.intake import FILE_BYTES_MAX, Intake, Unpacked
from federation.registryimports.options import BadImportError, ImportOptions, read_options
from federation.registryimports.service import ImportRunningError, Progress
from federation.registryimports.staging import STAGED
from federation.registryimports.subjects import ReadRow
from federation.registryimports.tables import RegistryImport
from federation.registryimports.taking import Taker, taker_of
from federation.registryimports.verdicts import RowVerdict, as_csv, as_ndjson, csv_head, unpacked
from federation.server import Server
from federation.store.database import Database
from federation.store.stage import clear_stages, opened_stage
from federation.tabular import parse_instant
from federation.trust.principals import Principal
from federation.values.roles import MAY_KEEP_THE_REGISTRY, MAY_READ_MEMBERS

IMPORT = BodyLimit(FILE_BYTES_MAX, seconds=24 * 3600)
IMPORTS_MAX = 4
MEDIA_TYPES = {"csv": "text/csv", "ndjson": "application/x-ndjson"}

HttpRequest = Request[Any, Any, Any]


class ImportsBusyError(LaterError):
    """So many imports are on their way that another one has to wait."""

    code: ClassVar[str] = "IMPORTS_BUSY"


def registry_file_routes(doors: Doors) -> list[Any]:
    """Return the routes of a node by which registry files come and go."""
    server, running = doors.server, Running()
    clear_stages(server.config.data_dir)

    @post("/registry/imports", status_code=200)
    async def imported(request: HttpRequest) -> Response[bytes]:
        """Take in a file as it comes; sent again under the same id, go on where it stopped."""
        who = await doors.known(request, "files", *MAY_KEEP_THE_REGISTRY)
        options = read_options(dict(request.query_params))
        with running.place(options.import_id):
            async with doors.body_parts(request, who.subject, IMPORT) as parts:
                row = await take_in(server, options, who, parts)
        return json_response(shown(row))

    @get("/registry/imports/{name:str}")
    async def verdicts(request: HttpRequest, name: FromPath[str]) -> Stream:
        """Send the verdict of each row taken so far: `<import id>.csv` or `.ndjson`."""
        await doors.known(request, "files", *MAY_READ_MEMBERS.staff)
        import_id, _, form = name.rpartition(".")
        if form not in MEDIA_TYPES:
            raise NoSuchFileError(f"registry/imports/{name[:80]}: .csv or .ndjson")
        async with server.db.read() as session:
            await service.get_import(session, import_id)
        head, write = (csv_head(), as_csv) if form == "csv" else (b"", as_ndjson)
        return Stream(_written(server, import_id, head, write), media_type=MEDIA_TYPES[form])

    @get("/registry/export/{name:str}")
    async def exported(request: HttpRequest, name: FromPath[str]) -> Stream:
        """Send `works`, `rightholders` or `consents` as `.csv` or `.ndjson`, works as `.onix`.

        As of `at`; without it as of now, of consent records all that are known.
        """
        await doors.known(request, "files", *MAY_READ_MEMBERS.staff)
        at = request.query_params.get("at")
        moment = await as_known_now(server.db, _instant(at) if at else server.clock())
        kind, form = require_format(*name.partition(".")[::2])
        writer = writer_of(kind, form, server.code, moment.at)
        parts = (
            exported_consents(server.db, writer, moment, is_of_all_time=not at)
            if kind is FileKind.CONSENTS
            else exported_parts(server.db, server.code, kind, writer, moment)
        )
        return Stream(parts, media_type=writer.media_type)

    return [imported, verdicts, exported]


def _instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise BadImportError(f"at: {error}") from error


def shown(row: RegistryImport) -> dict[str, Any]:
    """Say how far an import is."""
    return {
        "id": row.import_id,
        "state": row.state,
        "rows": row.rows,
        "bytes": row.size,
        "sha256": row.digest,
        "readAs": row.read_as,
        "verdicts": service.counts_of(row),
        "proposal": None if row.proposal is None else str(row.proposal),
    }


@dataclass(slots=True)
class Running:
    """The imports that are being sent: few at once, and each once."""

    ids: set[str] = field(default_factory=set[str])

    @contextmanager
    def place(self, import_id: str) -> Iterator[None]:
        """Count an import for as long as the block lasts (IMPORT_RUNNING, IMPORTS_BUSY)."""
        if import_id in self.ids:
            raise ImportRunningError(import_id)
        if len(self.ids) >= IMPORTS_MAX:
            raise ImportsBusyError(f"{IMPORTS_MAX} at once", retry_after=30)
        self.ids.add(import_id)
        try:
            yield
        finally:
            self.ids.discard(import_id)


async def take_in(
    server: Server, options: ImportOptions, who: Principal, parts: AsyncIterator[bytes]
) -> RegistryImport:
    """Take in a file as it comes, and return how far it is (OTHER_FILE, BAD_REGISTRY_FILE)."""
    async with server.db.write("registry.import.begin") as session:
        terms = await server.terms(session)
        row = await service.begin(session, options, who.subject, server.clock())
    taker = taker_of(row, server.code, terms.tier_weight, terms.use_weight)
    reader = reader_of(options.kind, options.format)
    before = service.taken_of(row)
    # What a dry run that stopped would have written is nowhere: it judges the file from the start.
    intake = Intake(reader, before, taker.read, anew=row.is_dry_run and not service.is_done(row))
    async with AsyncExitStack() as until_taken:
        stage = None
        if row.is_dry_run:
            folder = server.config.data_dir
            stage = await until_taken.enter_async_context(opened_stage(folder, STAGED))
        import_ = _Import(server, options.import_id, who, taker, intake, before.rows, stage)
        return await import_.take_in(parts)


@dataclass(slots=True)
class _Import:
    """A file that is coming in, and who sends it. One batch is written while the next is read.

    So many rows were taken `before`; a dry run has a `stage`.
    """

    server: Server
    import_id: str
    who: Principal
    taker: Taker
    intake: Intake
    before: int
    stage: Database | None
    writing: asyncio.Task[None] | None = None

    async def take_in(self, parts: AsyncIterator[bytes]) -> RegistryImport:
        """Take batch by batch; what cannot be read on keeps the rows before (BAD_REGISTRY_FILE)."""
        try:
            try:
                await self._read(parts)
            except BadRegistryFileError as error:
                self.intake.require_same()
                await self._take_rest()
                async with self.server.db.write("registry.import.break") as session:
                    await service.break_off(session, self.import_id, error, self._progress())
                raise
            await self._take_rest()
            return await self._finish()
        finally:
            await self._written()  # what was begun is written also where reading failed

    async def _finish(self) -> RegistryImport:
        """End the import, and propose in the same transaction what of it waits for another."""
        async with self.server.db.write("registry.import.finish") as session:
            row = await service.finish(session, self.import_id, self._progress())
            rules = rules_by(self.server.code, await self.server.terms(session), row.updated_at)
            await files.propose(session, self.import_id, who=self.who, rules=rules)
            return row

    async def _read(self, parts: AsyncIterator[bytes]) -> None:
        unpacked_file, intake = Unpacked(), self.intake
        async for part in parts:
            for piece in unpacked_file.pieces(part):
                await _with_turns(intake.feed(piece))
                while intake.is_full:
                    await self._take()
        for piece in unpacked_file.end():
            await _with_turns(intake.feed(piece))
        await _with_turns(intake.end())

    async def _take_rest(self) -> None:
        while self.intake.waiting:
            await self._take()
        await self._written()

    async def _take(self) -> None:
        """Begin to write a batch, once the one before it is written."""
        await self._written()
        rows, taken = self.intake.batch()
        progress = self._progress()._replace(taken=taken)
        self.writing = asyncio.create_task(self._write(rows, progress))

    async def _written(self) -> None:
        writing, self.writing = self.writing, None
        if writing is not None:
            await writing

    async def _write(self, rows: Sequence[ReadRow], progress: Progress) -> None:
        if self.stage is not None:
            await self._rehearse(self.stage, rows, progress)
            return
        async with self.server.db.write("registry.import") as session:
            progress = progress._replace(now=self.server.clock())  # not before its turn
            await service.take(session, self.import_id, self.taker, rows, progress)

    async def _rehearse(self, stage: Database, rows: Sequence[ReadRow], progress: Progress) -> None:
        """Judge a batch on the stage, and keep the verdicts of rows that had none before."""
        first_row, saying = progress.taken.rows - len(rows) + 1, progress.saying("dry run")
        async with self.server.db.read() as registry, stage.write("registry.rehearse") as session:
            verdicts = await self.taker.rehearse(registry, session, rows, first_row, saying)
        new = verdicts[max(0, self.before - first_row + 1) :]
        if new:
            async with self.server.db.write("registry.import") as session:
                await service.keep_verdicts(session, self.import_id, new, progress)

    def _progress(self) -> Progress:
        taken, server = self.intake.taken, self.server
        return Progress(taken, self.intake.read_as, self.who.subject, server.clock())


async def _with_turns(reading: Iterator[None]) -> None:
    """Read what there is, and let others have their turn each time that reading says so."""
    for _ in reading:
        await asyncio.sleep(0)


async def _written(
    server: Server,
    import_id: str,
    head: bytes,
    write: Callable[[list[RowVerdict]], bytes],
) -> AsyncGenerator[bytes]:
    """Write the verdicts batch by batch: no reader waits for who reads slowly."""
    yield head
    first_row = 1
    while True:
        async with server.db.read() as session:
            batch = await store.batch_from(session, import_id, first_row)
        if batch is None:
            return
        yield await asyncio.to_thread(_unpack_and_write, batch.verdicts, write)
        first_row = batch.first_row + batch.rows


def _unpack_and_write(data: bytes, write: Callable[[list[RowVerdict]], bytes]) -> bytes:
    return write(unpacked(data))
