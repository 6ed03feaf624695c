"""A member's statement of a month, to be read by programs and to be sent: at a node."""

from functools import partial
from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import FromPath

from federation.config import NodeConfig
from federation.distribution.member_sheets import member_sheet
from federation.documents.sheet import Sheet
from federation.edge.documents import attached, laid_out, workbook
from federation.edge.doors import Doors
from federation.edge.files import XLSX, NoSuchFileError, period_of_name
from federation.edge.press import as_workbook, files_in
from federation.papers.service import document_pdf
from federation.successions.service import shown_of
from federation.trust.principals import NotAllowedError, Principal
from federation.values.month import Month
from federation.values.roles import MAY_READ_STATEMENTS

_TYPES: Final = {
    "json": "application/json",
    "csv": "text/csv",
    "xlsx": XLSX,
    "pdf": "application/pdf",
}


def member_paper_routes(doors: Doors, config: NodeConfig) -> list[Any]:
    """Return the routes of members' statements."""
    server = doors.server
    issuer = {"issuer": config.code, "issuer_name": config.name, "issuer_country": config.country}

    @get("/statements/{member:str}/{name:str}")
    async def statement(
        request: Request[Any, Any, Any], member: FromPath[str], name: FromPath[str]
    ) -> Response[Any]:
        """Send a member's statement of a month: `<month>.pdf`, `.json`, `.csv` or `.xlsx`.

        A member gets its own and those of whom it succeeds by now (NOT_ALLOWED).
        """
        who = await doors.known(request, "files", count=files_in(name))
        month, _, form = name.partition(".")
        period = period_of_name(month)
        found = await written(who, member, period)
        if found is None or form not in _TYPES:
            raise NoSuchFileError(f"statements/{member[:80]}/{name[:40]}")
        file = f"statement-{period}.{form}"
        if form == "pdf":
            return await laid_out(file, partial(document_pdf, found.as_json()))
        if form == "xlsx":
            return workbook(file, await as_workbook(found.as_csv(), server.config.data_dir))
        return attached(file, _TYPES[form], found.as_csv() if form == "csv" else found.as_json())

    async def written(who: Principal, member: str, period: Month) -> Sheet | None:
        own = who.whose(MAY_READ_STATEMENTS, member) or member
        async with server.db.read() as session:
            if own != member:
                own = await shown_of(session, own, member, server.clock().date())
            if own != member:
                raise NotAllowedError("it is another member's")
            return await member_sheet(session, period, member, issuer)

    return [statement]
