"""An import that dies at any of its commits, and is sent again, ends as one that never died."""

import pytest

from federation.registryimports import intake
from tests.databases import contents, opened
from tests.registryimports.dying import Death, DiedError
from tests.registryimports.node import Node, lines

WORKS = [
    {
        "work_id": f"W-{n % 11}",
        "title": f"title {n}",
        "identifiers": [f"DOI:10.1234/{n % 7}"],
        "addresses": [f"pub.example/{n}"],
    }
    for n in range(20)
]
COMMITS = ["registry.import.begin", *["registry.import"] * 7, "registry.import.finish"]


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(intake, "BLOCK_BYTES", 256)
    monkeypatch.setattr(intake, "BATCH_ROWS_MAX", 3)


async def left_by(backend, deaths, **asked):
    """Return all rows once the file was sent after each death again, and the last moments."""
    async with backend.url(migrated=True) as url:
        for at in [*deaths, None]:
            death = Death(at)
            async with opened(url, boundary=death) as db:
                try:
                    await Node(db).take(lines(*WORKS), format="ndjson", **asked)
                except DiedError:
                    continue
                return await contents(db), death.seen
        raise AssertionError


async def test_an_import_that_dies_at_any_commit_goes_on_to_the_same_end(backend):
    whole, moments = await left_by(backend, [])
    names = [name for name, moment in moments if moment == "before"]
    assert names == COMMITS

    for at in range(len(moments)):
        found, _ = await left_by(backend, [at])
        assert found == whole, moments[at]
    found, _ = await left_by(backend, [3, 4, 5, 6])
    assert found == whole
