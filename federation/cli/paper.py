"""`federation paper`: a document or a signed licence laid out as PDF, on anybody's machine."""

from pathlib import Path
from typing import ClassVar, Final

import rich_click as click

from federation.cli.options import FILE
from federation.errors import RefusalError

BYTES_MAX: Final = 32 * 1024 * 1024  # as large as a document is sent


class NotLaidOutError(RefusalError):
    """This file is no document that is laid out to be sent, and no signed licence."""

    code: ClassVar[str] = "NOT_LAID_OUT"


class PaperThereError(RefusalError):
    """Another file is where the PDF would be written."""

    code: ClassVar[str] = "PAPER_THERE"


@click.command()
@click.argument("file", type=FILE)
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="The PDF to write.")
def paper(file: Path, to: Path | None) -> None:
    """Lay out a numbered document (its JSON) or a signed licence (.jwt) as PDF.

    It asks no server: the PDF says what the file says, with the SHA-256 of its bytes, and is the
    same bytes as the one that a server sends. Without --to it is written beside the file, in
    place of nothing else.
    """
    from federation.papers.service import document_pdf, licence_pdf  # noqa: PLC0415

    if file.stat().st_size > BYTES_MAX:
        raise NotLaidOutError(f"{file.name} has more than {BYTES_MAX} bytes")
    body = file.read_bytes()
    written = document_pdf(body) or licence_pdf(body.decode(errors="replace").strip())
    if written is None:
        raise NotLaidOutError(file.name)
    out = to or file.with_suffix(".pdf")
    if to is None and out.exists() and out.read_bytes() != written:
        raise PaperThereError(f"{out.name}: name another one with --to")
    out.write_bytes(written)
    click.echo(f"{out}: {len(written)} bytes")
