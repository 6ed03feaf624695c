"""Imports of registry files in GraphQL: how far each is, at a node. The files come by HTTP."""

from datetime import datetime

import strawberry

from federation.registryfiles import rows as files
from federation.registryimports import options, service, store, tables
from federation.registryimports import verdicts as words
from federation.schema.context import Info
from federation.schema.pages import Connection
from federation.values.cursors import KeptInstant, cursor_of, key_of, page_size
from federation.values.roles import MAY_READ_MEMBERS

_LIST = "registryImports"

strawberry.enum(
    service.State,
    name="RegistryImportState",
    description="OPEN: not all was read yet. DONE: all was. BROKEN: it cannot be read on.",
)
strawberry.enum(files.FileKind, name="RegistryFileKind", description="What a file is about.")
strawberry.enum(files.FileFormat, name="RegistryFileFormat", description="How it is written.")
strawberry.enum(
    options.OnConflict,
    name="RegistryOnConflict",
    description="What a row does whose work or rightholder is registered with other content.",
)
strawberry.enum(
    words.Verdict,
    name="RegistryVerdict",
    description="What became of a row; of a conflict and a refusal nothing is kept.",
)


@strawberry.type(description="How often a verdict was given.")
class RegistryVerdictCount:
    """A verdict of an import's rows, and of how many."""

    verdict: words.Verdict = strawberry.field(description="What became of rows.")
    rows: int = strawberry.field(description="Of how many.")


@strawberry.type(description="A file that is, or was, taken into the registry batch by batch.")
class RegistryImport:
    """How far it is; the verdict of each row is at `/registry/imports/<id>.csv`."""

    id: strawberry.ID = strawberry.field(description="Its id, as its sender chose it.")
    kind: files.FileKind = strawberry.field(description="What the file is about.")
    format: files.FileFormat = strawberry.field(description="How it is written.")
    on_conflict: options.OnConflict = strawberry.field(
        description="What a row does whose thing is registered with other content."
    )
    dry_run: bool = strawberry.field(description="Whether nothing is registered.")
    starts_at: datetime = strawberry.field(
        description="From when on rows hold that do not say so themselves."
    )
    reason: str = strawberry.field(description="Why, as it is kept with each change.")
    started_by: str = strawberry.field(description="Who began it.")
    started_at: datetime = strawberry.field(description="When it began.")
    updated_at: datetime = strawberry.field(description="When the last batch was taken.")
    state: service.State = strawberry.field(description="Whether all of the file was taken.")
    read_as: str = strawberry.field(description="How the file was read: CSV, commas, UTF-8.")
    rows: int = strawberry.field(description="How many rows were taken.")
    bytes: str = strawberry.field(description="How many bytes of the file, unpacked.")
    sha256: str = strawberry.field(description="The SHA-256 of those bytes, in hexadecimal.")
    place: str | None = strawberry.field(
        description="Where the file cannot be read on; null unless it is broken."
    )
    why: str | None = strawberry.field(description="Why it cannot be read on.")
    verdicts: list[RegistryVerdictCount] = strawberry.field(
        description="How often each verdict was given."
    )
    proposal: strawberry.ID | None = strawberry.field(
        description="The proposal that decides on the rows that wait, once the file was taken."
    )

    @classmethod
    def of(cls, row: tables.RegistryImport) -> "RegistryImport":
        """Show an import."""
        return cls(
            id=strawberry.ID(row.import_id),
            kind=files.FileKind(row.kind),
            format=files.FileFormat(row.format),
            on_conflict=options.OnConflict(row.on_conflict),
            dry_run=row.is_dry_run,
            starts_at=row.starts_at,
            reason=row.reason,
            started_by=row.started_by,
            started_at=row.started_at,
            updated_at=row.updated_at,
            state=service.State(row.state),
            read_as=row.read_as,
            rows=row.rows,
            bytes=str(row.size),
            sha256=row.digest,
            place=row.place,
            why=row.why,
            verdicts=[
                RegistryVerdictCount(verdict=words.Verdict(name), rows=count)
                for name, count in service.counts_of(row).items()
            ],
            proposal=None if row.proposal is None else strawberry.ID(str(row.proposal)),
        )


@strawberry.type
class RegistryImportQuery:
    """The imports of this registry."""

    @strawberry.field(description="Imports of registry files, the one that began last first.")
    async def registry_imports(
        self, info: Info, first: int, after: str | None = None
    ) -> Connection[RegistryImport]:
        """List imports and how far they are (BAD_PAGE, BAD_CURSOR)."""
        info.context.require(*MAY_READ_MEMBERS.staff)
        size, key = page_size(first), key_of(_LIST, after, tuple[KeptInstant, str])
        async with info.context.server.db.read() as session:
            found = await store.imports(session, key, size + 1)
        return Connection.of(
            found,
            size,
            lambda row: cursor_of(_LIST, (row.started_at, row.import_id)),
            RegistryImport.of,
        )

    @strawberry.field(description="One import of a registry file; null where there is none.")
    async def registry_import(self, info: Info, id: strawberry.ID) -> RegistryImport | None:
        """Show how far an import is, and what became of its rows."""
        info.context.require(*MAY_READ_MEMBERS.staff)
        async with info.context.server.db.read() as session:
            row = await store.find_import(session, id)
        return None if row is None else RegistryImport.of(row)
