"""How counts are written."""

import pytest

from federation.wording import counted


@pytest.mark.parametrize(
    ("number", "name", "written"),
    [
        (0, "day", "0 days"),
        (1, "line", "1 line"),
        (2, "line", "2 lines"),
        (3, "entry", "3 entries"),
    ],
)
def test_one_is_one_and_more_are_many(number, name, written):
    assert counted(number, name) == written
