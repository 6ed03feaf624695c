"""A scenario's folder is read whole: every error names file, line, column and reason."""

import gzip
import tomllib
from collections.abc import Iterator
from pathlib import Path
from sys import intern

import msgspec

from federation.scenario.model import (
    LicencePart,
    Manifest,
    ReceiptRow,
    Scenario,
    ScenarioError,
    Table,
    UsageRow,
)
from federation.tabular import (
    BadTableError,
    Reader,
    Row,
    RowError,
    parse_date,
    parse_instant,
    parse_integer,
    read_table,
)
from federation.values.month import BadMonthError, Month, month_of, parse_month
from federation.values.party import HUB

FORMAT = 1


MEMBERS = (
    ["collective", "member_id", "name", "country", "joined_on"],
    ["account", "account_scheme", "bic"],
)


WORKS = (
    ["collective", "member_id", "claim", "content_tier"],
    ["works", "canonical", "owner_bps", "valid_from", "valid_to"],
)


OPTOUTS: tuple[list[str], list[str]] = (["collective", "subject", "use", "effective_at"], [])


USAGE = ["event_id", "licence", "url", "use", "units", "occurred_at", "source"]


def read_scenario(folder: Path) -> Scenario:
    """Read a scenario directory, or refuse naming the place."""
    manifest = _manifest(folder)
    codes = {str(item.get("code")) for item in manifest.collective}
    return Scenario(
        folder=folder,
        manifest=manifest,
        members=_split(folder, "members.csv", MEMBERS, codes),
        works=_split(folder, "works.csv", WORKS, codes),
        optouts=_split(folder, "optouts.csv", OPTOUTS, codes),
        rates=_bytes(folder, manifest.rates),
        usage=_usage(folder, set(manifest.periods)),
        receipts=_receipts(folder, manifest),
    )


def _manifest(folder: Path) -> Manifest:
    path = folder / "scenario.toml"
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        manifest = msgspec.convert(found, Manifest, strict=True)
    except FileNotFoundError as error:
        raise ScenarioError(f"{path.name}: no such file in {folder}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path.name}: {error}") from error
    _check_manifest(manifest)
    return manifest


def _check_manifest(manifest: Manifest) -> None:
    if manifest.format != FORMAT:
        raise ScenarioError(f"scenario.toml: format {manifest.format}, this reads {FORMAT}")
    if not manifest.periods or sorted(set(manifest.periods)) != manifest.periods:
        raise ScenarioError("scenario.toml: periods are months in their order")
    for period in manifest.periods:
        try:
            parse_month(period)
        except BadMonthError as error:
            raise ScenarioError(f"scenario.toml: no month: {period!r}") from error
    for names, what in (
        ([str(item.get("code")) for item in manifest.collective], "collective"),
        ([item.id for item in manifest.licensee], "licensee"),
        ([item.id for item in manifest.licence], "licence"),
    ):
        if len(set(names)) < len(names):
            raise ScenarioError(f"scenario.toml: {what} named twice")
    labs = {item.id for item in manifest.licensee}
    issuers = {HUB, *(str(item.get("code")) for item in manifest.collective)}
    for item in manifest.licence:
        _check_licence(item, labs, issuers)


def _check_licence(item: LicencePart, labs: set[str], issuers: set[str]) -> None:
    place = f"scenario.toml: licence {item.id}"
    if item.licensee not in labs:
        raise ScenarioError(f"{place}: unknown licensee {item.licensee!r}")
    if item.issuer not in issuers:
        raise ScenarioError(f"{place}: unknown issuer {item.issuer!r}")
    if (item.component is None) == (item.uses is None or item.fee is None):
        raise ScenarioError(f"{place}: uses and fee, or components")


