"""A month's close: 10,000,000 (licence, node, member) weights, from cut-off to member totals.

The weights lie in SQLite. They are added up per licence and node, the run is computed and named,
its positions are written, and each licence is split over the members of 230 nodes in turn; then
every member's total is written. One licence is in memory at a time. All arithmetic is production's
(`run.compute`, `distribution.allocate`, `licence_lines`).

    bench/close.py                   a quarter, half and all of 2,000,000
    bench/close.py --weights 10000000 --limit 60

Each size runs in a process of its own, so that its memory is its own.
"""

import argparse
import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from federation.distribution.inputs import node_terms
from federation.settlement.plans import (
    DOMESTIC,
    RECEIVED,
    Allocation,
    MemberFacts,
    MemberLine,
    NodeInputs,
    allocate,
    licence_lines,
)
from federation.settlement.run import RunResult, compute, document_rates, received_by
from federation.settlement.run_document import (
    CollectiveInRun,
    ComponentInRun,
    HubInRun,
    LicenceInRun,
    PublishedRate,
    RunDocument,
    WeightsInRun,
    encode,
    run_id,
)
from federation.values.licence_key import LicenceKey
from federation.values.month import Month
from federation.values.party import HUB

PERIOD = Month("2026-09")
NODES, LICENCES, MEMBERS = 230, 200, 100_000
PER_LICENCE = MEMBERS // 2  # each licence is used of every second member
DEFAULT, MEMORY_MAX = 2_000_000, 1 << 30
LINEAR_MAX = 1.5  # CPU: a line in the largest month against one in the smallest
CURRENCIES = ("EUR", "GBP", "JPY", "USD")
RATES = {"GBP": "0.8675", "JPY": "171.43", "USD": "1.1741"}

SCHEMA = """
CREATE TABLE weight (licence TEXT, node TEXT, member TEXT, weight TEXT,
  PRIMARY KEY (licence, node, member)) WITHOUT ROWID;
CREATE TABLE run (run_id TEXT PRIMARY KEY, document BLOB);
CREATE TABLE position (node TEXT PRIMARY KEY, receivable TEXT, payable TEXT, net TEXT,
  remittance TEXT, currency TEXT);
CREATE TABLE member_total (node TEXT, member TEXT, amount TEXT, currency TEXT,
  PRIMARY KEY (node, member)) WITHOUT ROWID;
"""

Totals = dict[str, dict[str, int]]  # {node: {member: amount}}


def node_codes() -> list[str]:
    return [f"N{number:03d}" for number in range(NODES)]


