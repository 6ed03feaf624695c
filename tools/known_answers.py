"""Run the known scenarios through real servers and compare with the independent answers.

`python tools/known_answers.py [NAME …]`: the vectors under `tests/vectors`; `--real`: the
training scenario beside the checkout and says whether it kept its limits of 35 s and 448 MiB;
with `--within-limits` too that is judged: a busy machine says nothing about the code.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "tests" / "vectors"
REAL = ROOT.parent / "shared" / "data" / "real" / "training"
SECONDS_MAX, MEBIBYTES_MAX = 35.0, 448
COMMAND = [str(Path(sys.executable).parent / "federation"), "scenario", "run"]


def differences(expected: Any, found: Any, place: str = "") -> list[str]:
    """Return where a report differs from what is expected of it; what is not expected is free."""
    if isinstance(expected, dict):
        wrong = []
        for key, value in expected.items():
            path = f"{place}/{key}"
            if key == "outstanding_split":
                wrong += differences(value, _split(found["outstanding"]), path)
            elif set(value) == {"count", "sum"} if isinstance(value, dict) else False:
                amounts = found.get(key, {}).values()
                wrong += differences(value, {"count": len(amounts), "sum": sum(amounts)}, path)
            elif key not in found:
                wrong.append(f"{path}: missing")
            else:
                wrong += differences(value, found[key], path)
        extra = set(found) - set(expected) if place.endswith(("shares", "members", "usage")) else ()
        return wrong + [f"{place}/{key}: not expected" for key in sorted(extra)]
    return [] if expected == found else [f"{place}: {found!r} instead of {expected!r}"]


def _split(outstanding: dict[str, int]) -> dict[str, int]:
    return {k: v for k, v in outstanding.items() if k in {"DISPUTED", "NO_RECIPIENT"}}


def run(folder: Path, *arguments: str) -> tuple[dict[str, bytes], float, float]:
    """Run a scenario; return its files, seconds, and the peak of memory in MiB."""
    with tempfile.TemporaryDirectory() as out:
        started = time.monotonic()
        process = subprocess.Popen([*COMMAND, str(folder), "--out", out, "--quiet", *arguments])
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{folder.name}: ended with {os.waitstatus_to_exitcode(status)}")
        files = {
            str(path.relative_to(out)): path.read_bytes()
            for path in sorted(Path(out).rglob("*"))
            if path.is_file()
        }
        return files, time.monotonic() - started, usage.ru_maxrss / 1024


def judge(folder: Path, answer: str, *arguments: str) -> bool:
    """Run one scenario, compare, and say so."""
    files, seconds, memory = run(folder, *arguments)
    expected = json.loads((folder / answer).read_text(encoding="utf-8"))
    periods = json.loads(files["report.json"])["periods"]
    wrong = differences(expected.get("periods", expected), periods)
    for text in wrong[:20]:
        print(f"  {text}")
    print(f"{folder.name}: {len(wrong)} differences, {seconds:.1f} s, {memory:.0f} MiB")
    return not wrong


def judge_real() -> bool:
    """Run the training scenario within its limits and compare the part of it that is known."""
    files, seconds, memory = run(REAL)
    periods = json.loads(files["report.json"])["periods"]
    expected = json.loads((REAL / "expected-part.json").read_text(encoding="utf-8"))
    wrong = differences(expected, periods)
    for text in wrong[:20]:
        print(f"  {text}")
    print(f"training: {len(wrong)} differences, {seconds:.1f} s, {memory:.0f} MiB")
    is_slow = seconds > SECONDS_MAX or memory > MEBIBYTES_MAX
    if is_slow:
        print(f"  beyond its limits of {SECONDS_MAX:.0f} s and {MEBIBYTES_MAX} MiB")
    return not wrong and not (is_slow and "--within-limits" in sys.argv)


def main() -> None:
    """Judge what is asked for; exit 1 when anything differs or a limit is passed."""
    if "--real" in sys.argv:
        sys.exit(0 if judge_real() else 1)
    names = sys.argv[1:]
    folders = sorted(path for path in VECTORS.iterdir() if path.is_dir())
    good = [judge(item, "expected.json") for item in folders if not names or item.name in names]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
