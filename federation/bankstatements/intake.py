"""A file on its way in, and what it has brought so far."""

from dataclasses import dataclass, field

from federation.bankfiles.entries import BankFile
from federation.bankstatements import store
from federation.bankstatements.acting import At
from federation.bankstatements.tables import IMPORTED, Entry, File, FileAct, StatementRow


@dataclass(slots=True)
class Imported:
    """What a file brought: new statements, and by entry what is new and what was known."""

    kind: str
    version: int
    sha256: str
    is_known: bool = False
    statements: list[StatementRow] = field(default_factory=list[StatementRow])
    entries: list[Entry] = field(default_factory=list[Entry])
    known: int = 0
    enriched: int = 0
    matched: int = 0
    reported: int = 0
    warnings: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Intake:
    """A file on its way in; it is kept with the first thing it brings."""

    at: At
    kept: File | FileAct
    done: Imported
    is_kept: bool = False

    async def keep(self) -> None:
        """Keep the file, once, so that rows may refer to it."""
        if not self.is_kept:
            self.at.session.add(self.kept)
            await self.at.session.flush()
            self.is_kept = True


async def to_keep(at: At, name: str, data: bytes, file: BankFile) -> File | FileAct:
    """Return what records that a file came: itself, or that it came again after a withdrawal.

    `name` is the SHA-256 of `data`.
    """
    who = at.who.subject
    if await store.find_file(at.session, name) is not None:
        return FileAct(file=name, act=IMPORTED, reason="", acted_by=who, acted_at=at.now)
    return File(
        sha256=name,
        kind=file.kind,
        version=file.version,
        content=data,
        imported_by=who,
        imported_at=at.now,
    )
