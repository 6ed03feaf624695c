import json
from pathlib import Path

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
