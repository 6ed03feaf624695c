"""What grows with months, lines and licences: how much a row of it costs as there are more.

- a node's lines at cut-off and close: decided so many at a time, so that memory stays flat;
- `usesOf`: an address under many licences, whose month holds 20,000 lines, in one reading;
- the opening of a month: what the months before could not pay, read from the last of them;
- `members.csv` as it is sent: some members at a time, so that memory stays flat.

Each size runs in a process of its own, so that its memory is its own. Ends with 1 where the largest
size costs more than it may beside the smallest.

    bench/growth.py                  a tenth of a minute
    bench/growth.py --lines 400000   a longer month
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import federation.banking.tables
import federation.documents.tables
import federation.licensing.tables
import federation.months.tables
import federation.payments.tables
import federation.registry.tables
import federation.runs.tables
import federation.suspense.tables  # noqa: F401 - imported for their tables
from federation.addresses.urls import normalise_claim
from federation.claimindex.index import ClaimIndex, IndexedClaim
from federation.config import HubPeer, NodeConfig
from federation.distribution import store as distribution
from federation.distribution.members_file import member_parts
from federation.distribution.tables import MemberAmount, MemberBalance
from federation.edge.spooled import spooled
from federation.licensing.facts import Component, LicenceFacts
from federation.metering import routing
from federation.metering.tables import Line, MeteringPeriod, Portion
from federation.metering.tally import Placer
from federation.metering.totals import AddressTotal
from federation.metering.verdicts import Terms
from federation.proof.uses import earned_by_address
from federation.store import migrations
from federation.store.base import to_micros
from federation.store.bulk import insert_rows
from federation.store.database import Database
from federation.store.tables import OutboxMessage  # noqa: F401 - imported for its table
from federation.values.month import Month

PERIOD, NOW = Month("2026-09"), datetime(2026, 10, 2, tzinfo=UTC)
AT = to_micros(datetime(2026, 9, 10, tzinfo=UTC))
ADDRESSES, MEMBERS, PORTIONS = 500, 2_000, 20_000
FLAT, LINEAR = 1.5, 1.5  # the largest beside the smallest: memory; CPU for each

Figures = dict[str, float]


@asynccontextmanager
async def database() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        found = Database(f"sqlite+aiosqlite:///{Path(folder) / 'node.sqlite'}")
        async with found.write("migrate") as session:
            await (await session.connection()).run_sync(migrations.upgrade)
        yield found
        await found.close()


async def measured(act: Callable[[], Awaitable[object]]) -> Figures:
    worked = time.process_time()
    await act()
    return {
        "cpu": time.process_time() - worked,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


async def lines(count: int) -> Figures:
    """Decide a month of so many lines that entered at their owner, at a few hundred addresses."""
    async with database() as db:
        await add_lines(db, count)
        placer = Placer(
            here="DE",
            licences={"HUB-000001": licence()},
            repertoire={},
            index=ClaimIndex([claim()], []),
            terms=Terms({"standard": 1_000}, {"TRAIN": 1_000}),
            owner_bps=lambda _: 0,
            member_of={"holder": "anna"}.get,
        )

        async def act() -> None:
            async with db.write("month.forward") as session:
                assert await routing.forward_entered(session, PERIOD, placer, NOW) == 0

        return await measured(act)


async def add_lines(db: Database, count: int) -> None:
    columns = ["reporter", "event_id", "licence", "url", "use", "units", "occurred_at"]
    columns += ["period", "source", "verdict", "evidence"]
    async with db.write("lines") as session:
        session.add(MeteringPeriod(period=PERIOD, state="CUT_OFF", cut_off_at=NOW, round=0))
        for start in range(0, count, 10_000):
            rows: list[tuple[object, ...]] = [
                (
                    "site",
                    f"e-{number:09}",
                    "HUB-000001",
                    f"https://a.example/{number % ADDRESSES}",
                    "TRAIN",
                    1 + number % 7,
                    AT,
                    PERIOD,
                    "site",
                    None,
                    None,
                )
                for number in range(start, min(start + 10_000, count))
            ]
            await insert_rows(session, Line, columns, rows)


def licence() -> LicenceFacts:
    return LicenceFacts(
        number="HUB-000001",
        licensor="HUB",
        licensee="lab",
        currency="EUR",
        starts_on=date(2026, 9, 1),
        ends_on=date(2026, 9, 30),
        revoked_at=None,
        usage_basis="site",
        unclaimed="hold",
        components=(Component(None, frozenset({"TRAIN"}), "TOKEN", 1),),
    )


def claim() -> IndexedClaim:
    key = normalise_claim("a.example")
    return IndexedClaim("DE", "0" * 32, "holder", key, date(2026, 1, 1), None, "standard", None)


async def uses(licences: int) -> Figures:
    """Ask what an address earned under so many licences, in a month of 20,000 weights."""
    config = NodeConfig(
        entity_id="https://de.example",
        data_dir=Path(),
        code="DE",
        name="DE",
        country="DE",
        settlement_currency="EUR",
        admin_fee_bps=0,
        collecting_fee_bps=0,
        minimum_payment=0,
        plan="per_usage",
        hub=HubPeer("https://hub.example", "https://hub.example", "k" * 43),
    )
    numbers = [f"HUB-{number:06}" for number in range(licences)]
    async with database() as db:
        async with db.write("month") as session:
            for number in numbers:
                session.add(
                    MemberAmount(
                        period=PERIOD,
                        member_id="anna",
                        licence=number,
                        use="TRAIN",
                        units=1,
                        source="received",
                        part="received",
                        amount=1_000,
                        currency="EUR",
                    )
                )
            columns = ["period", "licence", "use", "party", "member", "claim_id", "url_key"]
            rows: Iterator[tuple[object, ...]] = (
                (
                    PERIOD,
                    numbers[n % licences],
                    "TRAIN",
                    "DE",
                    "anna",
                    None,
                    f"a.example/{n}",
                    "1",
                    "1",
                )
                for n in range(PORTIONS)
            )
            await insert_rows(session, Portion, [*columns, "weight", "units"], list(rows))
        asked = [
            AddressTotal(PERIOD, number, f"a.example/{n}", "TRAIN", "MATCHED", "anna", 1, 1)
            for n, number in enumerate(numbers)
        ]

        async def act() -> None:
            async with db.read() as session:
                assert len(await earned_by_address(session, config, asked)) == licences

        return await measured(act)


async def opening(months: int) -> Figures:
    """Open a month after so many, with 2,000 members each."""
    periods = [f"{2020 + n // 12}-{1 + n % 12:02}" for n in range(months)]
    columns = ["period", "member_id", "opening", "attributed", "adjusted", "payable"]
    async with database() as db:
        async with db.write("months") as session:
            for period in periods:
                rows: list[tuple[object, ...]] = [
                    (period, f"m-{n}", "0", "5", "0", "0", "5", "BELOW_MINIMUM")
                    for n in range(MEMBERS)
                ]
                await insert_rows(session, MemberBalance, [*columns, "outstanding", "reason"], rows)

        async def act() -> None:
            async with db.read() as session:
                assert (
                    len(await distribution.outstanding_before(session, Month("2099-01"))) == MEMBERS
                )

        return await measured(act)


async def members(count: int) -> Figures:
    """Write the file of a month with so many lines of members, five each, as it is sent."""
    columns = ["period", "member_id", "licence", "use", "units", "source", "part", "amount"]
    async with database() as db:
        async with db.write("month") as session:
            for start in range(0, count, 10_000):
                rows: list[tuple[object, ...]] = [
                    (
                        PERIOD,
                        f"m-{n // 5}",
                        f"HUB-{n % 5:06}",
                        "TRAIN",
                        "7",
                        "received",
                        "received",
                        "1000",
                        "EUR",
                    )
                    for n in range(start, min(start + 10_000, count))
                ]
                await insert_rows(session, MemberAmount, [*columns, "currency"], rows)

        async def act() -> None:
            async with db.read() as session:
                parts = member_parts(session, PERIOD, "EUR")
                with await spooled(parts, Path(tempfile.gettempdir())) as file:
                    assert sum(1 for _ in file) == count + 1

        return await measured(act)


SUBJECTS = {"lines": lines, "uses": uses, "opening": opening, "members": members}


def measure_apart(subject: str, size: int) -> Figures:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--one", subject, str(size)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 - ourselves
    found: Figures = json.loads(answer.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    asked, _ = parser.parse_known_args()
    if asked.one:
        subject, size = asked.one
        print(json.dumps(asyncio.run(SUBJECTS[subject](int(size)))))
        return
    is_missed = False
    for subject, sizes, cost in (
        ("lines", [asked.lines // 4, asked.lines // 2, asked.lines], "each"),
        ("uses", [10, 25, 50], "whole"),
        ("opening", [12, 24, 48], "whole"),
        ("members", [50_000, 100_000, 200_000], "each"),
    ):
        found = [measure_apart(subject, size) for size in sizes]
        for size, figures in zip(sizes, found, strict=True):
            print(
                f"{subject:>8}{size:>10,}{figures['cpu']:>8.2f} s of CPU"
                f"{figures['cpu'] / size * 1e6:>10.1f} us each{figures['memory']:>6.0f} MiB",
                flush=True,
            )
        costs = [
            figures["cpu"] / (size if cost == "each" else 1)
            for figures, size in zip(found, sizes, strict=True)
        ]
        is_missed |= (
            found[-1]["memory"] > FLAT * found[0]["memory"] or costs[-1] > LINEAR * costs[0]
        )
    print(f"wanted: memory at most {FLAT} times, the CPU of a line or a question {LINEAR} times")
    sys.exit(is_missed)


if __name__ == "__main__":
    main()
