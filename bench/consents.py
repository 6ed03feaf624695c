"""A file of consent records into a node's registry: taken, then entered once it was confirmed.

Nine of ten rows are mandates, which wait for a second person, one is a no, which is recorded at
once; each is of a work of its own, on a page of its own, with its ruling and its place in what the
hub is told. Everything but the socket runs, on SQLite and on PostgreSQL.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.registry import database
from federation.nodes.consent_files import ConsentFileWorker
from federation.nodes.registry_files import take_in
from federation.process import run_loop
from federation.proposals import service
from federation.proposals.rules import rules_by
from federation.registryimports.options import read_options
from federation.registryimports.service import get_import
from federation.store.database import Database
from federation.trust.principals import Principal
from tests.databases import HUB_TERMS, a_party

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANNA, BEN = (Principal(name, frozenset({"registry_officer"})) for name in ("anna", "ben"))
RECORDS, HOSTS, PART = 100_000, 100, 64 * 1024
CPU_MAX, RSS_MAX = 200.0, 500  # microseconds a row of either step: 5,000 a second; MiB
NO_EACH = 10  # one row in so many says no


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--only", choices=["sqlite", "postgres"])
    given = parser.parse_args()
    missed = 0
    for kind in [given.only] if given.only else ["sqlite", "postgres"]:
        missed += run_loop(measure(kind, given.records))
    sys.exit(bool(missed))


async def measure(kind: str, count: int) -> int:
    async def terms(session: Any) -> Any:
        del session
        return HUB_TERMS

    with tempfile.TemporaryDirectory(prefix="bench-consents-") as name:
        async with database(kind, Path(name)) as (url, server_cpu):
            db = Database(url)
            async with db.write("bench") as session:
                session.add(a_party("HUB", terms=HUB_TERMS))
            server: Any = SimpleNamespace(db=db, code="GB", clock=lambda: NOW, terms=terms)
            await taken(server, "works", the_works(count))
            clock = Clock(server_cpu)
            await taken(server, "consents", the_records(count))
            spent = {"taken": clock.spent(count)}
            await confirmed(server)
            clock = Clock(server_cpu)
            assert await ConsentFileWorker(server).enter_all()
            spent["entered"] = clock.spent(count - count // NO_EACH)
            async with db.read() as reading:
                row = await get_import(reading, "consents")
                assert row.accepted == count, row.accepted
            await db.close()
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{kind}: {count:,} records, {size} MiB")
    for what, (rate, cpu) in spent.items():
        print(f"  {what}: {rate:,.0f} rows a second by the clock, {cpu:.0f} us of CPU each")
    return int(max(cpu for _, cpu in spent.values()) > CPU_MAX or size > RSS_MAX)


class Clock:
    """What passed since it was made: by the clock, and of CPU here and in the database."""

    def __init__(self, server_cpu: Callable[[], float]) -> None:
        self._server_cpu = server_cpu
        self._cpu, self._wall = time.process_time() + server_cpu(), time.perf_counter()

    def spent(self, rows: int) -> tuple[float, float]:
        """Return rows a second, and microseconds of CPU for each."""
        cpu = time.process_time() + self._server_cpu() - self._cpu
        return rows / (time.perf_counter() - self._wall), cpu / rows * 1e6


async def taken(server: Any, kind: str, lines: Iterator[bytes]) -> None:
    options = read_options({"id": kind, "kind": kind, "format": "ndjson"})
    await take_in(server, options, ANNA, in_parts(lines))


async def confirmed(server: Any) -> None:
    async with server.db.write("bench") as session:
        row = await get_import(session, "consents")
        rules = rules_by("GB", HUB_TERMS, NOW)
        assert row.proposal is not None
        await service.confirm(session, row.proposal, who=BEN, rules=rules)


def the_works(count: int) -> Iterator[bytes]:
    for number in range(count):
        address = f"pub{number % HOSTS}.example/a/{number}"
        work = {"work_id": f"W-{number}", "title": "Salt", "addresses": [address]}
        yield msgspec.json.encode(work) + b"\n"


def the_records(count: int) -> Iterator[bytes]:
    for number in range(count):
        says_no = number % NO_EACH == 0
        record = {
            "subject": f"work:W-{number}",
            "state": "WITHHELD" if says_no else "MANDATED",
            "use": "TRAIN",
            "declared_by": f"Author {number}",
            "basis": "MANDATE_AGREEMENT",
            "basis_reference": f"contract {number}",
        }
        yield msgspec.json.encode(record if says_no else {**record, "share_bps": 10_000}) + b"\n"


async def in_parts(lines: Iterator[bytes]) -> AsyncIterator[bytes]:
    part = bytearray()
    for line in lines:
        part += line
        if len(part) >= PART:
            yield bytes(part)
            part.clear()
    yield bytes(part)


if __name__ == "__main__":
    main()
