"""A node as imports see it: a database, a clock and terms; no server, no HTTP."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import msgspec

from federation.history.kinds import Moment
from federation.nodes.registry_exports import exported_consents, exported_parts
from federation.nodes.registry_files import take_in
from federation.registryfiles.formats import require_format
from federation.registryfiles.rows import FileKind
from federation.registryfiles.writers import writer_of
from federation.registryimports import service, store
from federation.registryimports.options import read_options
from federation.registryimports.verdicts import unpacked
from federation.trust.principals import Principal
from tests.databases import HUB_TERMS

NOW = datetime(2026, 9, 1, tzinfo=UTC)
ANNA = Principal("anna", frozenset({"registry_officer"}))


class Node:
    """Takes files in and writes them, as the routes do."""

    def __init__(self, db):
        async def terms(session):
            del session
            return HUB_TERMS

        self.db = db
        config = SimpleNamespace(data_dir=Path(tempfile.gettempdir()))
        self.server = SimpleNamespace(
            db=db, code="GB", clock=lambda: NOW, terms=terms, config=config
        )

    async def take(self, data, *, part=1_000, **asked):
        """Take a file in, in parts of so many bytes."""

        async def parts():
            for start in range(0, len(data), part):
                yield data[start : start + part]

        options = read_options({"id": "I-1", "kind": "works", "format": "csv"} | asked)
        return await take_in(self.server, options, ANNA, parts())

    async def verdicts(self, import_id="I-1"):
        """Return (row, id, verdict, code) of all rows taken."""
        async with self.db.read() as session:
            found, batch = [], await store.batch_from(session, import_id, 1)
            while batch is not None:
                found += unpacked(batch.verdicts)
                next_row = batch.first_row + batch.rows
                batch = await store.batch_from(session, import_id, next_row)
        assert [one.row for one in found] == list(range(1, len(found) + 1))
        return [(one.place, one.id, one.verdict.value, one.code) for one in found]

    async def told(self, import_id="I-1"):
        """Return how far an import is."""
        async with self.db.read() as session:
            row = await service.get_import(session, import_id)
            return row.state, row.rows, row.place, row.why

    async def written(self, name, at=NOW, moment=None, *, is_of_all_time=True):
        """Return a file of what is registered; of consent records all that are known, or `at`."""
        kind, form = require_format(*name.split("."))
        writer, moment = writer_of(kind, form, "GB", at), moment or Moment(at)
        parts = (
            exported_consents(self.db, writer, moment, is_of_all_time=is_of_all_time)
            if kind is FileKind.CONSENTS
            else exported_parts(self.db, "GB", kind, writer, moment)
        )
        return b"".join([part async for part in parts])


def lines(*rows):
    """Write NDJSON."""
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
