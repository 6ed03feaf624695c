"""The files under `/files`: runs, journal, statements, members, payments, usage, held, report.

Each kind of file says who may read it, by the same rule as the GraphQL field for the same fact.
A file for the bank is none of them: it is a numbered document, written once by `exportPayments`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import IO, Any, ClassVar, NamedTuple

from federation import config as federation_config
from federation.config import NodeConfig
from federation.distribution import store as distribution
from federation.distribution.members_file import member_parts
from federation.documents import service as documents
from federation.documents import store as documents_store
from federation.documents.statements import statement_subject
from federation.edge.press import as_workbook
from federation.edge.spooled import spooled
from federation.errors import RefusalError
from federation.ledger.export import FORMS, journal_parts
from federation.months import store as months
from federation.payments.listing import payment_parts
from federation.proof import report
from federation.proof.used_listing import usage_parts
from federation.server import Server
from federation.suspense.service import held_sheet
from federation.suspense.store import settled_months
from federation.trust.principals import Principal
from federation.values.month import BadMonthError, Month, parse_month
from federation.values.roles import MAY_LIST_DOCUMENTS, MAY_READ_BOOKS, MAY_READ_LAB_USAGE, Readers

JSON, CSV, TEXT = "application/json", "text/csv", "text/plain"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


Content = bytes | IO[bytes]
"""What is sent: bytes that are kept as they are, or what was written part by part."""


class NoSuchFileError(RefusalError):
    """There is no such file here."""

    code: ClassVar[str] = "NO_SUCH_FILE"


class File(NamedTuple):
    """A kind of file: who may read it, and what writes it (media type, content) for one month.

    It is told whose facts are shown, None for everybody's.
    """

    readers: Readers
    write: Callable[[Server, Month, str | None], Awaitable[tuple[str, Content]]]


MonthlyFiles = Mapping[str, File]
"""The files a server writes every month, by `<kind>.<form>`."""

Files = Callable[[Principal, str], Awaitable[tuple[str, Content]]]
"""Sends a reader the file at a path below `/files/`: its media type and what is in it."""


async def file_at(
    server: Server, who: Principal, path: str, *, monthly: MonthlyFiles
) -> tuple[str, Content]:
    """Return `journal.<form>` or `<kind>/<period>.<form>`; what is CSV comes as XLSX as well.

    Refused are who may not read it (NOT_ALLOWED), and a path or month without a file
    (NO_SUCH_FILE).
    """
    if path in {f"journal.{form}" for form in FORMS}:
        who.whose(MAY_READ_BOOKS)
        return await journal_file(server, path.removeprefix("journal."))
    kind, _, name = path.partition("/")
    period, _, form = name.rpartition(".")
    found = monthly.get(f"{kind}.{'csv' if form == 'xlsx' else form}")
    if found is None:
        who.whose(MAY_LIST_DOCUMENTS)  # who may read no file is not told which there are
        raise NoSuchFileError(path)
    whose = who.whose(found.readers)
    media_type, content = await found.write(server, period_of_name(period), whose)
    if form == "xlsx":
        return XLSX, await as_workbook(content, server.config.data_dir)
    return media_type, content


async def journal_file(server: Server, form: str) -> tuple[str, Content]:
    """Write the journal of this server for an outside program, part by part."""
    async with server.db.read() as session:
        return TEXT, await spooled(
            journal_parts(session, server.code, form), server.config.data_dir
        )


async def run_file(server: Server, period: Month, _: str | None) -> tuple[str, bytes]:
    """Return the exact bytes whose SHA-256 is the run's id."""
    async with server.db.read() as session:
        row = await months.approved_run(session, period)
    if row is None:
        raise NoSuchFileError(f"runs/{period}.json")
    return JSON, row.document


async def report_file(server: Server, period: Month, _: str | None) -> tuple[str, bytes]:
    """Write this server's figures of a settled month."""
    config = server.config
    async with server.db.read() as session:
        if isinstance(config, NodeConfig):
            return JSON, _plain(await report.node_report(session, period, config))
        return JSON, _plain(await report.hub_report(session, period))


def _plain(value: dict[str, Any]) -> bytes:
    """Write JSON with integers of any size as integers, its keys sorted, as in `report.json`."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False).encode()


async def members_file(server: Server, period: Month, _: str | None) -> tuple[str, Content]:
    """Write what each member of a node gets and why, some members at a time."""
    currency = federation_config.settlement_currency(server.config)
    async with server.db.read() as session:
        if await distribution.find_distribution(session, period) is None:
            raise NoSuchFileError(f"members/{period}.csv")
        return CSV, await spooled(member_parts(session, period, currency), server.config.data_dir)


async def payments_file(server: Server, period: Month, _: str | None) -> tuple[str, Content]:
    """Write the payments of a month, some at a time."""
    async with server.db.read() as session:
        return CSV, await spooled(payment_parts(session, period), server.config.data_dir)


async def usage_file(server: Server, period: Month, whose: str | None) -> tuple[str, Content]:
    """Write what was used of licences in a month: a lab's own, or all."""
    async with server.db.read() as session:
        return CSV, await spooled(usage_parts(session, period, whose), server.config.data_dir)


async def statement_file(
    server: Server, period: Month, _: str | None, *, form: str
) -> tuple[str, Content]:
    """Return a node's statement of a month as it was issued, as `csv` or `json`."""
    async with server.db.read() as session:
        row = await documents_store.document_of(
            session, server.code, "STM", statement_subject(period), with_body=False
        )
        if row is None:
            raise NoSuchFileError(f"statements/{period}.{form}")
        sent = await documents.content(session, row.number, CSV if form == "csv" else JSON)
        return sent.media_type, await spooled(sent.parts, server.config.data_dir)


async def held_file(
    server: Server, period: Month, _: str | None, *, form: str
) -> tuple[str, bytes]:
    """Write what is left of the money this server holds of a settled month, address by address."""
    async with server.db.read() as session:
        if period not in {row.period for row in await settled_months(session, server.code)}:
            raise NoSuchFileError(f"held/{period}.{form}")
        sheet = await held_sheet(session, server.code, period)
    return (CSV, sheet.as_csv()) if form == "csv" else (JSON, sheet.as_json())


def period_of_name(name: str) -> Month:
    """Return the month in a file's name, or refuse."""
    try:
        return parse_month(name)
    except BadMonthError as error:
        raise NoSuchFileError(name) from error


COMMON: MonthlyFiles = {
    "runs.json": File(MAY_READ_BOOKS, run_file),
    "report.json": File(MAY_READ_BOOKS, report_file),
    "held.csv": File(MAY_READ_BOOKS, partial(held_file, form="csv")),
    "held.json": File(MAY_READ_BOOKS, partial(held_file, form="json")),
    "payments.csv": File(MAY_READ_BOOKS, payments_file),
}
OF_THE_HUB: MonthlyFiles = {**COMMON, "usage.csv": File(MAY_READ_LAB_USAGE, usage_file)}
OF_A_NODE: MonthlyFiles = {
    **COMMON,
    "members.csv": File(MAY_READ_BOOKS, members_file),
    "statements.csv": File(MAY_LIST_DOCUMENTS, partial(statement_file, form="csv")),
    "statements.json": File(MAY_LIST_DOCUMENTS, partial(statement_file, form="json")),
}