def _bytes(folder: Path, name: str) -> bytes:
    """Return a file of the scenario, gzipped or not."""
    plain, packed = folder / name, folder / f"{name}.gz"
    try:
        if plain.exists():
            data = plain.read_bytes()
            return gzip.decompress(data) if name.endswith(".gz") else data
        return gzip.decompress(packed.read_bytes())
    except FileNotFoundError as error:
        raise ScenarioError(f"{name}: no such file in {folder}") from error
    except (OSError, EOFError) as error:
        raise ScenarioError(f"{name}: {error}") from error


def _rows(folder: Path, name: str, required: list[str], optional: list[str]) -> Iterator[Row]:
    data = _bytes(folder, name)
    try:
        yield from read_table(data, required=required, optional=optional)
    except BadTableError as error:
        raise table_error(name, error.errors[0]) from error


def table_error(name: str, error: RowError) -> ScenarioError:
    """Name file, line, column and reason."""
    return ScenarioError(f"{name}, {error}")


def _finish(name: str, reader: Reader) -> None:
    try:
        reader.finish()
    except BadTableError as error:
        raise table_error(name, error.errors[0]) from error


def _split(folder: Path, name: str, columns: tuple[list[str], list[str]], codes: set[str]) -> Table:
    reader = Reader()
    rows: dict[str, list[Row]] = {code: [] for code in codes}
    for row in _rows(folder, name, *columns):
        code = row.get("collective")
        if code in rows:
            rows[code].append(row)
        else:
            reader.refuse(row, "collective", f"unknown: {code!r}")
    _finish(name, reader)
    return Table(name, [column for part in columns for column in part][1:], rows)


def _usage(folder: Path, periods: set[Month]) -> list[UsageRow]:
    reader, found = Reader(), []
    months: dict[str, Month | None] = {}
    for row in _rows(folder, "usage.csv", USAGE, []):
        text = row.get("occurred_at")
        if text not in months:
            instant = reader.read(row, "occurred_at", parse_instant)
            months[text] = month_of(instant) if instant else None
        month = months[text]
        units = reader.read(row, "units", parse_integer)
        source = row.get("source")
        if source not in {"site", "lab"}:
            reader.refuse(row, "source", f"site or lab: {source!r}")
        if month is None or month not in periods or units is None:
            continue
        found.append(
            UsageRow(
                event_id=row.get("event_id"),
                licence=intern(row.get("licence")),
                url=row.get("url"),
                use=intern(row.get("use")),
                units=units,
                occurred_at=intern(text),
                source=intern(source),
                period=month,
                host=intern(_host(row.get("url"))),
            )
        )
    _finish("usage.csv", reader)
    return found


def _host(url: str) -> str:
    """Return roughly the host of a URL: it only chooses which node a site's line enters at."""
    rest = url.partition("//")[2] or url
    authority = rest.replace("?", "/").replace("#", "/").partition("/")[0]
    return authority.rpartition("@")[2].partition(":")[0].lower().rstrip(".")


def claimed_hosts(works: Table) -> dict[str, str]:
    """Return {host: the smallest code that has a claim on it}."""
    found: dict[str, str] = {}
    for code, rows in works.rows.items():
        for row in rows:
            host = _host(row.get("claim").removeprefix("*."))
            found[host] = min(code, found.get(host, code))
    return found


def _receipts(folder: Path, manifest: Manifest) -> list[ReceiptRow]:
    """Read what was paid; without the file every licence is paid in full on its first day."""
    if not any((folder / name).exists() for name in ("receipts.csv", "receipts.csv.gz")):
        return [
            ReceiptRow(item.id, item.starts_on, item.total())
            for item in manifest.licence
            if item.total()
        ]
    reader, found = Reader(), []
    known = {item.id for item in manifest.licence}
    for row in _rows(folder, "receipts.csv", ["licence", "received_on", "amount"], []):
        if row.get("licence") not in known:
            reader.refuse(row, "licence", f"unknown: {row.get('licence')!r}")
        day = reader.read(row, "received_on", parse_date)
        amount = reader.read(row, "amount", parse_integer)
        if day is not None and amount:
            found.append(ReceiptRow(row.get("licence"), day, amount))
    _finish("receipts.csv", reader)
    return found
