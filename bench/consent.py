"""May works and addresses be put to a use, asked of a node with a million works and 3 records each.

Works, consent records and the rulings that follow from them are written by SQL alone, on SQLite and
on PostgreSQL: three records a work, of every state, for one use or all, some ended, some known no
more. Then the node is asked as labs ask it: `consent` for 1,000 works and for 1,000 addresses,
`rights` for 1,000 URLs, now, as of a past instant, and as was known then; `rights` also before
anything was recorded. CPU time of this process and of the database, medians of 25; the clock's
stands beside it, for the machine may be shared. Last, a member with 100,000 records: its policy,
how long it is in the making, and one check in the gate. Each database is measured in a process of
its own, so that its memory is its own.
"""

# ruff: noqa: S608 - rows that SQL makes up

import argparse
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.registry import cpu_of
from federation.addresses.urls import UrlKey
from federation.claimindex.messages import NOTHING
from federation.gate.withheld import WithheldPages
from federation.licensing import rights
from federation.mandates import asking
from federation.nodes.site_memory import SiteMemory
from federation.nodes.site_terms import SiteTermsHolder
from federation.process import run_loop
from federation.registry.tables import Claim, Member, OptOut
from federation.signing.site_rulings import unpack
from federation.store.base import from_micros, to_micros
from federation.store.bulk import for_driver, insert_rows
from federation.store.database import Database
from tests.databases import HUB_TERMS, PostgresServer, a_party, migrate

WORKS, EACH, HOSTS, ASKED, ROUNDS = 1_000_000, 3, 100, 1_000, 25
RECORDS_OF_ONE, CHECKS = 100_000, 2_000
CONSENT_MAX, RIGHTS_MAX = 60.0, 43.0  # milliseconds of CPU
POLICY_BYTES_MAX, CHECK_MICROSECONDS_MAX = 2_000_000, 20.0
NODE, USE, SECOND = "GB", "TRAIN", 1_000_000
FIRST, THEN, NOW = (datetime(year, 1, 1, tzinfo=UTC) for year in (2024, 2025, 2027))
SECONDS = 63_000_000  # two years, over which records were made
STATES = ("MANDATED", "OPTED_IN", "WITHHELD", "WITHDRAWN", "EXTENDED", "RESERVED_EX_ANTE")
USES = ("TRAIN", "SEARCH", "*", "GROUND")
TABLES = ("works_version", "mandates_record", "registry_opt_out", "registry_claim")
WORDS = re.findall(r"[a-z]{3,12}", Path("docs/settlement-rules.md").read_text("utf-8").lower())
_PAGE = "'/' || (2010 + n % 15) || '/' || (1 + n % 12) || '/' || (1 + n % 28) || '/work-' || n"
_HOST = f"'pub' || (n % {HOSTS}) || '.example'"
_AT = f"{to_micros(FIRST)} + {SECOND} * ((n * 7919 + j * 104729) % {SECONDS})"


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


class Spent(NamedTuple):
    """Milliseconds of CPU here and at the database's server, and by the clock."""

    here: float
    server: float
    clock: float

    @property
    def cpu(self) -> float:
        """All CPU time, wherever it was spent."""
        return self.here + self.server

    @property
    def text(self) -> str:
        """The figures as they are printed."""
        there = f" and {self.server:.1f} at the server" if self.server else ""
        return f"{self.here:.1f} ms{there} (by the clock {self.clock:.1f})"


@asynccontextmanager
async def database(kind: str, folder: Path) -> AsyncIterator[tuple[str, Callable[[], float]]]:
    """Lend a migrated database: its address, and the CPU seconds that its server took."""
    if kind == "sqlite":
        url = f"sqlite+aiosqlite:///{folder / 'node.sqlite'}"
        await migrate(url)
        yield url, lambda: 0.0
        return
    server = PostgresServer()
    try:
        await server.start()
        async with server.url(migrated=True) as url:
            yield url, lambda: cpu_of(server)
    finally:
        await server.stop()


