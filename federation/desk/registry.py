"""`federation registry`: registry files go to a node, and come from there."""

import gzip
import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote, urlencode

import msgspec
import rich_click as click

from federation.desk.client import (
    Desk,
    NotReachedError,
    ServerRefusedError,
    at_desk,
    when_text,
    with_server,
)
from federation.desk.printing import make_table
from federation.desk.proposals import proposals
from federation.desk.reservations import reservations
from federation.desk.successions import successions

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE: Final = click.Path(dir_okay=False, path_type=Path)
PART_BYTES: Final = 256 * 1024
TRIES: Final = 4
FIRST_PAUSE_SECONDS: Final = 2.0
EXIT_NOT_ALL: Final = 1
SNIFFED_BYTES: Final = 64 * 1024

KINDS: Final = ["works", "rightholders", "consents"]
_BY_ENDING: Final = {
    "csv": "csv",
    "tsv": "csv",
    "txt": "csv",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
}
_ENDINGS: Final = {
    "csv": "csv",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "xml": "onix",
    "onix": "onix",
}
_NOT_KEPT: Final = ("CONFLICT", "REFUSED")
_FIELDS: Final = """id kind format dryRun startedBy startedAt updatedAt state readAs rows bytes
  place why verdicts { verdict rows } proposal"""
IMPORT: Final = f"query($id: ID!) {{ registryImport(id: $id) {{ {_FIELDS} }} }}"
IMPORTS: Final = f"""query($first: Int!) {{ registryImports(first: $first) {{
  edges {{ node {{ {_FIELDS} }} }} }} }}"""


@click.group()
def registry() -> None:
    """Send files of works, rightholders and consent records to a node, and fetch them from there.

    docs/registry.md says what stands in them.

    A token is what `federation token --config gb.toml --subject S --role registry_officer` prints.
    """


for group in (proposals, reservations, successions):
    registry.add_command(group)


@registry.command("import")
@click.argument("file", type=FILE)
@click.option("--kind", type=click.Choice(KINDS), default="works")
@click.option("--format", "form", type=click.Choice(["csv", "ndjson", "onix", "sitemap"]))
@click.option("--id", "name", help="By default made from the file and the options.")
@click.option("--change", is_flag=True, help="Change what is registered with other content.")
@click.option("--dry-run", is_flag=True, help="Give the verdicts and register nothing.")
@click.option("--starts-at", help="From when on rows hold that do not say: RFC 3339.")
@click.option("--rightholder", help="Who has the rights in works that name nobody.")
@click.option("--reason", help="Why; it is kept with each change.")
@click.option("--verdicts", type=NEW_FILE, help="Where to write the verdict of each row.")
@at_desk
def import_file(
    desk: Desk, file: Path, verdicts: Path | None, name: str | None, form: str | None, **said: Any
) -> None:
    """Send FILE, plain or packed with gzip; the same command goes on where it stopped.

    Exit code 1: some rows were refused or in conflict.
    """
    asked = {
        "kind": said["kind"],
        "format": form or _format_of(file),
        "onConflict": _on_conflict(**said),
        "dryRun": "true" if said["dry_run"] else "false",
        "startsAt": said["starts_at"],
        "rightholder": said["rightholder"],
        "reason": said["reason"],
    }
    asked = {key: value for key, value in asked.items() if value}
    name = name or _id_of(file, asked)
    _send(desk, file, {"id": name, **asked})
    found = desk.ask(IMPORT, id=name)
    if verdicts is not None:
        _fetch(desk, _verdicts_path(name, verdicts), verdicts)
    desk.show(found, lambda: [_table([found])])
    if found["proposal"] is not None:
        click.echo(f"federation: another officer decides on proposal {found['proposal']}", err=True)
    counts = {each["verdict"]: each["rows"] for each in found["verdicts"]}
    if any(counts[verdict] for verdict in _NOT_KEPT):
        if verdicts is None:
            hint = f"federation registry verdicts {name} verdicts.csv"
            click.echo(f"federation: not all rows were kept; why: {hint}", err=True)
        sys.exit(EXIT_NOT_ALL)


@registry.command("verdicts")
@click.argument("name")
@click.argument("file", type=NEW_FILE)
@with_server
def fetch_verdicts(desk: Desk, name: str, file: Path) -> None:
    """Write the verdict on each row of the import NAME into FILE (.csv or .ndjson)."""
    _fetch(desk, _verdicts_path(name, file), file)


@registry.command("imports")
@click.option("--first", type=click.IntRange(1, 100), default=20, show_default=True)
@at_desk
def list_imports(desk: Desk, first: int) -> None:
    """List imports, the last one first, and how far they are."""
    found = [edge["node"] for edge in desk.ask(IMPORTS, first=first)["edges"]]
    desk.show(found, lambda: [_table(found)])


