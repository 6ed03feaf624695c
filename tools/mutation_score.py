"""Say what share of the mutants of `make mutation` the tests noticed, module by module.

    python tools/mutation_score.py [--least 90]

Reads what mutmut left in `mutants/`. A mutant is killed when a test fails or runs for ever; one
that no test reaches survives. Names the survivors, and ends with 1 below the least share.
"""

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

MUTANTS = Path("mutants")
PASSED, NO_TESTS = 0, 33  # exit codes of pytest and of mutmut


def results() -> dict[str, dict[str, int | None]]:
    """Return {module: {mutant: exit code}}; None where none was run yet."""
    found: dict[str, dict[str, int | None]] = {}
    for path in sorted(MUTANTS.rglob("*.meta")):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        if codes:
            found[str(path.relative_to(MUTANTS)).removesuffix(".py.meta")] = codes
    return found


def main() -> None:
    """Print the table and the survivors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--least", type=float, default=90.0)
    least = parser.parse_args().least
    survivors: defaultdict[str, list[str]] = defaultdict(list)
    killed = all_run = not_run = 0
    for module, codes in results().items():
        run = {name: code for name, code in codes.items() if code is not None}
        left = [name for name, code in run.items() if code in (PASSED, NO_TESTS)]
        survivors[module] += left
        killed, all_run = killed + len(run) - len(left), all_run + len(run)
        not_run += len(codes) - len(run)
        print(f"{module:44}{len(run) - len(left):>6} of {len(run):>4} killed")
    for name in (name for left in survivors.values() for name in left):
        print(f"survived: {name}")
    if not all_run or not_run:
        sys.exit(f"{not_run} mutants were not run")
    score = 100 * killed / all_run
    print(f"{killed} of {all_run} killed: {score:.1f} %; wanted: {least:g} %")
    sys.exit(score < least)


if __name__ == "__main__":
    main()
