"""A lab's usage lines over HTTP into a hub, against the same rows by raw `executemany`.

The hub is a process of its own. It authenticates, decodes, checks every field, finds the licence,
classes and counts, and answers with a receipt; raw SQLite only takes finished rows. Both write
the same table, with the same indices and pragmas, 5,000 rows per transaction.
"""

import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import msgspec

from federation.scenario.client import Person
from federation.scenario.model import (
    HubPart,
    LicencePart,
    LicenseePart,
    Manifest,
    Scenario,
    Table,
    TermsPart,
)
from federation.scenario.servers import as_processes
from federation.scenario.story import Story
from federation.values.month import Month
from federation.values.party import HUB

LINES, BATCH, ROUNDS = 200_000, 5_000, 3
TURN = 10  # batches: long enough that each side warms up its caches, short beside other load
SHARE_MIN = 0.15
NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
LAB = "lab-1"
USES = {"TRAIN": 1000, "GROUND": 800, "SUMMARISE": 500}
LINES_PER_INSTANT, INSTANT = 100, timedelta(milliseconds=250)
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-4000", "foreign_keys=ON")

Row = tuple[str, str, str, str, str, int, int, str, str, None, None]


def the_scenario(folder: Path) -> Scenario:
    """Return a hub with one lab, which buys one licence."""
    nothing = Table("", [], {})
    manifest = Manifest(
        format=1,
        periods=[Month("2026-09")],
        hub=HubPart("EUR", 300, (0, 5000)),
        terms=TermsPart({"standard": 1000}, USES),
        licensee=[LicenseePart(LAB, "A lab")],
        licence=[
            LicencePart(
                id="licence-1",
                licensee=LAB,
                issuer=HUB,
                currency="EUR",
                starts_on=date(2026, 9, 1),
                ends_on=date(2027, 8, 31),
                usage_basis="lab",
                uses=list(USES),
                fee=1_000_000_00,
            )
        ],
    )
    return Scenario(folder, manifest, nothing, nothing, nothing, b"", [], [])


def the_rows(licence: str, number: int) -> list[Row]:
    """Return a round of lines as the table keeps them: in the order of time, as crawlers write."""
    chance = random.Random(number)  # noqa: S311 - made up, the same each time
    hosts = [f"www.{chance.choice(PAPERS)}-{place:04d}.example" for place in range(3_000)]
    paths = [
        f"/{chance.choice(PARTS)}/2026/09/{place:06d}-{chance.choice(PARTS)}-in-the-{place % 97}"
        for place in range(4_000)
    ]
    start = NOW - timedelta(hours=ROUNDS) + timedelta(hours=number)
    rows: list[Row] = []
    for place in range(LINES):
        instant = start + place // LINES_PER_INSTANT * INSTANT
        micros = round(instant.timestamp() * 1_000_000)
        rows.append(
            (
                f"lab:{LAB}",
                event_id(micros // 1000, chance),
                licence,
                f"https://{chance.choice(hosts)}{chance.choice(paths)}",
                chance.choice(list(USES)),
                chance.randrange(100, 5_000),
                micros,
                "2026-09",
                "lab",
                None,
                None,
            )
        )
    return rows


PAPERS = ("morning-post", "evening-herald", "gazette", "tribune", "observer")
PARTS = ("politics", "economy", "culture", "science", "local")


def event_id(milliseconds: int, chance: random.Random) -> str:
    """Return a UUID of version 7: the time, then chance."""
    value = milliseconds << 80 | 7 << 76 | chance.getrandbits(12) << 64
    text = f"{value | 2 << 62 | chance.getrandbits(62):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def in_batches(rows: Sequence[Row]) -> list[Sequence[Row]]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def body_of(rows: Sequence[Row]) -> bytes:
    """Return NDJSON as a lab would send it."""
    return b"\n".join(
        msgspec.json.encode(
            {
                "event_id": row[1],
                "licence": row[2],
                "url": row[3],
                "use": row[4],
                "units": row[5],
                "occurred_at": f"{datetime.fromtimestamp(row[6] / 1e6, UTC):%FT%T.%f}"[:-3] + "Z",
            }
        )
        for row in rows
    )


def raw_database(file: Path, like: Path) -> sqlite3.Connection:
    """Make a file with the one table, its index and the pragmas of a server's writer."""
    with sqlite3.connect(f"file:{like}?mode=ro", uri=True) as template:
        made = template.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'metering_line' AND sql IS NOT NULL"
        ).fetchall()
    template.close()
    raw = sqlite3.connect(file)
    for statement in [*(f"PRAGMA {pragma}" for pragma in PRAGMAS), *(sql for (sql,) in made)]:
        raw.execute(statement)
    return raw


