"""What a federation costs as more collectives join: up to 120 nodes with the same usage.

A scenario folder is made for each size (5 licences, one month, 20,000 usage lines, two members a
collective) and settled by `federation scenario run`: a hub and every node as real servers in one
process, over HTTP. Printed are seconds, CPU seconds and the peak of memory for each size. It ends
with 1 where the largest size costs more CPU beside the smallest than `TIMES_MAX`. The same size
settles the same month wherever it runs: what it prints of the run is its id.

    bench/nodes.py                        8 and 24 nodes
    bench/nodes.py --sizes 20 60 120      the whole of it
    bench/nodes.py --keep FOLDER          keep the scenarios and what they came to
    bench/nodes.py --federation COMMAND   with another installation, such as an earlier version's
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

LINES, LICENCES, MEMBERS, ADDRESSES = 20_000, 5, 2, 10
TIMES_MAX = 1.1  # what the CPU of a node may come to in the largest size beside the smallest
FEDERATION = str(Path(sys.executable).parent / "federation")

MANIFEST = """format = 1
periods = ["2026-09"]
[hub]
clearing_currency = "EUR"
fee_bps = 300
fee_band_bps = [1000, 3000]
account = "FR1420041010050500013M02606"
[terms]
tier_weight = { premium = 3000, standard = 1000, commodity = 500 }
use_weight = { TRAIN = 1000, FINE_TUNE = 1000, GROUND = 1500, INDEX = 500, SEARCH = 250 }
[[licensee]]
id = "lab-one"
name = "Lab One"
"""
LICENCE = """[[licence]]
id = "L{number}"
licensee = "lab-one"
issuer = "HUB"
uses = ["TRAIN", "GROUND"]
currency = "EUR"
fee = {fee}
starts_on = 2026-09-01
ends_on = 2026-09-30
usage_basis = "site"
"""
COLLECTIVE = """[[collective]]
code = "{code}"
name = "Collective {code}"
country = "DE"
settlement_currency = "EUR"
admin_fee_bps = 1000
collecting_fee_bps = 1000
minimum_payment = 100
plan = "per_usage"
account = "DE89370400440532013000"
"""


class Cost(NamedTuple):
    """What a run took: seconds by the clock, seconds of CPU, the peak of memory in MiB."""

    clock: float
    cpu: float
    memory: float
    run_id: str


def host(node: int, member: int) -> str:
    return f"m{member}.n{node:03}.example"


def write(
    folder: Path, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def make(folder: Path, nodes: int) -> None:
    """Write a scenario folder for so many collectives."""
    folder.mkdir(parents=True)
    codes = [f"N{number:03}" for number in range(nodes)]
    licences = [LICENCE.format(number=n, fee=1_000_000 + n) for n in range(LICENCES)]
    parts = [MANIFEST, *licences, *(COLLECTIVE.format(code=code) for code in codes)]
    (folder / "scenario.toml").write_text("".join(parts), encoding="utf-8")
    everybody = [(number, member) for number in range(nodes) for member in range(MEMBERS)]
    write(
        folder,
        "members.csv",
        ["collective", "member_id", "name", "country", "joined_on"],
        ([codes[n], f"m{m}", f"Member {m}", "DE", "2024-01-01"] for n, m in everybody),
    )
    write(
        folder,
        "works.csv",
        ["collective", "member_id", "claim", "content_tier"],
        ([codes[n], f"m{m}", f"{host(n, m)}/", "standard"] for n, m in everybody),
    )
    write(folder, "optouts.csv", ["collective", "subject", "use", "effective_at"], [])
    write(folder, "rates.csv", ["date", "currency", "rate"], [["2026-08-31", "GBP", "0.86545"]])
    columns = ["event_id", "licence", "url", "use", "units", "occurred_at", "source"]
    write(folder, "usage.csv", columns, map(usage_of(nodes), range(LINES)))


def usage_of(nodes: int) -> Callable[[int], list[object]]:
    """Return what gives a row of usage by its number."""

    def row(number: int) -> list[object]:
        node, rest = number % nodes, number // nodes
        url = f"https://{host(node, rest % MEMBERS)}/{rest % ADDRESSES}"
        day = 1 + number % 28
        use = ("TRAIN", "GROUND")[number % 2]
        at = f"2026-09-{day:02}T10:00:00Z"
        return [f"e-{number:06}", f"L{number % LICENCES}", url, use, 1 + number % 7, at, "site"]

    return row


def run(command: str, folder: Path, out: Path) -> Cost:
    """Settle a folder in a process of its own, and say what it and what it started took."""
    started = time.monotonic()
    arguments = [command, "scenario", "run", str(folder), "--out", str(out), "--quiet"]
    process = subprocess.Popen(arguments)  # noqa: S603 - ourselves
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{folder.name} ended with {os.waitstatus_to_exitcode(status)}")
    (run_file,) = (out / "runs").glob("*.json")
    digest = subprocess.run(["sha256sum", run_file], stdout=subprocess.PIPE, check=True)  # noqa: S603, S607
    return Cost(
        time.monotonic() - started,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        digest.stdout.decode()[:12],
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 24])
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--federation", default=FEDERATION)
    asked, _ = parser.parse_known_args()
    costs: dict[int, Cost] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for size in asked.sizes:
            folder = (asked.keep or Path(temporary)) / f"nodes-{size}"
            make(folder / "in", size)
            costs[size] = cost = run(asked.federation, folder / "in", folder / "out")
            print(
                f"{size:>5} nodes{cost.clock:>8.1f} s{cost.cpu:>8.1f} s of CPU"
                f"{cost.cpu / size * 1000:>8.0f} ms each{cost.memory:>7.0f} MiB  {cost.run_id}",
                flush=True,
            )
    small, large = min(costs), max(costs)
    each = costs[large].cpu / large / (costs[small].cpu / small)
    print(f"the CPU of a node {each:.2f} times; wanted: at most {TIMES_MAX}")
    sys.exit(each > TIMES_MAX)


if __name__ == "__main__":
    main()
