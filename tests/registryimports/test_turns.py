"""While a file is read others have their turn, and that changes no batch of it."""

import pytest

from federation.registryfiles.formats import reader_of
from federation.registryfiles.rows import FileKind
from federation.registryimports.intake import NOTHING, TURN_ROWS, Intake

ROWS = 95
FILE = b"".join(b'{"work_id": "W-%d", "title": "Salt"}\n' % number for number in range(ROWS))


@pytest.mark.parametrize("taken", [0, 40])
def test_others_have_their_turn_after_so_many_rows(taken):
    """Also while rows are passed over that were taken before."""
    before = NOTHING._replace(rows=taken)
    intake = Intake(reader_of(FileKind.WORKS, "ndjson"), before, lambda row: row.thing)

    assert list(intake.feed(FILE)) == []  # less than a block
    seen = [intake.rows for _ in intake.end()]

    assert seen == [*range(TURN_ROWS, ROWS, TURN_ROWS), ROWS, ROWS]  # and once for a block, an end
    assert intake.waiting == [f"W-{number}" for number in range(taken, ROWS)]
