"""`make soak`: thousands of steps by chance, in several lives; prints what was done to them.

After them a collective with its own code sends wrong messages by chance, over real HTTP.

python tests/stateful/soak.py --steps 10000 --wrong-steps 2000 --seed 1
"""

import argparse
import asyncio
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2]))

from federation import logs
from tests.adversary.four import four_collectives
from tests.adversary.random_walk import Walk
from tests.adversary.rogue import Rogue
from tests.databases import SqliteFiles, quick_folder
from tests.stateful.machine import Plan, live

# What a long soak has to live through, by how a life counts it.
LIVED = {
    "a conversion": "done recordConversion",
    "a notification of a bank (camt.054)": "camt.054 taken",
    "a dispute between nodes": "dispute between nodes decided",
    "an outage of the hub": "outage of HUB",
    "an outage of a node": "outage of a node",
}
LONG_STEPS = 2_000  # from which on each of them is sure to have come
LIFE_STEPS = 500  # a life of some four months; the next begins with another seed
CHECK_EVERY = 50


async def soak(seed: int, steps: int) -> None:
    """Live one life after the other, each of its own seed; a defect ends it with a traceback."""
    folder = quick_folder("federation-soak-")
    asked, sums = Counter[str](), Counter[str]()
    began, done = time.monotonic(), 0
    try:
        files = SqliteFiles(folder)
        await files.start()
        while done < steps:
            plan = Plan(seed, min(LIFE_STEPS, steps - done), CHECK_EVERY)
            life = await live(files, folder / str(seed), plan)
            asked += life.counts
            sums.update(
                crashes=sum(life.world.crashes.values()),
                mishaps=sum(life.world.network.counts.values()),
                refusals=sum(life.refusals.values()),
                commits=sum(life.world.commits.values()) // 2,
                places=len(life.world.crashes),
            )
            done += plan.steps
            speed = done / (time.monotonic() - began)
            say(f"seed {seed}: {done} steps, {speed:.0f} a second, until {life.now:%Y-%m-%d}")
            shutil.rmtree(folder / str(seed))
            seed += 1
    finally:
        shutil.rmtree(folder)
    report(done, asked, sums)
    require_lived(done, asked)


def require_lived(steps: int, counts: Counter[str]) -> None:
    """End a long soak with an error (LookupError) that names what never came in it."""
    missing = [what for what, count in LIVED.items() if not counts[count]]
    if steps >= LONG_STEPS and missing:
        raise LookupError(f"{steps} steps without {', '.join(missing)}")


async def soak_wrong(seed: int, steps: int) -> None:
    """Send wrong messages by chance, half of them before the cut-off and half after it."""
    folder = quick_folder("federation-soak-")
    try:
        files = SqliteFiles(folder)
        await files.start()
        async with four_collectives(files, folder) as small:
            walk = Walk(small, await Rogue.instead_of(small, "ZZ"), Random(seed))
            await walk.through_the_month(steps // 2)
    finally:
        shutil.rmtree(folder)
    say(f"{steps} steps of wrong messages: nobody else was touched, the month was settled")
    for name, count in sorted(walk.counts.items()):
        say(f"  {name:<24}{count:>7}")


def report(steps: int, asked: Counter[str], sums: Counter[str]) -> None:
    """Say what was done, by kind."""
    say(f"{steps} steps without a violation")
    for name in sorted({key.partition(" ")[2] for key in asked if key.startswith("asked ")}):
        if " " not in name:
            say(f"  {name:<24}{asked['asked ' + name]:>7} asked{asked['done ' + name]:>7} done")
    say(f"  {sums['commits']} commits; {sums['crashes']} servers died at one and began anew")
    say(f"  {sums['mishaps']} deliveries lost, cut, doubled, shuffled or repeated")
    say("  " + ", ".join(f"{what}: {asked[count]} times" for what, count in LIVED.items()))
    say(f"  {asked['two at once']} times two at once; {sums['refusals']} refusals wrote nothing")


def say(text: str) -> None:
    """Print a line now."""
    print(text, flush=True)  # noqa: T201


def main() -> None:
    """Read the arguments and soak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wrong-steps", type=int, default=2_000)
    given = parser.parse_args()
    logs.configure("error")
    asyncio.run(soak(given.seed, given.steps))
    asyncio.run(soak_wrong(given.seed, given.wrong_steps))


if __name__ == "__main__":
    main()
