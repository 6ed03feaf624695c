"""What an import is asked for, and what holds for rows that do not say; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from federation.errors import RefusalError
from federation.registryfiles.formats import require_format
from federation.registryfiles.rows import FileFormat, FileKind
from federation.tabular import parse_instant
from federation.values.fields import plain_id
from federation.values.reason import stated


class BadImportError(RefusalError):
    """An import is asked for otherwise."""

    code: ClassVar[str] = "BAD_IMPORT"


class OnConflict(StrEnum):
    """What a row does whose thing is registered with other content."""

    REFUSE = "refuse"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What an import is asked for.

    `starts_at` is from when on a row holds that does not say (None: from the start of the import);
    `rightholder` has the rights in works whose row names nobody. A consent record is recorded
    anew, never changed by a file: `on_conflict` is of works and rightholders.
    """

    import_id: str
    kind: FileKind
    format: FileFormat
    on_conflict: OnConflict = OnConflict.REFUSE
    is_dry_run: bool = False
    starts_at: datetime | None = None
    rightholder: str | None = None
    reason: str = ""


_BOOLEANS = {"true": True, "false": False}
_NAMES = ("id", "kind", "format", "onConflict", "dryRun", "startsAt", "rightholder", "reason")
_NOT_OF_CONSENTS = {"onConflict", "rightholder"}


def read_options(asked: Mapping[str, str]) -> ImportOptions:
    """Read the parameters of an import (BAD_IMPORT, UNKNOWN_FORMAT)."""
    for name in asked:
        if name not in _NAMES:
            raise BadImportError(f"{name[:40]}: the parameters are {', '.join(_NAMES)}")
    kind, form = require_format(asked.get("kind", ""), asked.get("format", ""))
    rightholder = asked.get("rightholder") or None
    if kind is FileKind.CONSENTS and asked.keys() & _NOT_OF_CONSENTS:
        raise BadImportError("onConflict and rightholder are not for consent records")
    try:
        return ImportOptions(
            import_id=plain_id(asked.get("id", "")),
            kind=kind,
            format=form,
            on_conflict=OnConflict(asked.get("onConflict", OnConflict.REFUSE)),
            is_dry_run=_BOOLEANS[asked.get("dryRun", "false")],
            starts_at=parse_instant(asked["startsAt"]) if asked.get("startsAt") else None,
            rightholder=plain_id(rightholder) if rightholder else None,
            reason=stated(asked.get("reason") or f"import {asked['id']}"),
        )
    except KeyError as error:
        raise BadImportError("dryRun is true or false") from error
    except ValueError as error:
        raise BadImportError(str(error)) from error
