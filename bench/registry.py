"""A collective's catalogue into a node's registry, beside the same rows by the driver alone; reads.

A file of works in NDJSON goes through everything but the socket: read, judged, written down with
its history, its words and its verdicts, on SQLite and on PostgreSQL. Beside it the rows that it
left are copied into tables of the same kind by raw `executemany` and COPY. Then the registry is
asked: a work by its identifier, pages of searches, the rights of 1,000 addresses. Each database is
measured in a process of its own, so that its memory is its own.
"""

import argparse
import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from federation.history import search_store
from federation.history.kinds import Moment, Place, Saying
from federation.identifiers.schemes import Identifier, Scheme
from federation.licensing.rights import Question, own_rights
from federation.nodes.registry_files import take_in
from federation.process import run_loop
from federation.registry import service as claims
from federation.registry.entering import enter_table
from federation.registryimports.options import read_options
from federation.store.database import Database
from federation.trust.principals import Principal
from federation.works import service as works
from federation.works import store
from tests.databases import HUB_TERMS, PostgresServer, a_party, migrate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANNA = Principal("anna", frozenset({"registry_officer"}))
WORKS, STEPS, HOSTS, URLS, ASKED = 100_000, 4, 100, 1_000, 25
WALL_MAX, RSS_MAX, GROWTH_MAX = 100.0, 500, 1.5  # microseconds a work; MiB; of a work's CPU
LIMITS = {
    "rights of 1,000": 60.0,
    "work by identifier": 5.0,
    "search": 80.0,
    "work": 80.0,
}  # p50, milliseconds
BEFORE, LATER = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
SHARED, HOME, SHARING = Identifier(Scheme.ISSN, "03178471"), "home.example/", 500  # one in so many
TABLES = ("history_change", "works_version", "works_identifier", "works_address")
COMMON = ("the", "of", "and", "a", "in", "history", "new")
COMMON_PART = 0.3  # of the words of a title
PART = 64 * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--works", type=int, default=WORKS)
    parser.add_argument("--only", choices=["sqlite", "postgres"])
    parser.add_argument("--measure", choices=["sqlite", "postgres"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        sys.exit(run_loop(measure(given.measure, given.works)))
    missed = 0
    for kind in [given.only] if given.only else ["sqlite", "postgres"]:
        command = [sys.executable, __file__, "--works", str(given.works), "--measure", kind]
        missed += subprocess.run(command, check=False).returncode  # noqa: S603 - itself
    sys.exit(bool(missed))


def the_words() -> list[str]:
    chance = random.Random(1)  # noqa: S311 - made up, the same each time
    letters = "abcdefghijklmnopqrstuvwxyz"
    return ["".join(chance.choices(letters, k=chance.randint(3, 9))) for _ in range(30_000)]


def isbn(number: int) -> str:
    digits = f"978{number:09d}"
    total = sum(map(int, digits[::2])) + 3 * sum(map(int, digits[1::2]))
    return f"{digits}{-total % 10}"


def the_lines(first: int, count: int, words: list[str]) -> Iterator[bytes]:
    """Yield works of 1.5 identifiers each, with words as common as those of titles are."""
    chance = random.Random(first)  # noqa: S311 - as above
    for number in range(first, first + count):
        title = " ".join(
            chance.choice(COMMON)
            if chance.random() < COMMON_PART
            else words[int(chance.random() ** 3 * 30_000)]
            for _ in range(6)
        )
        doi = [f"DOI:10.1234/x{number}"] if number % 2 else []
        shares = number % SHARING == 0
        work = {
            "work_id": f"W-{number:08d}",
            "title": title,
            "content_type": "ARTICLE",
            "languages": ["en"],
            "creators": [
                {"name": f"{words[number % 30_000].title()} {words[number * 7 % 30_000].title()}"}
            ],
            "identifiers": [f"ISBN:{isbn(number)}", *doi, *([SHARED.text] if shares else [])],
            "addresses": [f"pub{number % HOSTS}.example/a/{number}", *([HOME] if shares else [])],
            "content_tier": "standard",
            "word_count": 500,
        }
        yield msgspec.json.encode(work) + b"\n"


@asynccontextmanager
async def database(kind: str, folder: Path) -> AsyncIterator[tuple[str, Callable[[], float]]]:
    """Lend a migrated database: its address, and the CPU seconds that its server took."""
    if kind == "sqlite":
        url = f"sqlite+aiosqlite:///{folder / 'registry.sqlite'}"
        await migrate(url)
        yield url, lambda: 0.0
        return
    server = PostgresServer()
    try:
        await server.start()
        async with server.url(migrated=True) as url:
            await tidy_up_meanwhile(url)
            yield url, lambda: cpu_of(server)
    finally:
        await server.stop()


async def tidy_up_meanwhile(url: str) -> None:
    """Let a server do what every one does that tests did not start: vacuum and count its rows."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute("ALTER SYSTEM SET autovacuum = on")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


def cpu_of(server: PostgresServer) -> float:
    """Return the CPU seconds that the processes of a PostgreSQL server have taken."""
    first = (Path(server._folder) / "postmaster.pid").read_text().split()[0]  # noqa: SLF001
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # From the state on (proc(5)): the parent is the second, times of its own and of the
            # ended children the twelfth and on.
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if process.name == first:
            ticks += sum(map(int, fields[11:15]))
        elif fields[1] == first:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


async def measure(kind: str, count: int) -> int:
    words, missed = the_words(), 0
    with tempfile.TemporaryDirectory(prefix="bench-registry-") as name:
        async with database(kind, Path(name)) as (url, server_cpu):
            db = Database(url)
            costs, walls = await fill(db, count, words, server_cpu, Path(name))
            raw = await raw_copy(kind, url, Path(name), server_cpu) / count * 1e6
            cost, wall = statistics.mean(costs), statistics.mean(walls)
            share = f"{raw / cost:.0%} of it raw rows ({raw:.1f} us)"
            print(f"{kind}: {count:,} works, {1e6 / wall:,.0f} a second by the clock")
            print(f"  {cost:.0f} us of CPU each, {share}; {rss()} MiB")
            print(f"  CPU by quarters {', '.join(f'{each:.0f}' for each in costs)}")
            missed += wall > WALL_MAX or rss() > RSS_MAX or costs[-1] > GROWTH_MAX * costs[0]
            for what, (wall, cpu) in (await reads(db, count, words, server_cpu)).items():
                limit = next(most for start, most in LIMITS.items() if what.startswith(start))
                print(f"  {what}: {wall:.1f} ms of at most {limit:.0f}; {cpu:.1f} of CPU")
                missed += wall > limit
            print(f"  {rss()} MiB after all")
            await db.close()
    return int(missed > 0)


async def fill(
    db: Database,
    count: int,
    words: list[str],
    server_cpu: Callable[[], float],
    folder: Path,
) -> tuple[list[float], list[float]]:
    """Take the works in; return microseconds for a work, of CPU and by the clock, by quarters."""

    async def terms(session: Any) -> Any:
        del session
        return HUB_TERMS

    server: Any = SimpleNamespace(db=db, code="GB", clock=lambda: NOW, terms=terms)
    costs, walls, size = [], [], count // STEPS
    for step in range(STEPS):
        file = folder / "works.ndjson"
        with file.open("wb") as target:
            target.writelines(the_lines(step * size, size, words))
        options = read_options({"id": f"I-{step}", "kind": "works", "format": "ndjson"})
        began, wall = time.process_time() + server_cpu(), time.perf_counter()
        row = await take_in(server, options, ANNA, in_parts(file))
        walls.append((time.perf_counter() - wall) / size * 1e6)
        costs.append((time.process_time() + server_cpu() - began) / size * 1e6)
        assert row.accepted == size, row.rows
    return costs, walls


async def in_parts(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while part := source.read(PART):
            yield part


async def raw_copy(kind: str, url: str, folder: Path, server_cpu: Callable[[], float]) -> float:
    """Return the CPU seconds of writing the same rows by the driver, without words or indexes."""
    if kind == "sqlite":
        source = sqlite3.connect(folder / "registry.sqlite")
        target = sqlite3.connect(folder / "raw.sqlite")
        target.execute("PRAGMA journal_mode=WAL")
        taken = 0.0
        for table in TABLES:
            [(made,)] = source.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,))
            target.execute(made)
            cursor = source.execute(f"SELECT * FROM {table}")  # noqa: S608
            while rows := cursor.fetchmany(5_000):
                into = f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})"  # noqa: S608
                began = time.process_time()
                with target:
                    target.executemany(into, rows)
                taken += time.process_time() - began
        return taken
    source, target = [await asyncpg.connect(url.replace("+asyncpg", "")) for _ in range(2)]
    taken = 0.0
    for table in TABLES:
        await target.execute(f"CREATE TABLE raw_{table} (LIKE {table} INCLUDING INDEXES)")
        words = await target.fetch(
            "SELECT indexname FROM pg_indexes WHERE tablename = $1 AND indexdef LIKE '%gin%'",
            f"raw_{table}",
        )
        for (name,) in words:
            await target.execute(f"DROP INDEX {name}")
        async with source.transaction():
            cursor = await source.cursor(f"SELECT * FROM {table}")  # noqa: S608
            while rows := await cursor.fetch(5_000):
                began = time.process_time() + server_cpu()
                await target.copy_records_to_table(f"raw_{table}", records=rows)
                taken += time.process_time() + server_cpu() - began
        await target.execute(f"DROP TABLE raw_{table}")
    await source.close()
    await target.close()
    return taken


async def reads(
    db: Database, count: int, words: list[str], server_cpu: Callable[[], float]
) -> dict[str, tuple[float, float]]:
    """Return the milliseconds of questions, by the clock (medians) and of CPU (means): of 25."""
    await claim_hosts(db)

    async def p50(ask: Callable[[], Awaitable[None]]) -> tuple[float, float]:
        await ask()
        walls, cpu = [], time.process_time() + server_cpu()
        for _ in range(ASKED):
            wall = time.perf_counter()
            await ask()
            walls.append(time.perf_counter() - wall)
        taken = time.process_time() + server_cpu() - cpu
        return statistics.median(walls) * 1_000, taken / ASKED * 1_000

    moment = Moment(LATER)
    chance = random.Random(2)  # noqa: S311 - as above

    async def identifier() -> None:
        asked = Identifier(Scheme.ISBN, isbn(chance.randrange(count)))
        async with db.read() as session:
            assert await works.find_numbered(session, asked, moment) is not None

    def search(
        text: str, moment: Moment = moment, after: Place | None = None
    ) -> Callable[[], Awaitable[None]]:
        async def asked() -> None:
            async with db.read() as session:
                await search_store.search(session, store.WORKS, text, moment, after=after, limit=20)

        return asked

    async def shared() -> None:
        async with db.read() as session:
            assert await works.find_numbered(session, SHARED, moment) is not None

    async def standing() -> None:
        async with db.read() as session:
            page = await works.standing_at(session, HOME, moment, after="", limit=20)
        assert len(page.found) == 20  # noqa: PLR2004 - the page

    async def rights() -> None:
        places = [chance.randrange(count) for _ in range(URLS)]
        urls = [f"https://pub{place % HOSTS}.example/a/{place}" for place in places]
        async with db.read() as session:
            answer = await own_rights(session, Question(urls, "TRAIN", moment.at), HUB_TERMS, "GB")
        assert {item.status for item in answer.items} == {"LICENSABLE"}

    return {
        "work by identifier": await p50(identifier),
        "search of a common word": await p50(search("the")),
        "search of two words": await p50(search(f"history {words[5]}")),
        "search of two common words": await p50(search("history of")),
        "search of two rare words": await p50(search(f"{words[29_000]} {words[28_000]}")),
        "search of a beginning in common": await p50(search("th")),
        "search of a page from the middle": await p50(search("the", after=Place("m", ""))),
        "search of a prefix": await p50(search(words[20_000][:2])),
        "search of a letter": await p50(search("a")),
        "search that finds nothing": await p50(search("xylophones unheard")),
        "search without words": await p50(search("")),
        "search of what is all at the end": await p50(search("zz")),
        "search before everything": await p50(search("", Moment(BEFORE))),
        "search of a word before everything": await p50(search("the", Moment(BEFORE))),
        "search of a beginning before everything": await p50(search("th", Moment(BEFORE))),
        "search of a letter before everything": await p50(search("a", Moment(BEFORE))),
        "search of some thousands before everything": await p50(search("zz", Moment(BEFORE))),
        "search of what was known before": await p50(search("the", Moment(LATER, BEFORE))),
        "search of what was known once": await p50(search("the", Moment(LATER, NOW))),
        "work by what all share": await p50(shared),
        "works at one address": await p50(standing),
        "rights of 1,000": await p50(rights),
    }


async def claim_hosts(db: Database) -> None:
    """Register a member for each host, and its claim."""
    members = "".join(f"M-{n},member {n},GB,2020-01-01\n" for n in range(HOSTS))
    held = "".join(f"M-{n},pub{n}.example,standard\n" for n in range(HOSTS))
    async with db.write("bench") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
    for table, body in (
        ("members", f"member_id,name,country,joined_on\n{members}"),
        ("works", f"member_id,claim,content_tier\n{held}"),
    ):
        async with db.write("bench") as session:
            found = await claims.read_table(session, table, body.encode(), node="GB")
            await enter_table(session, found, node="GB", saying=Saying("anna", "bench", NOW))


def rss() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