async def measure(kind: str, count: int) -> int:
    with tempfile.TemporaryDirectory(prefix="bench-consent-") as name:
        async with database(kind, Path(name)) as (url, server_cpu):
            began = time.perf_counter()
            await fill(url, [works_of(count), *holders()], [claims()])
            db, ask = Database(url), Asking(count, server_cpu)
            await set_up(db)
            before = await ask.rights(db)
            await fill(url, [records_of(count), rulings_of(count)], [])
            took = time.perf_counter() - began
            print(f"{kind}: {count:,} works, {count * EACH:,} records, written in {took:.0f} s")
            missed = await questions(ask, db, before)
            missed += await of_one_member(db)
            print(f"  {rss()} MiB")
            await db.close()
    return int(missed > 0)


async def fill(url: str, statements: Sequence[str], others: Sequence[str]) -> None:
    """Write rows by SQL, and their indexes after them."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        indexes = await indexes_of(connection)
        for name, _ in indexes:
            await connection.exec_driver_sql(f"DROP INDEX {name}")
        for statement in [*statements, *others]:
            await connection.exec_driver_sql(statement)
        for _, made in indexes:
            await connection.exec_driver_sql(made)
        if connection.dialect.name == "postgresql":  # as its own upkeep does
            await connection.exec_driver_sql("ANALYZE")
    await engine.dispose()


async def indexes_of(
    connection: AsyncConnection, tables: Sequence[str] = TABLES
) -> list[tuple[str, str]]:
    names = ", ".join(f"'{table}'" for table in tables)
    query = f"""SELECT name, sql FROM sqlite_master
      WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({names})"""
    if connection.dialect.name == "postgresql":
        query = f"""SELECT indexname AS name, indexdef AS sql FROM pg_indexes
          WHERE tablename IN ({names}) AND indexname NOT LIKE 'pk_%'"""
    return [(row.name, row.sql) for row in await connection.exec_driver_sql(query)]


def series(count: int, each: int = 1) -> str:
    """Return rows (n, j): so many works, each so many times; the same SQL on both databases."""
    return f"""WITH RECURSIVE works(n) AS
      (SELECT CAST(0 AS BIGINT) UNION ALL SELECT n + 1 FROM works WHERE n + 1 < {count}),
      times(j) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT j + 1 FROM times WHERE j + 1 < {each}),
      series AS (SELECT n, j FROM works CROSS JOIN times)"""


def works_of(count: int) -> str:
    """Return what writes works, each on a page of its own."""
    body = f"""'{{"title":"Work ' || n || '","content_type":"ARTICLE","languages":["en"],'
      || '"creators":[{{"name":"Ann Author"}}],"identifiers":["DOI:10.1234/x' || n || '"],'
      || '"addresses":["' || {_HOST} || {_PAGE} || '"],"content_tier":"standard",'
      || '"word_count":500,"rightholder":"R-' || (n % {HOSTS}) || '"}}'"""
    return f"""INSERT INTO works_version (version, change, starts_at, recorded_at, thing, sorted_by,
      words, body) {series(count)}
      SELECT n + 1, n + 1, 0, 0, 'W-' || n, 'work ' || n, ' ', {body} FROM series"""


def holders() -> list[str]:
    """Return what writes a member for each host, and the rightholder that it is."""
    member = """INSERT INTO registry_member (member_id, name, country, joined_on, account_scheme)
      {series} SELECT 'M-' || n, 'Member ' || n, 'GB', '2020-01-01', 'IBAN' FROM series"""
    rightholder = """INSERT INTO rightholders_version (version, change, starts_at, recorded_at,
      thing, sorted_by, words, body) {series}
      SELECT n + 1, n + 1, 0, 0, 'R-' || n, 'member ' || n, ' ',
      '{{"name":"Member ' || n || '","member":"M-' || n || '"}}' FROM series"""
    return [each.format(series=series(HOSTS)) for each in (member, rightholder)]


def claims() -> str:
    """Return what writes a claim on each host."""
    return f"""INSERT INTO registry_claim (claim_id, member_id, host, path, wildcard, content_tier,
      works, rules, recorded_at) {series(HOSTS)}
      SELECT 'C-' || n, 'M-' || n, {_HOST}, '/', false, 'standard', 1, '1.1', 0 FROM series"""


def one_of(names: Sequence[str], which: str) -> str:
    cases = " ".join(f"WHEN {place} THEN '{name}'" for place, name in enumerate(names))
    return f"CASE ({which}) % {len(names)} {cases} END"


_STATE, _USE = one_of(STATES, "n * 5 + j * 7"), one_of(USES, "n / 6 + j")
# One in ten ended within its two years, one in ten was known for a month.
_ENDS = f"CASE WHEN (n + j) % 10 = 0 THEN {_AT} + {SECOND * 30_000_000} END"
_GONE = f"CASE WHEN (n + j) % 10 = 5 THEN {_AT} + {SECOND * 2_592_000} END"


def records_of(count: int) -> str:
    """Return what writes the consent records of works."""
    return f"""INSERT INTO mandates_record (id, subject_kind, subject, member, state, "use",
      "right", territories, exclusive, effective_at, ends_at, basis, declared_by, capacity,
      recorded_at, recorded_by, reason, superseded_at) {series(count, EACH)}
      SELECT n * {EACH} + j + 1, 'WORK', 'W-' || n, 'M-' || (n % {HOSTS}), {_STATE}, {_USE}, 'ALL',
      '', false, {_AT}, {_ENDS}, 'DECLARATION', 'Ann Author', 'RIGHTHOLDER', {_AT}, 'rosa',
      'a letter', {_GONE} FROM series"""


def rulings_of(count: int) -> str:
    """Return what writes the rulings that follow from them, one for each record."""
    return f"""INSERT INTO registry_opt_out (host, path, wildcard, "use", effective_at, ends_at,
      recorded_at, rules, superseded_at, recorded_by, reason, state, source, record)
      {series(count, EACH)}
      SELECT {_HOST}, {_PAGE} || '$', false, {_USE}, {_AT}, {_ENDS}, {_AT}, '1.1', {_GONE}, 'rosa',
      'a letter', {_STATE}, substr('0123456789abcdef0123456789abcdef', 1, 24) || (10000000 + n),
      n * {EACH} + j + 1 FROM series"""


async def set_up(db: Database) -> None:
    async with db.write("bench") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))


class Asking:
    """Questions about works and pages at random, each round about others."""

    def __init__(self, count: int, server_cpu: Callable[[], float]) -> None:
        self._count, self._server_cpu = count, server_cpu

    def _some(self, turn: int) -> list[int]:
        return random.Random(turn).sample(range(self._count), ASKED)  # noqa: S311 - the same ones

    async def works(
        self, db: Database, question: asking.Question, *, with_records: bool = True
    ) -> Spent:
        """Measure `consent` for works."""
        return await self._p50(db, question, "works", lambda n: f"W-{n}", with_records=with_records)

    async def addresses(self, db: Database, question: asking.Question) -> Spent:
        """Measure `consent` for addresses."""
        return await self._p50(db, question, "addresses", address)

    async def _p50(
        self,
        db: Database,
        question: asking.Question,
        what: str,
        name: Callable[[int], str],
        *,
        with_records: bool = True,
    ) -> Spent:
        async def once(turn: int) -> None:
            asked: dict[str, Any] = {"works": None, "addresses": None}
            asked[what] = [name(n) for n in self._some(turn)]
            async with db.read() as session:
                found = await asking.answers(
                    session, NODE, question=question, with_records=with_records, **asked
                )
            assert len(found) == ASKED

        return await self._spent(once)

    async def rights(
        self, db: Database, at: datetime = NOW, known: datetime | None = None
    ) -> Spent:
        """Measure `rights`."""

        async def once(turn: int) -> None:
            urls = [address(n) for n in self._some(turn)]
            asked = rights.Question(urls, USE, at, known)
            async with db.read() as session:
                found = await rights.own_rights(session, asked, HUB_TERMS, NODE)
            assert len(found.items) == ASKED

        return await self._spent(once)

    async def _spent(self, once: Callable[[int], Awaitable[None]]) -> Spent:
        await once(ROUNDS)
        here, clock, server = [], [], self._server_cpu()
        for turn in range(ROUNDS):
            cpu, wall = time.process_time(), time.perf_counter()
            await once(turn)
            here.append(time.process_time() - cpu)
            clock.append(time.perf_counter() - wall)
        there = (self._server_cpu() - server) / ROUNDS  # it is counted in hundredths of a second
        return Spent(statistics.median(here) * 1e3, there * 1e3, statistics.median(clock) * 1e3)


def address(n: int) -> str:
    page = f"/{2010 + n % 15}/{1 + n % 12}/{1 + n % 28}/work-{n}"
    return f"https://pub{n % HOSTS}.example{page}"


async def questions(ask: Asking, db: Database, before: Spent) -> int:
    """Ask, print what it took, and return how many limits were missed."""
    now, missed = asking.Question(USE, NOW), 0
    for when, question in {
        "now": now,
        "as of a past instant": replace(now, at=THEN),
        "as of and as known then": replace(now, at=THEN, known_at=THEN),
    }.items():
        for what in (ask.works, ask.addresses):
            spent = await what(db, question)
            missed += spent.cpu > CONSENT_MAX
            print(f"  consent({what.__name__}) {when}: {spent.text} of at most {CONSENT_MAX:.0f}")
    spent = await ask.works(db, now, with_records=False)
    print(f"  consent(works) now, for a client that selects no record: {spent.text}")
    print(f"  rights without records: {before.text}")
    for when, at, known in (("now", NOW, None), ("as of and as known then", THEN, THEN)):
        spent = await ask.rights(db, at, known)
        missed += spent.cpu > RIGHTS_MAX
        times = f"{spent.cpu / before.cpu:.1f} times what it is without"
        print(f"  rights {when}: {spent.text} of at most {RIGHTS_MAX:.0f}, {times}")
    return missed


async def of_one_member(db: Database) -> int:
    """Measure a member with 100,000 records: its policy, and one check in the gate."""
    places = await newspaper(db)
    clock = time.process_time()
    server: Any = SimpleNamespace(
        db=db, code=NODE, clock=lambda: NOW, monotonic=time.monotonic, config=None
    )
    holder = SiteTermsHolder(server, SiteMemory(server))
    async with db.read() as session:
        said = await holder._said(session, "M-news", NOTHING)  # noqa: SLF001
    made = time.process_time() - clock
    assert said.rulings is not None
    pages = WithheldPages(unpack(said.rulings))
    asked = cycle([UrlKey("news.example", each) for each in places[:5_000]])
    taken = []
    for _ in range(9):
        clock = time.process_time()
        for _ in range(CHECKS):
            pages.why((next(asked),), USE, NOW)
        taken.append((time.process_time() - clock) / CHECKS * 1e6)
    size, check = len(said.rulings), min(taken)
    print(f"  policy of {len(places):,} records: {size:,} bytes, made in {made:.1f} s")
    print(f"  is a page withheld: {check:.1f} us of at most {CHECK_MICROSECONDS_MAX:.0f}")
    return (size > POLICY_BYTES_MAX) + (check > CHECK_MICROSECONDS_MAX)


async def newspaper(db: Database) -> list[str]:
    """Write a member and records on its pages, each recorded at a moment of its own."""
    pick = random.Random(1)  # noqa: S311 - the same pages each time
    paths: dict[str, None] = {}
    while len(paths) < RECORDS_OF_ONE:
        words = "-".join(pick.choices(WORDS, k=pick.randint(4, 8)))
        day = f"{pick.randint(2016, 2026)}/{pick.randint(1, 12):02}/{pick.randint(1, 28):02}"
        paths[f"/{day}/{words}"] = None
    rows = []
    for number, path in enumerate(paths):
        since = to_micros(NOW - timedelta(seconds=pick.randint(1, 10**8)))
        state, use = pick.choice(STATES), pick.choice(USES)
        row = ("news.example", f"{path}$", False, use, since, since, "1.1", state, f"s{number}")
        rows.append(row)
    columns = ["host", "path", "wildcard", "use", "effective_at", "recorded_at", "rules", "state"]
    async with db.write("newspaper") as session:
        member = Member(
            member_id="M-news",
            name="News",
            country="GB",
            joined_on=date(2020, 1, 1),
            account_scheme="IBAN",
        )
        session.add(member)
        await session.flush()
        session.add(
            Claim(
                claim_id="C-news",
                member_id="M-news",
                host="news.example",
                path="/",
                wildcard=False,
                content_tier="standard",
                works=1,
                rules="1.1",
                recorded_at=from_micros(0),
            )
        )
        await insert_rows(session, OptOut, [*columns, "source"], for_driver(session, rows))
    return list(paths)


def rss() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
