"""A catalogue of one rightholder that is no member, of which three consent records are known.

The same file of works is taken without records and with them: each work is on a page of its own,
where each record is a ruling, told to the hub; and all on one page more, which they share. It comes
in quarters, so that one can see that a work costs the same however many are there. Then the
rightholder is given another name, which moves nothing, and becomes a member, which moves all.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.consents import ANNA, BEN, in_parts
from bench.registry import database
from federation.history.kinds import Saying
from federation.mandates.following import follower
from federation.mandates.records import DraftRecord
from federation.nodes.registry_files import take_in
from federation.process import run_loop
from federation.proposals import acts, service
from federation.proposals.rules import rules_by
from federation.registry import service as claims
from federation.registry.entering import enter_table
from federation.registryimports.options import read_options
from federation.rightholders import service as rightholders
from federation.rightholders.rightholder import DraftRightholder
from federation.store.database import Database
from tests.databases import HUB_TERMS, a_party

NOW, HOUR = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)
WORKS, PARTS, HOSTS = 20_000, 4, 100
STATES = (("EXTENDED", "TRAIN"), ("WITHHELD", "GROUND"), ("MANDATED", "SEARCH"))
GROWTH_MAX, RULING_MAX = 1.5, 150.0  # of a work's CPU; microseconds of CPU a ruling more
MEMBER = b"member_id,name,country,joined_on\nM-1,Ann,GB,2020-01-01\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--works", type=int, default=WORKS)
    parser.add_argument("--only", choices=["sqlite", "postgres"])
    given = parser.parse_args()
    missed = 0
    for kind in [given.only] if given.only else ["sqlite", "postgres"]:
        without = run_loop(measure(kind, given.works, 0))
        with_all = run_loop(measure(kind, given.works, len(STATES)))
        more = (sum(with_all) - sum(without)) / PARTS / len(STATES)
        print(f"{kind}: {more:.0f} us of CPU more for each ruling")
        missed += more > RULING_MAX or with_all[-1] > with_all[0] * GROWTH_MAX
    sys.exit(bool(missed))


async def measure(kind: str, count: int, records: int) -> list[float]:
    """Return the microseconds of CPU that a work of each quarter took."""

    async def terms(session: Any) -> Any:
        del session
        return HUB_TERMS

    with tempfile.TemporaryDirectory(prefix="bench-non-members-") as name:
        async with database(kind, Path(name)) as (url, server_cpu):
            db = Database(url)
            db.follow(follower("GB"))
            await begin(db, records)
            server: Any = SimpleNamespace(db=db, code="GB", clock=lambda: NOW, terms=terms)
            spent: list[float] = []
            for part in range(PARTS):
                clock = Clock(server_cpu)
                numbers = range(count * part // PARTS, count * (part + 1) // PARTS)
                options = read_options({"id": f"P-{part}", "kind": "works", "format": "ndjson"})
                await take_in(server, options, ANNA, in_parts(the_works(numbers)))
                spent.append(clock.spent() / len(numbers) * 1e6)
            figures = ", ".join(f"{each:.0f}" for each in spent)
            print(f"{kind}, {records} records: {figures} us of CPU a work, quarter by quarter")
            later = NOW
            for what, draft in (
                ("another name", DraftRightholder("Ann Weir")),
                ("a member", DraftRightholder("Ann Weir", member="M-1")),
            ):
                clock = Clock(server_cpu)
                later += HOUR
                await change(db, draft, later)
                print(f"  {what}: {clock.spent():.2f} s of CPU")
            await db.close()
    return spent


@dataclass(init=False)
class Clock:
    """What passed of CPU since it was made, here and in the database."""

    def __init__(self, server_cpu: Callable[[], float]) -> None:
        self._server_cpu = server_cpu
        self._cpu = time.process_time() + server_cpu()

    def spent(self) -> float:
        """Return seconds."""
        return time.process_time() + self._server_cpu() - self._cpu


async def begin(db: Database, records: int) -> None:
    async with db.write("bench") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
    async with db.write("bench") as session:
        table = await claims.read_table(session, "members", MEMBER, node="GB")
        await enter_table(session, table, node="GB", saying=Saying("anna", "bench", NOW))
        await rightholders.ACTS.register(
            session,
            "R-1",
            DraftRightholder("Ann"),
            starts_at=NOW,
            saying=Saying("anna", "bench", NOW),
        )
    rules = rules_by("GB", HUB_TERMS, NOW)
    for state, use in STATES[:records]:
        act = acts.RecordConsent(DraftRecord("rightholder:R-1", state, "Ann Weir", use=use))
        async with db.write("bench") as session:
            found = await service.submit(session, act, who=ANNA, reason="bench", rules=rules)
        if not isinstance(found, service.Done):
            async with db.write("bench") as session:
                await service.confirm(session, found.id, who=BEN, rules=rules)


async def change(db: Database, draft: DraftRightholder, now: datetime) -> None:
    async with db.write("bench") as session:
        await rightholders.ACTS.change(
            session,
            "R-1",
            draft,
            starts_at=now,
            ends_at=None,
            saying=Saying("anna", "bench", now),
        )


def the_works(numbers: range) -> Iterator[bytes]:
    for number in numbers:
        addresses = [f"pub{number % HOSTS}.example/a/{number}", "pub.example/"]
        work = {
            "work_id": f"W-{number}",
            "title": "Salt",
            "addresses": addresses,
            "rightholder": "R-1",
        }
        yield msgspec.json.encode(work) + b"\n"


if __name__ == "__main__":
    main()
