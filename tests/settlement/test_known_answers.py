import json
from pathlib import Path
from random import Random

import pytest

from federation.settlement.check import check_run_file
from tests.settlement.reference_scenario import walk

VECTORS = Path(__file__).parents[1] / "vectors"
NAMES = sorted(path.name for path in VECTORS.iterdir() if path.is_dir())


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_comes_to_the_answer_of_an_independent_implementation(name):
    expected = json.loads((VECTORS / name / "expected.json").read_text(encoding="utf-8"))

    reports = walk(VECTORS / name)

    assert {p: {k: r[k] for k in expected["periods"][p]} for p, r in reports.items()} == expected[
        "periods"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_run_file_passes_the_auditors_checks(name):
    for report in walk(VECTORS / name).values():
        checks = check_run_file(report["data"])

        assert {check: violations for check, (_, violations) in checks.items() if violations} == {}


@pytest.mark.parametrize("name", NAMES)
def test_shuffled_rows_come_to_the_same_bytes(name, tmp_path):
    """Where no line is a CONFLICT, of which the first accepted stands."""
    plain = walk(VECTORS / name)
    if any("CONFLICT" in report["usage"] for report in plain.values()):
        pytest.skip("a CONFLICT depends on the order of arrival")

    shuffled = walk(a_shuffled_copy(VECTORS / name, tmp_path))

    assert shuffled == plain


def a_shuffled_copy(folder, copy):
    for path in folder.iterdir():
        lines = path.read_text(encoding="utf-8").splitlines()
        if path.suffix == ".csv":
            rows = lines[1:]
            Random(1).shuffle(rows)
            lines[1:] = rows
        (copy / path.name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return copy