@registry.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("file", type=NEW_FILE)
@click.option("--at", help="As of this instant (RFC 3339); now by default.")
@with_server
def export(desk: Desk, kind: str, file: Path, at: str | None) -> None:
    """Write what is registered into FILE: .csv, .ndjson, or of works .xml for ONIX 3.

    Without --at it is as of now; of consent records, all that are known.
    """
    asked = f"?{urlencode({'at': at})}" if at else ""
    _fetch(desk, f"/registry/export/{kind}.{_ending_of(file)}{asked}", file)


def _on_conflict(kind: str, *, change: bool, **_: Any) -> str | None:
    """Return what a row does whose thing is registered; of consent records nothing is changed."""
    return "change" if change else None if kind == "consents" else "refuse"


def _send(desk: Desk, file: Path, asked: dict[str, str]) -> None:
    """Send a file until the node has taken it; a broken connection is tried again a few times.

    A node hears later than we do that it broke, and until then takes the import for being sent.
    """
    path = f"/registry/imports?{urlencode(asked)}"
    pause, has_broken = FIRST_PAUSE_SECONDS, False
    for left in reversed(range(TRIES)):
        try:
            with file.open("rb") as source, _progress(file) as told:
                desk.send(path, _parts(source, told), file.stat().st_size)
        except (NotReachedError, ServerRefusedError) as error:
            is_ours = has_broken and error.code == "IMPORT_RUNNING"
            has_broken = has_broken or isinstance(error, NotReachedError)
            if not left or not (is_ours or isinstance(error, NotReachedError)):
                raise
            click.echo(f"federation: {error.message}; again in {pause:g} s", err=True)
            time.sleep(pause)
            pause *= 2
        else:
            return


def _progress(file: Path) -> Any:
    """Show on a terminal how much of a file was sent."""
    size = file.stat().st_size
    return click.progressbar(
        length=size, label=file.name, file=sys.stderr, update_min_steps=size // 200
    )


def _parts(source: IO[bytes], told: Any) -> Iterator[bytes]:
    while part := source.read(PART_BYTES):
        yield part
        told.update(len(part))


def _fetch(desk: Desk, path: str, file: Path) -> None:
    """Write what comes beside the file, and put it in its place when all of it is there."""
    fresh = file.with_name(f"{file.name}.new")
    try:
        with fresh.open("wb") as target:
            desk.get(path, target.write)
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)


def _id_of(file: Path, asked: dict[str, str]) -> str:
    """Return an id that is the same for the same file sent with the same options."""
    with file.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256")
    digest.update(msgspec.json.encode(asked, order="sorted"))
    return f"file-{digest.hexdigest()[:32]}"


def _verdicts_path(name: str, file: Path) -> str:
    ending = "ndjson" if _ending_of(file) == "ndjson" else "csv"
    return f"/registry/imports/{quote(name, safe='')}.{ending}"


def _ending_of(file: Path) -> str:
    ending = file.suffix.removeprefix(".").lower()
    if ending not in _ENDINGS:
        raise click.UsageError(f"{file.name}: name it .csv, .ndjson or .xml")
    return _ENDINGS[ending]


def _format_of(file: Path) -> str:
    """Tell a format by the name of a file, and of XML by what it begins with."""
    name = file.name.lower().removesuffix(".gz")
    ending = name.rpartition(".")[2]
    if ending in _BY_ENDING:
        return _BY_ENDING[ending]
    opened: Callable[..., Any] = gzip.open if file.name.lower().endswith(".gz") else open
    with opened(file, "rb") as source:
        head: bytes = source.read(SNIFFED_BYTES)
    for mark, form in ((b"<urlset", "sitemap"), (b"<sitemapindex", "sitemap"), (b"<ONIX", "onix")):
        if mark in head:
            return form
    raise click.UsageError(f"{file.name}: say --format")


def _table(found: list[dict[str, Any]]) -> Any:
    verdicts = [each["verdict"] for each in found[0]["verdicts"]] if found else []
    words = [verdict.lower().replace("_", " ") for verdict in verdicts]
    columns = ("import", "file", "state", "rows", *words, "began", "because")
    return make_table("Imports", columns, [_cells(row) for row in found])


def _cells(row: dict[str, Any]) -> list[str]:
    kind = f"{row['kind'].lower()}, {row['readAs']}" + (", dry run" if row["dryRun"] else "")
    why = f"{row['place']}: {row['why']}" if row["why"] else ""
    counts = [f"{each['rows']:,}" for each in row["verdicts"]]
    began = when_text(row["startedAt"])
    return [row["id"], kind, row["state"], f"{row['rows']:,}", *counts, began, why]
