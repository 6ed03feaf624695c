"""docs/operate.md names every exit code and what ends with it."""

import re
from pathlib import Path

from federation.cli.exits import BY_CODE, EXIT_REFUSED

TEXT = (Path(__file__).parents[2] / "docs" / "operate.md").read_text(encoding="utf-8")


def test_each_exit_code_stands_beside_what_ends_with_it():
    rows = {int(row[1]): row[2] for row in re.finditer(r"^\| (\d+) \|(.*)$", TEXT, re.MULTILINE)}

    assert set(rows) == {0, EXIT_REFUSED, *BY_CODE.values()}
    assert [code for code, exit_code in BY_CODE.items() if f"`{code}`" not in rows[exit_code]] == []
