"""Numbered documents and signed licences over HTTP: byte for byte, or laid out as PDF."""

from collections.abc import Callable
from functools import partial
from typing import IO, Any, Final

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Stream

from federation.documents import service as documents
from federation.edge.doors import Doors
from federation.edge.files import XLSX, NoSuchFileError
from federation.edge.press import as_workbook, files_in, in_turn
from federation.edge.spooled import in_chunks, spooled
from federation.licensing import service as licensing
from federation.papers.paper import PDF, SENT
from federation.papers.service import document_pdf, licence_pdf
from federation.server import Server
from federation.store.canonical import sha256_hex
from federation.trust.principals import Principal

MEDIA_TYPES: Final = {"json": "application/json", "csv": "text/csv", "xml": "application/xml"}
SIGNED: Final = "application/jose"


def document_routes(doors: Doors) -> list[Any]:
    """Return the routes of documents and licences, at hub and node alike."""
    server = doors.server

    @get("/documents/{name:str}")
    async def document(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[Any]:
        """Send a numbered document byte for byte; `.csv`, `.json` or `.xml` names the form.

        `.pdf` is laid out of the document's bytes, the same for the same document; `.xlsx` has
        the rows of the CSV.
        """
        who = await doors.known(request, "files", count=files_in(name))
        number, _, form = name.partition(".")
        if form == "pdf":
            return await laid_out(f"{number}.pdf", await _written(server, who, number))
        async with server.db.read() as session:
            await documents.document_for(session, number, who, with_body=False)
            sent = await documents.content(
                session, number, MEDIA_TYPES.get("csv" if form == "xlsx" else form)
            )
            file = await spooled(sent.parts, server.config.data_dir)
        if form == "xlsx":
            return workbook(f"{number}.xlsx", await as_workbook(file, server.config.data_dir))
        ending = {kind: ending for ending, kind in MEDIA_TYPES.items()}.get(sent.media_type, "txt")
        headers = _headers(f"{number}.{ending}", sent.sha256, sent.size)
        return Stream(in_chunks(file), media_type=sent.media_type, headers=headers)

    @get("/licences/{name:str}")
    async def licence(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
        """Send a licence as its licensor signed it: `.jwt`, or its contract laid out: `.pdf`."""
        who = await doors.known(request, "files", count=files_in(name))
        number, _, form = name.partition(".")
        async with server.db.read() as session:
            signed = (await licensing.licence_for(session, number, who)).signed
        if form == "jwt":
            return attached(f"{number}.jwt", SIGNED, signed.encode())
        if form != "pdf":
            raise NoSuchFileError(f"licences/{name[:80]}: .pdf or .jwt")
        return await laid_out(f"{number}.pdf", partial(licence_pdf, signed))

    return [document, licence]


async def laid_out(name: str, write: Callable[[], bytes | None]) -> Response[bytes]:
    """Send what is laid out under a name, in its turn; refuse what cannot be (NO_SUCH_FILE)."""
    body = await in_turn(write)
    if body is None:
        raise NoSuchFileError(f"{name[:80]}: it is not laid out")
    return attached(name, PDF, body)


async def _written(server: Server, who: Principal, number: str) -> Callable[[], bytes | None]:
    async with server.db.read() as session:
        row = await documents.document_for(session, number, who, with_body=False)
        if row.series not in SENT:
            raise documents.UnknownDocumentError(f"{number[:40]} as {PDF}")
        return partial(document_pdf, (await documents.get_document(session, number)).body)


def attached(name: str, media_type: str, body: bytes) -> Response[bytes]:
    """Send a whole file under a name."""
    headers = _headers(name, sha256_hex(body), len(body))
    return Response(body, media_type=media_type, headers=headers)


def workbook(name: str, file: IO[bytes]) -> Stream:
    """Send a workbook under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Stream(in_chunks(file), media_type=XLSX, headers=headers)


def _headers(name: str, sha256: str, size: int) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(size),
        "ETag": f'"{sha256}"',
    }