def insert_raw(raw: sqlite3.Connection, rows: Sequence[Row]) -> float:
    """Insert rows in one transaction; return the seconds it took."""
    statement = f"INSERT INTO metering_line VALUES ({','.join('?' * len(rows[0]))})"  # noqa: S608
    started = time.perf_counter()
    with raw:
        raw.executemany(statement, rows)
    return time.perf_counter() - started


async def report(lab: Person, body: bytes) -> float:
    """Post a batch and read the receipt; return the seconds it took."""
    started = time.perf_counter()
    headers = {"Idempotency-Key": str(uuid4())}
    answer = await lab.post("/usage", body, "application/x-ndjson", headers)
    taken = time.perf_counter() - started
    assert msgspec.json.decode(answer)["classes"].keys() == {"ACCEPTED"}, answer[:500]
    return taken


def check(raw: sqlite3.Connection, hub: Path) -> None:
    """Both tables hold the same rows, all of them."""
    raw.execute("ATTACH ? AS hub", (str(hub),))
    one, other = "SELECT * FROM main.metering_line", "SELECT * FROM hub.metering_line"
    assert raw.execute(f"SELECT count(*) FROM ({one})").fetchone() == (LINES * ROUNDS,)  # noqa: S608
    for wrong in (f"{one} EXCEPT {other}", f"{other} EXCEPT {one}"):
        found = raw.execute(wrong).fetchone()
        assert found is None, found


async def measure(folder: Path) -> list[tuple[float, float]]:
    """Return (raw, over HTTP) in lines per second, per round.

    The two take turns, so that whatever else the machine does slows both.
    """
    scenario = the_scenario(folder)
    rounds = []
    async with as_processes(scenario, folder, NOW) as federation:
        story = Story(scenario, federation)
        await story.sell()
        lab = federation.hub.lab(LAB)
        raw = raw_database(folder / "raw.sqlite", folder / "template.sqlite")
        for number in range(ROUNDS):
            batches = in_batches(the_rows(story.numbers["licence-1"], number))
            bodies = [body_of(rows) for rows in batches]
            raw_seconds = http_seconds = 0.0
            for start in range(0, len(batches), TURN):
                for rows in batches[start : start + TURN]:
                    raw_seconds += insert_raw(raw, rows)
                for body in bodies[start : start + TURN]:
                    http_seconds += await report(lab, body)
            rounds.append((LINES / raw_seconds, LINES / http_seconds))
        check(raw, federation.hub.config.data_dir / "federation.sqlite")
        raw.close()
    return rounds


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rounds = asyncio.run(measure(Path(folder)))
    raw, http = (max(rates) for rates in zip(*rounds, strict=True))
    print(f"{LINES:,} lines a round, in batches of {BATCH:,}")
    print(f"{'':8}{'raw, lines/s':>14}{'HTTP, lines/s':>15}{'HTTP of raw':>13}")
    for number, rates in enumerate(rounds, start=1):
        print_rates(f"round {number}", *rates)
    print_rates("best", raw, http)
    print(f"wanted: at least {SHARE_MIN:.0%}")
    sys.exit(0 if http / raw >= SHARE_MIN else 1)


def print_rates(name: str, raw: float, http: float) -> None:
    print(f"{name:8}{raw:>14,.0f}{http:>15,.0f}{http / raw:>13.1%}")


if __name__ == "__main__":
    main()
