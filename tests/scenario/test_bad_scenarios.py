"""A scenario that cannot be read ends with exit code 2, says where and why, and writes nothing."""

import logging
import shutil
import sys
from pathlib import Path

import pytest
import structlog

from federation.cli.main import main

VECTOR = Path(__file__).parents[1] / "vectors" / "9001"

CASES = {
    "a date that is none": (
        "members.csv",
        "2025-01-01",
        "2025-13-01",
        "members.csv, line 2, column joined_on: no ISO date: '2025-13-01'",
    ),
    "an unknown collective": (
        "works.csv",
        "\nZA,",
        "\nXX,",
        "works.csv, line 2, column collective: unknown: 'XX'",
    ),
    "a time without offset": (
        "usage.csv",
        "2026-09-01T00:00:00Z",
        "2026-09-01T00:00:00",
        "usage.csv, line 2, column occurred_at: no RFC 3339 time with an offset",
    ),
    "units that are no integer": (
        "usage.csv",
        ",GROUND,2,",
        ",GROUND,two,",
        "usage.csv, line 2, column units: no integer: 'two'",
    ),
    "an unknown content tier": (
        "works.csv",
        ",premium,",
        ",golden,",
        "works.csv, line 2, column content_tier: unknown: 'golden'",
    ),
    "an unknown column": (
        "optouts.csv",
        "collective,subject",
        "collective,topic",
        "optouts.csv, line 1, column topic: unknown column",
    ),
    "a row with too many columns": (
        "rates.csv",
        "2026-08-28,GBP,0.8338",
        "2026-08-28,GBP,0.8338,x",
        "rates.csv, line 2, column -: 4 columns instead of 3",
    ),
    "two rates for one day": (
        "rates.csv",
        "2026-08-28,JPY",
        "2026-08-28,GBP",
        "rates.csv, line 5, column currency: two rates for GBP on 2026-08-28",
    ),
    "an unknown key": (
        "scenario.toml",
        "[hub]\n",
        "[hub]\nfee = 3\n",
        "scenario.toml: Object contains unknown field `fee`",
    ),
    "an unknown licensee": (
        "scenario.toml",
        'licensee = "lab-0"',
        'licensee = "lab-9"',
        "scenario.toml: licence L0: unknown licensee 'lab-9'",
    ),
    "a receipt for no licence": (
        "receipts.csv",
        "L0,2026-08-20",
        "L9,2026-08-20",
        "receipts.csv, line 2, column licence: unknown: 'L9'",
    ),
}
# Found by the hub when the month is settled: a month is lived for each.
LATE = {"a row with too many columns", "two rates for one day"}


@pytest.fixture
def command(monkeypatch, capfd):
    """Run the command as its entry point does; return (exit code, what standard error shows)."""
    root, logging_before = logging.getLogger(), structlog.get_config()
    level, handlers = root.level, root.handlers[:]

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["federation", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capfd.readouterr().err

    yield run
    root.setLevel(level)
    root.handlers[:] = handlers
    structlog.configure(**logging_before)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LATE else name for name in CASES]
)
def test_a_broken_scenario_is_refused_with_its_place(name, command, tmp_path):
    file, old, new, place = CASES[name]
    folder, out = tmp_path / "scenario", tmp_path / "out"
    shutil.copytree(VECTOR, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    code, errors = command("scenario", "run", folder, "--out", out)

    assert code == 2
    assert place in errors
    assert "Traceback" not in errors
    assert list(out.iterdir()) == []
