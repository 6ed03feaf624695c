r"""The columns of the CSV files: of works, of rightholders, and of consent records.

A cell holds one value, or several parted by `|`; `\|` is a `|` within a value and `\\` a `\`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from federation.mandates.records import DraftRecord
from federation.registryfiles.rows import FileKind, instant_text
from federation.rightholders.rightholder import DraftRightholder
from federation.tabular import harmless, parse_date, parse_instant, parse_integer
from federation.works.work import DraftCreator, DraftWork

Read = Callable[[str], Any]
_ESCAPED: Final = re.compile(r"\\([\\|])")
_PARTS: Final = re.compile(r"(?:[^\\|]|\\[\\|]|\\)*")


def split(cell: str) -> list[str]:
    """Return the values of a cell that may hold several."""
    if "\\" not in cell:
        return [part.strip() for part in cell.split("|")]
    return [_ESCAPED.sub(r"\1", part.strip()) for part in _parts(cell)]


def joined(values: Sequence[str]) -> str:
    """Write several values into one cell; `split` gives them back."""
    return "|".join(text.replace("\\", "\\\\").replace("|", "\\|") for text in values)


def _parts(cell: str) -> list[str]:
    parts, start = [], 0
    while True:
        found = _PARTS.match(cell, start)
        end = found.end() if found else start
        parts.append(cell[start:end])
        if end == len(cell):
            return parts
        start = end + 1


def shown(cell: str) -> str:
    """Write a cell so that no spreadsheet runs it: with an apostrophe in front."""
    return f"'{cell}" if _looks_run(cell) else cell


def as_written(cell: str) -> str:
    """Take away the apostrophe that `shown` puts in front."""
    return cell[1:] if cell[:1] == "'" and _looks_run(cell) else cell


def _looks_run(cell: str) -> bool:
    bare = cell.lstrip("'")
    return harmless(bare) != bare


def _text(cell: str) -> str:
    return cell


def _truth(cell: str) -> bool:
    if cell not in _TRUTHS:
        raise ValueError(f"{cell[:40]!r} is neither true nor false")
    return _TRUTHS[cell]


_TRUTHS: Final = {"true": True, "false": False}
_WORKS: Final[Mapping[str, Read]] = {
    "title": _text,
    "content_type": _text,
    "other_titles": split,
    "languages": split,
    "creators": split,
    "creator_roles": split,
    "creator_credit_lines": split,
    "creator_pseudonyms": split,
    "creator_rightholders": split,
    "identifiers": split,
    "addresses": split,
    "content_tier": _text,
    "word_count": parse_integer,
    "uniqueness": parse_integer,
    "published_on": parse_date,
    "rightholder": _text,
    "canonical": _text,
}
_RIGHTHOLDERS: Final[Mapping[str, Read]] = {
    "name": _text,
    "kind": _text,
    "other_names": split,
    "country": _text,
    "identifiers": split,
    "member": _text,
    "ended_on": parse_date,
}
_CONSENTS: Final[Mapping[str, Read]] = {
    "state": _text,
    "use": _text,
    "right": _text,
    "territories": split,
    "exclusive": _truth,
    "share_bps": parse_integer,
    "ends_at": parse_instant,
    "basis": _text,
    "basis_reference": _text,
    "declared_by": _text,
    "capacity": _text,
    "evidence": _text,
}

_OF_CREATORS: Final = {  # the column, the field of a creator, and what is not written
    "creator_roles": ("role", "AUTHOR"),
    "creator_credit_lines": ("credit_line", None),
    "creator_pseudonyms": ("pseudonym", None),
    "creator_rightholders": ("rightholder", None),
}


def _work_of(_: str, fields: dict[str, Any]) -> DraftWork:
    """Return the draft of a row of works; ValueError where what is said of creators is no list."""
    names = fields.pop("creators", ())
    said: dict[str, list[str]] = {name: fields.pop(name) for name in _OF_CREATORS if name in fields}
    if not names and not said:
        return DraftWork(**fields)
    for column, values in said.items():
        if len(values) != len(names):
            raise ValueError(f"{column}: {len(values)} for {len(names)} creators")
    creators = [
        DraftCreator(
            name=name,
            **{
                _OF_CREATORS[column][0]: values[at] for column, values in said.items() if values[at]
            },
        )
        for at, name in enumerate(names)
    ]
    return DraftWork(creators=creators, **fields)


def _rightholder_of(_: str, fields: dict[str, Any]) -> DraftRightholder:
    """Return the draft of a row of rightholders."""
    return DraftRightholder(**fields)


def _consent_of(subject: str, fields: dict[str, Any]) -> DraftRecord:
    """Return the draft of a row of consent records."""
    return DraftRecord(subject=subject, **fields)


@dataclass(frozen=True, slots=True)
class Table:
    """What a row of a kind of file says: of which thing, from when on, and what.

    `required` are columns that have to be there; `draft` makes a draft of the thing and its cells.
    """

    id: str
    starts_at: str
    required: tuple[str, ...]
    columns: Mapping[str, Read]
    draft: Callable[[str, dict[str, Any]], Any]

    @property
    def header(self) -> list[str]:
        """The names of all columns, as they are written."""
        return [self.id, self.starts_at, *self.columns]

    def cells(self, body: Any) -> list[str]:
        """Write what is registered into the cells of a row, in the order of the columns."""
        return [shown(_cell(body, column)) for column in self.columns]


TABLES: Final = {
    FileKind.WORKS: Table("work_id", "starts_at", ("title",), _WORKS, _work_of),
    FileKind.RIGHTHOLDERS: Table(
        "rightholder_id", "starts_at", ("name",), _RIGHTHOLDERS, _rightholder_of
    ),
    FileKind.CONSENTS: Table(
        "subject", "effective_at", ("state", "declared_by"), _CONSENTS, _consent_of
    ),
}


def _cell(body: Any, column: str) -> str:
    if column == "creators":
        return joined([creator.name for creator in body.creators])
    if column in _OF_CREATORS:
        field, usual = _OF_CREATORS[column]
        values = [getattr(creator, field) for creator in body.creators]
        is_usual = all(value == usual for value in values)
        return "" if is_usual else joined(["" if v == usual else str(v) for v in values])
    return _written(getattr(body, column))


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, tuple):
        return joined(value)
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)
