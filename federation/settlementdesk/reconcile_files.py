"""`federation reconcile import` and `withdraw`: the bank's files, in and out again."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click

from federation.desk.client import Desk, at_desk, refused
from federation.desk.printing import make_table
from federation.errors import RefusalError
from federation.settlementdesk import reconcile_queries as ask

BANK_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=BANK_FILE)
@at_desk
def import_files(desk: Desk, files: tuple[Path, ...]) -> None:
    """Import bank files (camt.053, camt.054, pain.002), each whole or not at all.

    The same file again adds nothing. Of several files each is taken for itself: the table has what
    came in, a line on standard error each file that did not, and then the exit code is 2.
    """
    found: list[dict[str, Any]] = []
    refusals: list[RefusalError] = []
    for file in files:
        try:
            answer = desk.post("/banking/files", file.read_bytes(), "application/xml")
            found.append({"name": file.name, **msgspec.json.decode(answer)})
        except RefusalError as refusal:
            if len(files) == 1:
                raise
            refusals.append(refused(refusal.code, f"{file.name}: {refusal.message}"))
    _show_imported(desk, found)
    for each in refusals[:-1]:
        click.echo(f"federation: {each.code}: {each.message}", err=True)
    if refusals:
        raise refusals[-1]


def _show_imported(desk: Desk, found: Sequence[dict[str, Any]]) -> None:
    columns = ("file", "kind", "statements", "entries", "known", "settled", "reported")
    rows = [
        [
            item["name"],
            item["kind"],
            str(len(item["statements"])),
            str(item["entries"]),
            "all" if item["again"] else str(item["known"]),
            str(item["matched"]),
            str(item["payments_reported"]),
        ]
        for item in found
    ]
    desk.show(found, lambda: [make_table("Imported", columns, rows)])
    for item in found:
        for warning in item.get("warnings", []):  # an older server has none
            click.echo(f"federation: warning: {item['name']}: {warning}", err=True)


@click.command()
@click.argument("file", type=BANK_FILE)
@click.option("--reason", required=True, help="Why, for who reads it later.")
@at_desk
def withdraw(desk: Desk, file: Path, reason: str) -> None:
    """Take back a bank file as a whole, while nothing of it is settled and no statement follows.

    Its entries are reversed in the books. The file may be imported again.
    """
    found = desk.ask(ask.WITHDRAW, file=sha256(file.read_bytes()).hexdigest(), reason=reason)
    columns = ("file", "statements", "entries", "by", "reason")
    counts = [str(found["statements"]), str(found["entries"])]
    rows = [[file.name, *counts, found["withdrawnBy"], found["reason"]]]
    desk.show(found, lambda: [make_table("Withdrawn", columns, rows)])
