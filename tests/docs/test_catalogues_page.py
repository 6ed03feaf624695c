"""The examples of docs/registry.md are taken as they stand there."""

import re
from pathlib import Path

from tests.registryimports.node import Node

TEXT = Path("docs/registry.md").read_text().partition("## Catalogues")[2]


async def test_the_catalogues_of_the_page_are_taken_as_they_are(database):
    node = Node(database)
    works, rightholders = re.findall(r"```csv\n(.*?)```", TEXT, re.DOTALL)
    [ndjson] = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)

    await node.take(rightholders.encode(), id="people", kind="rightholders")
    await node.take(works.encode(), id="csv")
    await node.take(ndjson.encode(), id="ndjson", format="ndjson")

    assert [row[1:3] for row in await node.verdicts("people")] == [("R-1", "ACCEPTED")]
    assert [row[1:3] for row in await node.verdicts("csv")] == [
        ("W-1", "ACCEPTED"),
        ("W-2", "ACCEPTED"),
    ]
    assert [row[1:3] for row in await node.verdicts("ndjson")] == [("W-3", "ACCEPTED")]


async def test_the_page_names_every_column(database):
    node = Node(database)
    named = set(re.findall(r"`(\w+)`", TEXT))

    header = (await node.written("works.csv")).decode().strip().split(",")
    assert set(header) - named == set()