def members_of() -> dict[str, list[str]]:
    """Return {node: its members}: some nodes have a hundred times as many as others."""
    sizes = [1 + 99 * rank // NODES for rank in range(NODES)]
    members: dict[str, list[str]] = {}
    start = 0
    for number, code in enumerate(node_codes(), start=1):
        end = MEMBERS * sum(sizes[:number]) // sum(sizes)
        members[code] = [f"{code}-{place:06d}" for place in range(start, end)]
        start = end
    return members


def licence_keys(weights: int) -> list[LicenceKey]:
    return [LicenceKey(f"HUB-{number:06d}") for number in range(1, weights // PER_LICENCE + 1)]


def fill(path: Path, weights: int) -> None:
    """Write the usage of a month, weighed: units x tier x use x basis points."""
    chance = random.Random(11)  # noqa: S311 - made up, the same each time
    everybody = [(code, member) for code, ids in MEMBERS_OF.items() for member in ids]
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)
        for key in licence_keys(weights):
            rows = (
                (key, code, member, str(chance.randrange(1, 5_000) * 10**10))
                for code, member in everybody[chance.randrange(2) :: 2]
            )
            connection.executemany("INSERT INTO weight VALUES (?, ?, ?, ?)", rows)
    connection.close()


def weights_by_node(
    connection: sqlite3.Connection, licence: str
) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield (node, {member: weight}) of one licence."""
    rows = connection.execute(
        "SELECT node, member, weight FROM weight WHERE licence = ? ORDER BY node, member",
        (licence,),
    )
    for node, of_node in groupby(rows, key=itemgetter(0)):
        yield node, {member: int(weight) for _, member, weight in of_node}


def shares_by(
    connection: sqlite3.Connection, keys: Iterable[LicenceKey]
) -> Iterator[tuple[LicenceKey, str, str]]:
    """Yield (licence, node, weight) as usage reports add it up."""
    for key in keys:
        rows = connection.execute("SELECT node, weight FROM weight WHERE licence = ?", (key,))
        sums: defaultdict[str, int] = defaultdict(int)
        for node, weight in rows:
            sums[node] += int(weight)
        for node, total in sums.items():
            yield key, node, str(total)


def run_document(connection: sqlite3.Connection, keys: list[LicenceKey]) -> RunDocument:
    """Freeze the inputs of the month's run: nodes of two plans, licences in four currencies."""
    used = list(shares_by(connection, keys))
    return RunDocument(
        format=1,
        period=PERIOD,
        first_period=PERIOD,
        hub=HubInRun("EUR", 300, 100, (0, 5000)),
        weights=WeightsInRun({"standard": "1000"}, {"TRAIN": "1000"}),
        collectives={code: collective(place) for place, code in enumerate(node_codes())},
        licences={key: licence(place, key) for place, key in enumerate(keys)},
        rates={c: PublishedRate("2026-09-30", RATES[c]) for c in sorted(RATES)},
        shares_by=sorted(used),
        classes={"MATCHED": (len(keys) * PER_LICENCE, str(len(keys) * PER_LICENCE))},
        reports=dict.fromkeys(node_codes(), "0" * 64),
    )


def collective(place: int) -> CollectiveInRun:
    is_hybrid = place % 3 == 0
    return CollectiveInRun(
        country="DE",
        settlement_currency=CURRENCIES[place % len(CURRENCIES)],
        admin_fee_bps=1500,
        collecting_fee_bps=500,
        minimum_payment="100",
        plan="hybrid" if is_hybrid else "per_usage",
        base_bps=2000 if is_hybrid else None,
        tiers=None,
    )


def licence(place: int, key: LicenceKey) -> LicenceInRun:
    """Return a licence, paid in full; every fifth is a node's own."""
    fee = str(50_000_000 + 7_919 * place)
    return LicenceInRun(
        licensor=node_codes()[place % NODES] if place % 5 == 0 else HUB,
        licensee=f"lab-{place}",
        currency=CURRENCIES[place % len(CURRENCIES)],
        starts_on="2026-09-01",
        ends_on="2027-08-31",
        unclaimed="exclude",
        usage_basis="lab",
        components=[ComponentInRun(None, ["TRAIN"], "TOKEN", fee)],
        received=fee,
        recognised_before={key: "0"},
        brought_forward={key: "0"},
        weights_from={key: "period"},
    )


def close(path: Path, keys: list[LicenceKey]) -> dict[str, float]:
    """Close the month; return seconds by step."""
    taken, last = {}, time.perf_counter()

    def step(name: str) -> None:
        nonlocal last
        taken[name], last = time.perf_counter() - last, time.perf_counter()

    connection = sqlite3.connect(path)
    document = run_document(connection, keys)
    step("weights added up")
    data = encode(document)
    result = compute(document)
    write_positions(connection, document, data, result)
    step("run, positions")
    totals = distribute_all(connection, document, result)
    step("distributed")
    rows = [
        (node, member, str(amount), document.collectives[node].settlement_currency)
        for node, of_node in totals.items()
        for member, amount in sorted(of_node.items())
    ]
    with connection:
        connection.executemany("INSERT INTO member_total VALUES (?, ?, ?, ?)", rows)
    connection.close()
    step("totals written")
    return taken


def write_positions(
    connection: sqlite3.Connection, document: RunDocument, data: bytes, result: RunResult
) -> None:
    with connection:
        connection.execute("INSERT INTO run VALUES (?, ?)", (run_id(data), data))
        connection.executemany(
            "INSERT INTO position VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    code,
                    str(result.positions[code].receivable),
                    str(result.positions[code].payable),
                    str(result.positions[code].net),
                    str(result.remittances[code]),
                    terms.settlement_currency,
                )
                for code, terms in document.collectives.items()
            ],
        )
    assert not sum(position.net for position in result.positions.values())


def distribute_all(
    connection: sqlite3.Connection, document: RunDocument, result: RunResult
) -> Totals:
    """Split each licence over the members of every node, one licence at a time."""
    nodes = {code: node_inputs(document, result, code) for code in document.collectives}
    allocations = {code: allocate(inputs) for code, inputs in nodes.items()}
    totals: Totals = {code: defaultdict(int) for code in nodes}
    for code, allocation in allocations.items():
        for heads in allocation.heads.values():
            add(totals[code], heads)
    for key in result.licences:
        for code, weights in weights_by_node(connection, key):
            inputs, allocation = nodes[code], allocations[code]
            for side in (RECEIVED, DOMESTIC):
                if key in allocation.licences[side]:
                    add(totals[code], licence_lines(inputs, allocation, side, key, weights))
    for code, allocation in allocations.items():
        assert sum(totals[code].values()) == to_share(allocation), code
    return totals


def to_share(allocation: Allocation) -> int:
    """Return what a node's members get together."""
    return allocation.received - allocation.admin_fee + allocation.domestic


def add(totals: dict[str, int], lines: Iterable[MemberLine]) -> None:
    for line in lines:
        totals[line.member] += line.amount


def node_inputs(document: RunDocument, result: RunResult, code: str) -> NodeInputs:
    received, domestic = received_by(result.licences, code)
    return NodeInputs(
        node=node_terms(code, document.collectives[code]),
        period=document.period,
        received=received,
        domestic=domestic,
        member_weights={},  # read licence by licence
        members=[MemberFacts(member, True, 1) for member in MEMBERS_OF[code]],
        rates=document_rates(document),
    )


MEMBERS_OF = members_of()


def measure(weights: int) -> dict[str, float]:
    """Fill a database and close its month, here; return figures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "month.sqlite"
        started = time.perf_counter()
        fill(path, weights)
        filled = time.perf_counter() - started
        worked = time.process_time()
        taken = close(path, licence_keys(weights))
        worked = time.process_time() - worked
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        about = {"all": sum(taken.values()), "memory": memory, "filled": filled, "cpu": worked}
        return {**taken, **about}


def measure_apart(weights: int) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--one", str(weights)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 - ourselves
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", type=int, default=DEFAULT)
    parser.add_argument("--limit", type=float, help="seconds for all of them")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked, _ = parser.parse_known_args()
    if asked.one:
        print(json.dumps(measure(asked.one)))
        return
    sizes = [asked.weights // 4, asked.weights // 2, asked.weights]
    limit = asked.limit or 60 * asked.weights / 10_000_000
    print(f"{NODES} nodes, {MEMBERS:,} members, {PER_LICENCE:,} weights a licence")
    found = []
    for size in sizes:
        found.append(figures := measure_apart(size))
        steps = ", ".join(
            f"{name} {figures[name]:.1f}"
            for name in figures
            if name not in {"all", "memory", "filled", "cpu"}
        )
        print(
            f"{size:>12,} weights{figures['all']:>8.1f} s"
            f"{figures['cpu'] / size * 1e6:>7.2f} us of CPU each"
            f"{figures['memory'] / 2**20:>8.0f} MiB   ({steps}; filled in {figures['filled']:.0f})",
            flush=True,
        )
    each = [figures["cpu"] / size for figures, size in zip(found, sizes, strict=True)]
    print(f"wanted: at most {limit:g} s and 1,024 MiB, a line at most {LINEAR_MAX} times the CPU")
    missed = found[-1]["all"] > limit or found[-1]["memory"] > MEMORY_MAX
    sys.exit(1 if missed or each[-1] > LINEAR_MAX * each[0] else 0)


if __name__ == "__main__":
    main()
